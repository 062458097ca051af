/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's output queue. Small pieces are collected and leave in one write before the loop
 * polls; big ones try the kernel first and only the rest is copied. Two buffers: one in libuv's
 * hands, one filling.
 */
#include "frontend/http/http_conn_internal.h"

#include <sys/ioctl.h>
#include <linux/sockios.h>

enum { OUT_DIRECT_MIN = 4096, OUT_KEEP_MAX = 64 * 1024 };

static void out_shrink(struct buf *b)
{
    if (b->cap > OUT_KEEP_MAX)
        buf_free(b);
    else
        buf_clear(b);
}

size_t http_out_queued(const struct http_conn *c)
{
    return c->out.len + c->writing.len;
}

static void out_fail(struct http_conn *c)
{
    c->broken = true;
    out_shrink(&c->out);
    http_server_flush_later(c->server, c); /* gone() is told from there */
}

static void out_settled(struct http_conn *c)
{
    size_t queued = http_out_queued(c);
    if (c->over_high && queued <= HTTP_OUT_LOW_WATER) {
        c->over_high = false;
        c->drain_due = true; /* told from the loop; pipelined input may have waited, too */
        http_server_flush_later(c->server, c);
    }
    if (http_out_queued(c) == 0)
        http_conn_out_idle(c);
}

static void out_written(uv_write_t *req, int status)
{
    struct http_conn *c = req->data;
    c->write_busy = false;
    out_shrink(&c->writing);
    if (c->state == CONN_CLOSED)
        return;
    if (status < 0) {
        http_conn_out_broken(c);
        return;
    }
    http_out_flush(c);
}

/* What the kernel did not take is handed to libuv. */
static void out_submit(struct http_conn *c)
{
    struct buf empty = c->writing;
    c->writing = c->out;
    c->out = empty;
    uv_buf_t piece = uv_buf_init(c->writing.data, (unsigned)c->writing.len);
    c->write_req.data = c;
    if (uv_write(&c->write_req, &c->sock.stream, &piece, 1, out_written)) {
        out_shrink(&c->writing);
        out_fail(c);
        return;
    }
    c->write_busy = true;
}

void http_out_flush(struct http_conn *c)
{
    if (c->write_busy || c->broken || c->state == CONN_CLOSED)
        return;
    if (c->out.len) {
        uv_buf_t piece = uv_buf_init(c->out.data, (unsigned)c->out.len);
        int n = uv_try_write(&c->sock.stream, &piece, 1);
        if (n < 0 && n != UV_EAGAIN) {
            out_fail(c);
            return;
        }
        if (n > 0)
            buf_consume(&c->out, (size_t)n);
        if (c->out.len)
            out_submit(c);
        else if (c->out.cap > OUT_KEEP_MAX)
            buf_free(&c->out);
    }
    out_settled(c);
}

static void out_append(struct http_conn *c, const uv_buf_t *bufs, unsigned count, size_t skip)
{
    for (unsigned i = 0; i < count; i++) {
        size_t len = bufs[i].len;
        size_t drop = skip < len ? skip : len;
        skip -= drop;
        if (len > drop)
            buf_append(&c->out, bufs[i].base + drop, len - drop);
    }
}

bool http_conn_write(struct http_conn *c, const uv_buf_t *bufs, unsigned count, bool now)
{
    size_t total = 0, sent = 0;
    for (unsigned i = 0; i < count; i++)
        total += bufs[i].len;
    if (c->state == CONN_CLOSED || c->broken)
        return true;
    if (http_out_queued(c) == 0 && (now || total >= OUT_DIRECT_MIN)) {
        int n = uv_try_write(&c->sock.stream, bufs, count);
        if (n < 0 && n != UV_EAGAIN) {
            out_fail(c);
            return true;
        }
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent < total) {
        out_append(c, bufs, count, sent);
        if (!c->write_busy && (now || sent || c->out.len >= HTTP_OUT_LOW_WATER))
            http_out_flush(c);
        if (c->out.len)
            http_server_flush_later(c->server, c);
    }
    if (http_out_queued(c) < HTTP_OUT_HIGH_WATER)
        return true;
    c->over_high = true;
    return false;
}

size_t http_conn_unread_by_peer(struct http_conn *c)
{
    uv_os_fd_t fd;
    int unread = 0;
    if (uv_fileno(&c->sock.handle, &fd) || ioctl(fd, SIOCOUTQ, &unread) < 0 || unread < 0)
        return 0;
    return (size_t)unread + http_out_queued(c);
}
