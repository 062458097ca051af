/* SPDX-License-Identifier: Apache-2.0
 *
 * The unary path: request to the backend, reply or error to the client; see exchange_call.h.
 */
#include "frontend/http/exchange_call.h"

#include "frontend/rpc/backend_client.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/reply.h"

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

/* The two envelopes use the same numbers. */
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
    else if (!x->call_done)
        reply_empty(x, x->call_status);
    else if (x->call_op != (int)reply->result_case)
        reply_error(x, 500,
                    "the backend answered something else than what was asked; do the "
                    "versions of frontend and backend agree?");
    else
        x->call_done(x, reply);
}

static void call_start(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms)
{
    static const struct http_conn_events events = {.eof = call_on_eof, .gone = call_on_gone};
    if (!x->backend) {
        reply_error(x, 503, "no backend is configured (--backend, SOCKERLESS_BACKEND)");
        return;
    }
    x->call_op = (int)request->op_case;
    x->call = backend_client_call(x->backend, request, timeout_ms, call_on_done, x);
    http_conn_own(x->conn, &events, x);
}

void exchange_call(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                   void (*done)(struct exchange *x, const Sockerless__Reply *reply))
{
    x->call_done = done;
    call_start(x, request, timeout_ms);
}

void exchange_call_empty(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                         unsigned status)
{
    x->call_status = status;
    call_start(x, request, timeout_ms);
}
