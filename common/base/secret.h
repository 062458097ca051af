/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords, keys and tokens are overwritten before their memory goes back.
 */
#ifndef SOCKERLESS_BASE_SECRET_H
#define SOCKERLESS_BASE_SECRET_H

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* NULL is allowed. */
static inline void secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}
static inline void auto_release_secret(char **slot)
{
    secret_free(*slot);
}

/* A buf that was filled without ever growing past its first reservation leaves nothing behind;
 * reserve first. */
static inline void secret_buf_free(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->len);
    buf_free(b);
}
static inline void auto_release_secret_buf(struct buf *b)
{
    secret_buf_free(b);
}

#endif
