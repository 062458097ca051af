/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a connection: reading, states, hand-over to the router, hijack, orderly end. Between
 * http_server.c, which accepts, and router.c, which gets complete requests.
 */
#include "frontend/http/http_conn_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "frontend/http/http_reply.h"
#include "frontend/routes/router.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

enum {
    LINGER_MS = 5000,
    IN_PIPELINE_MAX = 64 * 1024, /* input that waits while a request is answered */
    IN_KEEP_MAX = 4096,
};

static void conn_read_cb(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

struct http_conn *http_conn_new(struct http_server *server, bool tcp)
{
    struct http_conn *c = NEW(struct http_conn);
    uv_loop_t *uv = &http_server_loop(server)->uv;
    c->server = server;
    c->is_tcp = tcp;
    if (tcp)
        uv_tcp_init(uv, &c->sock.tcp);
    else
        uv_pipe_init(uv, &c->sock.pipe, 0);
    c->sock.handle.data = c;
    http_server_add(server, c);
    return c;
}

uv_stream_t *http_conn_stream(struct http_conn *c)
{
    return &c->sock.stream;
}

struct http_server *http_conn_server(struct http_conn *c)
{
    return c->server;
}

static void exchange_end(struct http_conn *c)
{
    if (!c->exchange_live)
        return;
    if (c->x.registry_auth)
        explicit_bzero((char *)(uintptr_t)c->x.registry_auth, strlen(c->x.registry_auth));
    if (c->x.body.len)
        explicit_bzero(c->x.body.data, c->x.body.len);
    arena_fini(&c->x.arena);
    buf_free(&c->x.body);
    c->exchange_live = false;
}

static void exchange_begin(struct http_conn *c)
{
    c->x = (struct exchange){.conn = c, .backend = http_server_backend(c->server)};
    arena_init(&c->x.arena);
    c->exchange_live = true;
    c->state = CONN_READING;
    c->deadline_ms = time_mono_ms() + http_server_settings(c->server)->head_timeout_ms;
    http_parse_begin(c);
}

static void conn_closed_cb(uv_handle_t *handle)
{
    struct http_conn *c = handle->data;
    exchange_end(c);
    buf_free(&c->in);
    buf_free(&c->header);
    buf_free(&c->out);
    buf_free(&c->writing);
    http_server_remove(c->server, c);
    free(c);
}

static void conn_close(struct http_conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    uv_close(&c->sock.handle, conn_closed_cb);
}

/* The client cannot be reached any more: tell the owner, once, and close. */
static void conn_gone(struct http_conn *c)
{
    const struct http_conn_events *events = STEAL(c->events);
    if (events)
        events->gone(c->owner);
    conn_close(c);
}

void http_conn_abort(struct http_conn *c)
{
    conn_gone(c);
}

/* ---- reading ---- */

static void conn_alloc_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_conn *c = handle->data;
    size_t size;
    (void)suggested;
    buf->base = http_server_read_buffer(c->server, &size);
    buf->len = size;
}

static void conn_update_reading(struct http_conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    bool want = !c->peer_eof;
    if (c->state == CONN_RAW || c->state == CONN_ANSWERING)
        want = want && !c->held && c->in.len < IN_PIPELINE_MAX;
    else if (c->state == CONN_IDLE)
        want = want && !c->over_high && c->in.len < IN_PIPELINE_MAX;
    if (want == c->reading)
        return;
    c->reading = want;
    if (want)
        uv_read_start(&c->sock.stream, conn_alloc_cb, conn_read_cb);
    else
        uv_read_stop(&c->sock.stream);
}

void http_conn_start(struct http_conn *c)
{
    if (c->is_tcp) {
        uv_tcp_nodelay(&c->sock.tcp, 1);
        uv_tcp_keepalive(&c->sock.tcp, 1, 60);
    }
    c->deadline_ms = time_mono_ms() + http_server_settings(c->server)->idle_timeout_ms;
    conn_update_reading(c);
}

/* Parse one request at most. Returns how many bytes were used. */
static size_t conn_parse(struct http_conn *c, const char *bytes, size_t len)
{
    if (c->state == CONN_IDLE)
        exchange_begin(c);
    return http_parse(c, bytes, len);
}

static void conn_answer(struct http_conn *c)
{
    c->deadline_ms = 0;
    if (c->refuse_status) {
        c->state = CONN_ANSWERING;
        c->x.keep_alive = false;
        unsigned status = c->refuse_status;
        c->refuse_status = 0;
        reply_refusal(&c->x, status);
    } else if (c->request_complete) {
        c->request_complete = false;
        c->state = CONN_ANSWERING;
        http_body_set_deadline(c);
        c->x.route->handle(&c->x);
    } else {
        c->deadline_ms = time_mono_ms() + http_server_settings(c->server)->head_timeout_ms;
    }
}

/* Requests that waited in c->in, as long as they are answered at once, and bodies, as long as they
 * are taken. */
static void conn_work_off(struct http_conn *c)
{
    if (c->processing)
        return;
    c->processing = true;
    while (c->in.len) {
        if (c->state == CONN_IDLE && !c->over_high) {
            buf_consume(&c->in, conn_parse(c, c->in.data, c->in.len));
            conn_answer(c);
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
    conn_update_reading(c);
}

static void conn_feed_answering(struct http_conn *c, const char *bytes, size_t len)
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
    conn_update_reading(c);
}

/* Who still sends a body whose answer is out has not read it yet: wait on. */
static void conn_linger(struct http_conn *c)
{
    int64_t until = time_mono_ms() + LINGER_MS;
    if (c->drain_until_ms)
        c->deadline_ms = until < c->drain_until_ms ? until : c->drain_until_ms;
}

void http_conn_feed(struct http_conn *c, const char *bytes, size_t len)
{
    switch (c->state) {
    case CONN_IDLE:
        if (c->in.len) {
            buf_append(&c->in, bytes, len);
            conn_work_off(c);
            return;
        }
        /* fall through */
    case CONN_READING: {
        c->processing = true;
        size_t used = conn_parse(c, bytes, len);
        if (used < len)
            buf_append(&c->in, bytes + used, len - used);
        conn_answer(c);
        c->processing = false;
        conn_work_off(c);
        return;
    }
    case CONN_RAW:
        if (!c->in.len) {
            if (c->events)
                c->events->data(c->owner, bytes, len);
            return;
        }
        /* fall through */
    case CONN_ANSWERING: conn_feed_answering(c, bytes, len); return;
    case CONN_LINGERING: conn_linger(c); return;
    case CONN_FINISHING:
    case CONN_CLOSED: return;
    }
}

/* Raw mode: bytes that arrived before the owner could take them, then a half-close. */
static void conn_deliver_raw(struct http_conn *c)
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
            conn_gone(c);
    }
    conn_update_reading(c);
}

/* Nothing can be written any more. Who types and leaves at once, as detach keys do, is heard to the
 * end first, as long as the owner takes it. */
void http_conn_out_broken(struct http_conn *c)
{
    c->broken = true;
    if (c->state == CONN_RAW)
        conn_deliver_raw(c);
    if (c->state != CONN_RAW || c->peer_eof || c->held || !c->events || !c->events->eof)
        conn_gone(c);
}

static void conn_on_eof(struct http_conn *c)
{
    c->peer_eof = true;
    c->reading = false;
    uv_read_stop(&c->sock.stream);
    switch (c->state) {
    case CONN_IDLE: http_conn_finish(c); return;
    case CONN_READING:
        c->refuse_status = c->x.body_seen ? 400 : 0;
        if (c->refuse_status)
            conn_answer(c);
        else
            conn_close(c);
        return;
    case CONN_ANSWERING:
        if (c->x.body_pending)
            http_body_broken(c, 400);
        else if (c->events && !c->events->eof)
            conn_gone(c);
        else
            c->deadline_ms = time_mono_ms() + HALF_CLOSED_CHECK_MS;
        return;
    case CONN_RAW:
        c->deadline_ms = time_mono_ms() + HALF_CLOSED_CHECK_MS;
        conn_deliver_raw(c);
        if (c->broken)
            conn_gone(c);
        return;
    case CONN_LINGERING: conn_close(c); return;
    case CONN_FINISHING:
    case CONN_CLOSED: return;
    }
}

static void conn_read_cb(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct http_conn *c = stream->data;
    if (nread > 0)
        http_conn_feed(c, buf->base, (size_t)nread);
    else if (nread == UV_EOF)
        conn_on_eof(c);
    else if (nread < 0)
        conn_gone(c);
}

/* ---- for owners ---- */

void http_conn_own(struct http_conn *c, const struct http_conn_events *events, void *arg)
{
    c->events = events;
    c->owner = arg;
}

void http_conn_hijack(struct http_conn *c)
{
    assert(c->state == CONN_ANSWERING);
    c->state = CONN_RAW;
    c->deadline_ms = c->peer_eof ? time_mono_ms() + HALF_CLOSED_CHECK_MS : 0;
    http_server_flush_later(c->server, c);
}

void http_conn_hold(struct http_conn *c, bool hold)
{
    c->held = hold;
    if (!hold && ((c->state == CONN_RAW && c->peer_eof) || c->in.len))
        http_server_flush_later(c->server, c);
    if (hold && c->broken)
        http_server_flush_later(c->server, c);
    http_body_set_deadline(c);
    conn_update_reading(c);
}

void http_conn_flush(struct http_conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->broken) {
        http_conn_out_broken(c);
        return;
    }
    http_out_flush(c);
    if (c->drain_due) {
        c->drain_due = false;
        if (c->events && c->events->drained)
            c->events->drained(c->owner);
    }
    if (c->state == CONN_RAW)
        conn_deliver_raw(c);
    else if (c->state == CONN_IDLE || http_body_wanted(c))
        conn_work_off(c);
}

/* ---- the end of an answer, of a connection ---- */

void http_conn_reply_done(struct http_conn *c)
{
    c->events = NULL;
    if (c->state != CONN_ANSWERING)
        return;
    if (!c->x.keep_alive || c->broken || c->x.body_pending || (c->peer_eof && !c->in.len)) {
        http_conn_finish(c);
        return;
    }
    exchange_end(c);
    c->held = false;
    c->state = CONN_IDLE;
    c->deadline_ms = time_mono_ms() + http_server_settings(c->server)->idle_timeout_ms;
    /* Pipelined input and stopped reading go on from the loop; never deeper into the stack. */
    if (c->in.len || !c->reading)
        http_server_flush_later(c->server, c);
    if (!c->processing)
        http_out_flush(c);
}

static void conn_shutdown_cb(uv_shutdown_t *req, int status)
{
    struct http_conn *c = req->data;
    if (c->state == CONN_CLOSED)
        return;
    if (status < 0 || c->peer_eof) {
        conn_close(c);
        return;
    }
    /* Closing with unread input would make the kernel reset the connection and the client lose
     * the end of the answer: let it close first. */
    c->state = CONN_LINGERING;
    c->deadline_ms = time_mono_ms() + LINGER_MS;
    conn_update_reading(c);
}

void http_conn_out_idle(struct http_conn *c)
{
    if (c->state != CONN_FINISHING || c->shutdown_req.data)
        return;
    c->shutdown_req.data = c;
    if (uv_shutdown(&c->shutdown_req, &c->sock.stream, conn_shutdown_cb))
        conn_close(c);
}

void http_conn_finish(struct http_conn *c)
{
    if (c->state >= CONN_FINISHING)
        return;
    c->events = NULL;
    c->deadline_ms = 0;
    c->held = false;
    if (c->x.body_pending)
        c->drain_until_ms = c->deadline_ms = time_mono_ms() + HTTP_BODY_DRAIN_MAX_MS;
    c->x.body_pending = false;
    c->state = CONN_FINISHING;
    exchange_end(c);
    buf_free(&c->in);
    if (c->broken)
        http_server_flush_later(c->server, c);
    else
        http_out_flush(c);
    conn_update_reading(c);
}

/* A peer that had half-closed says nothing when it vanishes: ask the kernel. */
static bool conn_hung_up(struct http_conn *c)
{
    uv_os_fd_t fd;
    if (uv_fileno(&c->sock.handle, &fd))
        return true;
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

void http_conn_tick(struct http_conn *c, int64_t now_ms)
{
    if (!c->deadline_ms || now_ms < c->deadline_ms)
        return;
    switch (c->state) {
    case CONN_IDLE: http_conn_finish(c); return;
    case CONN_READING:
    case CONN_FINISHING:
    case CONN_LINGERING: conn_gone(c); return;
    case CONN_ANSWERING:
        if (http_body_wanted(c)) {
            http_body_broken(c, 408);
            return;
        }
        /* fall through */
    case CONN_RAW:
        c->deadline_ms = now_ms + HALF_CLOSED_CHECK_MS;
        if (conn_hung_up(c))
            conn_gone(c);
        return;
    default: return;
    }
}
