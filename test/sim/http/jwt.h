/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Tokens with RS256: made and verified.
 */
#ifndef SOCKERLESS_SIM_HTTP_JWT_H
#define SOCKERLESS_SIM_HTTP_JWT_H

#include <jansson.h>
#include <openssl/evp.h>

enum { JWT_MAX = 8192 };

/* claims: borrowed. Heap. */
char *jwt_sign(EVP_PKEY *key, const json_t *claims);
/* The claims of a token that the key has signed; new reference. NULL: it has not, or the text is
 * longer than JWT_MAX or is not such a token. When it expires is the caller's business. */
json_t *jwt_verify(EVP_PKEY *key, const char *jwt);
/* The header of a token, unverified; new reference, NULL when the text has none. */
json_t *jwt_header(const char *jwt);

#endif
