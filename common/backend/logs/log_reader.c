/* SPDX-License-Identifier: Apache-2.0
 * Log reader; see log_reader.h. */
#include "backend/logs/log_reader.h"

#include "backend/logs/log_format.h"
#include "base/alloc.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

enum {
    NS_PER_MS = 1000000,
    LOG_FIRST_WAIT_MS = 50,
    LOG_END_WAIT_MS = 10000, /* for entries that come behind the exit record */
};

/* ---- runs ---- */

struct log_run *log_runs_collect(const struct container *c, size_t *count)
{
    struct log_run *runs = xcalloc(c->past_count + 1, sizeof *runs);
    size_t n = 0;
    for (size_t i = 0; i < c->past_count; i++) {
        const Sockerless__WorkloadRecord *past = c->past[i];
        if (!*past->log_ref)
            continue;
        struct workload *w = &runs[n++].workload;
        snprintf(w->definition, sizeof w->definition, "%s", past->definition);
        snprintf(w->resource, sizeof w->resource, "%s", past->resource);
        snprintf(w->log_ref, sizeof w->log_ref, "%s", past->log_ref);
    }
    if (c->has_run && *c->current.log_ref)
        runs[n++].workload = c->current;
    *count = n;
    return runs;
}

void log_runs_free(struct log_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        log_hold_fini(&runs[i].hold);
    free(runs);
}

static bool is_current(const struct container *c, const struct log_run *run)
{
    return c->has_run && strcmp(c->current.log_ref, run->workload.log_ref) == 0 &&
           strcmp(c->current.resource, run->workload.resource) == 0;
}

static int64_t finished_at(const struct container *c, const struct log_run *run)
{
    if (is_current(c, run))
        return c->run_finished_at;
    for (size_t i = c->past_count; i-- > 0;)
        if (strcmp(c->past[i]->resource, run->workload.resource) == 0)
            return c->past[i]->finished_at;
    return 0;
}

int64_t log_written_wait_ms(const struct backend *b)
{
    int64_t grace_ms = b->driver->caps.log_grace_ms;
    return grace_ms > LOG_WRITTEN_WAIT_MS ? grace_ms : LOG_WRITTEN_WAIT_MS;
}

bool log_run_over(const struct container *c, struct log_run *run)
{
    if (run->settled_ms)
        return true;
    if (is_current(c, run) && !c->removed && container_alive(c))
        return false;
    bool has_end = is_current(c, run) && c->exit_reported;
    int64_t now_ns = time_now_ns(), finished_ns = finished_at(c, run);
    int64_t left_ms =
        has_end ? log_written_wait_ms(c->backend) : c->backend->driver->caps.log_grace_ms;
    if (finished_ns && finished_ns < now_ns)
        left_ms -= (now_ns - finished_ns) / NS_PER_MS;
    run->settled_ms = time_mono_ms() + (left_ms > 0 ? left_ms : 0);
    return true;
}

/* ---- pages ---- */

int co_log_page(struct backend *b, const struct log_query *query, struct log_page *page,
                struct error *err)
{
    memset(page, 0, sizeof *page);
    arena_init(&page->arena);
    if (b->driver->logs->co_pages(b->driver->self, query, 1, page, err) == 0)
        return 0;
    arena_fini(&page->arena);
    return error_wrap(err, "read the log");
}

/* Marks and exit records must stay visible, whatever the client's since: a run that has to be
 * waited for is asked from shortly before now on at the latest. */
int64_t log_reader_since(const struct log_reader *r)
{
    if (r->parted)
        return r->part_ns;
    if (r->from_entry)
        return r->from_ns;
    int64_t latest = time_now_ns() - LOG_CLOCK_SKEW_NS -
                     (int64_t)r->backend->driver->caps.log_grace_ms * NS_PER_MS;
    return r->from_ns > latest ? latest : r->from_ns;
}

/* Everything up to `until` has arrived: neither mark nor exit record need be waited for. */
static bool until_settled(const struct log_reader *r)
{
    int64_t grace_ns = (int64_t)r->backend->driver->caps.log_grace_ms * NS_PER_MS;
    return r->until_ns && time_now_ns() - grace_ns > r->until_ns;
}

/* Nothing more is there at present: was that all? Judged by the time of the question, not of the
 * answer. */
static bool is_complete(struct log_reader *r)
{
    if (log_run_over(r->container, r->run)) {
        if (r->end && r->asked_ms - r->end_seen_ms >= LOG_END_WAIT_MS)
            return r->done = true;
        if (r->has_gap || (r->asked_ms < r->run->settled_ms && !until_settled(r)))
            return false;
        r->done = true;
        return true;
    }
    if (r->follow)
        return true;
    return !r->has_gap && (until_settled(r) || r->asked_ms >= r->mark_deadline_ms);
}

/* Where entries come in the order of arrival, some may arrive behind the exit record, which says
 * how many there are. False: all are here, or it is not known. */
static bool exit_came_early(struct log_reader *r, const char *text, size_t len)
{
    bool counts = !r->parted && !r->from_ns && !r->until_ns &&
                  r->backend->driver->caps.log_lines == LOG_LINES_TEXT;
    uint64_t number = log_record_exit_number(text, len);
    if (!counts || r->entries >= number)
        return false;
    r->end = number;
    r->end_seen_ms = time_mono_ms();
    return true;
}

/* Drop what does not belong to the reading: entries before its start, and everything from its end
 * on. */
static void page_clip(struct log_reader *r, struct log_page *page)
{
    size_t kept = 0;
    for (size_t i = 0; i < page->count && !r->done; i++) {
        const struct log_event *e = &page->events[i];
        const char *text;
        size_t len;
        bool past_until = r->until_ns && e->timestamp_ns > r->until_ns;
        bool is_exit = log_entry_kind(e, &text, &len) == LOG_ENTRY_EXIT;
        r->entries++;
        if (is_exit && exit_came_early(r, text, len))
            continue;
        if (past_until || is_exit || log_entry_is_mark(e, r->mark))
            r->done = true;
        else if (r->skip && e->timestamp_ns == r->from_ns)
            r->skip--;
        else if (e->timestamp_ns >= r->from_ns)
            page->events[kept++] = *e;
    }
    page->count = kept;
    r->done |= r->end && r->entries >= r->end;
}

int co_log_wait(struct backend *b, int64_t *wait_ms, struct error *err)
{
    int64_t longest = b->driver->caps.log_poll_interval_ms;
    *wait_ms = *wait_ms ? *wait_ms * 2 : LOG_FIRST_WAIT_MS;
    if (*wait_ms > longest)
        *wait_ms = longest;
    return co_sleep(*wait_ms, err);
}

/* False: the run holds nothing any more. */
static bool next_held(struct log_reader *r, struct log_page *page)
{
    struct log_hold *hold = &r->run->hold;
    if (!log_hold_take(hold, page))
        return false;
    r->idle = hold->count == 0;
    if (r->idle) {
        r->asked_ms = hold->asked_ms;
        r->token = STEAL(hold->token);
    }
    page_clip(r, page);
    return true;
}

int co_log_reader_next(struct log_reader *r, struct log_page *page, struct error *err)
{
    if (r->done)
        return 0;
    if (next_held(r, page))
        return 1;
    if (r->idle) {
        if (is_complete(r))
            return 0;
        if (co_log_wait(r->backend, &r->wait_ms, err))
            return -1;
    }
    struct log_query query = {
        .workload = &r->run->workload,
        .token = r->token,
        .since_ns = log_reader_since(r),
        .after = r->after,
    };
    r->asked_ms = time_mono_ms();
    if (co_log_page(r->backend, &query, page, err))
        return -1;
    if (page->next_token) {
        free(r->token);
        r->token = xstrdup(page->next_token);
    }
    r->idle = page->at_end;
    r->has_gap = page->has_gap;
    if (page->count)
        r->wait_ms = 0;
    page_clip(r, page);
    return 1;
}

void log_reader_part(struct log_reader *r, int64_t since_ns, uint64_t after)
{
    log_reader_fini(r);
    log_hold_fini(&r->run->hold);
    r->parted = true;
    r->part_ns = since_ns;
    r->after = after;
    r->from_ns = 0;
    r->from_entry = r->idle = r->has_gap = r->done = false;
    r->skip = 0;
    r->end = 0;
}

void log_reader_fini(struct log_reader *r)
{
    free(r->token);
    r->token = NULL;
}
