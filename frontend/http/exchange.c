/* SPDX-License-Identifier: Apache-2.0
 *
 * The unary path: request to the backend, reply or error to the client; see exchange.h.
 */
#include "frontend/http/exchange.h"

#include "frontend/rpc/backend_client.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/http_reply.h"

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

/* Requests whose replies carry something; the two envelopes use the same numbers. */
static bool op_has_result(int op)
{
    static const int ops[] = {
        SOCKERLESS__REPLY__RESULT_INFO,
        SOCKERLESS__REPLY__RESULT_CONTAINER_CREATE,
        SOCKERLESS__REPLY__RESULT_CONTAINER_INSPECT,
        SOCKERLESS__REPLY__RESULT_CONTAINER_LIST,
        SOCKERLESS__REPLY__RESULT_EXEC_CREATE,
        SOCKERLESS__REPLY__RESULT_EXEC_INSPECT,
        SOCKERLESS__REPLY__RESULT_IMAGE_LIST,
        SOCKERLESS__REPLY__RESULT_IMAGE_INSPECT,
        SOCKERLESS__REPLY__RESULT_IMAGE_HISTORY,
        SOCKERLESS__REPLY__RESULT_IMAGE_REMOVE,
        SOCKERLESS__REPLY__RESULT_IMAGE_PRUNE,
        SOCKERLESS__REPLY__RESULT_DISTRIBUTION,
        SOCKERLESS__REPLY__RESULT_AUTH,
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (ops[i] == op)
            return true;
    return false;
}

_Static_assert((int)SOCKERLESS__REPLY__RESULT_INFO == SOCKERLESS__REQUEST__OP_INFO, "agree");
_Static_assert((int)SOCKERLESS__REPLY__RESULT_IMAGE_INSPECT ==
                   SOCKERLESS__REQUEST__OP_IMAGE_INSPECT,
               "agree");
_Static_assert((int)SOCKERLESS__REPLY__RESULT_AUTH == SOCKERLESS__REQUEST__OP_AUTH, "agree");

static void call_on_done(void *arg, const Sockerless__Reply *reply, const struct error *err)
{
    struct exchange *x = arg;
    x->call = NULL;
    http_conn_own(x->conn, NULL, NULL);
    if (err)
        reply_failure(x, err);
    else if (op_has_result(x->call_op) && x->call_op != (int)reply->result_case)
        reply_error(x, 500,
                    "the backend answered something else than what was asked; do the "
                    "versions of frontend and backend agree?");
    else
        x->call_done(x, reply);
}

void exchange_call(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                   void (*done)(struct exchange *x, const Sockerless__Reply *reply))
{
    static const struct http_conn_events events = {.eof = call_on_eof, .gone = call_on_gone};
    if (!x->backend) {
        reply_error(x, 503, "no backend is configured (--backend, SOCKERLESS_BACKEND)");
        return;
    }
    x->call_done = done;
    x->call_op = (int)request->op_case;
    x->call = backend_call(x->backend, request, timeout_ms, call_on_done, x);
    http_conn_own(x->conn, &events, x);
}

void exchange_done_no_content(struct exchange *x, const Sockerless__Reply *reply)
{
    (void)reply;
    reply_empty(x, 204);
}

void exchange_done_created(struct exchange *x, const Sockerless__Reply *reply)
{
    (void)reply;
    reply_empty(x, 201);
}

void exchange_done_ok(struct exchange *x, const Sockerless__Reply *reply)
{
    (void)reply;
    reply_empty(x, 200);
}

int exchange_window_size(struct exchange *x, uint32_t *height, uint32_t *width)
{
    struct error err;
    int64_t h, w;
    if (query_int(&x->query, "h", 0, 0, UINT16_MAX, &h, &err) ||
        query_int(&x->query, "w", 0, 0, UINT16_MAX, &w, &err)) {
        reply_failure(x, &err);
        return -1;
    }
    *height = (uint32_t)h;
    *width = (uint32_t)w;
    return 0;
}
