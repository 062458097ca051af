/* SPDX-License-Identifier: Apache-2.0
 *
 * Reconciling after a restart; see reconcile.h. Per state of the row:
 *   running, paused, stopping  watch the cloud, dial the agent again; it tells how it ended
 *   starting                   go on with the start (all its steps are idempotent), or undo it
 *   removing                   go on with the removal
 *   exited, created            clean up what the last run may have left in the cloud
 * Live cloud runs of this instance without a row are ended: they could not be reached.
 */
#include "backend/daemon/reconcile.h"

#include "backend/state/backend_internal.h"
#include "backend/run/lifecycle.h"
#include "backend/run/op_start.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "base/alloc.h"
#include "base/log.h"

#include <string.h>

enum { ORPHANS_PASSES = 10, ORPHANS_FIRST_PAUSE_MS = 1000 };

/* The row stays as it is, for whoever can mend it, and the run goes on: see co_end_orphan. */
static void report_damage(struct backend *b, const struct stored_container *row)
{
    log_error("a container's row in the state database is damaged; the container is shown as dead, "
              "its run goes on, and docker rm ends both",
              LOG_STR("row", row->key),
              LOG_STR("container", row->record ? row->record->container->id : "unknown"),
              LOG_STR("name", row->record ? row->record->container->name : "unknown"));
    if (row->other_id)
        b->orphans_unclear = true;
}

static void load_one(void *arg, const struct stored_container *row)
{
    struct backend *b = arg;
    if (row->damaged)
        report_damage(b, row);
    if (!row->record)
        return;
    struct container *c = container_from_record(b, row->record);
    c->damaged = row->damaged;
    container_table_add(&b->containers, c);
}

int reconcile_load(struct backend *b, struct error *err)
{
    return store_container_each(b->store, load_one, b, err);
}

static void co_resume_start(void *arg)
{
    struct container *c AUTO(container) = arg;
    struct error err;
    if (!co_cancelled() && co_op_start_run(c, &err))
        log_warn("a start that was under way could not be finished", LOG_STR("container", c->id),
                 LOG_STR("error", err.message));
}

static void co_resume_removal(void *arg)
{
    struct container *c AUTO(container) = arg;
    struct error err;
    if (!co_cancelled() && co_lifecycle_destroy(c, &err))
        log_warn("a removal that was under way could not be finished", LOG_STR("container", c->id),
                 LOG_STR("error", err.message));
}

/* In its turn, a bounded number at once: a store may have more rows than there can be coroutines.
 * Its state prevents other starts and removals meanwhile. */
static void resume_later(struct container *c, void (*co_fn)(void *arg))
{
    struct backend *b = c->backend;
    struct error err;
    if (co_queue_add(&b->resuming, b->loop, co_fn, container_ref(c), &err) == 0)
        return;
    log_error("this container could not be resumed", LOG_STR("container", c->id),
              LOG_STR("error", err.message));
    container_unref(c);
}

static void resume(struct container *c)
{
    switch (c->view->state) {
    case SOCKERLESS__CONTAINER_STATE__RUNNING:
    case SOCKERLESS__CONTAINER_STATE__PAUSED:
    case SOCKERLESS__CONTAINER_STATE__STOPPING:
        watcher_add(c);
        run_report_redial(c);
        break;
    case SOCKERLESS__CONTAINER_STATE__STARTING: resume_later(c, co_resume_start); break;
    case SOCKERLESS__CONTAINER_STATE__REMOVING: resume_later(c, co_resume_removal); break;
    case SOCKERLESS__CONTAINER_STATE__EXITED:
    case SOCKERLESS__CONTAINER_STATE__CREATED: lifecycle_after_run(c); break;
    default: break;
    }
}

static bool nothing_to_do(const struct container *c)
{
    bool idle = c->view->state == SOCKERLESS__CONTAINER_STATE__CREATED ||
                c->view->state == SOCKERLESS__CONTAINER_STATE__EXITED;
    return idle && (!c->has_run || (c->run_deleted && !c->view->host->auto_remove));
}

/* The row's own run, or one that its start may be about to find; not an earlier one, whose clean-up
 * a crash has cut short after the next run had begun. */
static bool run_belongs_to(const struct container *c, const struct workload *found)
{
    bool starting = c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING;
    if (!container_alive(c) && c->view->state != SOCKERLESS__CONTAINER_STATE__REMOVING)
        return false;
    if (!c->current.resource[0])
        return starting || strcmp(found->definition, c->current.definition) == 0;
    return strcmp(found->resource, c->current.resource) == 0 ||
           (!found->resource[0] && strcmp(found->definition, c->current.definition) == 0);
}

/* What the row says it owns, or a start may be about to find. */
static bool owned_belongs_to(const struct container *c, const struct workload *found)
{
    return !c->current.owned[0] || strcmp(found->owned, c->current.owned) == 0;
}

/* c: the container that it is marked with; NULL: there is none any more. */
static int co_end_orphan(const struct cloud_driver *driver, const struct container *c,
                         const struct workload_found *found, struct error *err)
{
    const struct workload_ops *ops = driver->workload;
    const struct workload *w = &found->workload;
    if (c && c->damaged)
        return 0; /* whatever it is, it may be the container's */
    bool run = (w->definition[0] || w->resource[0]) && !(c && run_belongs_to(c, w));
    bool owned = w->owned[0] && ops->co_remove_container && !(c && owned_belongs_to(c, w));
    if (!run && !owned)
        return 0;
    log_warn("ending what belongs to no container", LOG_STR("container", found->container_id),
             LOG_STR("resource", run ? w->resource : w->owned));
    if (run && ops->co_remove_run(driver->self, w, err))
        return -1;
    return owned ? ops->co_remove_container(driver->self, w, err) : 0;
}

/* Live runs that carry our mark and belong to no row: left by a lost state directory, or by a crash
 * between the cloud's answer and our writing it down (then the row's own token finds it again).
 * False: the cloud would not list them all, or end one. */
static bool co_end_orphans(struct backend *b)
{
    const struct cloud_driver *driver = b->driver;
    AUTO(arena) struct arena arena;
    struct workload_found *found;
    size_t count;
    struct error err;
    bool done = true;
    arena_init(&arena);
    if (driver->workload->co_list(driver->self, &arena, &found, &count, &err)) {
        log_warn("the cloud's runs could not be listed", LOG_STR("error", err.message));
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct container *c = container_find(&b->containers, found[i].container_id, &err);
        if (co_end_orphan(driver, c, &found[i], &err) == 0)
            continue;
        log_warn("it could not be ended", LOG_STR("error", err.message));
        done = false;
    }
    return done;
}

static void co_end_all_orphans(struct backend *b)
{
    struct error err;
    if (b->orphans_unclear) {
        log_error("runs in the cloud that seem to belong to no container are left alone, since a "
                  "damaged row may be theirs");
        return;
    }
    int64_t pause_ms = ORPHANS_FIRST_PAUSE_MS;
    for (int pass = 1; !co_end_orphans(b); pass++) {
        if (pass == ORPHANS_PASSES)
            log_error("runs that belong to no container may be left to the next start");
        if (pass == ORPHANS_PASSES || co_sleep(pause_ms, &err))
            return;
        pause_ms *= 2;
    }
}

static void co_reconcile(void *arg)
{
    struct backend *b = arg;
    size_t picked_up = 0;
    for (struct container *c = b->containers.oldest; c; c = c->newer)
        if (!nothing_to_do(c)) {
            resume(c);
            picked_up++;
        }
    if (picked_up)
        log_info("picking up containers", LOG_INT("count", (int64_t)picked_up));
    co_end_all_orphans(b);
}

void reconcile_start(struct backend *b)
{
    struct error err;
    if (co_spawn(b->loop, co_reconcile, b, &err))
        log_error("not reconciled", LOG_STR("error", err.message));
}
