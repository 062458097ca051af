/* SPDX-License-Identifier: Apache-2.0
 * A stream of nng's as a transport; see nng_transport.h. Owns the stream and two operations on it,
 * which nng's threads carry out (nng_op.h). */
#include "ipc/nng_transport.h"

#include "base/alloc.h"
#include "ipc/nng_op.h"

#include <stdlib.h>

struct nng_transport {
    struct transport base;
    nng_stream *stream;
    bool websocket;
    struct nng_op receive, send;
    size_t room; /* of the receive under way */
    void (*freed)(void *arg);
    void *freed_arg;
};

static struct nng_transport *of_base(struct transport *t)
{
    return CONTAINER_OF(t, struct nng_transport, base);
}

static enum transport_status status_of(int rc)
{
    switch (rc) {
    case 0: return TRANSPORT_OK;
    case NNG_ECLOSED:
    case NNG_ECONNSHUT:
    case NNG_ECONNRESET: return TRANSPORT_CLOSED;
    case NNG_ECANCELED: return TRANSPORT_STOPPED;
    case NNG_ETIMEDOUT: return TRANSPORT_TIMED_OUT;
    default: return TRANSPORT_FAILED;
    }
}

static struct transport_result result_of(const struct nng_op *op)
{
    int rc = nng_aio_result(op->aio);
    return (struct transport_result){
        .status = status_of(rc),
        .count = rc ? 0 : nng_aio_count(op->aio),
        .why = rc ? nng_strerror(rc) : NULL,
    };
}

/* ---- receiving ---- */

/* nng's WebSocket stream ends the receive that waits when its peer closes, but lets a receive that
 * is started afterwards wait for ever. Asked after the start, it cannot be missed: closing here
 * ends the receive, unless it has brought bytes already; then the next one comes by here too. */
static void close_if_peer_closed(struct nng_transport *t)
{
    bool unused;
    if (t->websocket &&
        nng_stream_get_bool(t->stream, NNG_OPT_WS_RECV_TEXT, &unused) == NNG_ECLOSED)
        nng_stream_close(t->stream);
}

static void transport_receive(struct transport *base, void *to, size_t room, int64_t timeout_ms)
{
    struct nng_transport *t = of_base(base);
    nng_iov iov = {.iov_buf = to, .iov_len = room};
    nng_aio *aio = nng_op_begin(&t->receive);
    base->receiving = true;
    t->room = room;
    nng_aio_set_timeout(aio, timeout_ms < 0 ? NNG_DURATION_INFINITE : (nng_duration)timeout_ms);
    nng_aio_set_iov(aio, 1, &iov);
    nng_stream_recv(t->stream, aio);
    close_if_peer_closed(t);
}

static void transport_receive_stop(struct transport *base)
{
    struct nng_transport *t = of_base(base);
    if (base->receiving)
        nng_aio_cancel(t->receive.aio);
}

static void on_received(struct nng_op *op)
{
    struct nng_transport *t = CONTAINER_OF(op, struct nng_transport, receive);
    struct transport_result result = result_of(op);
    t->base.receiving = false;
    result.more = result.count == t->room;
    t->base.received(t->base.owner, &result);
}

/* ---- sending ---- */

static void transport_send(struct transport *base, const struct transport_send *send)
{
    struct nng_transport *t = of_base(base);
    nng_iov iov = {.iov_buf = (void *)(uintptr_t)send->bytes, .iov_len = send->len};
    nng_aio *aio = send->quiet ? nng_op_begin_quietly(&t->send, send->len) : nng_op_begin(&t->send);
    base->sending = true;
    nng_aio_set_iov(aio, 1, &iov);
    nng_aio_set_timeout(aio, send->timeout_ms < 0 ? NNG_DURATION_INFINITE
                                                  : (nng_duration)send->timeout_ms);
    nng_stream_send(t->stream, aio);
}

static bool transport_collect(struct transport *base, struct transport_result *result)
{
    struct nng_transport *t = of_base(base);
    if (!nng_op_collect(&t->send))
        return false;
    base->sending = false;
    *result = result_of(&t->send);
    return true;
}

static void transport_watch(struct transport *base)
{
    nng_op_watch(&of_base(base)->send);
}

static void on_sent(struct nng_op *op)
{
    struct nng_transport *t = CONTAINER_OF(op, struct nng_transport, send);
    struct transport_result result = result_of(op);
    t->base.sending = false;
    t->base.sent(t->base.owner, &result);
}

/* ---- open and close ---- */

static void transport_close(struct transport *base)
{
    nng_stream_close(of_base(base)->stream);
}

static void transport_free(struct transport *base)
{
    struct nng_transport *t = of_base(base);
    void (*freed)(void *arg) = t->freed;
    void *arg = t->freed_arg;
    nng_op_fini(
        &t->receive); /* first: nng may be expiring one just now, and uses the stream then */
    nng_op_fini(&t->send);
    nng_stream_free(t->stream);
    free(t);
    if (freed)
        freed(arg);
}

struct transport *nng_transport_new(struct loop *l, nng_stream *stream, bool websocket,
                                    void (*freed)(void *arg), void *arg)
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
    struct nng_transport *t = NEW(struct nng_transport);
    struct error err;
    t->base.ops = &ops;
    t->stream = stream;
    t->websocket = websocket;
    t->freed = freed;
    t->freed_arg = arg;
    if (nng_op_init(&t->receive, l, on_received, &err) || nng_op_init(&t->send, l, on_sent, &err))
        abort(); /* nng_aio_alloc fails only without memory */
    return &t->base;
}
