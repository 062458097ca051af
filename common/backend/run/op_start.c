/* SPDX-License-Identifier: Apache-2.0
 *
 * start: prepare and run in the cloud, wait until it runs, connect to its agent, answer the client.
 * On failure everything made is undone and the client gets the cloud's own reason.
 */
#include "backend/run/op_start.h"

#include "backend/api/op.h"
#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/inject/image_inject.h"
#include "backend/run/lifecycle.h"
#include "backend/run/preparation.h"
#include "backend/run/run_report.h"
#include "backend/attach/session_attach.h"
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
    struct cloud_driver *driver = c->backend->driver;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    if (c->run_deleted && container_run_again(c, err)) /* undone before a crash */
        return -1;
    struct workload_spec spec = workload_spec_of(c, &arena);
    if (co_preparation_image(c, &spec, &arena, err))
        return -1;
    if (!c->current.definition[0]) {
        if (driver->workload->co_prepare(driver->self, &spec, &c->current, err))
            return error_wrap(err, "%s", driver->name);
        if (container_save(c, err)) /* after a crash from here on it is known what to remove */
            return -1;
    }
    if (!c->current.resource[0]) {
        c->run_started_at = time_now_ns();
        if (driver->workload->co_run(driver->self, &spec, &c->current, err))
            return error_wrap(err, "%s", driver->name);
    }
    return container_save(c, err);
}

static int was_stopped(const struct container *c, struct error *err)
{
    return error_set(err, ERROR_CONFLICT, "container %s was stopped while it started", c->id);
}

/* Until the cloud says running with an address, or stopped. */
static int co_wait_until_up(struct container *c, int64_t deadline_ms, struct error *err)
{
    watcher_add(c);
    for (;;) {
        const struct workload_status *s = &c->last_status;
        if (s->phase == WORKLOAD_STOPPED || s->phase == WORKLOAD_STOPPING)
            return 0;
        if (s->phase == WORKLOAD_RUNNING &&
            (c->address[0] || !c->backend->driver->caps.has_addresses))
            return 0;
        if (c->stop_requested)
            return was_stopped(c, err);
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return err->code == ERROR_DEADLINE
                       ? error_set(
                             err, ERROR_DEADLINE, "%s did not start the container within %d s%s%s",
                             c->backend->driver->name, (int)c->backend->config->start_timeout_s,
                             s->reason[0] ? ": " : "", s->reason)
                       : -1;
    }
}

static int stopped_too_early(struct container *c, struct error *err)
{
    const struct workload_status *s = &c->last_status;
    return error_set(err, ERROR_SYSTEM, "%s: the container stopped before its agent answered: %s",
                     c->backend->driver->name,
                     s->reason[0] ? s->reason : "the cloud gives no reason");
}

/* Early attachers first (they get the output from its first byte), then the control session, which
 * opens the agent's gate. */
static int co_connect_agent(struct container *c, int64_t deadline_ms, struct error *err)
{
    if (c->backend->driver->caps.agent == AGENT_NONE)
        return 0;
    if (co_session_attach_connect(c, deadline_ms, err))
        return -1;
    return co_agent_link_open(c, &run_report_link_events, deadline_ms, err);
}

static void start_undone(struct container *c, const struct error *why)
{
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
        run_report_exit(c);
        /* Docker: 400 for a missing or forbidden command */
        return error_set(err, ERROR_INVALID_PARAMETER, "%s", text);
    }
    c->view->started_at = c->run_started_at = time_now_ns();
    if (container_set_state(c, SOCKERLESS__CONTAINER_STATE__RUNNING, err))
        return -1;
    if (exit)
        run_report_exit(c);
    return 0;
}

/* Run, wait until it runs, connect to its agent. The time is the cloud's, from when it took the
 * run: putting the agent into a large image has deadlines of its own. */
static int co_start_once(struct container *c, struct error *err)
{
    if (co_run_in_cloud(c, err))
        return -1;
    int64_t deadline_ms = time_mono_ms() + c->backend->config->start_timeout_s * 1000;
    if (co_wait_until_up(c, deadline_ms, err))
        return -1;
    if (c->last_status.phase != WORKLOAD_RUNNING)
        return stopped_too_early(c, err);
    if (co_connect_agent(c, deadline_ms, err) == 0)
        return 0;
    return c->last_status.phase == WORKLOAD_STOPPED ? stopped_too_early(c, err) : -1;
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
        rc = was_stopped(c, &trouble);
    if (rc == 0)
        rc = container_run_again(c, &trouble);
    if (rc)
        *err = trouble;
    return rc == 0;
}

int co_op_start_run(struct container *c, struct error *err)
{
    int64_t began = time_mono_ms();
    int rc = network_refused(c, err);
    if (rc == 0)
        rc = co_start_once(c, err);
    if (rc && co_give_way_to_layer(c, err))
        rc = co_start_once(c, err);
    if (rc)
        goto undo;
    if (c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING)
        return was_stopped(c, err);
    log_info("started", LOG_STR("container", c->id), LOG_STR("resource", c->current.resource),
             LOG_INT("took_ms", time_mono_ms() - began));
    if (run_settled(c, err) == 0)
        return 0;
undo:
    if (c->backend->stopping && err->code == ERROR_CANCELLED)
        return -1; /* the daemon resumes it after its restart */
    log_warn("start failed", LOG_STR("container", c->id), LOG_STR("error", err->message));
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING ||
        c->view->state == SOCKERLESS__CONTAINER_STATE__STOPPING)
        start_undone(c, err);
    return -1;
}

/* Two starts at once: the second waits for the first and then finds it running. What is still made
 * behind the create is waited for, too. */
static int co_start_checked(struct container *c, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + c->backend->config->start_timeout_s * 1000;
    while (c->preparing || c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING ||
           c->view->state == SOCKERLESS__CONTAINER_STATE__STOPPING)
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return -1;
    if (c->removed || c->removals || c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING)
        return error_set(err, ERROR_CONFLICT,
                         "container %s is marked for removal and cannot be started", c->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__RUNNING)
        return error_set(err, ERROR_NOT_MODIFIED, "container %s is already running", c->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED)
        return error_set(err, ERROR_CONFLICT,
                         "cannot start a paused container, try unpause instead");
    container_run_begin(c);
    if (container_set_state(c, SOCKERLESS__CONTAINER_STATE__STARTING, err))
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
    if (co_start_checked(c, &err))
        op_fail(op, &err);
    else
        op_reply_empty(op);
}
