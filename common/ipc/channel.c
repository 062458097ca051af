/* SPDX-License-Identifier: Apache-2.0
 *
 * Channel: frames over one byte stream; see channel.h.
 *
 * A channel has at most one receive and one send under way (transport.h). Closing ends both; the
 * object is freed by channel_maybe_free() when neither is under way any more, which is also the
 * only place that calls closed().
 */
#include "ipc/channel_internal.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/dial.h"
#include "ipc/nng_transport.h"
#include "proto/sockerless.pb-c.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    RECV_SMALL = 4 * 1024, /* an idle channel costs this */
    SEND_QUIET_MAX = 64 * 1024,
    RECV_LARGE = 256 * 1024, /* a busy one reads this much at a time */
    QUEUE_DEFAULT_MAX = 80 * 1024 * 1024,
    CONNECT_DEFAULT_MS = 5000,
    LINGER_MS = 10000,
    FLUSH_AT_CLOSE_MS =
        30000, /* a peer that stops reading cannot hold a finishing channel longer */
};

struct channel {
    struct loop *loop;
    struct channel *next, *prev; /* in loop->channels */
    struct transport *transport; /* NULL until it is connected */
    struct dial *dial;           /* NULL: accepted, or brought by the peer */
    const struct channel_events *events;
    void *owner;
    size_t payload_max, queue_max;
    unsigned char *in; /* in[in_start..in_end) is received and not delivered */
    size_t in_cap, in_start, in_end;
    struct buf sending, queued;
    struct loop_deferred flush;    /* one write for all that a turn of the loop has queued */
    struct loop_task deliver_task; /* resume and start deliver from the loop, never from inside */
    bool deliver_posted;
    bool started, dialing, paused, full, finishing, closing, delivering;
    /* The end. The side that sent the last frame (FRAME_END, FRAME_ERROR) waits until its peer has
     * read it and closes: nng drops what is not yet read of a unix socket whose peer has closed. */
    bool last_word_said, last_word_heard, lingering;
    int64_t linger_until_ms;
    bool deaf; /* the peer no longer reads; what it has written is still read */
    bool failed;
    struct error why;
    struct channel **slot; /* of the caller that waits for the stream; NULL: none */
    char url[512];
};

static void channel_read(struct channel *c);
static void channel_write(struct channel *c);

static bool transport_busy(const struct channel *c)
{
    return c->transport && (c->transport->receiving || c->transport->sending);
}

static void channel_maybe_free(struct channel *c)
{
    if (c->closing && c->transport && c->transport->sending)
        c->transport->ops->watch(c->transport);
    if (!c->closing || transport_busy(c) || c->deliver_posted || c->delivering || c->flush.queued ||
        (c->dial && c->dialing))
        return;
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        c->loop->channels = c->next;
    if (c->transport)
        c->transport->ops->free(c->transport);
    if (c->dial)
        dial_free(c->dial);
    const struct channel_events *events = c->events;
    void *owner = c->owner;
    bool failed = c->failed;
    struct error why = c->why;
    free(c->in);
    buf_free(&c->sending);
    buf_free(&c->queued);
    free(c);
    if (events)
        events->closed(owner, failed ? &why : NULL);
}

static void post_deliver(struct channel *c)
{
    if (!c->deliver_posted) {
        c->deliver_posted = true;
        loop_post(c->loop, &c->deliver_task);
    }
}

static void slot_leave(struct channel *c)
{
    if (c->slot)
        *c->slot = NULL;
    c->slot = NULL;
}

/* Begin the end. The object goes away in a later turn of the loop. */
static void channel_close(struct channel *c, const struct error *why)
{
    if (c->closing)
        return;
    c->closing = true;
    slot_leave(c);
    if (why) {
        c->failed = true;
        c->why = *why;
    }
    if (c->dial && c->dialing)
        dial_stop(c->dial);
    if (c->transport)
        c->transport->ops->close(c->transport);
    post_deliver(c); /* makes sure that channel_maybe_free() runs from the loop */
}

static void close_with_result(struct channel *c, const struct transport_result *result,
                              const char *doing)
{
    struct error err;
    if (result->status == TRANSPORT_CLOSED) {
        channel_close(c, NULL);
        return;
    }
    error_set(&err, result->status == TRANSPORT_TIMED_OUT ? ERROR_DEADLINE : ERROR_UNAVAILABLE,
              "%s %s: %s", doing, c->url, str_or_empty(result->why));
    channel_close(c, &err);
}

/* ---- receiving ---- */

static bool is_last_word(uint8_t type)
{
    return type == FRAME_END || type == FRAME_ERROR;
}

/* A lingering channel waits for the peer's last frame only and drops all others. */
static void lingering_frame(struct channel *c)
{
    if (c->last_word_heard)
        channel_close(c, NULL);
}

/* Hand out whole frames until there is none, or the owner pauses or ends the channel. */
static void channel_deliver(struct channel *c)
{
    struct error err;
    c->delivering = true;
    while (!c->closing && (c->lingering || (c->started && c->events && !c->paused))) {
        struct frame f;
        size_t used;
        int rc = frame_decode(c->in + c->in_start, c->in_end - c->in_start, c->payload_max, &f,
                              &used, &err);
        if (rc < 0) {
            error_wrap(&err, "from %s", c->url);
            channel_close(c, &err);
            break;
        }
        if (rc == 0) {
            if (used > c->in_cap) { /* a frame larger than the buffer */
                c->in = xrealloc(c->in, used);
                c->in_cap = used;
            }
            break;
        }
        c->in_start += used;
        if (is_last_word(f.type))
            c->last_word_heard = true;
        if (c->lingering)
            lingering_frame(c);
        else
            c->events->frame(c->owner, &f);
    }
    c->delivering = false;
}

static void run_deliver(struct loop_task *task)
{
    struct channel *c = CONTAINER_OF(task, struct channel, deliver_task);
    c->deliver_posted = false;
    if (!c->closing)
        channel_deliver(c);
    if (c->closing)
        channel_maybe_free(c);
    else
        channel_read(c);
}

static bool wants_to_read(const struct channel *c)
{
    if (c->closing || c->dialing || c->transport->receiving)
        return false;
    return c->lingering || (c->started && c->events && !c->paused);
}

static void channel_read(struct channel *c)
{
    int64_t timeout_ms = TRANSPORT_NO_TIMEOUT;
    if (!wants_to_read(c))
        return;
    if (c->lingering) {
        int64_t left = c->linger_until_ms - time_mono_ms();
        timeout_ms = left > 0 ? left : 0;
    }
    if (c->in_start == c->in_end) {
        c->in_start = c->in_end = 0;
        if (c->in_cap > RECV_LARGE) { /* one large frame does not keep its memory */
            c->in_cap = RECV_LARGE;
            c->in = xrealloc(c->in, c->in_cap);
        }
    } else if (c->in_start) {
        memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
        c->in_end -= c->in_start;
        c->in_start = 0;
    }
    c->transport->ops->receive(c->transport, c->in + c->in_end, c->in_cap - c->in_end, timeout_ms);
}

static void on_received(void *owner, const struct transport_result *result)
{
    struct channel *c = owner;
    if (result->status == TRANSPORT_OK) {
        c->in_end += result->count;
    } else if (result->status != TRANSPORT_STOPPED || !c->lingering || c->closing) {
        if (c->lingering)
            channel_close(c, NULL);
        else
            close_with_result(c, result, "receive from");
        channel_maybe_free(c);
        return;
    }
    channel_deliver(c);
    if (result->more && c->in_cap < RECV_LARGE) {
        c->in_cap = RECV_LARGE;
        c->in = xrealloc(c->in, c->in_cap);
    }
    if (c->closing)
        channel_maybe_free(c);
    else
        channel_read(c);
}

/* ---- sending ---- */

/* What a finished send leaves behind. False: the channel is at its end. */
static bool send_ended(struct channel *c, const struct transport_result *result)
{
    if (result->status == TRANSPORT_CLOSED && !c->finishing) {
        c->deaf = true; /* receiving finds the end, after what there is still to read */
        buf_free(&c->sending);
        buf_free(&c->queued);
        return true;
    }
    if (result->status != TRANSPORT_OK) {
        close_with_result(c, result, "send to");
        return false;
    }
    buf_consume(&c->sending, result->count);
    if (c->sending.len == 0 && c->sending.cap > CHANNEL_HIGH_WATER * 2)
        buf_free(&c->sending); /* one large reply does not keep its memory */
    return true;
}

/* All is sent: close, or wait until the peer has read the last word and closes. */
static void flushed(struct channel *c)
{
    if (!c->last_word_said || c->last_word_heard || c->deaf) {
        channel_close(c, NULL);
        return;
    }
    if (c->lingering)
        return;
    c->lingering = true;
    c->linger_until_ms = time_mono_ms() + LINGER_MS;
    if (c->transport->receiving)
        c->transport->ops->receive_stop(c->transport); /* it begins anew with a time limit */
    else
        post_deliver(c);
}

/* True: the send under way is over, or there is none. */
static bool send_collect(struct channel *c)
{
    struct transport_result result;
    if (!c->transport->sending)
        return true;
    if (c->transport->ops->collect(c->transport, &result))
        return send_ended(c, &result);
    if (c->queued.len || c->finishing)
        c->transport->ops->watch(c->transport);
    return false;
}

static void send_next(struct channel *c)
{
    /* The end of a small send is not waited for: it is looked at before the next one. */
    struct transport_send send = {
        .bytes = c->sending.data,
        .len = c->sending.len,
        .timeout_ms = c->finishing ? FLUSH_AT_CLOSE_MS : TRANSPORT_NO_TIMEOUT,
        .quiet = !c->full && !c->finishing && !c->queued.len && c->sending.len < SEND_QUIET_MAX,
    };
    c->transport->ops->send(c->transport, &send);
}

static void channel_write(struct channel *c)
{
    if (c->closing || !send_collect(c))
        return;
    if (c->sending.len == 0) {
        struct buf swap = c->sending;
        c->sending = c->queued;
        c->queued = swap;
    }
    if (c->sending.len)
        send_next(c);
    else if (c->finishing)
        flushed(c);
}

static void on_sent(void *owner, const struct transport_result *result)
{
    struct channel *c = owner;
    if (!send_ended(c, result)) {
        channel_maybe_free(c);
        return;
    }
    channel_write(c);
    if (c->full && !c->closing && c->sending.len + c->queued.len <= CHANNEL_LOW_WATER) {
        c->full = false;
        if (c->events && c->events->drained)
            c->events->drained(c->owner);
    }
    if (c->closing)
        channel_maybe_free(c);
}

static void run_flush(struct loop_deferred *d)
{
    struct channel *c = CONTAINER_OF(d, struct channel, flush);
    if (!c->closing && !c->dialing)
        channel_write(c);
    if (c->closing)
        channel_maybe_free(c);
}

static bool after_queueing(struct channel *c)
{
    size_t depth = c->sending.len + c->queued.len;
    if (depth > c->queue_max) {
        struct error err;
        error_set(&err, ERROR_TOO_LARGE, "%s does not read: %zu bytes queued", c->url, depth);
        channel_close(c, &err);
        return false;
    }
    if (!c->dialing)
        loop_defer(c->loop, &c->flush);
    if (depth >= CHANNEL_HIGH_WATER)
        c->full = true;
    return !c->full;
}

bool channel_send(struct channel *c, uint8_t type, const void *payload, size_t len)
{
    if (c->closing || c->finishing || c->deaf)
        return true;
    c->last_word_said = c->last_word_said || is_last_word(type);
    unsigned char *to = (unsigned char *)buf_reserve(&c->queued, FRAME_HEADER_SIZE + len);
    frame_header_encode(to, type, len);
    if (len)
        memcpy(to + FRAME_HEADER_SIZE, payload, len);
    buf_commit(&c->queued, FRAME_HEADER_SIZE + len);
    return after_queueing(c);
}

bool channel_send_message(struct channel *c, uint8_t type, const void *prefix, size_t prefix_len,
                          const ProtobufCMessage *message)
{
    if (c->closing || c->finishing || c->deaf)
        return true;
    c->last_word_said = c->last_word_said || is_last_word(type);
    size_t len = prefix_len + protobuf_c_message_get_packed_size(message);
    unsigned char *to = (unsigned char *)buf_reserve(&c->queued, FRAME_HEADER_SIZE + len);
    frame_header_encode(to, type, len);
    if (prefix_len)
        memcpy(to + FRAME_HEADER_SIZE, prefix, prefix_len);
    protobuf_c_message_pack(message, to + FRAME_HEADER_SIZE + prefix_len);
    buf_commit(&c->queued, FRAME_HEADER_SIZE + len);
    return after_queueing(c);
}

void channel_fail(struct channel *c, const struct error *err)
{
    Sockerless__Error message = SOCKERLESS__ERROR__INIT;
    message.code = (Sockerless__ErrorCode)err->code;
    message.message = (char *)(uintptr_t)err->message;
    channel_send_message(c, FRAME_ERROR, NULL, 0, &message.base);
    channel_finish(c);
}

void channel_end(struct channel *c)
{
    channel_send(c, FRAME_END, NULL, 0);
    channel_finish(c);
}

/* ---- open and close ---- */

static struct channel *channel_new(struct loop *l, const char *url,
                                   const struct channel_options *options)
{
    struct channel *c = NEW(struct channel);
    c->loop = l;
    c->next = l->channels;
    if (c->next)
        c->next->prev = c;
    l->channels = c;
    c->deliver_task.run = run_deliver;
    c->flush.run = run_flush;
    c->payload_max = options && options->payload_max ? options->payload_max : FRAME_SESSION_MAX;
    c->queue_max = options && options->queue_max ? options->queue_max : QUEUE_DEFAULT_MAX;
    c->in_cap = RECV_SMALL;
    c->in = xmalloc(c->in_cap);
    snprintf(c->url, sizeof c->url, "%s", url);
    return c;
}

static void transport_take(struct channel *c, struct transport *t)
{
    c->transport = t;
    t->owner = c;
    t->received = on_received;
    t->sent = on_sent;
}

struct channel *channel_from_transport(struct loop *l, struct transport *t, const char *url,
                                       const struct channel_options *options)
{
    struct channel *c = channel_new(l, url, options);
    transport_take(c, t);
    return c;
}

static void on_dialed(void *owner, int rc, nng_stream *stream)
{
    struct channel *c = owner;
    c->dialing = false;
    if (stream)
        transport_take(c, nng_transport_new(c->loop, stream, str_starts(c->url, "ws"), NULL, NULL));
    if (c->closing) {
        channel_maybe_free(c);
        return;
    }
    if (rc) {
        struct error err;
        error_set(&err,
                  rc == NNG_ETIMEDOUT ? ERROR_DEADLINE
                  : rc == NNG_EPERM   ? ERROR_FORBIDDEN /* a WebSocket server's 401 and 403 */
                                      : ERROR_UNAVAILABLE,
                  "cannot connect to %s: %s", c->url, nng_strerror(rc));
        channel_close(c, &err);
        channel_maybe_free(c);
        return;
    }
    channel_write(c);
    if (!c->closing)
        channel_read(c);
}

static int dialer_configure(nng_stream_dialer *dialer, const char *url,
                            const struct channel_options *options, struct error *err)
{
    int rc = 0;
    if (str_starts(url, "ws")) /* as in channel_listener.c */
        rc = nng_stream_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true);
    if (rc == 0 && options && options->bearer_token) {
        char *header = xasprintf("Authorization: Bearer %s\r\n", options->bearer_token);
        rc = nng_stream_dialer_set_string(dialer, NNG_OPT_WS_REQUEST_HEADERS, header);
        secret_free(header);
    }
    if (rc == 0 && options && options->tls)
        rc = nng_stream_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, options->tls);
    return rc ? error_set(err, ERROR_INVALID_PARAMETER, "nng: %s", nng_strerror(rc)) : 0;
}

int channel_dial(struct loop *l, const char *url, const struct channel_options *options,
                 const struct channel_events *events, void *owner, struct channel **out,
                 struct error *err)
{
    nng_stream_dialer *dialer;
    int rc = nng_stream_dialer_alloc(&dialer, url);
    if (rc)
        return error_set(err, ERROR_INVALID_PARAMETER, "address %s: %s", url, nng_strerror(rc));
    if (dialer_configure(dialer, url, options, err)) {
        nng_stream_dialer_free(dialer);
        return -1;
    }
    struct channel *c = channel_new(l, url, options);
    c->events = events;
    c->owner = owner;
    c->started = c->dialing = true;
    int64_t timeout_ms =
        options && options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_DEFAULT_MS;
    c->dial = dial_start(l, dialer, timeout_ms, on_dialed, c);
    *out = c;
    return 0;
}

void channel_start(struct channel *c, const struct channel_events *events, void *owner)
{
    c->events = events;
    c->owner = owner;
    c->started = true;
    if (!c->delivering)
        post_deliver(c);
}

/* ---- streams that the peer brings ---- */

void channel_await(struct loop *l, const struct channel_options *options,
                   const struct channel_events *events, void *owner, struct channel **slot)
{
    struct channel *c = channel_new(l, "", options);
    c->events = events;
    c->owner = owner;
    c->started = c->dialing = true;
    c->slot = slot;
    *slot = c;
}

void channel_adopt(struct channel *awaiting, struct channel *accepted)
{
    assert(awaiting->slot && !accepted->started);
    slot_leave(awaiting);
    transport_take(awaiting, STEAL(accepted->transport));
    memcpy(awaiting->url, accepted->url, sizeof awaiting->url);
    awaiting->dialing = false;
    channel_close(accepted, NULL);
    channel_write(awaiting);
    if (!awaiting->closing)
        channel_read(awaiting);
}

void channel_give_up(struct channel *awaiting, const struct error *why)
{
    channel_close(awaiting, why);
}

bool channel_writable(const struct channel *c)
{
    return !c->full;
}

void channel_pause(struct channel *c)
{
    c->paused = true;
}

void channel_resume(struct channel *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    if (!c->closing && !c->delivering)
        post_deliver(c);
}

void channel_finish(struct channel *c)
{
    if (c->closing || c->finishing)
        return;
    c->finishing = true;
    if (!c->dialing)
        loop_defer(c->loop, &c->flush);
}

void channel_abort(struct channel *c)
{
    channel_close(c, NULL);
}

void channel_abort_all(struct loop *l)
{
    for (struct channel *c = l->channels; c; c = c->next)
        channel_abort(c);
}
