/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates that a reverse agent trusts when its backend is at wss://.
 */
#ifndef SOCKERLESS_AGENT_REVERSE_TLS_H
#define SOCKERLESS_AGENT_REVERSE_TLS_H

#include "base/error.h"

struct nng_tls_config;

/* The server's certificate must be of the URL's host and signed by one of `ca_pem`; "": by one of
 * the image's own certificates. *out is valid until the agent ends. */
int reverse_tls_open(const char *url, const char *ca_pem, struct nng_tls_config **out,
                     struct error *err) MUST_CHECK;

#endif
