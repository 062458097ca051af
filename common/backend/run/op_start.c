/* SPDX-License-Identifier: Apache-2.0
 *
 * start: prepare and run in the cloud, wait until its agent answers (start_wait.c), answer the
 * client. On failure everything made is undone and the client gets the cloud's own reason.
 */
#include "backend/run/op_start.h"

#include "backend/api/op.h"
#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/inject/image_inject.h"
#include "backend/logs/log_options.h"
#include "backend/run/lifecycle.h"
#include "backend/run/run_launch.h"
#include "backend/run/run_report.h"
#include "backend/run/start_wait.h"
#include "backend/run/watcher.h"
#include "backend/run/workload_spec.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

/* moby looks a network up at start, too. There are no user-defined ones here yet. */
static int network_refused(const struct container *c, struct error *err)
{
    static const char *const known[] = {"", "default", "bridge", "host", "none"};
    const char *mode = str_or_empty(c->view->host->network_mode);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(mode, known[i]) == 0)
            return 0;
    if (str_starts(mode, "container:"))
        return error_set(err, ERROR_NOT_IMPLEMENTED,
                         "network mode %s is not supported: every container has an address of its "
                         "own",
                         mode);
    return error_set(err, ERROR_NOT_FOUND, "network %s not found", mode);
}

static int co_run_in_cloud(struct container *c, struct error *err)
{
    if (c->run_deleted && container_run_again(c, err)) /* undone before a crash */
        return -1;
    return co_run_launch(c, err);
}

static void start_undone(struct container *c, const struct error *why)
{
    c->start_error = why->code;
    lifecycle_run_over(c,
                       &(struct run_end){.code = 128, .error = why->message, .start_failed = true});
}

/* The agent answers at once, so an early end is known here: the container ran and is over. */
static int run_settled(struct container *c, struct error *err)
{
    const Sockerless__Exit *exit = agent_link_exit(c);
    if (exit && exit->start_failed) {
        char text[ERROR_MESSAGE_MAX];
        snprintf(text, sizeof text, "%s", exit->error);
        c->start_error = ERROR_INVALID_PARAMETER;
        run_report_exit(c);
        /* Docker: 400 for a missing or forbidden command */
        return error_set(err, ERROR_INVALID_PARAMETER, "%s", text);
    }
    c->view->started_at = c->run_started_at = time_now_ns();
    c->view->exit_code = 0; /* of the run before */
    if (container_set_state(c, SOCKERLESS__CONTAINER_STATE__RUNNING, err))
        return -1;
    if (exit)
        run_report_exit(c);
    return 0;
}

/* The time is the cloud's, from when it took the run: putting the agent into a large image has
 * deadlines of its own. */
static int co_start_once(struct container *c, struct error *err)
{
    return co_run_in_cloud(c, err) || co_start_wait(c, err) ? -1 : 0;
}

/* True when the run failed because only the image itself can bring what it needs: it is undone, and
 * the container ready for another that has the agent in its image. False: *err says why it failed.
 */
static bool co_give_way_to_layer(struct container *c, struct error *err)
{
    struct error trouble;
    if (!c->last_status.needs_agent_layer || !image_agent_possible(c->backend))
        return false;
    log_info("the image cannot bring the agent, starting again with the agent in it",
             LOG_STR("container", c->id), LOG_STR("reason", err->message));
    agent_link_drop(c);
    watcher_remove(c);
    int rc = image_set_needs_agent(c->backend, c->view->image_id, &trouble);
    if (rc == 0)
        rc = co_lifecycle_cleanup(c, &trouble);
    if (rc == 0 && (c->stop_requested || c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING))
        rc = run_launch_stopped(c, &trouble);
    if (rc == 0)
        rc = container_run_again(c, &trouble);
    if (rc)
        *err = trouble;
    return rc == 0;
}

int co_op_start_run(struct container *c, struct error *err)
{
    int64_t began = time_mono_ms();
    int rc = network_refused(c, err) || workload_spec_check(c, err) ||
                     log_options_open_check(c->view->host, err)
                 ? -1
                 : 0;
    if (rc == 0)
        rc = co_start_once(c, err);
    if (rc && co_give_way_to_layer(c, err))
        rc = co_start_once(c, err);
    if (rc)
        goto undo;
    if (c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING) {
        c->start_error = ERROR_CONFLICT;
        return run_launch_stopped(c, err);
    }
    log_info("started", LOG_STR("container", c->id), LOG_STR("resource", c->current.resource),
             LOG_INT("took_ms", time_mono_ms() - began));
    if (run_settled(c, err) == 0)
        return 0;
undo:
    if (c->backend->stopping && co_cancelled()) /* whatever failed because of that */
        return -1;                              /* the daemon resumes it after its restart */
    log_warn("start failed", LOG_STR("container", c->id), LOG_STR("error", err->message));
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING ||
        c->view->state == SOCKERLESS__CONTAINER_STATE__STOPPING)
        start_undone(c, err);
    return -1;
}

static int still_preparing(const struct container *c, struct error *err)
{
    return error_set(err, ERROR_DEADLINE,
                     "%s still prepares what container %s needs, which takes minutes for a new "
                     "image: start it again later",
                     c->backend->driver->name, c->id);
}

/* What is still made behind the create, and what another request is at, is waited for. */
static int co_await_others(struct container *c, struct error *err)
{
    const struct backend_config *config = c->backend->config;
    int64_t deadline_ms =
        time_mono_ms() + (config->start_timeout_s + config->agent_timeout_s) * 1000;
    bool prepared_meanwhile = c->preparing;
    while (!c->removed &&
           (c->preparing || c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING ||
            c->view->state == SOCKERLESS__CONTAINER_STATE__STOPPING))
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return err->code == ERROR_DEADLINE && c->preparing ? still_preparing(c, err) : -1;
    if (!prepared_meanwhile || c->removed || c->unprepared.code == ERROR_NONE)
        return 0;
    *err = c->unprepared; /* it took long: another try is another start's */
    return -1;
}

/* Two starts at once: the second has waited for the first and finds it running. */
static int check_startable(const struct container *c, struct error *err)
{
    if (c->removed || c->removals || c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING)
        return error_set(err, ERROR_CONFLICT,
                         "container %s is marked for removal and cannot be started", c->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__RUNNING)
        return error_set(err, ERROR_NOT_MODIFIED, "container %s is already running", c->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED)
        return error_set(err, ERROR_CONFLICT,
                         "cannot start a paused container, try unpause instead");
    if (c->damaged)
        return error_set(err, ERROR_CONFLICT, "container %s cannot be started: %s", c->id,
                         c->error);
    return 0;
}

/* The frontend repeats a request when its connection broke: the first has started this run. */
static bool is_repeated(const struct container *c, const ProtobufCBinaryData *id)
{
    return id->len == sizeof c->start_request_id &&
           memcmp(id->data, c->start_request_id, id->len) == 0;
}

/* The run and the request that it is for are stored together. */
static int run_begin(struct container *c, const ProtobufCBinaryData *id, struct error *err)
{
    container_run_begin(c);
    memset(c->start_request_id, 0, sizeof c->start_request_id);
    if (id->len == sizeof c->start_request_id)
        memcpy(c->start_request_id, id->data, id->len);
    if (container_set_state(c, SOCKERLESS__CONTAINER_STATE__STARTING, err) == 0)
        return 0;
    memset(c->start_request_id, 0, sizeof c->start_request_id);
    return -1;
}

static int co_start_checked(struct container *c, const ProtobufCBinaryData *id, struct error *err)
{
    if (co_await_others(c, err))
        return -1;
    if (is_repeated(c, id))
        return c->start_error ? error_set(err, c->start_error, "%s", c->error) : 0;
    if (check_startable(c, err) || run_begin(c, id, err))
        return -1;
    return co_op_start_run(c, err);
}

void co_op_container_start(struct op *op)
{
    struct error err;
    struct container *c AUTO(container) =
        container_find(&op->backend->containers, op->request->container_start->ref, &err);
    if (!c) {
        op_fail(op, &err);
        return;
    }
    container_ref(c);
    if (co_start_checked(c, &op->request->id, &err))
        op_fail(op, &err);
    else
        op_reply_empty(op);
}
