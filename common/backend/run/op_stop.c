/* SPDX-License-Identifier: Apache-2.0
 *
 * stop, kill, resize. Signals go through the agent, which is exact and quick; where it cannot be
 * reached the cloud's own stop takes over.
 */
#include "backend/api/op.h"
#include "backend/agent/agent_link.h"
#include "backend/attach/session_attach.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/run/lifecycle.h"
#include "backend/run/op_stop.h"
#include "backend/run/signal_name.h"
#include "backend/run/unsaved_end.h"
#include "backend/run/watcher.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <signal.h>

enum { STOP_DEFAULT_S = 10, AFTER_KILL_MS = 5000, CLOUD_STOP_MS = 180 * 1000, LINK_MS = 10000 };

/* 0 when the run (the one that was current) is over within the time. */
static int co_wait_over(struct container *c, unsigned run, int64_t deadline_ms, struct error *err)
{
    while (container_alive(c) && c->run_number == run)
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return -1;
    return 0;
}

/* An attached client sees output a moment before the start is over; what it then sends is for the
 * process. A start whose agent is not there, or mute, is not waited for: it is ended. */
static void co_await_link(struct container *c)
{
    struct error ignored;
    int64_t deadline_ms = time_mono_ms() + LINK_MS;
    while (c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING && !c->stop_requested &&
           session_attach_any_met(c))
        if (co_cond_wait(&c->changed, deadline_ms, &ignored))
            return;
}

static int co_cloud_stop(struct container *c, unsigned run, struct error *err)
{
    struct cloud_driver *driver = c->backend->driver;
    struct workload w = c->current;
    if (driver->caps.stop == STOP_NONE) {
        log_warn("its agent is not connected and the cloud cannot stop it: it runs to its end",
                 LOG_STR("container", c->id));
        return 0;
    }
    if (driver->workload->co_stop(driver->self, &w, "stopped through the Docker API", err))
        return error_wrap(err, "%s: stop", driver->name);
    watcher_add(c);
    return co_wait_over(c, run, time_mono_ms() + CLOUD_STOP_MS, err);
}

int co_op_stop_kill(struct container *c, struct error *err)
{
    unsigned run = c->run_number;
    c->stop_requested = true;
    if (c->unsaved)
        return unsaved_end_try(c, err);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING) {
        co_cond_broadcast(&c->changed); /* the start operation gives up and undoes */
        return co_wait_over(c, run, time_mono_ms() + CLOUD_STOP_MS, err);
    }
    if (agent_link_signal(c, SIGKILL) &&
        co_wait_over(c, run, time_mono_ms() + AFTER_KILL_MS, err) == 0)
        return 0;
    if (c->backend->driver->caps.stop == STOP_GRACEFUL)
        return co_cloud_stop(c, run, err);
    /* It is over for Docker; the removal of the run ends in the cloud what can be ended. */
    lifecycle_run_over(
        c, &(struct run_end){.code = 128 + SIGKILL, .error = "killed without its agent's report"});
    return 0;
}

static int co_stop_gently(struct container *c, int number, int64_t timeout_s, struct error *err)
{
    unsigned run = c->run_number;
    c->stop_requested = true;
    if (c->unsaved || c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING)
        return co_op_stop_kill(c, err);
    /* As dockerd: a signal that does not exist is not sent, and the time runs all the same. */
    if (signal_exists(number) && !agent_link_signal(c, number))
        return co_cloud_stop(c, run, err);
    int64_t deadline = timeout_s < 0 ? INT64_MAX : time_mono_ms() + timeout_s * 1000;
    if (co_wait_over(c, run, deadline, err) == 0)
        return 0;
    return err->code == ERROR_DEADLINE ? co_op_stop_kill(c, err) : -1;
}

static struct container *find_held(struct op *op, const char *ref, struct error *err)
{
    struct container *c = container_find_recent(&op->backend->containers, ref, err);
    return c ? container_ref(c) : NULL;
}

static int stop_signal(const struct container *c, const char *asked, struct error *err)
{
    const char *own = c->view->config->stop_signal;
    int number = signal_parse(str_empty(asked) ? own : asked);
    if (!number && !str_empty(asked))
        error_set(err, ERROR_INVALID_PARAMETER, "Invalid signal: %.100s", asked);
    else if (!number) /* none, or an image's that is none: the container must end all the same */
        number = SIGTERM;
    return number;
}

void co_op_container_stop(struct op *op)
{
    const Sockerless__ContainerStopRequest *request = op->request->container_stop;
    struct error err;
    struct container *c AUTO(container) = find_held(op, request->ref, &err);
    int number = c ? stop_signal(c, request->signal, &err) : 0;
    if (!number) {
        op_fail(op, &err);
        return;
    }
    co_await_link(c);
    if (!container_alive(c)) {
        error_set(&err, ERROR_NOT_MODIFIED, "container %s is already stopped", c->id);
        op_fail(op, &err);
        return;
    }
    const Sockerless__ContainerConfig *config = c->view->config;
    int64_t timeout_s = request->has_timeout       ? request->timeout_s
                        : config->has_stop_timeout ? config->stop_timeout_s
                                                   : STOP_DEFAULT_S;
    if (co_stop_gently(c, number, timeout_s, &err))
        op_fail(op, &err);
    else
        op_reply_empty(op);
}

/* ref: as the client has named it. */
static int co_kill_checked(struct container *c, const char *ref, const char *name,
                           struct error *err)
{
    int number = str_empty(name) ? SIGKILL : signal_parse(name);
    if (!number)
        return error_set(err, ERROR_INVALID_PARAMETER, "Invalid signal: %s", name);
    if (!signal_exists(number))
        return error_set(err, ERROR_SYSTEM,
                         "Cannot kill container: %s: The linux daemon does not support signal %llu",
                         ref, (unsigned long long)(long long)number); /* as Go has it */
    co_await_link(c);
    if (!container_alive(c))
        return error_set(err, ERROR_CONFLICT,
                         "Cannot kill container: %s: Container %s is not running", ref, c->id);
    bool asks_to_end = number == SIGTERM || number == SIGINT;
    bool starting = c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING;
    if (number == SIGKILL || (asks_to_end && starting)) /* there is no process yet to ask */
        return co_op_stop_kill(c, err);
    if (asks_to_end)
        c->stop_requested = true;
    if (agent_link_signal(c, number))
        return 0;
    return error_set(err, ERROR_UNAVAILABLE,
                     "Cannot kill container: %s: its agent cannot be reached, only SIGKILL works",
                     ref);
}

void co_op_container_kill(struct op *op)
{
    const Sockerless__ContainerKillRequest *request = op->request->container_kill;
    struct error err;
    struct container *c AUTO(container) = find_held(op, request->ref, &err);
    if (!c || co_kill_checked(c, request->ref, request->signal, &err))
        op_fail(op, &err);
    else
        op_reply_empty(op);
}

void op_container_resize(struct op *op)
{
    const Sockerless__ContainerResizeRequest *request = op->request->container_resize;
    struct error err;
    struct container *c = container_find_recent(&op->backend->containers, request->ref, &err);
    if (c && c->view->state != SOCKERLESS__CONTAINER_STATE__RUNNING) {
        error_set(&err, ERROR_CONFLICT, "Container %s is not running", c->id);
        c = NULL;
    }
    if (!c) {
        op_fail(op, &err);
        return;
    }
    agent_link_resize(c, request->height, request->width);
    op_reply_empty(op);
}
