/* SPDX-License-Identifier: Apache-2.0
 *
 * The watcher: one coroutine, woken by the earliest next_poll_ms of the active list; see watcher.h.
 */
#include "backend/run/watcher.h"

#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

enum {
    IDLE_POLL_MS = 10000, /* running with a live agent session: it tells of the end itself */
    ERROR_PAUSE_MS = 2000,
    START_PAUSE_MAX_MS = 5000,
    BATCH_LIMIT = 100,
};

struct watcher {
    struct backend *backend;
    watcher_status on_status;
    struct container *first; /* active */
    struct co *co;           /* NULL before it runs and after it ended */
    bool closing;
};

static bool lacks_address(const struct container *c)
{
    return c->backend->driver->caps.has_addresses && !c->address[0];
}

/* A start is over when the agent answers. The cloud is asked for the address and for a failure,
 * seldom enough that a long start costs few questions. Without the address each pause is as long as
 * what has gone by, so that a cloud which tells it after half of a start is asked in the other
 * half.
 */
static int64_t start_pause_ms(const struct container *c)
{
    int64_t interval_ms = c->backend->driver->caps.poll_interval_ms;
    int64_t elapsed_ms = (time_now_ns() - c->run_started_at) / 1000000;
    int64_t least_ms = lacks_address(c) ? interval_ms / 2 : interval_ms;
    int64_t ms = lacks_address(c) ? elapsed_ms : elapsed_ms / 2;
    if (ms > START_PAUSE_MAX_MS)
        ms = START_PAUSE_MAX_MS;
    return ms > least_ms ? ms : least_ms;
}

/* How long until the next question, by what is known now. */
static int64_t poll_pause_ms(const struct container *c)
{
    const struct driver_caps *caps = &c->backend->driver->caps;
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING && caps->agent != AGENT_NONE)
        return start_pause_ms(c);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__RUNNING && agent_link_ready(c))
        return IDLE_POLL_MS > caps->poll_interval_ms ? IDLE_POLL_MS : caps->poll_interval_ms;
    return caps->poll_interval_ms;
}

static size_t batch_collect(struct watcher *w, struct container **batch, size_t max)
{
    int64_t now = time_mono_ms();
    size_t n = 0;
    for (struct container *c = w->first; c && n < max; c = c->active_next)
        if (c->next_poll_ms <= now && c->current.resource[0])
            batch[n++] = container_ref(c);
    return n;
}

static void co_poll_batch(struct watcher *w, struct container **batch, size_t n)
{
    struct cloud_driver *driver = w->backend->driver;
    const struct workload *list[BATCH_LIMIT];
    struct workload_status *status AUTO_FREE = xcalloc(n, sizeof *status);
    struct workload *copies AUTO_FREE = xcalloc(n, sizeof *copies);
    unsigned run_numbers[BATCH_LIMIT];
    struct error err;
    for (size_t i = 0; i < n; i++) { /* a new run may begin while we wait for the answer */
        copies[i] = batch[i]->current;
        list[i] = &copies[i];
        run_numbers[i] = batch[i]->run_number;
        batch[i]->next_poll_ms = INT64_MAX;
    }
    int rc = driver->workload->co_describe(driver->self, list, n, status, &err);
    if (rc)
        log_warn("describe failed", LOG_STR("error", err.message));
    int64_t now = time_mono_ms();
    for (size_t i = 0; i < n; i++) {
        struct container *c = batch[i];
        if (c->active && c->run_number == run_numbers[i]) {
            if (rc == 0)
                w->on_status(c, &status[i]);
            bool failed = rc || status[i].phase == WORKLOAD_UNKNOWN;
            int64_t next = now + (failed ? ERROR_PAUSE_MS : poll_pause_ms(c));
            if (c->next_poll_ms > next)
                c->next_poll_ms = next;
        }
        container_unref(c);
    }
}

static int64_t earliest_poll(const struct watcher *w)
{
    int64_t earliest = INT64_MAX;
    for (const struct container *c = w->first; c; c = c->active_next)
        if (c->next_poll_ms < earliest && c->current.resource[0])
            earliest = c->next_poll_ms;
    return earliest;
}

static void co_watch(void *arg)
{
    struct watcher *w = arg;
    struct error err;
    size_t max = (size_t)w->backend->driver->caps.describe_batch_max;
    if (max == 0 || max > BATCH_LIMIT)
        max = BATCH_LIMIT;
    w->co = co_current();
    while (!w->closing) {
        struct container *batch[BATCH_LIMIT];
        size_t n = batch_collect(w, batch, max);
        if (n)
            co_poll_batch(w, batch, n);
        else if (co_suspend(earliest_poll(w), &err) && err.code != ERROR_DEADLINE)
            break;
    }
    w->co = NULL;
    w->backend->watcher = NULL;
    free(w);
}

int watcher_open(struct backend *b, watcher_status on_status, struct error *err)
{
    b->watcher = NEW(struct watcher);
    b->watcher->backend = b;
    b->watcher->on_status = on_status;
    return co_spawn(b->loop, co_watch, b->watcher, err);
}

void watcher_close(struct backend *b)
{
    if (!b->watcher)
        return;
    b->watcher->closing = true;
    while (b->watcher->first)
        watcher_remove(b->watcher->first);
    if (b->watcher->co)
        co_cancel(b->watcher->co);
}

static void add_at(struct container *c, int64_t next_poll_ms)
{
    struct watcher *w = c->backend->watcher;
    if (!w || w->closing)
        return;
    if (!c->active) {
        c->active = true;
        c->active_prev = NULL;
        c->active_next = w->first;
        if (w->first)
            w->first->active_prev = c;
        w->first = c;
        container_ref(c);
    }
    c->next_poll_ms = next_poll_ms;
    if (w->co)
        co_wake(w->co);
}

void watcher_add(struct container *c)
{
    add_at(c, time_mono_ms());
}

void watcher_add_starting(struct container *c)
{
    int64_t age_ms = (time_now_ns() - c->run_started_at) / 1000000;
    int64_t interval_ms = c->backend->driver->caps.poll_interval_ms;
    int64_t pause_ms = lacks_address(c) ? interval_ms / 2 : interval_ms;
    add_at(c, time_mono_ms() + (age_ms >= 0 && age_ms < pause_ms ? pause_ms - age_ms : 0));
}

void watcher_remove(struct container *c)
{
    struct watcher *w = c->backend->watcher;
    if (!c->active)
        return;
    c->active = false;
    if (c->active_prev)
        c->active_prev->active_next = c->active_next;
    else if (w)
        w->first = c->active_next;
    if (c->active_next)
        c->active_next->active_prev = c->active_prev;
    c->active_next = c->active_prev = NULL;
    c->next_poll_ms = INT64_MAX;
    container_unref(c);
}

void watcher_hurry(struct container *c)
{
    struct watcher *w = c->backend->watcher;
    c->next_poll_ms = time_mono_ms();
    if (w && w->co)
        co_wake(w->co);
}
