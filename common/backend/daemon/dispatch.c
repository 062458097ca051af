/* SPDX-License-Identifier: Apache-2.0
 *
 * From the RPC server to the operation or session, by the lists of backend/api. Operations that
 * wait run in a coroutine.
 */
#include "backend/daemon/dispatch.h"

#include "backend/api/op.h"
#include "backend/api/session.h"
#include "base/alloc.h"
#include "base/log.h"

struct op_entry {
    void (*run)(struct op *op);
    bool waits;
};

static const struct op_entry *op_lookup(Sockerless__Request__OpCase op)
{
#define ENTRY(name, function, waits_) [SOCKERLESS__REQUEST__OP_##name] = {function, waits_},
    static const struct op_entry table[] = {OP_LIST(ENTRY)};
#undef ENTRY
    if ((size_t)op >= ARRAY_LEN(table) || !table[op].run)
        return NULL;
    return &table[op];
}

struct op_start {
    struct op op;
    void (*run)(struct op *op);
};

static void co_run_op(void *arg)
{
    struct op_start *start = arg;
    start->run(&start->op);
    free(start);
}

void dispatch_request(void *owner, struct rpc_call *call, const Sockerless__Request *request)
{
    struct op op = {owner, call, request, rpc_call_arena(call)};
    const struct op_entry *entry = op_lookup(request->op_case);
    struct error err;
    if (!entry) {
        error_set(&err, ERROR_NOT_IMPLEMENTED, "this backend does not support request %d",
                  (int)request->op_case);
        op_fail(&op, &err);
        return;
    }
    if (!entry->waits) {
        entry->run(&op);
        return;
    }
    struct op_start *start = NEW(struct op_start);
    start->op = op;
    start->run = entry->run;
    if (co_spawn(op.backend->loop, co_run_op, start, &err)) {
        free(start);
        op_fail(&op, &err);
    }
}

void dispatch_session(void *owner, struct channel *channel, const Sockerless__StreamOpen *open)
{
    struct backend *b = owner;
    struct error err;
    switch (open->kind_case) {
#define OPEN(kind, field, message, function)                                                       \
    case SOCKERLESS__STREAM_OPEN__KIND_##kind: function(b, channel, open->field); return;
        SESSION_LIST(OPEN)
#undef OPEN
    default: break;
    }
    error_set(&err, ERROR_NOT_IMPLEMENTED, "this backend does not support session %d",
              (int)open->kind_case);
    channel_fail(channel, &err);
}
