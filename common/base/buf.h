/* SPDX-License-Identifier: Apache-2.0
 *
 * A growable byte buffer with a read position: append at the end, consume from the front.
 * data[0..len) is always followed by a NUL that is not counted, so text can be used as a C string.
 */
#ifndef SOCKERLESS_BASE_BUF_H
#define SOCKERLESS_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data; /* borrowed view of the unread bytes; NULL while empty and never used */
    size_t len; /* unread bytes */
    size_t cap; /* bytes allocated in all */
    size_t off; /* consumed bytes before data */
};

#define BUF_INIT ((struct buf){0})

void buf_free(struct buf *b);  /* releases the memory; the buf is reusable */
void buf_clear(struct buf *b); /* drops the content, keeps the memory */
/* Room for at least `more` bytes after the content; returns the address to write to. Call
 * buf_commit() with what was written. */
char *buf_reserve(struct buf *b, size_t more);
void buf_commit(struct buf *b, size_t written);
void buf_append(struct buf *b, const void *bytes, size_t len);
void buf_puts(struct buf *b, const char *text);
static inline void buf_putc(struct buf *b, char c)
{
    if (b->off + b->len + 2 > b->cap)
        buf_reserve(b, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t len); /* drop len bytes (<= b->len) from the front */
/* Hand the content over as a NUL-terminated heap string, "" when empty; the buf is empty after. */
char *buf_steal(struct buf *b);

static inline void auto_release_buf(struct buf *b)
{
    buf_free(b);
}

#endif
