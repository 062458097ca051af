/* SPDX-License-Identifier: Apache-2.0
 * Log tail; see log_tail.h. */
#include "backend/logs/log_tail.h"

#include "backend/logs/log_format.h"
#include "base/alloc.h"
#include "base/log_record.h"
#include "base/timefmt.h"

#include <string.h>

enum {
    EXTRA = 16,        /* marks, exit records, pieces of lines: entries that are no lines */
    END_ENTRIES = 128, /* among so many of the newest the end of what was printed is looked for */
    LIMIT_MAX = 1 << 20,
    HOLD_BYTES_MAX = 4 * 1024 * 1024, /* of all runs together */
};

/* A walk over the entries, newest first. */
struct tail_walk {
    const struct log_tail_request *request;
    int64_t counted;
    bool before_mark;   /* counting: the mark was passed, or there is none */
    bool newer_seen[2]; /* stdout, stderr: this run has a later record of that stream */
    bool stopped;       /* the line before the first requested one was read */
    bool finished;
    bool has_start;
    struct log_tail_start start;
    size_t held_bytes;
};

/* The newest page of a run's log, read while waiting for its end. */
struct newest_page {
    struct log_page page;
    int64_t asked_ms;
    bool is_read; /* and not yet taken over */
};

static bool ends_a_line(struct tail_walk *w, const struct log_event *e)
{
    enum log_record_kind kind;
    const char *text;
    size_t len;
    log_record_parse(e->text, e->len, &kind, &text, &len);
    return log_record_ends_line(kind, w->newer_seen);
}

static void start_at(struct tail_walk *w, size_t run, int64_t timestamp_ns)
{
    w->start = (struct log_tail_start){.run = run, .from_ns = timestamp_ns, .from_entry = true};
    w->has_start = true;
}

static void walk_event(struct tail_walk *w, size_t run, const struct log_event *e)
{
    if (!w->before_mark) {
        if (log_entry_is_mark(e, w->request->mark)) {
            w->before_mark = true;
            start_at(w, run, e->timestamp_ns);
        }
        return;
    }
    if (!w->stopped) {
        w->stopped = e->timestamp_ns < w->request->since_ns ||
                     (ends_a_line(w, e) && ++w->counted > w->request->lines);
        if (!w->stopped) {
            start_at(w, run, e->timestamp_ns);
            return;
        }
    }
    /* The first entry to show is known; count its older namesakes of the same instant. */
    if (w->has_start && w->start.run == run && e->timestamp_ns == w->start.from_ns)
        w->start.skip++;
    else
        w->finished = true;
}

/* The lines that are missing, the one before them, and a little more; more with every page, since
 * entries need not be lines. */
static int next_limit(const struct tail_walk *w, int page)
{
    int64_t missing = w->request->lines - w->counted;
    if (missing < 0)
        missing = 0;
    if (page > 10 || missing >= LIMIT_MAX >> page)
        return LIMIT_MAX;
    return (int)((missing + EXTRA) << page);
}

/* The page is taken over. What does not fit is read again later: then all of the run is. */
static void hold_page(struct tail_walk *w, struct log_run *run, struct newest_page *newest,
                      bool *holds)
{
    struct log_page *page = &newest->page;
    w->held_bytes += log_hold_page_bytes(page);
    if (*holds && w->held_bytes > HOLD_BYTES_MAX) {
        log_hold_fini(&run->hold);
        *holds = false;
    }
    if (*holds)
        log_hold_add(&run->hold, page, newest->asked_ms);
    else
        arena_fini(&page->arena);
    newest->is_read = false;
}

static int co_read_backward(const struct tail_walk *w, size_t run, const char *token, int limit,
                            struct newest_page *out, struct error *err)
{
    const struct log_tail_request *q = w->request;
    struct log_query query = {
        .workload = &q->runs[run].workload, .token = token, .backward = true, .limit = limit};
    out->asked_ms = time_mono_ms();
    if (co_log_page(q->backend, &query, &out->page, err))
        return -1;
    out->is_read = true;
    q->progress(q->owner);
    return 0;
}

/* newest: the first page, when it is read already. */
static int co_walk_run(struct tail_walk *w, size_t run, struct newest_page *newest,
                       struct error *err)
{
    AUTO_FREE char *token = NULL;
    bool at_end = false, holds = true;
    w->newer_seen[0] = w->newer_seen[1] = false;
    for (int n = 0; !at_end && !w->finished; n++) {
        const struct log_page *page = &newest->page;
        if (!newest->is_read && co_read_backward(w, run, token, next_limit(w, n), newest, err))
            return -1;
        for (size_t i = page->count; i-- > 0 && !w->finished;)
            walk_event(w, run, &page->events[i]);
        at_end = page->at_end || !page->next_token;
        free(token);
        token = page->next_token ? xstrdup(page->next_token) : NULL;
        hold_page(w, &w->request->runs[run], newest, &holds);
    }
    return 0;
}

static bool holds_end(const struct log_page *page, const char *mark, bool *mark_seen)
{
    for (size_t i = page->count; i-- > 0;) {
        const char *text;
        size_t len;
        if (log_entry_is_mark(&page->events[i], mark))
            return *mark_seen = true;
        if (log_entry_kind(&page->events[i], &text, &len) == LOG_ENTRY_EXIT)
            return true;
    }
    return false;
}

/* Read on from a page's end until the mark was seen. */
static int co_settle_forward(const struct log_tail_request *q, struct log_run *run, char *token,
                             bool *mark_seen, struct error *err)
{
    struct log_reader r = {.backend = q->backend,
                           .container = q->container,
                           .run = run,
                           .mark_deadline_ms = q->mark_deadline_ms,
                           .token = token};
    struct log_page page;
    bool whole = false;
    int rc = 0;
    while (!whole && (rc = co_log_reader_next(&r, &page, err)) > 0) {
        whole = r.done || holds_end(&page, q->mark, mark_seen);
        arena_fini(&page.arena);
    }
    log_reader_fini(&r);
    return rc < 0 ? -1 : 0;
}

static bool is_settled(const struct log_tail_request *q, struct log_run *run, const char *mark,
                       int64_t now_ms)
{
    if (log_run_over(q->container, run))
        return now_ms >= run->settled_ms;
    return !mark || now_ms >= q->mark_deadline_ms;
}

/* Between the page before and this one there may be entries, and the mark may be one of them. */
static bool leaves_gap(const struct log_page *page, int64_t before_ns)
{
    return before_ns && !page->at_end && page->count && page->events[0].timestamp_ns >= before_ns;
}

/* Wait until the log service shows all that the run has printed so far; see log_reader.h. The
 * newest entries are enough to see that, however many come meanwhile. The last page that was read
 * is left in *newest. */
static int co_settle(struct tail_walk *w, size_t index, const char *mark,
                     struct newest_page *newest, bool *mark_seen, struct error *err)
{
    const struct log_tail_request *q = w->request;
    struct log_run *run = &q->runs[index];
    int limit = next_limit(w, 0) > END_ENTRIES ? next_limit(w, 0) : END_ENTRIES;
    int64_t wait_ms = 0, before_ns = 0;
    AUTO_FREE char *before = NULL; /* where reading goes on behind the page before */
    *mark_seen = false;
    if (is_settled(q, run, mark, time_mono_ms()))
        return 0;
    for (;;) {
        struct log_page *page = &newest->page;
        if (co_read_backward(w, index, NULL, limit, newest, err))
            return -1;
        bool whole = holds_end(page, mark, mark_seen) && !page->has_gap;
        if (whole || is_settled(q, run, mark, newest->asked_ms))
            return 0;
        bool gap = mark && leaves_gap(page, before_ns);
        if (!gap) {
            free(before);
            before = page->forward_token ? xstrdup(page->forward_token) : NULL;
            before_ns = page->count ? page->events[page->count - 1].timestamp_ns : before_ns;
        }
        arena_fini(&page->arena);
        newest->is_read = false;
        if (gap)
            return co_settle_forward(q, run, STEAL(before), mark_seen, err);
        if (co_log_wait(q->backend, &wait_ms, err))
            return -1;
    }
}

/* Only lines to come are requested: they begin behind the newest entry. */
static int co_walk_nothing(struct tail_walk *w, size_t run, struct newest_page *newest,
                           struct error *err)
{
    const struct log_tail_request *q = w->request;
    bool over = log_run_over(q->container, &q->runs[run]), holds = true;
    w->stopped = true;
    w->start = (struct log_tail_start){.run = over && !newest->is_read ? q->run_count : run,
                                       .from_ns = q->now_ns};
    w->has_start = true;
    if (w->start.run == q->run_count || !q->follow)
        return 0;
    if (!newest->is_read && co_read_backward(w, run, NULL, EXTRA, newest, err))
        return -1;
    hold_page(w, &q->runs[run], newest, &holds);
    return 0;
}

static int co_locate_in_run(struct tail_walk *w, size_t run, struct newest_page *newest,
                            struct error *err)
{
    const struct log_tail_request *q = w->request;
    bool last = run + 1 == q->run_count, mark_seen;
    if (co_settle(w, run, last ? q->mark : NULL, newest, &mark_seen, err))
        return -1;
    if (last)
        w->before_mark = !mark_seen;
    if (last && w->before_mark && q->lines == 0)
        return co_walk_nothing(w, run, newest, err);
    if (!w->stopped && co_walk_run(w, run, newest, err))
        return -1;
    w->before_mark = true;
    return 0;
}

int co_log_tail_locate(const struct log_tail_request *request, struct log_tail_start *out,
                       struct error *err)
{
    struct tail_walk w = {.request = request};
    int rc = 0;
    for (size_t i = request->run_count; i-- > 0 && !w.finished && !w.stopped && rc == 0;) {
        struct newest_page newest = {.is_read = false};
        rc = co_locate_in_run(&w, i, &newest, err);
        if (newest.is_read)
            arena_fini(&newest.page.arena);
    }
    if (rc)
        return -1;
    if (w.has_start && (w.stopped || request->lines == 0))
        *out = w.start;
    else if (w.stopped || request->lines == 0) /* nothing to show but what is still to come */
        *out = (struct log_tail_start){.run = request->run_count - 1,
                                       .from_ns = request->lines == 0 ? request->now_ns
                                                                      : request->since_ns};
    else
        *out = (struct log_tail_start){0};
    return 0;
}
