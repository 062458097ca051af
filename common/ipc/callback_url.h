/* SPDX-License-Identifier: Apache-2.0
 *
 * What reverse agents are told of the way to the backend: the URL that they dial and the
 * certificates that they trust there. Both are looked at when the backend starts, because an agent
 * that cannot use them cannot report it.
 */
#ifndef SOCKERLESS_IPC_CALLBACK_URL_H
#define SOCKERLESS_IPC_CALLBACK_URL_H

#include "base/error.h"

enum {
    CALLBACK_URL_MAX = 500,
    CALLBACK_CA_MAX = 4096, /* it travels in the workload's environment */
};

/* `url` as agents are told it (heap), NULL when they could not use it or would not be let in where
 * `listen` says. */
char *callback_url_make(const char *url, const char *listen, struct error *err) MUST_CHECK;

/* `pem` is certificates, and nothing but certificates: every workload gets it. `path`: its file. */
int callback_ca_check(const char *pem, const char *path, struct error *err) MUST_CHECK;

#endif
