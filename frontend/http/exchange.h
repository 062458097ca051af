/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and the state of its answer. A connection holds one at a time: the next pipelined
 * request is parsed only once the answer is out. Handlers read the request fields and answer
 * through reply.h, or ask the backend first (exchange_call.h); what they allocate comes from the
 * exchange's arena.
 */
#ifndef SOCKERLESS_FRONTEND_EXCHANGE_H
#define SOCKERLESS_FRONTEND_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "frontend/http/http_service.h"
#include "frontend/http/query.h"

#include "proto/sockerless.pb-c.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_conn;
struct http_shared;
struct backend_client;
struct rpc_pending;

struct exchange {
    struct http_conn *conn;         /* borrowed, outlives the exchange */
    struct http_shared *shared;     /* borrowed */
    struct backend_client *backend; /* borrowed; NULL: none configured */
    struct arena arena;

    /* request */
    uint8_t method;                     /* llhttp_method_t */
    const char *target;                 /* as sent */
    const char *path;                   /* decoded, without version prefix */
    size_t path_len;                    /* a name may hold a NUL byte */
    const struct http_handler *handler; /* NULL until the head is complete */
    const char *arg;                    /* what the route's wildcard matched; NULL without */
    unsigned api; /* minor of the asked API version; API_MINOR_MAX when unversioned */
    struct query query;
    const char *content_type;  /* NULL: none */
    const char *registry_auth; /* X-Registry-Auth as sent; NULL: none */
    bool http10, has_host, wants_upgrade, expects_continue;
    bool keep_alive; /* the connection may serve another request */
    bool chunked_body;
    uint64_t content_length;
    struct buf body; /* only for BODY_JSON */
    uint64_t body_seen;
    bool body_pending; /* BODY_STREAM: the client has not sent its end yet */

    /* answer */
    bool plain; /* an answer without Docker's standard headers (unknown routes) */
    bool head_sent;
    bool chunked_reply;       /* a streaming reply in chunks; else ended by close */
    struct rpc_pending *call; /* of exchange_call.c, while the backend is asked */
    int call_op;
    void (*call_done)(struct exchange *x, const Sockerless__Reply *reply);
    unsigned call_status;
};

#endif
