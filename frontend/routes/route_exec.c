/* SPDX-License-Identifier: Apache-2.0
 *
 * Exec: create, start, resize, inspect.
 */
#include "frontend/json/docker_json.h"
#include "frontend/stream/hijack.h"
#include "frontend/http/exchange_call.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"

static void create_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_exec_create(out, reply->exec_create);
    reply_json(x, 201, out);
}

void route_exec_create(struct exchange *x)
{
    Sockerless__ExecCreateRequest create = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    json_t *root = route_request_json(x);
    if (!root)
        return;
    int rc = docker_json_exec_create(root, &x->arena, &create, &err);
    json_decref(root);
    if (rc) {
        reply_failure(x, &err);
        return;
    }
    create.container = text(x->arg);
    request.op_case = SOCKERLESS__REQUEST__OP_EXEC_CREATE;
    request.exec_create = &create;
    exchange_call(x, &request, 0, create_done);
}

void route_exec_start(struct exchange *x)
{
    Sockerless__ExecStartOpen start = SOCKERLESS__EXEC_START_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    struct error err;
    if (!x->body.len) {
        reply_error(x, 400, "got EOF while reading request body");
        return;
    }
    json_t *root = route_request_json(x);
    if (!root)
        return;
    int rc = docker_json_exec_start(root, &start, &err);
    json_decref(root);
    if (rc) {
        reply_failure(x, &err);
        return;
    }
    start.id = text(x->arg);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_EXEC_START;
    open.exec_start = &start;
    hijack_start(x, &open,
                 &(struct hijack_options){
                     .is_exec = true, .detach = start.detach, .wants_stdin = !start.detach});
}

void route_exec_resize(struct exchange *x)
{
    Sockerless__ExecResizeRequest resize = SOCKERLESS__EXEC_RESIZE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    resize.id = text(x->arg);
    if (route_request_window(x, &resize.height, &resize.width))
        return;
    request.op_case = SOCKERLESS__REQUEST__OP_EXEC_RESIZE;
    request.exec_resize = &resize;
    exchange_call_empty(x, &request, 0, 200);
}

static void inspect_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_exec(out, reply->exec_inspect);
    reply_json(x, 200, out);
}

void route_exec_inspect(struct exchange *x)
{
    Sockerless__ExecInspectRequest inspect = SOCKERLESS__EXEC_INSPECT_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    inspect.id = text(x->arg);
    request.op_case = SOCKERLESS__REQUEST__OP_EXEC_INSPECT;
    request.exec_inspect = &inspect;
    exchange_call(x, &request, 0, inspect_done);
}
