/* SPDX-License-Identifier: Apache-2.0
 * Container inspect: the container's view as it is, packed straight from the object. */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"

void op_container_inspect(struct op *op)
{
    struct error err;
    struct container *c =
        container_find_recent(&op->backend->containers, op->request->container_inspect->ref, &err);
    if (!c) {
        op_fail(op, &err);
        return;
    }
    Sockerless__ContainerInspectReply inspect = SOCKERLESS__CONTAINER_INSPECT_REPLY__INIT;
    inspect.container = c->view;
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_CONTAINER_INSPECT;
    reply.container_inspect = &inspect;
    op_reply(op, &reply);
}
