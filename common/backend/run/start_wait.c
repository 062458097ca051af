/* SPDX-License-Identifier: Apache-2.0
 * Waiting for a run's agent; see start_wait.h. Forward, the agent is probed from the moment its
 * address is known, and that is while the cloud still provisions; reverse, it comes by itself. So
 * the watcher need not ask often. */
#include "backend/run/start_wait.h"

#include "backend/agent/agent_channel.h"
#include "backend/agent/agent_link.h"
#include "backend/agent/agent_probe.h"
#include "backend/agent/reverse_agents.h"
#include "backend/attach/session_attach.h"
#include "backend/run/run_launch.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "backend/state/backend_internal.h"
#include "base/timefmt.h"

enum { ADDRESS_PATIENCE_MS = 1000 };

struct start_wait {
    struct container *container;
    struct agent_probe *probe; /* NULL before the address is known, and in reverse */
    int64_t cloud_deadline_ms;
    int64_t agent_deadline_ms; /* INT64_MAX until the cloud says that the run runs */
};

static bool runs(const struct container *c)
{
    return c->last_status.phase == WORKLOAD_RUNNING;
}

static bool has_stopped(const struct container *c)
{
    return c->last_status.phase == WORKLOAD_STOPPED || c->last_status.phase == WORKLOAD_STOPPING;
}

static int stopped_too_early(const struct container *c, struct error *err)
{
    const struct workload_status *s = &c->last_status;
    return error_set(err, ERROR_SYSTEM, "%s: the container stopped before its agent answered: %s",
                     c->backend->driver->name,
                     s->reason[0] ? s->reason : "the cloud gives no reason");
}

/* ---- what ended the wait ---- */

static int too_late(const struct container *c, struct error *err)
{
    const char *reason = c->last_status.reason;
    const char *cloud = c->backend->driver->name;
    if (runs(c) && (c->backend->reverse || c->address[0]))
        return agent_channel_unreachable(c, ERROR_DEADLINE, err);
    if (runs(c))
        return error_set(err, ERROR_DEADLINE,
                         "%s runs container %s but gives no address for its agent%s%s", cloud,
                         c->id, reason[0] ? ": " : "", reason);
    return error_set(err, ERROR_DEADLINE,
                     "%s did not start the container within %d s (SOCKERLESS_START_TIMEOUT)%s%s",
                     cloud, (int)c->backend->config->start_timeout_s, reason[0] ? ": " : "",
                     reason);
}

/* -1: the start cannot go on. */
static int check(const struct container *c, struct error *err)
{
    if (has_stopped(c))
        return stopped_too_early(c, err);
    if (c->stop_requested)
        return run_launch_stopped(c, err);
    return 0;
}

/* ---- until the agent can be connected to ---- */

static bool agent_is_there(struct start_wait *w)
{
    struct container *c = w->container;
    if (c->backend->driver->caps.agent == AGENT_NONE)
        return runs(c) && (c->address[0] || !c->backend->driver->caps.has_addresses);
    if (c->backend->reverse)
        return reverse_agents_have(c);
    if (!w->probe && c->address[0])
        w->probe = agent_probe_new(c);
    return w->probe && agent_probe_answered(w->probe);
}

static int64_t deadline_ms(struct start_wait *w)
{
    if (!runs(w->container))
        return w->cloud_deadline_ms;
    if (w->agent_deadline_ms == INT64_MAX)
        w->agent_deadline_ms =
            time_mono_ms() + w->container->backend->config->agent_timeout_s * 1000;
    return w->agent_deadline_ms;
}

static int co_wait_for_agent(struct start_wait *w, struct error *err)
{
    struct container *c = w->container;
    while (check(c, err) == 0) {
        if (agent_is_there(w))
            return 0;
        int64_t until = deadline_ms(w);
        if (co_cond_wait(&c->changed, until, err) == 0)
            continue;
        if (err->code != ERROR_DEADLINE)
            return -1;
        if (time_mono_ms() >= deadline_ms(w))
            return too_late(c, err);
    }
    return -1;
}

/* ---- connected ---- */

/* Early attachers first (they get the output from its first byte), then the control session, which
 * opens the agent's gate. */
static int co_connect(struct container *c, struct error *err)
{
    int64_t until = time_mono_ms() + c->backend->config->agent_timeout_s * 1000;
    if (co_session_attach_connect(c, until, err) == 0 &&
        co_agent_link_open(c, &run_report_link_events, until, err) == 0)
        return 0;
    if (err->code == ERROR_CANCELLED || check(c, err))
        return -1;
    return err->code == ERROR_DEADLINE ? agent_channel_unreachable(c, ERROR_DEADLINE, err) : -1;
}

/* An agent that came by itself may be earlier than the cloud's word on the address, which clients
 * look for after a start. */
static void co_learn_address(struct container *c)
{
    struct error ignored;
    int64_t until = time_mono_ms() + ADDRESS_PATIENCE_MS;
    if (c->address[0] || !c->backend->driver->caps.has_addresses || agent_link_exit(c))
        return;
    watcher_hurry(c);
    while (!c->address[0] && agent_link_ready(c) && !c->stop_requested)
        if (co_cond_wait(&c->changed, until, &ignored))
            return;
}

int co_start_wait(struct container *c, struct error *err)
{
    struct start_wait w = {.container = c,
                           .cloud_deadline_ms =
                               time_mono_ms() + c->backend->config->start_timeout_s * 1000,
                           .agent_deadline_ms = INT64_MAX};
    watcher_add_starting(c);
    int rc = co_wait_for_agent(&w, err);
    agent_probe_free(w.probe);
    if (rc || c->backend->driver->caps.agent == AGENT_NONE)
        return rc;
    if (co_connect(c, err))
        return -1;
    co_learn_address(c);
    return 0;
}
