/* SPDX-License-Identifier: Apache-2.0
 *
 * The unary path: request to the backend, reply or error to the client; see exchange.h.
 */
#include "frontend/exchange.h"

#include "frontend/backend_client.h"
#include "frontend/http_conn.h"
#include "frontend/http_reply.h"

static void call_on_gone(void *arg)
{
    struct exchange *x = arg;
    rpc_cancel(x->call);
    x->call = NULL;
}

/* A half-closed client still gets its answer. */
static void call_on_eof(void *arg)
{
    (void)arg;
}

static void call_on_done(void *arg, const Sockerless__Reply *reply, const struct error *err)
{
    struct exchange *x = arg;
    x->call = NULL;
    http_conn_own(x->conn, NULL, NULL);
    if (err)
        reply_failure(x, err);
    else
        x->call_done(x, reply);
}

void exchange_call(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                   void (*done)(struct exchange *x, const Sockerless__Reply *reply))
{
    static const struct http_conn_events events = {.eof = call_on_eof, .gone = call_on_gone};
    x->call_done = done;
    x->call = backend_call(x->backend, request, timeout_ms, call_on_done, x);
    http_conn_own(x->conn, &events, x);
}

void exchange_done_no_content(struct exchange *x, const Sockerless__Reply *reply)
{
    (void)reply;
    reply_empty(x, 204);
}
