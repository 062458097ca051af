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
};

/* A walk over the entries, newest first. */
struct tail_walk {
    const struct log_tail_request *request;
    int64_t counted;
    bool before_mark;   /* counting: the mark was passed, or there is none */
    bool newer_seen[2]; /* stdout, stderr: this run has a later record of that stream */
    bool stopped;       /* the line before the first wanted one was met */
    bool finished;
    bool has_start;
    struct log_tail_start start;
};

/* True when the record ends a line that no later record belongs to. A piece belongs to the line of
 * the next record of its stream; as last record of its stream it is a line of its own. */
static bool ends_a_line(struct tail_walk *w, const struct log_event *e)
{
    enum log_record_kind kind;
    const char *text;
    size_t len;
    log_record_parse(e->text, e->len, &kind, &text, &len);
    if (kind == LOG_RECORD_MARK || kind == LOG_RECORD_EXIT)
        return false;
    bool is_piece = kind == LOG_RECORD_STDOUT_PIECE || kind == LOG_RECORD_STDERR_PIECE;
    unsigned stream = kind == LOG_RECORD_STDERR || kind == LOG_RECORD_STDERR_PIECE;
    bool ends = !is_piece || !w->newer_seen[stream];
    w->newer_seen[stream] = true;
    return ends;
}

static void start_at(struct tail_walk *w, size_t run, int64_t timestamp_ns)
{
    w->start = (struct log_tail_start){.run = run, .from_ns = timestamp_ns};
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

static int co_walk_run(struct tail_walk *w, size_t run, struct error *err)
{
    const struct log_tail_request *q = w->request;
    AUTO_FREE char *token = NULL;
    w->newer_seen[0] = w->newer_seen[1] = false;
    bool at_end = false;
    for (int n = 0; !at_end && !w->finished; n++) {
        struct log_query query = {.workload = &q->runs[run].workload,
                                  .token = token,
                                  .backward = true,
                                  .limit = next_limit(w, n)};
        struct log_page page;
        if (co_log_page(q->backend, &query, &page, err))
            return -1;
        q->progress(q->owner);
        for (size_t i = page.count; i-- > 0 && !w->finished;)
            walk_event(w, run, &page.events[i]);
        at_end = page.at_end || !page.next_token;
        free(token);
        token = page.next_token ? xstrdup(page.next_token) : NULL;
        arena_fini(&page.arena);
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

/* Wait until the log service shows all that the run has printed so far; see log_reader.h. */
static int co_settle(const struct log_tail_request *q, struct log_run *run, const char *mark,
                     bool *mark_seen, struct error *err)
{
    *mark_seen = false;
    bool over = log_run_over(q->container, run);
    if (over ? time_mono_ms() >= run->settled_ms : !mark)
        return 0;
    struct log_query query = {.workload = &run->workload, .backward = true, .limit = END_ENTRIES};
    struct log_page page;
    if (co_log_page(q->backend, &query, &page, err))
        return -1;
    q->progress(q->owner);
    bool whole = holds_end(&page, mark, mark_seen);
    struct log_reader r = {.backend = q->backend,
                           .container = q->container,
                           .run = run,
                           .mark_deadline_ms = mark ? q->mark_deadline_ms : 0,
                           .token = page.forward_token ? xstrdup(page.forward_token) : NULL};
    arena_fini(&page.arena);
    int rc = 0;
    while (!whole && (rc = co_log_reader_next(&r, &page, err)) > 0) {
        whole = r.done || holds_end(&page, mark, mark_seen);
        arena_fini(&page.arena);
    }
    log_reader_fini(&r);
    return rc < 0 ? -1 : 0;
}

int co_log_tail_locate(const struct log_tail_request *request, struct log_tail_start *out,
                       struct error *err)
{
    struct tail_walk w = {.request = request};
    for (size_t i = request->run_count; i-- > 0 && !w.finished;) {
        bool last = i + 1 == request->run_count, mark_seen;
        if (co_settle(request, &request->runs[i], last ? request->mark : NULL, &mark_seen, err))
            return -1;
        if (last)
            w.before_mark = !mark_seen;
        if (w.stopped || (last && w.before_mark && request->lines == 0))
            break;
        if (co_walk_run(&w, i, err))
            return -1;
        w.before_mark = true;
    }
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
