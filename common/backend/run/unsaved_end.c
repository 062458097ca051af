/* SPDX-License-Identifier: Apache-2.0
 * Ends of runs that the store has not taken; see unsaved_end.h. */
#include "backend/run/unsaved_end.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <utlist.h>

enum { PAUSE_FIRST_MS = 250, PAUSE_MAX_MS = 5000 };

struct unsaved_end {
    struct unsaved_end *next;
    struct container *container; /* reference */
    unsaved_end_store store;
    struct run_end end;
    char error[ERROR_MESSAGE_MAX];
};

static void forget(struct unsaved_end *u)
{
    struct container *c = u->container;
    LL_DELETE(c->backend->unsaved_ends, u);
    c->unsaved = NULL;
    container_unref(c);
    free(u);
}

/* True: stored, or not needed any more; u is freed. */
static bool settle(struct unsaved_end *u, struct error *err)
{
    struct container *c AUTO(container) = container_ref(u->container);
    if (!c->removed && u->store(c, &u->end, err))
        return false;
    forget(u);
    return true;
}

static void co_retry(void *arg)
{
    struct backend *b = arg;
    struct error err;
    int64_t pause_ms = PAUSE_FIRST_MS;
    while (b->unsaved_ends && co_sleep(pause_ms, &err) == 0) {
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
        while (b->unsaved_ends && settle(b->unsaved_ends, &err))
            pause_ms = PAUSE_FIRST_MS;
    }
    while (co_cancelled() && b->unsaved_ends)
        forget(b->unsaved_ends); /* the agent reports it again after the restart */
    b->saving_ends = false;
}

/* Where no coroutine is to be had, the next report of this or another run tries again. */
static void retry_begin(struct backend *b)
{
    struct error err;
    if (b->saving_ends)
        return;
    b->saving_ends = true;
    if (co_spawn(b->loop, co_retry, b, &err) == 0)
        return;
    b->saving_ends = false;
    log_error("ends of runs are not stored", LOG_STR("error", err.message));
}

void unsaved_end_keep(struct container *c, const struct run_end *end, unsaved_end_store store)
{
    struct backend *b = c->backend;
    if (!c->unsaved) {
        struct unsaved_end *u = NEW(struct unsaved_end);
        u->container = container_ref(c);
        u->store = store;
        u->end = *end;
        snprintf(u->error, sizeof u->error, "%s", str_or_empty(end->error));
        u->end.error = u->error;
        if (!u->end.finished_ns)
            u->end.finished_ns = time_now_ns();
        LL_PREPEND(b->unsaved_ends, u);
        c->unsaved = u;
    }
    retry_begin(b);
}

int unsaved_end_try(struct container *c, struct error *err)
{
    if (!c->unsaved || settle(c->unsaved, err))
        return 0;
    return error_wrap(err, "the end of container %s cannot be stored", c->id);
}
