/* SPDX-License-Identifier: Apache-2.0
 * WebSocket connections as transports; see ws_transport.h.
 *
 * Reading: libuv reads into the channel's own buffer, where ws_frames.c leaves the payload.
 * Writing: one message for each send, its head and the channel's bytes in one system call. A pong
 * goes between two messages; while one is on its way, further pings are only remembered. */
#include "ipc/ws_transport.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "ipc/ws_frames.h"

#include <assert.h>

enum { MESSAGE_MAX = 128 * 1024 }; /* that we send */

struct ws_transport {
    struct transport base;
    struct loop *loop;
    struct ws_socket *socket;
    struct ws_frames frames;
    uv_timer_t timer; /* the nearer of the two limits */
    struct loop_task later;
    bool later_posted, calling;
    bool closing, socket_closed, timer_closed, freed_by_owner;
    void (*freed)(void *arg);
    void *freed_arg;
    /* receiving */
    unsigned char *to;
    size_t room;
    int64_t receive_limit_ms; /* 0: none */
    bool received;            /* the result is there and not told */
    struct transport_result receive_result;
    enum transport_status end; /* OK: there is more to read */
    const char *end_why;
    /* sending */
    unsigned char head[WS_HEAD_MAX], control[WS_HEAD_MAX + WS_CONTROL_MAX];
    const void *bytes;
    size_t len;
    int64_t send_limit_ms; /* 0: none */
    bool quiet, message_waits, message_writing, control_writing, close_written;
    bool sent; /* the result is there and not told */
    struct transport_result send_result;
};

static struct ws_transport *of_base(struct transport *t)
{
    return CONTAINER_OF(t, struct ws_transport, base);
}

static void transport_maybe_free(struct ws_transport *t)
{
    if (!t->freed_by_owner || !t->socket_closed || !t->timer_closed || t->later_posted ||
        t->calling)
        return;
    void (*freed)(void *arg) = t->freed;
    void *arg = t->freed_arg;
    free(t);
    freed(arg);
}

/* ---- results ---- */

static enum transport_status status_of(ssize_t rc)
{
    switch (rc) {
    case UV_EOF:
    case UV_ECANCELED:
    case UV_ECONNRESET:
    case UV_ENOTCONN:
    case UV_EPIPE: return TRANSPORT_CLOSED;
    case UV_ETIMEDOUT: return TRANSPORT_TIMED_OUT;
    default: return TRANSPORT_FAILED;
    }
}

static void tell_received(struct ws_transport *t)
{
    struct transport_result result = t->receive_result;
    if (!t->received)
        return;
    t->received = t->base.receiving = false;
    t->base.received(t->base.owner, &result);
}

static void tell_sent(struct ws_transport *t)
{
    struct transport_result result = t->send_result;
    if (!t->sent || (t->quiet && result.status == TRANSPORT_OK))
        return;
    t->sent = t->base.sending = false;
    t->base.sent(t->base.owner, &result);
}

/* From the loop only: the owner may do anything meanwhile. */
static void tell(struct ws_transport *t)
{
    assert(!t->calling);
    t->calling = true;
    tell_sent(t);
    tell_received(t);
    t->calling = false;
    transport_maybe_free(t);
}

static void run_later(struct loop_task *task)
{
    struct ws_transport *t = CONTAINER_OF(task, struct ws_transport, later);
    t->later_posted = false;
    tell(t);
}

static void tell_later(struct ws_transport *t)
{
    if (t->later_posted)
        return;
    t->later_posted = true;
    loop_post(t->loop, &t->later);
}

static void receive_end(struct ws_transport *t, enum transport_status status, size_t count)
{
    if (!t->base.receiving || t->received)
        return;
    t->received = true;
    t->receive_limit_ms = 0;
    t->receive_result = (struct transport_result){
        .status = status,
        .count = count,
        .why = status == TRANSPORT_TIMED_OUT ? "timed out" : t->end_why,
    };
}

static void send_end(struct ws_transport *t, enum transport_status status, const char *why)
{
    if (!t->base.sending || t->sent)
        return;
    t->sent = true;
    t->send_limit_ms = 0;
    t->send_result = (struct transport_result){
        .status = status,
        .count = status == TRANSPORT_OK ? t->len : 0,
        .why = why,
    };
}

/* ---- time ---- */

static void transport_close(struct transport *base);

static void on_time(uv_timer_t *timer)
{
    struct ws_transport *t = timer->data;
    int64_t now = time_mono_ms();
    if (t->base.receiving && t->receive_limit_ms && now >= t->receive_limit_ms) {
        ws_socket_read_stop(t->socket);
        receive_end(t, TRANSPORT_TIMED_OUT, 0);
    }
    if (t->base.sending && t->send_limit_ms && now >= t->send_limit_ms) {
        send_end(t, TRANSPORT_TIMED_OUT, "the peer does not read");
        transport_close(&t->base); /* libuv has the bytes until then */
        return;
    }
    tell(t);
}

/* Both limits are used at a channel's end only, and never at once. */
static int64_t limit_set(struct ws_transport *t, int64_t timeout_ms)
{
    if (timeout_ms < 0)
        return 0;
    uv_update_time(&t->loop->uv);
    uv_timer_start(&t->timer, on_time, (uint64_t)timeout_ms + 1, 0);
    return time_mono_ms() + timeout_ms;
}

/* ---- sending ---- */

static void control_write(struct ws_transport *t, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)t->control, (unsigned)len);
    t->control_writing = ws_socket_write(t->socket, &buf, 1) == 0;
}

static bool may_write_control(const struct ws_transport *t)
{
    return !t->closing && !t->message_writing && !t->control_writing && !t->close_written;
}

static void pong_write(struct ws_transport *t)
{
    if (t->frames.pinged && may_write_control(t))
        control_write(t, ws_frames_pong(&t->frames, t->control));
}

static void close_write(struct ws_transport *t, int code)
{
    if (!may_write_control(t))
        return;
    control_write(t, ws_frames_close(code, t->control));
    t->close_written = true;
}

static void message_write(struct ws_transport *t)
{
    t->message_waits = t->control_writing;
    if (t->message_waits)
        return;
    uv_buf_t bufs[] = {
        uv_buf_init((char *)t->head, (unsigned)ws_frames_head(WS_OP_BINARY, t->len, t->head)),
        uv_buf_init((char *)(uintptr_t)t->bytes, (unsigned)t->len),
    };
    int rc = ws_socket_write(t->socket, bufs, ARRAY_LEN(bufs));
    t->message_writing = rc == 0;
    if (rc == 1)
        send_end(t, TRANSPORT_OK, NULL);
    else if (rc < 0)
        send_end(t, status_of(rc), uv_strerror(rc));
}

static void transport_send(struct transport *base, const struct transport_send *send)
{
    struct ws_transport *t = of_base(base);
    assert(!base->sending);
    base->sending = true;
    t->bytes = send->bytes;
    t->len = send->len < MESSAGE_MAX ? send->len : MESSAGE_MAX;
    t->quiet = send->quiet;
    t->send_limit_ms = limit_set(t, send->timeout_ms);
    if (t->closing || t->close_written)
        send_end(t, TRANSPORT_CLOSED, NULL);
    else
        message_write(t);
    if (t->sent && !(t->quiet && t->send_result.status == TRANSPORT_OK))
        tell_later(t);
}

static bool transport_collect(struct transport *base, struct transport_result *result)
{
    struct ws_transport *t = of_base(base);
    if (!t->sent)
        return false;
    *result = t->send_result;
    t->sent = base->sending = false;
    return true;
}

static void transport_watch(struct transport *base)
{
    struct ws_transport *t = of_base(base);
    t->quiet = false;
    if (t->sent)
        tell_later(t);
}

static void on_written(void *owner, int rc)
{
    struct ws_transport *t = owner;
    if (t->control_writing) {
        t->control_writing = false;
        if (t->message_waits)
            message_write(t);
    } else if (t->message_writing) {
        t->message_writing = false;
        send_end(t, rc ? status_of(rc) : TRANSPORT_OK, rc ? uv_strerror(rc) : NULL);
    }
    pong_write(t);
    tell(t);
}

/* ---- receiving ---- */

static void receive_decoded(struct ws_transport *t, size_t n)
{
    size_t got = 0;
    int code = ws_frames_decode(&t->frames, t->to, n, t->to, &got);
    if (code) {
        t->end = code == WS_CLOSE_NORMAL ? TRANSPORT_CLOSED : TRANSPORT_FAILED;
        t->end_why = code == WS_CLOSE_TOO_BIG ? "a WebSocket message is too long"
                                              : "bytes that are not valid WebSocket frames";
        close_write(t, code);
    }
    pong_write(t);
    if (got) {
        receive_end(t, TRANSPORT_OK, got);
        t->receive_result.more = n == t->room;
    } else if (code) {
        receive_end(t, t->end, 0);
    } else {
        ws_socket_read(t->socket, t->to, t->room); /* it was nothing but control frames */
    }
}

static void on_read(void *owner, ssize_t n)
{
    struct ws_transport *t = owner;
    if (n > 0) {
        receive_decoded(t, (size_t)n);
    } else {
        t->end = status_of(n);
        t->end_why = uv_strerror((int)n);
        receive_end(t, t->end, 0);
    }
    tell(t);
}

static void transport_receive(struct transport *base, void *to, size_t room, int64_t timeout_ms)
{
    struct ws_transport *t = of_base(base);
    assert(!base->receiving);
    base->receiving = true;
    t->to = to;
    t->room = room;
    t->receive_limit_ms = limit_set(t, timeout_ms);
    if (t->closing || t->end != TRANSPORT_OK) {
        receive_end(t, t->closing ? TRANSPORT_CLOSED : t->end, 0);
        tell_later(t);
    } else {
        ws_socket_read(t->socket, to, room);
    }
}

static void transport_receive_stop(struct transport *base)
{
    struct ws_transport *t = of_base(base);
    if (!base->receiving || t->received || t->closing)
        return;
    ws_socket_read_stop(t->socket);
    receive_end(t, TRANSPORT_STOPPED, 0);
    tell_later(t);
}

/* ---- open and close ---- */

static void on_socket_closed(void *owner)
{
    struct ws_transport *t = owner;
    t->socket_closed = true;
    receive_end(t, TRANSPORT_CLOSED, 0);
    send_end(t, TRANSPORT_CLOSED, NULL);
    t->quiet = false;
    tell(t);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct ws_transport *t = handle->data;
    t->timer_closed = true;
    transport_maybe_free(t);
}

static void transport_close(struct transport *base)
{
    struct ws_transport *t = of_base(base);
    if (t->closing)
        return;
    close_write(t, WS_CLOSE_NORMAL);
    t->closing = true;
    ws_socket_close(t->socket);
    uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static void transport_free(struct transport *base)
{
    struct ws_transport *t = of_base(base);
    assert(!base->receiving && !base->sending);
    t->freed_by_owner = true;
    transport_close(base);
    transport_maybe_free(t);
}

struct transport *ws_transport_new(struct loop *l, struct ws_socket *s, void (*freed)(void *arg),
                                   void *arg)
{
    static const struct transport_ops ops = {
        .receive = transport_receive,
        .receive_stop = transport_receive_stop,
        .send = transport_send,
        .collect = transport_collect,
        .watch = transport_watch,
        .close = transport_close,
        .free = transport_free,
    };
    static const struct ws_socket_events events = {
        .read = on_read,
        .written = on_written,
        .closed = on_socket_closed,
    };
    struct ws_transport *t = NEW(struct ws_transport);
    t->base.ops = &ops;
    t->loop = l;
    t->socket = s;
    t->later.run = run_later;
    t->freed = freed;
    t->freed_arg = arg;
    uv_timer_init(&l->uv, &t->timer);
    t->timer.data = t;
    ws_socket_own(s, &events, t);
    return &t->base;
}
