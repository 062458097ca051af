/* SPDX-License-Identifier: Apache-2.0
 * The ends of a unary operation; see op.h. */
#include "backend/api/op.h"

#include "base/log.h"
#include "ipc/rpc.h"

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
