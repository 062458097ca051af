/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Tokens signed with RS256 (RFC 7515, RFC 7518 section 3.3).
 */
#ifndef SOCKERLESS_GCP_JWT_H
#define SOCKERLESS_GCP_JWT_H

#include "base/error.h"

/* header and claims are JSON text; key: a PEM private key. The token, on the heap; NULL:
 * ERROR_FORBIDDEN, the key is none. */
char *gcp_jwt_sign(const char *header, const char *claims, const char *key_pem, struct error *err);

#endif
