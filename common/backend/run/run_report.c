/* SPDX-License-Identifier: Apache-2.0
 * What reports about runs mean; see run_report.h. */
#include "backend/run/run_report.h"

#include "backend/agent/agent_redial.h"
#include "backend/run/lifecycle.h"
#include "backend/run/watcher.h"
#include "backend/state/backend_internal.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <string.h>

enum {
    MISSING_GRACE_MS = 30000, /* a new run may be unknown to a describe for a while */
    MISSING_ANSWERS = 2,      /* so many in a row are believed of one that has run */
};

/* ---- from the agent ---- */

void run_report_exit(struct container *c)
{
    const Sockerless__Exit *exit = agent_link_exit(c);
    if (!exit)
        return;
    lifecycle_run_over(c, &(struct run_end){.code = exit->code,
                                            .error = exit->start_failed ? exit->error : "",
                                            .oom_killed = exit->oom_killed,
                                            .start_failed = exit->start_failed});
}

/* The process may have ended with its agent: the cloud says so, or a new session does. */
static void on_lost(struct container *c)
{
    c->last_alive_ns = time_now_ns();
    watcher_hurry(c);
    run_report_redial(c);
}

const struct agent_link_events run_report_link_events = {.exited = run_report_exit,
                                                         .lost = on_lost};

void run_report_redial(struct container *c)
{
    agent_redial_start(c, &run_report_link_events);
}

/* ---- from the cloud ---- */

/* Without the agent's report: the cloud's code, else 137 after a stop or for want of memory, else
 * 255 with the reason. */
static void stop_observed(struct container *c, const struct workload_status *status)
{
    struct run_end end = {.finished_ns = status->stopped_ns ? status->stopped_ns : c->last_alive_ns,
                          .oom_killed = status->oom_killed,
                          .start_failed = status->start_failed};
    if (status->has_exit_code)
        end.code = status->exit_code;
    else if (status->start_failed)
        end.code = 128;
    else
        end.code = c->stop_requested || status->oom_killed ? 137 : 255;
    if (!status->has_exit_code || status->start_failed || status->cut_short)
        end.error = status->reason[0] ? status->reason : "the cloud gave no reason for the end";
    lifecycle_run_over(c, &end);
}

/* A young run may be unknown to a part of the cloud: while it starts; while its agent answers; and
 * for one answer else, which may come from a part that lags behind. Where the cloud has no list of
 * runs, the agent's word is better at any age. */
static bool missing_is_normal(const struct container *c)
{
    if (c->backend->driver->caps.stop == STOP_NONE && agent_link_ready(c))
        return true;
    if (time_now_ns() - c->run_started_at >= (int64_t)MISSING_GRACE_MS * 1000000)
        return false;
    return c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING || agent_link_ready(c) ||
           c->missing_answers < MISSING_ANSWERS;
}

void run_report_status(struct container *c, const struct workload_status *status)
{
    if (status->phase == WORKLOAD_UNKNOWN) {
        log_warn("the state of a run could not be read from the cloud", LOG_STR("container", c->id),
                 LOG_STR("error", status->reason));
        return;
    }
    bool changed = c->last_status.phase != status->phase ||
                   strcmp(c->last_status.address, status->address) != 0;
    if (status->phase == WORKLOAD_RUNNING)
        c->last_alive_ns = time_now_ns();
    c->missing_answers = status->phase == WORKLOAD_MISSING ? c->missing_answers + 1 : 0;
    if (status->phase == WORKLOAD_MISSING && missing_is_normal(c))
        return;
    c->last_status = *status;
    if (status->address[0] && !c->address[0])
        memcpy(c->address, status->address, sizeof c->address);
    if (changed)
        co_cond_broadcast(&c->changed);
    /* While it starts, the start operation looks at last_status and undoes; see op_start.c. */
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING)
        return;
    if (status->phase == WORKLOAD_STOPPED) {
        stop_observed(c, status);
    } else if (status->phase == WORKLOAD_MISSING) {
        struct workload_status lost = {.phase = WORKLOAD_STOPPED};
        strcpy(lost.reason, "the cloud does not list this run any more");
        stop_observed(c, &lost);
    }
}
