/* SPDX-License-Identifier: Apache-2.0
 *
 * A cloud's OAuth access token, and how callers that need one ask for it without knowing where it
 * comes from.
 */
#ifndef SOCKERLESS_BASE_ACCESS_TOKEN_H
#define SOCKERLESS_BASE_ACCESS_TOKEN_H

#include "base/error.h"
#include "base/secret.h"

#include <stdint.h>

struct access_token {
    char *value;        /* owned; NULL: none */
    int64_t expires_ns; /* wall clock; 0: never */
};

static inline void access_token_free(struct access_token *t)
{
    secret_free(t->value);
    *t = (struct access_token){0};
}
static inline void auto_release_access_token(struct access_token *t)
{
    access_token_free(t);
}

/* May suspend. *out is the caller's to free; a value of NULL with 0 returned: no identity is
 * configured at all, so what can be done anonymously may go on that way. */
typedef int (*co_access_token_fn)(void *arg, struct access_token *out, struct error *err);

#endif
