/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading from connections; see http_input.h. A request's way goes on from here: http_parse.c finds
 * its end and its handler, the handler answers through reply.c. Below http_server.c, which accepts.
 */
#include "frontend/http/http_input.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "frontend/http/http_conn_internal.h"
#include "frontend/http/reply.h"

#include <poll.h>

enum {
    IN_PIPELINE_MAX = 64 * 1024, /* input that waits while a request is answered */
    IN_KEEP_MAX = 4096,
};

static void input_read_cb(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

/* ---- reading or not ---- */

static void input_alloc_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_conn *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->shared->read_buffer, sizeof(c->shared->read_buffer));
}

static void input_update_reading(struct http_conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    bool want = !c->peer_eof;
    if (c->state == CONN_RAW || c->state == CONN_ANSWERING)
        want = want && !c->held && c->in.len < IN_PIPELINE_MAX;
    else if (c->state == CONN_IDLE)
        want = want && !c->out.is_high && c->in.len < IN_PIPELINE_MAX;
    if (want == c->reading)
        return;
    c->reading = want;
    if (want)
        uv_read_start(&c->sock.stream, input_alloc_cb, input_read_cb);
    else
        uv_read_stop(&c->sock.stream);
}

void http_input_start(struct http_conn *c)
{
    if (c->is_tcp) {
        uv_tcp_nodelay(&c->sock.tcp, 1);
        uv_tcp_keepalive(&c->sock.tcp, 1, 60);
    }
    c->deadline_ms = time_mono_ms() + c->shared->idle_timeout_ms;
    input_update_reading(c);
}

/* ---- requests ---- */

/* Parse one request at most. Returns how many bytes were used. */
static size_t input_parse(struct http_conn *c, const char *bytes, size_t len)
{
    if (c->state == CONN_IDLE) {
        http_conn_begin_exchange(c);
        http_parse_begin(c);
    }
    return http_parse(c, bytes, len);
}

static void input_refuse(struct http_conn *c)
{
    unsigned status = c->refuse_status;
    c->refuse_status = 0;
    c->state = CONN_ANSWERING;
    c->x.keep_alive = false;
    reply_refusal(&c->x, status);
}

/* What was parsed is a whole request, a bad one or the beginning of one. */
static void input_dispatch(struct http_conn *c)
{
    c->deadline_ms = 0;
    if (c->refuse_status) {
        input_refuse(c);
    } else if (c->request_complete) {
        c->request_complete = false;
        c->state = CONN_ANSWERING;
        http_conn_set_body_deadline(c);
        c->x.handler->handle(&c->x);
    } else {
        c->deadline_ms = time_mono_ms() + c->shared->head_timeout_ms;
    }
}

/* Requests that waited in c->in, as long as they are answered at once, and bodies, as long as they
 * are taken. */
static void input_work_off(struct http_conn *c)
{
    if (c->processing)
        return;
    c->processing = true;
    while (c->in.len) {
        if (c->state == CONN_IDLE && !c->out.is_high) {
            buf_consume(&c->in, input_parse(c, c->in.data, c->in.len));
            input_dispatch(c);
        } else if (http_body_wanted(c)) {
            buf_consume(&c->in, http_body_feed(c, c->in.data, c->in.len));
            if (c->refuse_status)
                http_body_broken(c, c->refuse_status);
        } else {
            break;
        }
    }
    if (!c->in.len && c->in.cap > IN_KEEP_MAX)
        buf_free(&c->in);
    c->processing = false;
    if (c->state == CONN_IDLE && c->peer_eof && !c->in.len)
        http_conn_finish(c);
}

static void input_feed_request(struct http_conn *c, const char *bytes, size_t len)
{
    if (c->in.len) { /* earlier ones wait */
        buf_append(&c->in, bytes, len);
    } else {
        c->processing = true;
        size_t used = input_parse(c, bytes, len);
        if (used < len)
            buf_append(&c->in, bytes + used, len - used);
        input_dispatch(c);
        c->processing = false;
    }
    input_work_off(c);
}

/* A handler has the exchange: more of its body, or the next request. */
static void input_feed_answering(struct http_conn *c, const char *bytes, size_t len)
{
    size_t used = 0;
    if (!c->in.len && http_body_wanted(c))
        used = http_body_feed(c, bytes, len);
    if (c->refuse_status) {
        http_body_broken(c, c->refuse_status);
        return;
    }
    if (used < len)
        buf_append(&c->in, bytes + used, len - used);
}

static void input_feed_raw(struct http_conn *c, const char *bytes, size_t len)
{
    if (c->in.len)
        buf_append(&c->in, bytes, len);
    else if (c->events)
        c->events->data(c->owner, bytes, len);
}

/* A client that still sends a body whose answer is out has not read it yet: wait on. */
static void input_linger(struct http_conn *c)
{
    int64_t until = time_mono_ms() + LINGER_MS;
    if (c->drain_until_ms)
        c->deadline_ms = until < c->drain_until_ms ? until : c->drain_until_ms;
}

static void input_feed(struct http_conn *c, const char *bytes, size_t len)
{
    switch (c->state) {
    case CONN_IDLE:
    case CONN_READING: input_feed_request(c, bytes, len); break;
    case CONN_ANSWERING: input_feed_answering(c, bytes, len); break;
    case CONN_RAW: input_feed_raw(c, bytes, len); break;
    case CONN_LINGERING: input_linger(c); break;
    case CONN_FINISHING:
    case CONN_CLOSED: break;
    }
    input_update_reading(c);
}

/* ---- raw mode ---- */

/* Bytes that arrived before the owner could take them, then a half-close. */
static void input_deliver_raw(struct http_conn *c)
{
    if (c->in.len && !c->held && c->events) {
        struct buf in = c->in;
        c->in = BUF_INIT;
        c->events->data(c->owner, in.data, in.len);
        buf_free(&in);
    }
    if (c->state == CONN_RAW && c->peer_eof && !c->eof_told && !c->in.len && c->events) {
        c->eof_told = true;
        if (c->events->eof)
            c->events->eof(c->owner);
        else
            http_conn_abort(c);
    }
}

/* Nothing can be written any more. What a client typed before it closed, as with detach keys, is
 * delivered first, as long as the owner takes it. */
static void input_write_failed(struct http_conn *c)
{
    if (c->state == CONN_RAW)
        input_deliver_raw(c);
    if (c->state != CONN_RAW || c->peer_eof || c->held || !c->events || !c->events->eof)
        http_conn_abort(c);
}

/* ---- the end of the input ---- */

static void input_eof(struct http_conn *c)
{
    c->peer_eof = true;
    c->reading = false;
    uv_read_stop(&c->sock.stream);
    switch (c->state) {
    case CONN_IDLE: http_conn_finish(c); return;
    case CONN_READING:
        c->refuse_status = c->x.body_seen ? 400 : 0;
        if (c->refuse_status)
            input_dispatch(c);
        else
            http_conn_abort(c);
        return;
    case CONN_ANSWERING:
        if (c->x.body_pending)
            http_body_broken(c, 400);
        else if (c->events && !c->events->eof)
            http_conn_abort(c);
        else
            c->deadline_ms = time_mono_ms() + c->shared->half_closed_check_ms;
        return;
    case CONN_RAW:
        c->deadline_ms = time_mono_ms() + c->shared->half_closed_check_ms;
        input_deliver_raw(c);
        if (c->out.broken)
            http_conn_abort(c);
        return;
    case CONN_LINGERING: http_conn_abort(c); return;
    case CONN_FINISHING:
    case CONN_CLOSED: return;
    }
}

static void input_read_cb(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct http_conn *c = stream->data;
    if (nread > 0)
        input_feed(c, buf->base, (size_t)nread);
    else if (nread == UV_EOF)
        input_eof(c);
    else if (nread < 0)
        http_conn_abort(c);
}

/* ---- looks at a connection ---- */

static void input_look(struct http_conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->out.broken) {
        input_write_failed(c);
        input_update_reading(c);
        return;
    }
    http_conn_flush(c);
    if (c->out.drained) {
        c->out.drained = false;
        if (c->events && c->events->drained)
            c->events->drained(c->owner);
    }
    if (c->state == CONN_RAW)
        input_deliver_raw(c);
    else if (c->state == CONN_IDLE || http_body_wanted(c))
        input_work_off(c);
    input_update_reading(c);
}

void http_input_run_due(struct http_shared *shared)
{
    struct http_conn *c;
    while ((c = http_conn_take_due(shared)))
        input_look(c);
}

/* A peer that had half-closed says nothing when it vanishes: ask the kernel. */
static bool input_hung_up(struct http_conn *c)
{
    uv_os_fd_t fd;
    if (uv_fileno(&c->sock.handle, &fd))
        return true;
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void input_late(struct http_conn *c, int64_t now_ms)
{
    switch (c->state) {
    case CONN_IDLE: http_conn_finish(c); return;
    case CONN_READING:
    case CONN_FINISHING:
    case CONN_LINGERING: http_conn_abort(c); return;
    case CONN_ANSWERING:
        if (http_body_wanted(c)) {
            http_body_broken(c, 408);
            return;
        }
        /* fall through */
    case CONN_RAW:
        c->deadline_ms = now_ms + c->shared->half_closed_check_ms;
        if (input_hung_up(c))
            http_conn_abort(c);
        return;
    default: return;
    }
}

void http_input_tick(struct http_shared *shared, int64_t now_ms)
{
    for (struct http_conn *c = shared->conns; c; c = c->next) /* freed by the loop only */
        if (c->deadline_ms && now_ms >= c->deadline_ms)
            input_late(c, now_ms);
}
