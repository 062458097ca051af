/* SPDX-License-Identifier: Apache-2.0
 *
 * The frontend's end of an RPC connection: one channel, many outstanding requests matched by a
 * correlation number; see rpc.h. A broken connection is dialled again once for what is under way;
 * the request id makes the repetition harmless.
 */
#include "ipc/rpc.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/id.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <string.h>
#include <uthash.h>

enum { CORRELATION_SIZE = 8, TIMEOUT_DEFAULT_MS = 60000, REQUEST_ID_SIZE = 16 };

struct rpc_pending {
    uint64_t correlation;
    struct rpc_client *client;
    rpc_done done;
    void *arg;
    int64_t deadline_ms;
    unsigned char id[REQUEST_ID_SIZE];
    unsigned char *packed; /* kept for one repetition */
    size_t packed_len;
    bool repeated;
    bool doomed; /* will be failed in this turn */
    UT_hash_handle hh;
};

struct rpc_client {
    struct loop *loop;
    char *url;
    struct channel_options options;
    struct channel *channel; /* NULL while there is no connection */
    struct rpc_pending *pending;
    uint64_t next_correlation;
    uv_timer_t expiry; /* ticks while something is outstanding */
    bool freeing, expiry_closed;
};

enum { EXPIRY_TICK_MS = 500 };

static void pending_free(struct rpc_pending *p)
{
    HASH_DEL(p->client->pending, p);
    free(p->packed);
    free(p);
}

static void pending_fail(struct rpc_pending *p, const struct error *err)
{
    rpc_done done = p->done;
    void *arg = p->arg;
    pending_free(p);
    done(arg, NULL, err);
}

/* A done callback may issue or cancel other calls, so nothing is remembered across one. */
static void fail_doomed(struct rpc_client *c, const struct error *err)
{
    for (;;) {
        struct rpc_pending *p = c->pending;
        while (p && !p->doomed)
            p = p->hh.next;
        if (!p)
            return;
        pending_fail(p, err);
    }
}

static void on_expiry(uv_timer_t *timer)
{
    struct rpc_client *c = timer->data;
    int64_t now = time_mono_ms();
    struct error err;
    error_set(&err, ERROR_DEADLINE, "the backend at %s did not answer in time", c->url);
    for (struct rpc_pending *p = c->pending; p; p = p->hh.next)
        p->doomed = p->deadline_ms <= now;
    fail_doomed(c, &err);
    if (!c->pending)
        uv_timer_stop(timer);
}

struct rpc_client *rpc_client_new(struct loop *l, const char *url,
                                  const struct channel_options *options)
{
    struct rpc_client *c = NEW(struct rpc_client);
    c->loop = l;
    c->url = xstrdup(url);
    if (options)
        c->options = *options;
    c->options.payload_max = FRAME_RPC_MAX;
    uv_timer_init(&l->uv, &c->expiry);
    c->expiry.data = c;
    return c;
}

static void client_maybe_free(struct rpc_client *c)
{
    if (!c->freeing || !c->expiry_closed || c->channel)
        return;
    free(c->url);
    free(c);
}

static void on_expiry_closed(uv_handle_t *handle)
{
    struct rpc_client *c = handle->data;
    c->expiry_closed = true;
    client_maybe_free(c);
}

void rpc_client_free(struct rpc_client *c)
{
    struct error err;
    c->freeing = true;
    error_set(&err, ERROR_CANCELLED, "shutting down");
    for (struct rpc_pending *p = c->pending; p; p = p->hh.next)
        p->doomed = true;
    fail_doomed(c, &err);
    if (c->channel)
        channel_abort(c->channel);
    uv_close((uv_handle_t *)&c->expiry, on_expiry_closed);
}

/* ---- replies ---- */

static void reply_deliver(struct rpc_pending *p, const unsigned char *bytes, size_t len)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    struct error err;
    Sockerless__Reply *reply = sockerless__reply__unpack(&arena.protobuf, len, bytes);
    rpc_done done = p->done;
    void *arg = p->arg;
    pending_free(p);
    if (!reply) {
        error_set(&err, ERROR_SYSTEM,
                  "the backend's answer could not be understood; do the "
                  "versions of frontend and backend agree?");
        done(arg, NULL, &err);
    } else if (reply->error) {
        error_set(&err, (enum error_code)reply->error->code, "%s", reply->error->message);
        done(arg, NULL, &err);
    } else {
        done(arg, reply, NULL);
    }
}

static void on_frame(void *owner, const struct frame *f)
{
    struct rpc_client *c = owner;
    uint64_t correlation;
    struct rpc_pending *p;
    if (f->type != FRAME_RPC_REPLY || f->len < CORRELATION_SIZE)
        return;
    memcpy(&correlation, f->payload, CORRELATION_SIZE);
    HASH_FIND(hh, c->pending, &correlation, sizeof correlation, p);
    if (p) /* else cancelled or expired */
        reply_deliver(p, f->payload + CORRELATION_SIZE, f->len - CORRELATION_SIZE);
}

static void connect_channel(struct rpc_client *c);

static void transmit(struct rpc_pending *p)
{
    struct rpc_client *c = p->client;
    if (!c->channel)
        connect_channel(c);
    if (c->channel)
        channel_send(c->channel, FRAME_RPC_REQUEST, p->packed, p->packed_len);
}

/* Connection over: what is under way is repeated once; what never got through fails with a hint. */
static void on_closed(void *owner, const struct error *why)
{
    struct rpc_client *c = owner;
    struct error err;
    c->channel = NULL;
    if (c->freeing) {
        client_maybe_free(c);
        return;
    }
    if (why)
        log_warn("backend connection lost", LOG_STR("backend", c->url),
                 LOG_STR("error", why->message));
    error_set(&err, ERROR_UNAVAILABLE,
              "the backend at %s is not reachable (%s); start it, or check --backend "
              "(SOCKERLESS_BACKEND)",
              c->url, why ? why->message : "connection closed");
    for (struct rpc_pending *p = c->pending; p; p = p->hh.next)
        p->doomed = p->repeated || why != NULL;
    for (struct rpc_pending *p = c->pending; p; p = p->hh.next) {
        if (p->doomed)
            continue;
        p->repeated = true;
        transmit(p);
    }
    fail_doomed(c, &err);
}

static const struct channel_events client_events = {.frame = on_frame, .closed = on_closed};

static void connect_channel(struct rpc_client *c)
{
    struct error err;
    if (channel_dial(c->loop, c->url, &c->options, &client_events, c, &c->channel, &err)) {
        log_error("cannot dial the backend", LOG_STR("error", err.message));
        c->channel = NULL;
    }
}

static void pack_request(struct rpc_pending *p, Sockerless__Request *request)
{
    random_bytes(p->id, sizeof p->id);
    request->id.data = p->id;
    request->id.len = sizeof p->id;
    p->packed_len = CORRELATION_SIZE + sockerless__request__get_packed_size(request);
    p->packed = xmalloc(p->packed_len);
    memcpy(p->packed, &p->correlation, CORRELATION_SIZE);
    sockerless__request__pack(request, p->packed + CORRELATION_SIZE);
}

struct rpc_pending *rpc_call(struct rpc_client *c, Sockerless__Request *request, int64_t timeout_ms,
                             rpc_done done, void *arg)
{
    struct rpc_pending *p = NEW(struct rpc_pending);
    p->client = c;
    p->correlation = ++c->next_correlation;
    p->done = done;
    p->arg = arg;
    p->deadline_ms = time_mono_ms() + (timeout_ms ? timeout_ms : TIMEOUT_DEFAULT_MS);
    pack_request(p, request);
    HASH_ADD(hh, c->pending, correlation, sizeof p->correlation, p);
    if (HASH_COUNT(c->pending) > RPC_OUTSTANDING_MAX)
        p->deadline_ms = 0; /* refused at the next tick: never from inside */
    else
        transmit(p);
    if (!uv_is_active((uv_handle_t *)&c->expiry))
        uv_timer_start(&c->expiry, on_expiry, EXPIRY_TICK_MS, EXPIRY_TICK_MS);
    return p;
}

void rpc_cancel(struct rpc_pending *p)
{
    pending_free(p);
}
