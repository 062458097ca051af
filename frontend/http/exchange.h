/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and the state of its answer. A connection holds one at a time: the next pipelined
 * request is parsed only once the answer is out. Handlers (route_*.c) read the request fields and
 * answer through http_reply.h; what they allocate comes from the exchange's arena.
 */
#ifndef SOCKERLESS_FRONTEND_EXCHANGE_H
#define SOCKERLESS_FRONTEND_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "frontend/http/query.h"

#include "proto/sockerless.pb-c.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_conn;
struct backend_client;
struct rpc_pending;
struct route;

struct exchange {
    struct http_conn *conn;         /* borrowed, outlives the exchange */
    struct backend_client *backend; /* borrowed; NULL: none configured */
    struct arena arena;

    /* request */
    uint8_t method;     /* llhttp_method_t */
    const char *target; /* as sent */
    const char *path;   /* decoded, without version prefix */
    size_t path_len;    /* a name may hold a NUL byte */
    const struct route *route;
    const char *arg; /* what the route's wildcard matched; NULL without */
    unsigned api;    /* minor of the asked API version; API_MINOR_MAX when unversioned */
    struct query query;
    const char *content_type;  /* NULL: none */
    const char *registry_auth; /* X-Registry-Auth as sent; NULL: none */
    bool http10, has_host, wants_upgrade, expects_continue;
    bool keep_alive; /* the connection may serve another request */
    bool chunked_body;
    uint64_t content_length;
    struct buf body; /* only for BODY_JSON routes */
    uint64_t body_seen;
    bool body_pending; /* BODY_STREAM: the client has not sent its end yet */

    /* answer */
    bool plain; /* an answer without Docker's standard headers (unknown routes) */
    bool head_sent;
    bool chunked_reply; /* a streaming reply in chunks; else ended by close */
    struct rpc_pending *call;
    int call_op;
    void (*call_done)(struct exchange *x, const Sockerless__Reply *reply);
};

/* Send a unary request to the backend; done() gets a successful reply, failures are answered as
 * Docker's error JSON. A client that disconnects meanwhile cancels the wait. timeout_ms 0: 60 s. */
void exchange_call(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                   void (*done)(struct exchange *x, const Sockerless__Reply *reply));
/* For requests whose answer is a status without body: 204, 201, 200. */
void exchange_done_no_content(struct exchange *x, const Sockerless__Reply *reply);
void exchange_done_created(struct exchange *x, const Sockerless__Reply *reply);
void exchange_done_ok(struct exchange *x, const Sockerless__Reply *reply);

/* The window size of a resize: query parameters h and w. -1: they are bad and x is answered. */
int exchange_window_size(struct exchange *x, uint32_t *height, uint32_t *width) MUST_CHECK;

#endif
