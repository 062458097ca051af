/* SPDX-License-Identifier: Apache-2.0
 *
 * Log hub; see log_hub.h. Works in rounds: choose followers that are due, ask, hand out. While a
 * question is under way followers may leave and be freed, so a round keeps queries, never
 * followers: those still in the list that carry the round's number get the answer.
 */
#include "backend/logs/log_hub.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "loop/co.h"

#include <string.h>
#include <utlist.h>

enum {
    LOG_ROUND_LIMIT = 1024, /* whatever the driver says */
    LOG_FAILURES_MAX = 8,   /* in a row, until followers are told */
    LOG_PAGE_LONG = 256,    /* entries: a quarter of what some services give a call */
};

struct log_hub {
    struct backend *backend;
    struct log_follower *followers; /* the one that is served next is first */
    size_t count;
    struct co *co;
    bool running; /* the coroutine is under way; it ends when there are no followers */
    bool freed;
    bool behind_turn; /* whose turn it is: one that is far behind, or all others */
    uint64_t round;
    unsigned failures;
};

struct log_round {
    struct arena arena; /* holds the arrays */
    struct log_query *queries;
    struct log_page *pages;
    size_t count, max; /* of a call to the driver; more followers wait for the next round */
    int64_t asked_ms;
};

static int64_t interval_ms(const struct log_hub *h)
{
    return h->backend->driver->caps.log_poll_interval_ms;
}

/* ---- a round ---- */

static void round_init(const struct log_hub *h, struct log_round *r)
{
    int most = h->backend->driver->caps.log_batch_max;
    *r = (struct log_round){.max = most < 1 ? 1 : (size_t)most};
    if (r->max > LOG_ROUND_LIMIT)
        r->max = LOG_ROUND_LIMIT;
    if (r->max > h->count) /* there are no more questions than followers */
        r->max = h->count;
    arena_init(&r->arena);
    r->queries = arena_calloc(&r->arena, r->max + 1, sizeof *r->queries);
    r->pages = arena_calloc(&r->arena, r->max + 1, sizeof *r->pages);
}

static bool same_place(const struct log_query *q, const struct log_follower *f)
{
    if (strcmp(q->workload->log_ref, f->workload->log_ref) != 0 || q->after != f->after)
        return false;
    if (!q->token || !f->token)
        return !q->token && !f->token && q->since_ns == f->since_ns;
    return strcmp(q->token, f->token) == 0;
}

/* Find or make the query of a follower; false when the round is full. */
static bool round_include(struct log_hub *h, struct log_round *r, struct log_follower *f)
{
    size_t i = 0;
    while (i < r->count && !same_place(&r->queries[i], f))
        i++;
    if (i == r->max)
        return false;
    if (i == r->count) {
        struct workload *copy = arena_alloc(&r->arena, sizeof *copy);
        *copy = *f->workload;
        r->queries[r->count++] = (struct log_query){
            .workload = copy,
            .token = arena_strdup(&r->arena, f->token),
            .since_ns = f->since_ns,
            .after = f->after,
        };
    }
    f->query = i;
    f->round = h->round;
    return true;
}

/* Of those that are due, one that is far behind, or all others. Returns when the hub has to look
 * again if none was chosen. */
static int64_t round_choose(struct log_hub *h, struct log_round *r, bool behind)
{
    int64_t now = time_mono_ms(), next_due = INT64_MAX;
    size_t max = r->max;
    h->round++;
    if (behind && max > 1)
        r->max = 1;
    for (struct log_follower *f = h->followers; f; f = f->next) {
        if (f->due_ms <= now && !f->events->ready(f->owner))
            f->due_ms = now + interval_ms(h);
        if (f->due_ms <= now && (f->behind != behind || !round_include(h, r, f)))
            next_due = now;
        else if (f->due_ms > now && f->due_ms < next_due)
            next_due = f->due_ms;
    }
    r->max = max;
    return next_due;
}

/* What this round served goes to the list's end, so that full rounds serve every follower. */
static struct log_follower *next_served(struct log_hub *h)
{
    struct log_follower *f = h->followers;
    while (f && f->round != h->round)
        f = f->next;
    if (f) {
        DL_DELETE(h->followers, f);
        DL_APPEND(h->followers, f);
        f->round = 0;
    }
    return f;
}

static void round_deliver(struct log_hub *h, struct log_round *r)
{
    int64_t due = time_mono_ms() + interval_ms(h);
    struct log_follower *f;
    while ((f = next_served(h))) {
        const struct log_page *page = &r->pages[f->query];
        if (page->next_token) {
            free(f->token);
            f->token = xstrdup(page->next_token);
        }
        f->due_ms = page->at_end ? due : 0;
        f->behind = !page->at_end && page->count >= LOG_PAGE_LONG;
        f->events->page(f->owner, page, r->asked_ms);
    }
}

static void round_failed(struct log_hub *h, const struct error *err)
{
    int64_t due = time_mono_ms() + interval_ms(h);
    bool give_up = ++h->failures >= LOG_FAILURES_MAX || err->code == ERROR_FORBIDDEN;
    log_warn("cannot read logs", LOG_STR("error", err->message), LOG_INT("in_a_row", h->failures));
    struct log_follower *f;
    while ((f = next_served(h))) {
        f->due_ms = due;
        if (give_up) {
            log_hub_leave(f);
            f->events->failed(f->owner, err);
        }
    }
    if (give_up)
        h->failures = 0;
}

static void co_round_ask(struct log_hub *h, struct log_round *r)
{
    struct cloud_driver *driver = h->backend->driver;
    struct error err;
    for (size_t i = 0; i < r->count; i++) {
        r->pages[i] = (struct log_page){0};
        arena_init(&r->pages[i].arena);
    }
    r->asked_ms = time_mono_ms();
    if (driver->logs->co_pages(driver->self, r->queries, r->count, r->pages, &err)) {
        if (!co_cancelled())
            round_failed(h, &err);
    } else {
        h->failures = 0;
        round_deliver(h, r);
    }
    for (size_t i = 0; i < r->count; i++)
        arena_fini(&r->pages[i].arena);
}

/* One turn of the hub: a round, or a wait. */
static void co_hub_turn(struct log_hub *h)
{
    struct log_round r;
    struct error err;
    round_init(h, &r);
    int64_t next_due = round_choose(h, &r, h->behind_turn);
    if (r.count == 0)
        next_due = round_choose(h, &r, h->behind_turn = !h->behind_turn);
    h->behind_turn = !h->behind_turn;
    if (r.count)
        co_round_ask(h, &r);
    arena_fini(&r.arena);
    if (r.count == 0 && co_suspend(next_due, &err) && err.code != ERROR_DEADLINE)
        log_debug("the log hub ends", LOG_STR("reason", err.message));
}

static void co_hub_run(void *arg)
{
    struct log_hub *h = arg;
    h->co = co_current();
    while (h->followers && !co_cancelled()) /* the daemon ends before its followers have left */
        co_hub_turn(h);
    h->co = NULL;
    h->running = false;
    if (h->freed)
        free(h);
}

/* ---- followers ---- */

struct log_hub *log_hub_new(struct backend *b)
{
    struct log_hub *h = NEW(struct log_hub);
    h->backend = b;
    return h;
}

void log_hub_free(struct log_hub *h)
{
    if (!h)
        return;
    while (h->followers)
        log_hub_leave(h->followers);
    h->freed = true; /* the coroutine may still wait for an answer; it ends and frees */
    if (!h->running)
        free(h);
}

size_t log_hub_followers(const struct log_hub *h)
{
    return h->count;
}

static void wake(struct log_hub *h)
{
    if (h->co && h->co != co_current())
        co_wake(h->co);
}

int log_hub_join(struct log_hub *h, struct log_follower *f, char *token, struct error *err)
{
    f->hub = h;
    f->token = token;
    f->due_ms = time_mono_ms() + interval_ms(h); /* its owner has just read to the end */
    f->round = 0;
    f->behind = false;
    DL_APPEND(h->followers, f);
    h->count++;
    if (h->running) {
        wake(h);
        return 0;
    }
    h->running = true;
    if (co_spawn(h->backend->loop, co_hub_run, h, err) == 0)
        return 0;
    h->running = false;
    log_hub_leave(f);
    return -1;
}

void log_hub_leave(struct log_follower *f)
{
    struct log_hub *h = f->hub;
    if (!h)
        return;
    DL_DELETE(h->followers, f);
    h->count--;
    f->hub = NULL;
    free(f->token);
    f->token = NULL;
    if (!h->followers)
        wake(h);
}

void log_hub_hurry(struct log_follower *f)
{
    if (!f->hub)
        return;
    f->due_ms = 0;
    wake(f->hub);
}
