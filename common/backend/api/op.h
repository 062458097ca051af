/* SPDX-License-Identifier: Apache-2.0
 *
 * A unary operation under way, and its ends.
 */
#ifndef SOCKERLESS_BACKEND_OP_H
#define SOCKERLESS_BACKEND_OP_H

#include "backend/api/op_list.h"
#include "base/error.h"

#include "proto/sockerless.pb-c.h"

struct arena;
struct backend;
struct rpc_call;

struct op {
    struct backend *backend;
    struct rpc_call *call;
    const Sockerless__Request *request;
    struct arena *arena; /* of the call */
};

/* End of an operation: exactly one of these. */
void op_reply(struct op *op, Sockerless__Reply *reply);
void op_reply_empty(struct op *op);
void op_fail(struct op *op, const struct error *err);

#define OP_DECLARE(name, function, waits) void function(struct op *op);
OP_LIST(OP_DECLARE)
#undef OP_DECLARE

#endif
