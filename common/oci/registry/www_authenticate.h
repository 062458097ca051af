/* SPDX-License-Identifier: Apache-2.0
 *
 * The WWW-Authenticate header of a registry (RFC 9110 section 11.6.1):
 * `Bearer realm="https://auth.example/token",service="x",scope="repository:a:pull", Basic realm=…`.
 */
#ifndef SOCKERLESS_OCI_WWW_AUTHENTICATE_H
#define SOCKERLESS_OCI_WWW_AUTHENTICATE_H

#include <stddef.h>

enum auth_scheme { AUTH_OTHER, AUTH_BASIC, AUTH_BEARER };

struct www_challenge {
    enum auth_scheme scheme;
    char realm[1024]; /* parameters that are absent or do not fit are "" */
    char service[256];
    char scope[512];
    char error[64]; /* RFC 6750: invalid_token, insufficient_scope */
};

/* Takes the challenges of one header value, at most `max` of them. Returns how many; -1 when the
 * value is not a list of challenges. */
int www_authenticate_parse(const char *value, struct www_challenge *out, size_t max);

#endif
