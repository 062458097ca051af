/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Tokens signed with RS256 (RFC 7515, RFC 7518 section 3.3).
 */
#ifndef SOCKERLESS_CLOUD_JWT_H
#define SOCKERLESS_CLOUD_JWT_H

#include "base/error.h"

#include <stddef.h>

/* header and claims are JSON text; key_pem: a private key in PEM format, for messages called
 * key_name. The token, on the heap; NULL: ERROR_FORBIDDEN, the key is none. */
char *jwt_sign(const char *header, const char *claims, const char *key_pem, const char *key_name,
               struct error *err);

/* RFC 4648 section 5, without padding; heap. */
char *jwt_base64url(const void *bytes, size_t len);

#endif
