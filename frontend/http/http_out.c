/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's output queue; see http_out.h. Small pieces are collected and leave in one write
 * before the loop polls; big ones try the kernel first and only the rest is copied. Two buffers:
 * one in libuv's hands, one filling. The last stop of an answer.
 */
#include "frontend/http/http_out.h"

enum { OUT_DIRECT_MIN = 4096, OUT_KEEP_MAX = 64 * 1024 };

void http_out_init(struct http_out *o, uv_stream_t *stream, void (*wake)(void *arg), void *arg)
{
    *o = (struct http_out){.stream = stream, .wake = wake, .arg = arg};
    o->request.data = o;
}

void http_out_fini(struct http_out *o)
{
    buf_free(&o->queued);
    buf_free(&o->writing);
}

static void out_shrink(struct buf *b)
{
    if (b->cap > OUT_KEEP_MAX)
        buf_free(b);
    else
        buf_clear(b);
}

size_t http_out_queued(const struct http_out *o)
{
    return o->queued.len + o->writing.len;
}

static void out_fail(struct http_out *o)
{
    o->broken = true;
    out_shrink(&o->queued);
    o->wake(o->arg);
}

static void out_settled(struct http_out *o)
{
    if (!o->is_high || http_out_queued(o) > HTTP_OUT_LOW_WATER)
        return;
    o->is_high = false;
    o->drained = true;
    o->wake(o->arg);
}

static void out_written(uv_write_t *request, int status)
{
    struct http_out *o = request->data;
    o->busy = false;
    out_shrink(&o->writing);
    if (status < 0) {
        out_fail(o);
        return;
    }
    http_out_flush(o);
    o->wake(o->arg);
}

/* What the kernel did not take is handed to libuv. */
static void out_submit(struct http_out *o)
{
    struct buf empty = o->writing;
    o->writing = o->queued;
    o->queued = empty;
    uv_buf_t piece = uv_buf_init(o->writing.data, (unsigned)o->writing.len);
    if (uv_write(&o->request, o->stream, &piece, 1, out_written)) {
        out_shrink(&o->writing);
        out_fail(o);
        return;
    }
    o->busy = true;
}

void http_out_flush(struct http_out *o)
{
    if (o->busy || o->broken || uv_is_closing((uv_handle_t *)o->stream))
        return;
    if (o->queued.len) {
        uv_buf_t piece = uv_buf_init(o->queued.data, (unsigned)o->queued.len);
        int n = uv_try_write(o->stream, &piece, 1);
        if (n < 0 && n != UV_EAGAIN) {
            out_fail(o);
            return;
        }
        if (n > 0)
            buf_consume(&o->queued, (size_t)n);
        if (o->queued.len)
            out_submit(o);
        else if (o->queued.cap > OUT_KEEP_MAX)
            buf_free(&o->queued);
    }
    out_settled(o);
}

static void out_append(struct http_out *o, const uv_buf_t *bufs, unsigned count, size_t skip)
{
    for (unsigned i = 0; i < count; i++) {
        size_t len = bufs[i].len;
        size_t drop = skip < len ? skip : len;
        skip -= drop;
        if (len > drop)
            buf_append(&o->queued, bufs[i].base + drop, len - drop);
    }
}

bool http_out_write(struct http_out *o, const uv_buf_t *bufs, unsigned count, bool now)
{
    size_t total = 0, sent = 0;
    for (unsigned i = 0; i < count; i++)
        total += bufs[i].len;
    if (o->broken)
        return true;
    if (http_out_queued(o) == 0 && (now || total >= OUT_DIRECT_MIN)) {
        int n = uv_try_write(o->stream, bufs, count);
        if (n < 0 && n != UV_EAGAIN) {
            out_fail(o);
            return true;
        }
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent < total) {
        out_append(o, bufs, count, sent);
        if (!o->busy && (now || sent || o->queued.len >= HTTP_OUT_LOW_WATER))
            http_out_flush(o);
        if (o->queued.len)
            o->wake(o->arg);
    }
    if (http_out_queued(o) < HTTP_OUT_HIGH_WATER)
        return true;
    o->is_high = true;
    return false;
}

size_t http_out_unread_by_peer(const struct http_out *o)
{
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)o->stream, &fd))
        return 0;
    return peer_queue_bytes(fd) + http_out_queued(o);
}

enum peer_queue http_out_peer_queue(const struct http_out *o)
{
    uv_os_fd_t fd;
    if (o->broken || uv_fileno((const uv_handle_t *)o->stream, &fd))
        return PEER_QUEUE_READ;
    return http_out_queued(o) ? PEER_QUEUE_UNREAD : peer_queue_look(fd);
}
