/* SPDX-License-Identifier: Apache-2.0
 *
 * From the RPC server to the operation: one table. Operations that wait run in a coroutine.
 */
#include "backend/daemon/dispatch.h"

#include "base/alloc.h"
#include "base/log.h"

/* ---- ends of an operation ---- */

void op_reply(struct op *op, Sockerless__Reply *reply)
{
    rpc_reply(op->call, reply);
    op->call = NULL;
}

void op_reply_empty(struct op *op)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    op_reply(op, &reply);
}

void op_fail(struct op *op, const struct error *err)
{
    if (err->code == ERROR_SYSTEM || err->code == ERROR_UNAVAILABLE)
        log_warn("operation failed", LOG_STR("error", err->message));
    rpc_reply_error(op->call, err);
    op->call = NULL;
}

/* ---- table ---- */

struct op_entry {
    void (*run)(struct op *op);
    bool waits;
};

static const struct op_entry *op_lookup(Sockerless__Request__OpCase op)
{
#define OP(name, function, waits_) [SOCKERLESS__REQUEST__OP_##name] = { function, waits_ }
    static const struct op_entry table[] = {
        OP(INFO, op_info, false),
        OP(CONTAINER_CREATE, op_container_create, false),
        OP(CONTAINER_START, co_op_container_start, true),
        OP(CONTAINER_INSPECT, op_container_inspect, false),
        OP(CONTAINER_LIST, op_container_list, false),
        OP(CONTAINER_STOP, co_op_container_stop, true),
        OP(CONTAINER_KILL, co_op_container_kill, true),
        OP(CONTAINER_REMOVE, co_op_container_remove, true),
        OP(CONTAINER_RESIZE, op_container_resize, false),
        OP(EXEC_CREATE, op_exec_create, false),
        OP(EXEC_INSPECT, op_exec_inspect, false),
        OP(EXEC_RESIZE, op_exec_resize, false),
        OP(IMAGE_LIST, op_image_list, false),
        OP(IMAGE_INSPECT, op_image_inspect, false),
        OP(IMAGE_HISTORY, op_image_history, false),
        OP(IMAGE_TAG, op_image_tag, false),
        OP(IMAGE_REMOVE, op_image_remove, false),
        OP(IMAGE_PRUNE, op_image_prune, false),
        OP(DISTRIBUTION, co_op_distribution, true),
        OP(AUTH, co_op_auth, true),
    };
#undef OP
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
        error_set(&err, ERROR_NOT_IMPLEMENTED, "this backend does not know request %d",
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
    case SOCKERLESS__STREAM_OPEN__KIND_ATTACH:
        session_attach_open(b, channel, open->attach);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_EXEC_START:
        session_exec_open(b, channel, open->exec_start);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_LOGS: session_logs_open(b, channel, open->logs); return;
    case SOCKERLESS__STREAM_OPEN__KIND_WAIT: session_wait_open(b, channel, open->wait); return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL:
        session_pull_open(b, channel, open->image_pull);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD:
        session_load_open(b, channel, open->image_load);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT:
        session_import_open(b, channel, open->image_import);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH:
        session_push_open(b, channel, open->image_push);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_SAVE:
        session_save_open(b, channel, open->image_save);
        return;
    default: break;
    }
    error_set(&err, ERROR_NOT_IMPLEMENTED, "this backend does not know session %d",
              (int)open->kind_case);
    channel_fail(channel, &err);
}
