/* SPDX-License-Identifier: Apache-2.0
 * The ends of runs and containers; see lifecycle.h. */
#include "backend/run/lifecycle.h"

#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/attach/exec.h"
#include "backend/attach/session_attach.h"
#include "backend/run/session_wait.h"
#include "backend/run/watcher.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

enum { CLEANUP_TRIES = 6, CLEANUP_FIRST_PAUSE_MS = 500 };

/* A run that is over; by now the container may have another. */
struct ended_run {
    struct container *container; /* reference */
    struct workload workload;
    unsigned number;
};

static int co_delete_run(const struct ended_run *e, struct error *err)
{
    struct container *c = e->container;
    struct cloud_driver *driver = c->backend->driver;
    int64_t pause_ms = CLEANUP_FIRST_PAUSE_MS;
    for (int attempt = 1;; attempt++) {
        if (driver->co_delete(driver->self, &e->workload, err) == 0)
            break;
        struct error ignored;
        if (attempt == CLEANUP_TRIES || co_sleep(pause_ms, &ignored))
            return error_wrap(err, "%s: remove", driver->name);
        pause_ms *= 2;
    }
    if (c->removed || e->number != c->run_number)
        return 0;
    c->run_deleted = true;
    return container_save(c, err);
}

static void co_clean_after_run(void *arg)
{
    struct ended_run *e AUTO_FREE = arg;
    struct container *c AUTO(container) = e->container;
    struct error err;
    if (co_delete_run(e, &err))
        log_warn("cloud objects of a finished run could not be removed",
                 LOG_STR("container", c->id), LOG_STR("error", err.message));
}

static void co_remove_after_run(void *arg)
{
    struct container *c AUTO(container) = arg;
    struct error err;
    if (co_container_destroy(c, &err))
        log_error("automatic removal failed", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
}

static struct ended_run run_of(struct container *c)
{
    return (struct ended_run){.container = c, .workload = c->current, .number = c->run_number};
}

static int removal_begins(struct container *c, struct error *err)
{
    if (container_set_state(c, SOCKERLESS__CONTAINER_STATE__REMOVING, err))
        return -1;
    if (co_spawn(c->backend->loop, co_remove_after_run, container_ref(c), err) == 0)
        return 0;
    container_unref(c);
    return -1;
}

static int cleaning_begins(struct container *c, struct error *err)
{
    struct ended_run *e = NEW(struct ended_run);
    *e = run_of(container_ref(c));
    if (co_spawn(c->backend->loop, co_clean_after_run, e, err) == 0)
        return 0;
    container_unref(c);
    free(e);
    return -1;
}

void container_after_run(struct container *c)
{
    struct error err;
    if (c->view->host->auto_remove) {
        if (removal_begins(c, &err) == 0)
            return;
        log_error("automatic removal failed", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
    }
    if (!c->run_deleted && cleaning_begins(c, &err))
        log_error("clean-up postponed to the next start", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
}

void container_run_over(struct container *c, const struct run_end *end)
{
    struct error err;
    if (c->removed || !container_alive(c))
        return;
    bool never_ran = end->start_failed && !c->view->started_at;
    int64_t now = end->finished_ns ? end->finished_ns : time_now_ns();
    c->view->exit_code = end->code;
    c->view->pid = 0;
    if (!never_ran)
        c->view->finished_at = now;
    c->run_finished_at = time_now_ns(); /* our clock: the log's grace counts from here */
    if (!c->run_started_at)
        c->run_started_at = c->run_finished_at;
    snprintf(c->error, sizeof c->error, "%s", end->error ? end->error : "");
    c->address[0] = '\0';
    Sockerless__ContainerState to =
        never_ran ? SOCKERLESS__CONTAINER_STATE__CREATED : SOCKERLESS__CONTAINER_STATE__EXITED;
    if (never_ran && c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING)
        to = SOCKERLESS__CONTAINER_STATE__EXITED;
    if (container_set_state(c, to, &err))
        log_error("a run's end could not be stored", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
    log_info("run over", LOG_STR("container", c->id), LOG_INT("exit_code", end->code),
             LOG_STR("error", c->error));
    agent_link_acknowledge(c); /* only now: the report is safe */
    watcher_remove(c);
    execs_container_stopped(c);
    attach_sessions_run_over(c, end->start_failed);
    if (!end->start_failed || c->view->host->auto_remove)
        wait_sessions_exit(c);
    container_after_run(c);
}

void container_exit_reported(struct container *c)
{
    const Sockerless__Exit *exit = agent_link_exit(c);
    if (!exit)
        return;
    container_run_over(c, &(struct run_end){.code = exit->code,
                                            .error = exit->start_failed ? exit->error : "",
                                            .start_failed = exit->start_failed});
}

/* Without the agent's report: the cloud's code, else 137 after a stop, else 255 with the reason. */
void container_stop_observed(struct container *c, const struct workload_status *status)
{
    struct run_end end = {.finished_ns = status->stopped_ns, .start_failed = status->start_failed};
    if (status->has_exit_code)
        end.code = status->exit_code;
    else if (status->start_failed)
        end.code = 128;
    else
        end.code = c->stop_requested ? 137 : 255;
    if (!status->has_exit_code || status->start_failed)
        end.error = status->reason[0] ? status->reason : "the cloud does not say why it ended";
    container_run_over(c, &end);
}

int co_container_cleanup(struct container *c, struct error *err)
{
    struct ended_run e = run_of(c);
    return c->has_run && !c->run_deleted ? co_delete_run(&e, err) : 0;
}

int co_container_destroy(struct container *c, struct error *err)
{
    struct backend *b = c->backend;
    struct error ignored;
    if (co_container_cleanup(c, err)) {
        if (container_set_state(c,
                                c->view->finished_at ? SOCKERLESS__CONTAINER_STATE__EXITED
                                                     : SOCKERLESS__CONTAINER_STATE__CREATED,
                                &ignored))
            log_error("state", LOG_STR("error", ignored.message));
        return -1;
    }
    if (c->removed)
        return 0;
    if (store_container_delete(b->store, c->id, err))
        return -1;
    watcher_remove(c);
    agent_link_drop(c);
    container_table_remove(&b->containers, c);
    execs_container_removed(c);
    wait_sessions_removed(c);
    attach_sessions_run_over(c, true);
    co_cond_broadcast(&c->changed);
    container_unref(c); /* the table's reference; the caller holds its own */
    return 0;
}
