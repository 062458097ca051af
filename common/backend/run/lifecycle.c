/* SPDX-License-Identifier: Apache-2.0
 * The ends of runs and containers; see lifecycle.h. */
#include "backend/run/lifecycle.h"

#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/run/preparation.h"
#include "backend/run/unsaved_end.h"
#include "backend/run/watcher.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

enum {
    CLEANUP_TRIES = 6,
    CLEANUP_FIRST_PAUSE_MS = 500,
    PREPARED_PATIENCE_MS = 300 * 1000, /* what is made behind a create can take minutes */
};

/* A run that is over; by now the container may have another. */
struct ended_run {
    struct container *container; /* reference */
    struct workload workload;
    unsigned number;
};

/* One of the two removals, tried again for a while. */
typedef int (*removal)(void *self, const struct workload *w, struct error *err);

static int co_remove(const struct cloud_driver *driver, removal co_once, const struct workload *w,
                     struct error *err)
{
    int64_t pause_ms = CLEANUP_FIRST_PAUSE_MS;
    for (int attempt = 1;; attempt++) {
        struct error ignored;
        if (co_once(driver->self, w, err) == 0)
            return 0;
        if (attempt == CLEANUP_TRIES || co_sleep(pause_ms, &ignored))
            return error_wrap(err, "%s: remove", driver->name);
        pause_ms *= 2;
    }
}

static int co_delete_run(const struct ended_run *e, struct error *err)
{
    struct container *c = e->container;
    const struct cloud_driver *driver = c->backend->driver;
    if (co_remove(driver, driver->workload->co_remove_run, &e->workload, err))
        return -1;
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
    if (!co_cancelled() && co_delete_run(e, &err))
        log_warn("cloud objects of a finished run could not be removed",
                 LOG_STR("container", c->id), LOG_STR("error", err.message));
}

static int cleaning_begins(struct container *c, struct error *err);

/* The client waits for the removal, and its run is over: what is left of that in the cloud goes
 * behind it. What a crash leaves there belongs to no container at the next start, and is ended. */
static void co_remove_after_run(void *arg)
{
    struct container *c AUTO(container) = arg;
    struct error err;
    if (!co_cancelled() && !c->run_deleted && !c->current.owned[0])
        c->run_deleted = cleaning_begins(c, &err) == 0;
    if (!co_cancelled() && co_lifecycle_destroy(c, &err))
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
    if (co_queue_add(&c->backend->cleaning, c->backend->loop, co_remove_after_run, container_ref(c),
                     err) == 0)
        return 0;
    container_unref(c);
    return -1;
}

static int cleaning_begins(struct container *c, struct error *err)
{
    struct ended_run *e = NEW(struct ended_run);
    *e = run_of(container_ref(c));
    if (co_queue_add(&c->backend->cleaning, c->backend->loop, co_clean_after_run, e, err) == 0)
        return 0;
    container_unref(c);
    free(e);
    return -1;
}

void lifecycle_after_run(struct container *c)
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

static bool is_last(const struct run_listener *l)
{
    return !l || (!l->run_over && !l->container_gone);
}

static void listeners_run_over(struct container *c, const struct run_end *end)
{
    for (const struct run_listener *l = c->backend->run_listeners; !is_last(l); l++)
        if (l->run_over)
            l->run_over(c, end);
}

/* What an end changes of the container, besides its state. */
struct end_fields {
    int32_t exit_code;
    bool oom_killed;
    int64_t pid, finished_at, run_started_at, run_finished_at;
    char error[ERROR_MESSAGE_MAX], address[64];
};

static struct end_fields fields_of(const struct container *c)
{
    struct end_fields f = {.exit_code = c->view->exit_code,
                           .oom_killed = c->view->oom_killed,
                           .pid = c->view->pid,
                           .finished_at = c->view->finished_at,
                           .run_started_at = c->run_started_at,
                           .run_finished_at = c->run_finished_at};
    memcpy(f.error, c->error, sizeof f.error);
    memcpy(f.address, c->address, sizeof f.address);
    return f;
}

static void fields_set(struct container *c, const struct end_fields *f)
{
    c->view->exit_code = f->exit_code;
    c->view->oom_killed = f->oom_killed;
    c->view->pid = f->pid;
    c->view->finished_at = f->finished_at;
    c->run_started_at = f->run_started_at;
    c->run_finished_at = f->run_finished_at;
    memcpy(c->error, f->error, sizeof f->error);
    memcpy(c->address, f->address, sizeof f->address);
}

static int end_store(struct container *c, const struct run_end *end, struct error *err)
{
    struct end_fields before = fields_of(c), after = before;
    bool never_ran = end->start_failed && !c->view->started_at;
    after.exit_code = end->code;
    after.oom_killed = end->oom_killed;
    after.pid = 0;
    if (!never_ran)
        after.finished_at = end->finished_ns ? end->finished_ns : time_now_ns();
    after.run_finished_at = time_now_ns(); /* our clock: the log's grace counts from here */
    if (!after.run_started_at)
        after.run_started_at = after.run_finished_at;
    snprintf(after.error, sizeof after.error, "%s", end->error ? end->error : "");
    after.address[0] = '\0';
    Sockerless__ContainerState to =
        never_ran ? SOCKERLESS__CONTAINER_STATE__CREATED : SOCKERLESS__CONTAINER_STATE__EXITED;
    if (never_ran && c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING)
        to = SOCKERLESS__CONTAINER_STATE__EXITED;
    fields_set(c, &after);
    if (container_set_state(c, to, err) == 0)
        return 0;
    fields_set(c, &before);
    return -1;
}

static int run_over(struct container *c, const struct run_end *end, struct error *err)
{
    if (!container_alive(c))
        return 0;
    if (end_store(c, end, err))
        return -1;
    log_info("run over", LOG_STR("container", c->id), LOG_INT("exit_code", end->code),
             LOG_STR("error", c->error));
    agent_link_acknowledge(c); /* only now: the report is safe */
    watcher_remove(c);
    listeners_run_over(c, end);
    lifecycle_after_run(c);
    return 0;
}

void lifecycle_run_over(struct container *c, const struct run_end *end)
{
    struct error err;
    if (c->removed || (!c->unsaved && run_over(c, end, &err) == 0))
        return;
    if (!c->unsaved) {
        log_error("a run's end could not be stored", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
        /* What failed to start and has nothing to report need not wait in the cloud. */
        if (end->start_failed && !agent_link_exit(c) && cleaning_begins(c, &err))
            log_error("clean-up postponed", LOG_STR("container", c->id),
                      LOG_STR("error", err.message));
    }
    unsaved_end_keep(c, end, run_over);
}

int co_lifecycle_cleanup(struct container *c, struct error *err)
{
    struct ended_run e = run_of(c);
    return c->has_run && !c->run_deleted ? co_delete_run(&e, err) : 0;
}

void co_lifecycle_discard(struct container *c, const struct workload *w)
{
    const struct cloud_driver *driver = c->backend->driver;
    struct error err;
    if ((w->definition[0] || w->resource[0]) &&
        co_remove(driver, driver->workload->co_remove_run, w, &err))
        log_warn("what the cloud made for a start that was stopped could not be removed",
                 LOG_STR("container", c->id), LOG_STR("error", err.message));
}

/* What the container owns, after its last run; a removal that is taken back saves that it is gone.
 */
static int co_remove_owned(struct container *c, struct error *err)
{
    const struct cloud_driver *driver = c->backend->driver;
    const struct workload owner = c->current;
    if (!owner.owned[0] || !driver->workload->co_remove_container)
        return 0;
    if (co_remove(driver, driver->workload->co_remove_container, &owner, err))
        return -1;
    c->current.owned[0] = '\0';
    return 0;
}

/* Its row does not tell its runs: whatever in the cloud carries its id. */
static int co_remove_found(struct container *c, struct error *err)
{
    const struct cloud_driver *driver = c->backend->driver;
    AUTO(arena) struct arena arena;
    struct workload_found *found;
    size_t count;
    int rc = 0;
    arena_init(&arena);
    if (driver->workload->co_list(driver->self, &arena, &found, &count, err))
        return error_wrap(err, "%s: find the runs of a damaged container", driver->name);
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct workload *w = &found[i].workload;
        if (strcmp(found[i].container_id, c->id) != 0)
            continue;
        if (w->definition[0] || w->resource[0])
            rc = co_remove(driver, driver->workload->co_remove_run, w, err);
        if (rc == 0 && w->owned[0] && driver->workload->co_remove_container)
            rc = co_remove(driver, driver->workload->co_remove_container, w, err);
    }
    return rc;
}

static void removal_taken_back(struct container *c)
{
    struct error err;
    Sockerless__ContainerState to = c->view->finished_at ? SOCKERLESS__CONTAINER_STATE__EXITED
                                                         : SOCKERLESS__CONTAINER_STATE__CREATED;
    c->removal_failed = container_set_state(c, to, &err) != 0;
    if (c->removal_failed)
        log_error("a removal that failed stays under way", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
}

static int co_destroy(struct container *c, struct error *err)
{
    struct backend *b = c->backend;
    if (co_preparation_await(c, time_mono_ms() + PREPARED_PATIENCE_MS, err) ||
        co_lifecycle_cleanup(c, err) || co_remove_owned(c, err) ||
        (c->damaged && co_remove_found(c, err)))
        return -1;
    if (c->removed)
        return 0;
    if (store_container_delete(b->store, c->id, err))
        return -1;
    watcher_remove(c);
    agent_link_drop(c);
    container_table_remove(&b->containers, c);
    for (const struct run_listener *l = b->run_listeners; !is_last(l); l++)
        if (l->container_gone)
            l->container_gone(c);
    if (c->view->host->auto_remove && c->view->started_at && !c->removal_announced)
        container_recent_keep(&b->containers, c);
    container_unref(c); /* the table's reference; the caller holds its own */
    return 0;
}

int co_lifecycle_destroy(struct container *c, struct error *err)
{
    c->removal_failed = false;
    int rc = co_destroy(c, err);
    if (rc && !c->removed)
        removal_taken_back(c);
    co_cond_broadcast(&c->changed);
    return rc;
}
