/* SPDX-License-Identifier: Apache-2.0
 * A growable byte buffer; see buf.h. */
#include "base/buf.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void buf_free(struct buf *b)
{
    if (b->data)
        free(b->data - b->off);
    *b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
    if (!b->data)
        return;
    b->data -= b->off;
    b->off = b->len = 0;
    b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t more)
{
    if (b->off + b->len + more + 1 <= b->cap)
        return b->data + b->len;
    if (b->off) { /* reclaim what was consumed before growing */
        char *base = b->data - b->off;
        memmove(base, b->data, b->len + 1);
        b->data = base;
        b->off = 0;
    }
    if (b->len + more + 1 > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        if (cap < b->len + more + 1)
            cap = b->len + more + 1;
        b->data = xrealloc(b->data, cap);
        b->cap = cap;
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void buf_commit(struct buf *b, size_t written)
{
    assert(b->off + b->len + written < b->cap);
    b->len += written;
    b->data[b->len] = '\0';
}

void buf_append(struct buf *b, const void *bytes, size_t len)
{
    char *to = buf_reserve(b, len);
    if (len)
        memcpy(to, bytes, len);
    buf_commit(b, len);
}

void buf_puts(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t room = 128;
    char *to = buf_reserve(b, room);
    int n = vsnprintf(to, room + 1, fmt, args);
    if (n > (int)room) {
        to = buf_reserve(b, (size_t)n);
        vsnprintf(to, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    va_end(args);
    buf_commit(b, n > 0 ? (size_t)n : 0);
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == b->len) {
        buf_clear(b);
        return;
    }
    b->data += len;
    b->off += len;
    b->len -= len;
}

char *buf_steal(struct buf *b)
{
    if (!b->data)
        return xstrdup("");
    if (b->off) {
        char *base = b->data - b->off;
        memmove(base, b->data, b->len + 1);
        b->data = base;
    }
    char *out = b->data;
    *b = BUF_INIT;
    return out;
}
