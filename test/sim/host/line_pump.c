/* SPDX-License-Identifier: Apache-2.0
 * Lines to events; see line_pump.h. */
#include "test/sim/host/line_pump.h"

#include <string.h>

void line_pump_init(struct line_pump *p,
                    void (*emit)(void *ctx, const struct log_event *events, size_t count),
                    void *ctx)
{
    p->emit = emit;
    p->ctx = ctx;
    p->partial = BUF_INIT;
    p->batched = 0;
}

static void flush(struct line_pump *p)
{
    if (p->batched)
        p->emit(p->ctx, p->batch, p->batched);
    p->batched = 0;
}

static void add(struct line_pump *p, const char *text, size_t len, int64_t now_ms)
{
    if (len == 0)
        return;
    p->batch[p->batched++] = (struct log_event){now_ms, text, len};
    if (p->batched == LINE_PUMP_BATCH)
        flush(p);
}

/* Where to cut text longer than an event: before a UTF-8 sequence that would not fit whole. */
static size_t cut(const char *text)
{
    size_t at = LINE_PUMP_EVENT_MAX;
    for (int back = 0; back < 4; back++)
        if (((unsigned char)text[at - (size_t)back] & 0xC0) != 0x80)
            return at - (size_t)back;
    return at;
}

/* A whole line, or one that is already too long, of which the uncut rest is returned. */
static size_t add_split(struct line_pump *p, const char *text, size_t len, int64_t now_ms)
{
    while (len > LINE_PUMP_EVENT_MAX) {
        size_t n = cut(text);
        add(p, text, n, now_ms);
        text += n;
        len -= n;
    }
    return len;
}

static void end_partial(struct line_pump *p, int64_t now_ms)
{
    size_t rest = add_split(p, p->partial.data, p->partial.len, now_ms);
    add(p, p->partial.data + (p->partial.len - rest), rest, now_ms);
    flush(p); /* the batch points into partial */
    buf_clear(&p->partial);
}

void line_pump_feed(struct line_pump *p, const char *bytes, size_t len, int64_t now_ms)
{
    while (len) {
        const char *newline = memchr(bytes, '\n', len);
        size_t n = newline ? (size_t)(newline - bytes) : len;
        if (newline && p->partial.len == 0) {
            size_t rest = add_split(p, bytes, n, now_ms);
            add(p, bytes + (n - rest), rest, now_ms);
        } else {
            flush(p);
            buf_append(&p->partial, bytes, n);
            if (newline) {
                end_partial(p, now_ms);
            } else if (p->partial.len > LINE_PUMP_EVENT_MAX) {
                size_t rest = add_split(p, p->partial.data, p->partial.len, now_ms);
                flush(p);
                buf_consume(&p->partial, p->partial.len - rest);
            }
        }
        bytes += n + (newline != NULL);
        len -= n + (newline != NULL);
    }
    flush(p);
}

void line_pump_finish(struct line_pump *p, int64_t now_ms)
{
    if (p->partial.len)
        end_partial(p, now_ms);
    buf_free(&p->partial);
}
