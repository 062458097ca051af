/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a connection: owners, hijack, the end of an answer, orderly end; see http_conn.h.
 * Below whoever answers (reply.c, the streams), above http_out.c.
 */
#include "frontend/http/http_conn_internal.h"

#include "base/alloc.h"
#include "base/timefmt.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

/* ---- lists ---- */

void http_conn_wake(struct http_conn *c)
{
    if (c->is_due || c->state == CONN_CLOSED)
        return;
    c->is_due = true;
    DL_APPEND2(c->shared->due, c, due_prev, due_next);
}

static void conn_forget_due(struct http_conn *c)
{
    if (!c->is_due)
        return;
    c->is_due = false;
    DL_DELETE2(c->shared->due, c, due_prev, due_next);
}

struct http_conn *http_conn_take_due(struct http_shared *shared)
{
    struct http_conn *c = shared->due;
    if (c)
        conn_forget_due(c);
    return c;
}

static void conn_out_wake(void *arg)
{
    http_conn_wake(arg);
}

struct http_conn *http_conn_new(struct http_shared *shared, bool tcp)
{
    struct http_conn *c = NEW(struct http_conn);
    c->shared = shared;
    c->is_tcp = tcp;
    if (tcp)
        uv_tcp_init(&shared->loop->uv, &c->sock.tcp);
    else
        uv_pipe_init(&shared->loop->uv, &c->sock.pipe, 0);
    c->sock.handle.data = c;
    http_out_init(&c->out, &c->sock.stream, conn_out_wake, c);
    DL_APPEND(shared->conns, c);
    shared->conn_count++;
    return c;
}

uv_stream_t *http_conn_stream(struct http_conn *c)
{
    return &c->sock.stream;
}

struct loop *http_conn_loop(struct http_conn *c)
{
    return c->shared->loop;
}

/* ---- the exchange ---- */

void http_conn_begin_exchange(struct http_conn *c)
{
    c->x = (struct exchange){.conn = c, .shared = c->shared, .backend = c->shared->backend};
    arena_init(&c->x.arena);
    c->exchange_live = true;
    c->state = CONN_READING;
    c->deadline_ms = time_mono_ms() + c->shared->head_timeout_ms;
}

static void conn_end_exchange(struct http_conn *c)
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

/* ---- closing ---- */

static void conn_closed_cb(uv_handle_t *handle)
{
    struct http_conn *c = handle->data;
    struct http_shared *shared = c->shared;
    conn_end_exchange(c);
    conn_forget_due(c);
    buf_free(&c->in);
    buf_free(&c->header);
    http_out_fini(&c->out);
    DL_DELETE(shared->conns, c);
    shared->conn_count--;
    free(c);
    shared->conn_closed(shared);
}

void http_conn_abort(struct http_conn *c)
{
    const struct http_conn_events *events = STEAL(c->events);
    if (events)
        events->gone(c->owner);
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    uv_close(&c->sock.handle, conn_closed_cb);
}

void http_conn_abort_all(struct http_shared *shared)
{
    for (struct http_conn *c = shared->conns; c; c = c->next)
        http_conn_abort(c); /* freed by the loop only */
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
    c->deadline_ms = c->peer_eof ? time_mono_ms() + c->shared->half_closed_check_ms : 0;
    http_conn_wake(c);
}

void http_conn_set_body_deadline(struct http_conn *c)
{
    if (c->state != CONN_ANSWERING || !c->x.body_pending)
        return;
    /* A held connection is not read, so the end of its peer would not be noticed. */
    c->deadline_ms =
        time_mono_ms() + (c->held ? c->shared->half_closed_check_ms : c->shared->idle_timeout_ms);
}

void http_conn_hold(struct http_conn *c, bool hold)
{
    c->held = hold;
    http_conn_set_body_deadline(c);
    http_conn_wake(c);
}

bool http_conn_write(struct http_conn *c, const uv_buf_t *bufs, unsigned count, bool now)
{
    return c->state == CONN_CLOSED || http_out_write(&c->out, bufs, count, now);
}

size_t http_conn_unread_by_peer(struct http_conn *c)
{
    return http_out_unread_by_peer(&c->out);
}

enum peer_queue http_conn_peer_queue(struct http_conn *c)
{
    return http_out_peer_queue(&c->out);
}

/* ---- the end of an answer, of a connection ---- */

static void conn_shutdown_cb(uv_shutdown_t *req, int status)
{
    struct http_conn *c = req->data;
    if (c->state == CONN_CLOSED)
        return;
    if (status < 0 || c->peer_eof) {
        http_conn_abort(c);
        return;
    }
    /* Closing with unread input would make the kernel reset the connection and the client lose
     * the end of the answer: let it close first. */
    c->state = CONN_LINGERING;
    c->deadline_ms = time_mono_ms() + LINGER_MS;
    http_conn_wake(c);
}

void http_conn_flush(struct http_conn *c)
{
    http_out_flush(&c->out);
    if (c->state != CONN_FINISHING || c->shutdown_req.data || c->out.broken ||
        http_out_queued(&c->out))
        return;
    c->shutdown_req.data = c;
    if (uv_shutdown(&c->shutdown_req, &c->sock.stream, conn_shutdown_cb))
        http_conn_abort(c);
}

void http_conn_reply_done(struct http_conn *c)
{
    c->events = NULL;
    if (c->state != CONN_ANSWERING)
        return;
    if (!c->x.keep_alive || c->out.broken || c->x.body_pending || (c->peer_eof && !c->in.len)) {
        http_conn_finish(c);
        return;
    }
    conn_end_exchange(c);
    c->held = false;
    c->state = CONN_IDLE;
    c->deadline_ms = time_mono_ms() + c->shared->idle_timeout_ms;
    /* Pipelined input and stopped reading go on from the loop; never deeper into the stack. */
    if (c->in.len || !c->reading)
        http_conn_wake(c);
    if (!c->processing)
        http_conn_flush(c);
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
    conn_end_exchange(c);
    buf_free(&c->in);
    http_conn_wake(c);
    http_conn_flush(c);
}
