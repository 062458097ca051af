/* SPDX-License-Identifier: Apache-2.0
 * exec create, inspect and resize; exec start is session_exec.c. */
#include "backend/api/op.h"
#include "backend/attach/detach_keys.h"
#include "backend/attach/exec.h"
#include "backend/attach/session_exec.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/state/driver_group.h"
#include "base/utf8.h"

static bool has_nul(const Sockerless__ExecCreateRequest *request)
{
    bool found = utf8_has_nul(request->user) || utf8_has_nul(request->working_dir);
    for (size_t i = 0; i < request->n_cmd && !found; i++)
        found = utf8_has_nul(request->cmd[i]);
    for (size_t i = 0; i < request->n_env && !found; i++)
        found = utf8_has_nul(request->env[i]);
    return found;
}

static int create_refused(struct backend *b, const struct container *c,
                          const Sockerless__ExecCreateRequest *request, struct error *err)
{
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED)
        return error_set(err, ERROR_CONFLICT,
                         "Container %s is paused, unpause the container before exec", c->id);
    if (c->view->state != SOCKERLESS__CONTAINER_STATE__RUNNING)
        return error_set(err, ERROR_CONFLICT, "Container %s is not running", c->id);
    struct detach_keys keys;
    struct error bad;
    if (detach_keys_parse(request->detach_keys, &keys, &bad)) /* 500, as dockerd */
        return error_set(err, ERROR_SYSTEM, "Invalid escape keys (%.100s) provided",
                         request->detach_keys);
    if (has_nul(request))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "exec: command, user, working directory and environment can't contain "
                         "null(\\x00)");
    return driver_group_check(b->driver, b->driver->caps.agent != AGENT_NONE,
                              "exec needs the agent", err);
}

void op_exec_create(struct op *op)
{
    const Sockerless__ExecCreateRequest *request = op->request->exec_create;
    struct error err;
    struct container *c = NULL;
    struct exec *e = NULL;
    if (request->n_cmd)
        c = container_find_recent(&op->backend->containers, request->container, &err);
    else
        error_set(&err, ERROR_INVALID_PARAMETER, "No exec command specified");
    if (c && create_refused(op->backend, c, request, &err) == 0)
        e = exec_new(c, request, &err);
    if (!e) {
        op_fail(op, &err);
        return;
    }
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ExecCreateReply created = SOCKERLESS__EXEC_CREATE_REPLY__INIT;
    created.id = e->id;
    reply.result_case = SOCKERLESS__REPLY__RESULT_EXEC_CREATE;
    reply.exec_create = &created;
    op_reply(op, &reply);
}

void op_exec_inspect(struct op *op)
{
    struct error err;
    struct exec *e = exec_find(op->backend, op->request->exec_inspect->id, &err);
    if (!e) {
        op_fail(op, &err);
        return;
    }
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ExecInspectReply m = SOCKERLESS__EXEC_INSPECT_REPLY__INIT;
    m.id = e->id;
    m.container_id = e->container->id;
    m.config = e->config;
    m.running = e->running;
    m.has_exit_code = e->has_exit_code;
    m.exit_code = e->exit_code;
    m.pid = e->pid;
    m.detach_keys = (ProtobufCBinaryData){e->keys.count, e->keys.keys};
    reply.result_case = SOCKERLESS__REPLY__RESULT_EXEC_INSPECT;
    reply.exec_inspect = &m;
    op_reply(op, &reply);
}

void op_exec_resize(struct op *op)
{
    const Sockerless__ExecResizeRequest *request = op->request->exec_resize;
    struct error err;
    struct exec *e = exec_find(op->backend, request->id, &err);
    if (!e) {
        op_fail(op, &err);
        return;
    }
    if (e->ended_ms) {
        error_set(&err, ERROR_CONFLICT, "exec %s has ended", e->id);
        op_fail(op, &err);
        return;
    }
    e->height = request->height;
    e->width = request->width;
    if (e->session)
        session_exec_resize(e->session, request->height, request->width);
    op_reply_empty(op);
}
