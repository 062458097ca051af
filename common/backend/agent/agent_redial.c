/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening lost control sessions again; see agent_redial.h. What is to be dialled is in a list by
 * the time when it is due; a bounded number of coroutines takes from it, since a network that fails
 * loses all sessions at once. They end when the list is empty, and the last one takes the object
 * with it.
 */
#include "backend/agent/agent_redial.h"

#include "backend/agent/agent_channel.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <utlist.h>

enum {
    WORKERS_MAX = 256,
    PAUSE_FIRST_MS = 10,
    PAUSE_MAX_MS = 1000,
    ATTEMPT_MS = 15 * 1000,    /* an agent that takes the connection and says nothing */
    PATIENCE_MS = 3600 * 1000, /* the watcher ends it earlier when the workload is gone */
};

/* One container's search for its agent. */
struct redial {
    struct redial *next, *prev;
    struct container *container; /* reference */
    const struct agent_link_events *events;
    unsigned run_number;
    int64_t due_ms, pause_ms, give_up_ms;
};

struct agent_redial {
    struct backend *backend;
    struct redial *first; /* by due_ms; utlist */
    unsigned workers;
    struct co *waiting; /* the worker that sleeps until the first is due; others end */
};

/* ---- the list ---- */

/* Most are due later than all others: looked for from the end. */
static void list_insert(struct agent_redial *all, struct redial *r)
{
    struct redial *first = all->first, *before = first ? first->prev : NULL; /* the last one */
    while (before && before->due_ms > r->due_ms)
        before = before == first ? NULL : before->prev;
    DL_APPEND_ELEM(all->first, before, r);
}

static void redial_free(struct redial *r)
{
    container_unref(r->container);
    free(r);
}

/* ---- workers ---- */

static bool first_is_due(const struct agent_redial *all)
{
    return all->first && all->first->due_ms <= time_mono_ms();
}

/* True: it is over, one way or the other. False: to be tried again. */
static bool co_attempt(struct redial *r)
{
    struct container *c = r->container;
    struct error err;
    if (c->link || !agent_channel_reachable(c) || !agent_link_wanted(c, r->run_number))
        return true;
    if (co_agent_link_try(c, r->events, time_mono_ms() + ATTEMPT_MS, &err) == 0) {
        if (c->run_number == r->run_number && agent_link_exit(c))
            r->events->exited(c);
        return true;
    }
    if (err.code != ERROR_CANCELLED && time_mono_ms() + r->pause_ms < r->give_up_ms)
        return false;
    log_debug("agent not reachable again", LOG_STR("container", c->id),
              LOG_STR("error", err.message));
    return true;
}

static void co_work(void *arg);

/* While others wait for their turn at once, one more is at work. */
static int worker_add(struct agent_redial *all, struct error *err)
{
    all->workers++;
    if (co_spawn(all->backend->loop, co_work, all, err) == 0)
        return 0;
    all->workers--;
    return -1;
}

/* The next that is due; NULL: this worker is not needed. */
static struct redial *co_take(struct agent_redial *all)
{
    struct error err;
    while (all->first && !co_cancelled()) {
        struct redial *r = all->first;
        if (first_is_due(all)) {
            DL_DELETE(all->first, r);
            if (first_is_due(all) && !all->waiting && all->workers < WORKERS_MAX &&
                worker_add(all, &err))
                log_debug("agents are redialled slowly", LOG_STR("error", err.message));
            return r;
        }
        if (all->waiting)
            return NULL;
        all->waiting = co_current();
        int rc = co_suspend(r->due_ms, &err);
        all->waiting = NULL;
        if (rc && err.code != ERROR_DEADLINE)
            return NULL;
    }
    return NULL;
}

static void worker_over(struct agent_redial *all)
{
    if (--all->workers)
        return;
    while (all->first) { /* cancelled: the daemon ends */
        struct redial *r = all->first;
        DL_DELETE(all->first, r);
        redial_free(r);
    }
    all->backend->redial = NULL;
    free(all);
}

static void co_work(void *arg)
{
    struct agent_redial *all = arg;
    struct redial *r;
    while ((r = co_take(all))) {
        if (co_attempt(r)) {
            redial_free(r);
            continue;
        }
        r->due_ms = time_mono_ms() + r->pause_ms;
        r->pause_ms = r->pause_ms * 2 < PAUSE_MAX_MS ? r->pause_ms * 2 : PAUSE_MAX_MS;
        list_insert(all, r);
    }
    worker_over(all);
}

/* ---- asking for it ---- */

static void redial_add(struct agent_redial *all, struct redial *r)
{
    struct error err;
    list_insert(all, r);
    if (all->waiting)
        co_wake(all->waiting);
    else if (all->workers < WORKERS_MAX && worker_add(all, &err) && !all->workers) {
        log_warn("agent not redialled", LOG_STR("error", err.message));
        all->workers++;
        worker_over(all); /* removes it */
    }
}

void agent_redial_start(struct container *c, const struct agent_link_events *events)
{
    struct backend *b = c->backend;
    if (c->link || b->stopping)
        return;
    if (!b->redial) {
        b->redial = NEW(struct agent_redial);
        b->redial->backend = b;
    }
    struct redial *r = NEW(struct redial);
    r->container = container_ref(c);
    r->events = events;
    r->run_number = c->run_number;
    r->due_ms = time_mono_ms();
    r->pause_ms = PAUSE_FIRST_MS;
    r->give_up_ms = r->due_ms + PATIENCE_MS;
    redial_add(b->redial, r);
}
