/* SPDX-License-Identifier: Apache-2.0
 *
 * The backend's end: accepts channels, tells RPC connections from sessions by the first frame, and
 * carries replies back to the connection a request came from, if it is still there; see rpc.h.
 */
#include "ipc/rpc.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"

#include <string.h>

enum { CORRELATION_SIZE = 8 };

/* Spot checks over the whole range: the two lists have the same order. */
_Static_assert((int)ERROR_INVALID_PARAMETER == SOCKERLESS__ERROR_CODE__INVALID_PARAMETER, "agree");
_Static_assert((int)ERROR_NOT_FOUND == SOCKERLESS__ERROR_CODE__NOT_FOUND, "codes agree");
_Static_assert((int)ERROR_NOT_MODIFIED == SOCKERLESS__ERROR_CODE__NOT_MODIFIED, "codes agree");
_Static_assert((int)ERROR_SYSTEM == SOCKERLESS__ERROR_CODE__SYSTEM, "codes agree");
_Static_assert((int)ERROR_CANCELLED == SOCKERLESS__ERROR_CODE__CANCELLED, "codes agree");

struct rpc_connection {
    struct rpc_server *server;
    struct channel *channel; /* NULL once closed or handed over */
    unsigned calls;          /* outstanding; they keep the connection object */
};

struct rpc_call {
    struct rpc_connection *connection;
    unsigned char correlation[CORRELATION_SIZE];
    struct arena arena; /* holds the request and what the reply is made of */
};

struct rpc_server {
    struct channel_listener *listener;
    const struct rpc_server_events *events;
    void *owner;
};

static void connection_maybe_free(struct rpc_connection *conn)
{
    if (!conn->channel && conn->calls == 0)
        free(conn);
}

static void on_closed(void *owner, const struct error *why)
{
    struct rpc_connection *conn = owner;
    if (why)
        log_debug("frontend connection lost", LOG_STR("error", why->message));
    conn->channel = NULL;
    connection_maybe_free(conn);
}

static void on_request(struct rpc_connection *conn, const struct frame *f)
{
    if (f->len < CORRELATION_SIZE) {
        channel_abort(conn->channel);
        return;
    }
    struct rpc_call *call = NEW(struct rpc_call);
    arena_init(&call->arena);
    call->connection = conn;
    conn->calls++;
    memcpy(call->correlation, f->payload, CORRELATION_SIZE);
    Sockerless__Request *request = sockerless__request__unpack(
        &call->arena.protobuf, f->len - CORRELATION_SIZE, f->payload + CORRELATION_SIZE);
    if (!request) {
        struct error err;
        error_set(&err, ERROR_INVALID_PARAMETER,
                  "the request could not be understood; do the "
                  "versions of frontend and backend agree?");
        rpc_reply_error(call, &err);
        return;
    }
    conn->server->events->request(conn->server->owner, call, request);
}

/* The handler takes the channel: this connection object is no longer its owner. */
static void on_session(struct rpc_connection *conn, const struct frame *f)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    struct channel *channel = STEAL(conn->channel);
    struct rpc_server *server = conn->server;
    connection_maybe_free(conn);
    channel_start(channel, NULL, NULL);
    Sockerless__StreamOpen *open =
        sockerless__stream_open__unpack(&arena.protobuf, f->len, f->payload);
    if (!open) {
        struct error err;
        error_set(&err, ERROR_INVALID_PARAMETER, "the session could not be understood");
        channel_fail(channel, &err);
        return;
    }
    server->events->session(server->owner, channel, open);
}

static void on_frame(void *owner, const struct frame *f)
{
    struct rpc_connection *conn = owner;
    if (f->type == FRAME_RPC_REQUEST) {
        on_request(conn, f);
    } else if (f->type == FRAME_OPEN && conn->calls == 0) {
        on_session(conn, f);
    } else {
        log_warn("unexpected first frame", LOG_INT("type", f->type));
        channel_abort(conn->channel);
    }
}

static const struct channel_events connection_events = {.frame = on_frame, .closed = on_closed};

static void on_accept(void *owner, struct channel *channel)
{
    struct rpc_connection *conn = NEW(struct rpc_connection);
    conn->server = owner;
    conn->channel = channel;
    channel_start(channel, &connection_events, conn);
}

int rpc_server_listen(struct loop *l, const char *url, const struct channel_options *options,
                      const struct rpc_server_events *events, void *owner, struct rpc_server **out,
                      struct error *err)
{
    struct rpc_server *s = NEW(struct rpc_server);
    s->events = events;
    s->owner = owner;
    struct channel_options own = options ? *options : (struct channel_options){0};
    if (!own.payload_max)
        own.payload_max = FRAME_RPC_MAX;
    if (channel_listen(l, url, &own, on_accept, s, &s->listener, err)) {
        free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void rpc_server_close(struct rpc_server *s)
{
    channel_listener_close(s->listener);
    s->listener = NULL;
}

void rpc_server_free(struct rpc_server *s)
{
    free(s);
}

static void call_free(struct rpc_call *call)
{
    struct rpc_connection *conn = call->connection;
    conn->calls--;
    arena_fini(&call->arena);
    free(call);
    connection_maybe_free(conn);
}

void rpc_reply(struct rpc_call *call, const Sockerless__Reply *reply)
{
    if (call->connection->channel)
        channel_send_message(call->connection->channel, FRAME_RPC_REPLY, call->correlation,
                             CORRELATION_SIZE, &reply->base);
    call_free(call);
}

void rpc_reply_error(struct rpc_call *call, const struct error *err)
{
    Sockerless__Error message = SOCKERLESS__ERROR__INIT;
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    message.code = (Sockerless__ErrorCode)err->code;
    message.message = (char *)(uintptr_t)err->message;
    reply.error = &message;
    rpc_reply(call, &reply);
}

struct arena *rpc_call_arena(struct rpc_call *call)
{
    return &call->arena;
}
