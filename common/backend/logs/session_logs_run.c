/* SPDX-License-Identifier: Apache-2.0
 *
 * The run that goes on: shown from the live log wherever that holds the next record, else from the
 * log service; log_place.h says which record is next. So what is printed is shown at once, however
 * late the log service is, and a broken connection to the agent costs only that.
 */
#include "backend/logs/session_logs_internal.h"

#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/timefmt.h"

#include <string.h>

enum { LIVE_OPEN_MS = 3000, END_WAIT_MS = 10000, NS_PER_MS = 1000000 };

static bool run_goes_on(const struct log_session *s)
{
    const struct container *c = s->container;
    return container_alive(c) && !c->removed && c->has_run &&
           strcmp(c->current.resource, s->runs[s->run_count - 1].workload.resource) == 0;
}

/* ---- where to begin ---- */

/* A follower with an `until` ends by the clock, which the log service is asked by. */
void session_logs_run_join(struct log_session *s)
{
    bool ends_by_clock = s->follow && s->format.until_ns;
    if (!run_goes_on(s) || s->backend->driver->caps.agent == AGENT_NONE || ends_by_clock)
        return;
    log_live_join(s->container, &s->live);
    if (s->tail < 0 && !s->format.since_ns)
        log_live_wants(&s->live, 1); /* as long as that is kept, it is not dropped */
}

/* Behind the mark nothing is shown, or counted as tail. */
static int co_await_mark(struct log_session *s, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + LIVE_OPEN_MS;
    while (s->tail >= 0 && s->mark[0] && !s->live.mark_number) {
        const struct log_ring *ring = log_live_ring(&s->live);
        if (!ring || !log_live_holds(&s->live, log_ring_end(ring)))
            return 0;
        if (co_log_live_wait(&s->live, deadline_ms, err))
            return err->code == ERROR_DEADLINE ? 0 : -1;
    }
    return 0;
}

static void place_at(struct log_session *s, uint64_t next)
{
    log_place_join(&s->place, next - 1, log_live_ring(&s->live));
    s->placed = true;
}

/* The rest of the tail is in earlier runs. */
static int co_locate_before(struct log_session *s, int64_t lines, struct log_tail_start *start,
                            struct error *err)
{
    struct log_tail_request request = {
        .backend = s->backend,
        .container = s->container,
        .runs = s->runs,
        .run_count = s->run_count - 1,
        .lines = lines,
        .since_ns = s->format.since_ns,
        .follow = s->follow,
        .now_ns = s->now_ns,
        .progress = session_logs_opened,
        .owner = s,
    };
    *start = (struct log_tail_start){.run = 0};
    return request.run_count && co_log_tail_locate(&request, start, err) ? -1 : 1;
}

static int co_locate_tail(struct log_session *s, struct log_tail_start *start, struct error *err)
{
    const struct log_ring *ring = log_live_ring(&s->live);
    uint64_t end = s->live.mark_number ? s->live.mark_number : log_ring_end(ring);
    uint64_t first, counted;
    if (s->mark[0] && !s->live.mark_number)
        return 0;
    *start = (struct log_tail_start){.run = s->run_count - 1};
    if (log_ring_tail(ring, end, (uint64_t)s->tail, &first, &counted)) {
        place_at(s, first);
        return 1;
    }
    if (log_ring_first(ring) > 1)
        return 0;
    place_at(s, 1);
    return co_locate_before(s, s->tail - (int64_t)counted, start, err);
}

/* Everything since then is here. */
static int locate_since(struct log_session *s, struct log_tail_start *start)
{
    const struct log_ring *ring = log_live_ring(&s->live);
    struct log_ring_cursor cursor = {.number = log_ring_first(ring)};
    struct log_ring_record record;
    if (cursor.number == 1)
        place_at(s, 1);
    if (!s->format.since_ns || !log_ring_read(ring, &cursor, &record) ||
        record.time_ns > s->format.since_ns)
        return 0;
    place_at(s, log_ring_first(ring));
    *start = (struct log_tail_start){.run = s->run_count - 1};
    return 1;
}

int co_session_logs_run_locate(struct log_session *s, struct log_tail_start *start,
                               struct error *err)
{
    const struct log_ring *ring;
    if (!s->live.live)
        return 0;
    if (co_log_live_open(&s->live, time_mono_ms() + LIVE_OPEN_MS, err) || co_await_mark(s, err))
        return -1;
    ring = log_live_ring(&s->live);
    if (ring && s->tail >= 0)
        return co_locate_tail(s, start, err);
    return ring ? locate_since(s, start) : 0;
}

/* ---- the live log ---- */

static bool is_mark(const struct log_session *s, const struct log_ring_record *record)
{
    return !s->follow && record->kind == LOG_RECORD_MARK && s->mark[0] &&
           record->len == strlen(s->mark) && memcmp(record->text, s->mark, record->len) == 0;
}

/* False: that was the end. As exact as the service will show the time, if not always equal: a
 * service of LOG_LINES_TEXT has its own, which has milliseconds and is no earlier. */
static bool show_record(struct log_session *s, struct log_ring_record *record)
{
    if (s->backend->driver->caps.log_lines == LOG_LINES_TEXT)
        record->time_ns -= record->time_ns % NS_PER_MS;
    if (record->kind == LOG_RECORD_EXIT || is_mark(s, record) ||
        (s->format.until_ns && record->time_ns > s->format.until_ns))
        return false;
    log_place_record(&s->place, record);
    log_format_record(&s->format, record);
    return true;
}

static bool live_holds_next(struct log_session *s)
{
    uint64_t next;
    return log_place_next(&s->place, &next) && log_live_holds(&s->live, next);
}

static void live_begin(struct log_session *s)
{
    uint64_t next = 1;
    if (log_place_next(&s->place, &next))
        log_place_join(&s->place, next - 1, log_live_ring(&s->live));
    s->cursor = (struct log_ring_cursor){.number = next};
    log_live_wants(&s->live, next);
}

/* As many records as there are and the client takes. False: that was the end. */
static bool live_show(struct log_session *s)
{
    struct log_ring_record record;
    bool goes_on = true;
    session_logs_opened(s);
    while (goes_on && s->channel && channel_writable(s->channel) && log_live_ring(&s->live) &&
           log_ring_read(log_live_ring(&s->live), &s->cursor, &record))
        goes_on = show_record(s, &record);
    log_live_wants(&s->live, s->cursor.number);
    return goes_on;
}

/* 1: shown to the end; 0: the live log ends before that; -1: *err. */
static int co_live_show(struct log_session *s, struct error *err)
{
    live_begin(s);
    while (live_show(s)) {
        if (co_session_logs_drain(s, err))
            return -1;
        const struct log_ring *ring = log_live_ring(&s->live);
        if (!log_live_holds(&s->live, s->cursor.number))
            return 0;
        if (s->cursor.number < log_ring_end(ring))
            continue;
        if (!s->mark[0])
            return 1;
        if (co_log_live_wait(&s->live, s->mark_deadline_ms, err))
            return err->code == ERROR_DEADLINE ? 1 : -1;
    }
    return 1;
}

/* ---- the log service ---- */

/* True: as far as the live log has the next record. */
static bool show_entry(struct log_session *s, const struct log_event *e)
{
    if (log_place_entry(&s->place, e) && e->timestamp_ns >= s->from_ns)
        log_format_event(&s->format, e);
    return live_holds_next(s);
}

/* 1: now the live log is next; 0: read to the end, for now; -1: *err. */
static int co_service_show(struct log_session *s, struct log_reader *r, struct error *err)
{
    struct log_page page;
    bool live = false;
    int rc;
    while (!live && (rc = co_log_reader_next(r, &page, err)) > 0) {
        session_logs_opened(s);
        for (size_t i = 0; i < page.count && !live; i++)
            live = show_entry(s, &page.events[i]);
        arena_fini(&page.arena);
        if (co_session_logs_drain(s, err))
            return -1;
        if (!live && !r->done)
            live = live_holds_next(s);
    }
    return live ? 1 : rc;
}

/* ---- following ---- */

static void follow_live(struct log_session *s);

/* From the record on that is next. */
static void follow_service(struct log_session *s)
{
    struct error err;
    log_live_wants(&s->live, 0);
    s->follows = LOGS_SERVICE;
    s->from_ns = 0;
    log_place_part(&s->place, &s->follower.since_ns, &s->follower.after);
    if (log_hub_join(s->backend->log_hub, &s->follower, NULL, &err))
        session_logs_end(s, &err);
    else
        log_hub_hurry(&s->follower);
}

/* The exit record is here, the report of the end may still be under way: a client that asks now
 * must hear that the container has ended. */
static void co_end_with_run(void *arg)
{
    struct log_session *s = arg;
    struct error err;
    int64_t deadline_ms = time_mono_ms() + END_WAIT_MS;
    int rc = 0;
    s->co = co_current();
    while (rc == 0 && s->channel && run_goes_on(s))
        rc = co_cond_wait(&s->container->changed, deadline_ms, &err);
    if (session_logs_finish(s))
        session_logs_end(s, NULL);
}

static void follow_live(struct log_session *s)
{
    bool goes_on = live_show(s);
    if (s->ended || !s->channel)
        return;
    if (!goes_on) {
        s->follows = LOGS_HISTORY;
        session_logs_spawn(s, co_end_with_run);
    } else if (!log_live_holds(&s->live, s->cursor.number)) {
        follow_service(s);
    }
}

static void follow_begin_live(struct log_session *s)
{
    log_hub_leave(&s->follower);
    s->follows = LOGS_LIVE;
    live_begin(s);
    follow_live(s);
}

void session_logs_run_follow(struct log_session *s)
{
    if (s->follows == LOGS_LIVE)
        follow_begin_live(s);
}

static void on_live_changed(void *owner)
{
    struct log_session *s = owner;
    if (s->follows == LOGS_LIVE)
        follow_live(s);
    else if (s->follows == LOGS_SERVICE && live_holds_next(s))
        follow_begin_live(s);
}

static bool on_ready(void *owner)
{
    struct log_session *s = owner;
    return s->channel && channel_writable(s->channel);
}

static bool follow_is_over(struct log_session *s, const struct log_page *page, int64_t asked_ms)
{
    struct log_run *run = &s->runs[s->run_count - 1];
    int64_t grace_ns = (int64_t)s->backend->driver->caps.log_grace_ms * NS_PER_MS;
    if (s->format.until_ns && time_now_ns() - grace_ns > s->format.until_ns)
        return true;
    return page->at_end && !page->has_gap && log_run_over(s->container, run) &&
           asked_ms >= run->settled_ms;
}

static void on_page(void *owner, const struct log_page *page, int64_t asked_ms)
{
    struct log_session *s = owner;
    bool over = false;
    for (size_t i = 0; i < page->count && !over; i++) {
        const struct log_event *e = &page->events[i];
        const char *text;
        size_t len;
        over = log_entry_kind(e, &text, &len) == LOG_ENTRY_EXIT ||
               (s->format.until_ns && e->timestamp_ns > s->format.until_ns);
        if (!over && show_entry(s, e)) {
            follow_begin_live(s);
            return;
        }
    }
    if (over || follow_is_over(s, page, asked_ms))
        session_logs_end(s, NULL);
}

static void on_failed(void *owner, const struct error *err)
{
    session_logs_end(owner, err);
}

static const struct log_follower_events follower_events = {
    .ready = on_ready, .page = on_page, .failed = on_failed};

static int follow_begin_service(struct log_session *s, struct log_reader *r, struct error *err)
{
    if (!s->channel)
        return error_set(err, ERROR_CANCELLED, "the client is gone");
    s->from_ns = r->from_ns;
    s->follower.since_ns = log_reader_since(r);
    s->follower.after = r->after;
    session_logs_opened(s);
    s->follows = LOGS_SERVICE;
    return log_hub_join(s->backend->log_hub, &s->follower, STEAL(r->token), err);
}

/* ---- the whole ---- */

/* Where one question serves many logs, what was written before is asked for together, too. */
static bool reads_with_others(const struct log_session *s, const struct log_reader *r)
{
    return s->follow && !r->skip && !r->run->hold.count &&
           s->backend->driver->caps.log_batch_is_one && !log_run_over(s->container, r->run);
}

static void place_begin(struct log_session *s, const struct log_reader *r)
{
    bool whole = r->from_ns == 0 && !r->skip;
    if (!s->placed)
        s->place = log_place_begin(s->backend->driver->caps.log_lines, whole);
    if (!live_holds_next(s))
        log_live_wants(&s->live, 0);
}

int co_session_logs_run_show(struct log_session *s, struct log_reader *r, struct error *err)
{
    bool shared = reads_with_others(s, r);
    int64_t since_ns;
    uint64_t after;
    int rc = 0;
    place_begin(s, r);
    while (rc >= 0) {
        bool live = live_holds_next(s);
        if (!live && !shared)
            rc = co_service_show(s, r, err);
        if (rc > 0 || live) {
            if (s->follow) {
                s->follows = LOGS_LIVE; /* session_logs_run_follow() begins */
                return 0;
            }
            rc = co_live_show(s, err);
            if (rc)
                return rc < 0 ? -1 : 0;
            log_place_part(&s->place, &since_ns, &after);
            log_reader_part(r, since_ns, after);
            continue;
        }
        if (rc == 0 && s->follow && !r->done)
            rc = follow_begin_service(s, r, err);
        if (rc == 0 && shared)
            log_hub_hurry(&s->follower);
        return rc;
    }
    return rc;
}

void session_logs_run_drained(struct log_session *s)
{
    if (s->follows == LOGS_LIVE && !s->reading)
        follow_live(s);
    log_hub_hurry(&s->follower);
}

void session_logs_run_init(struct log_session *s)
{
    s->follower.events = &follower_events;
    s->follower.owner = s;
    s->live.changed = on_live_changed;
    s->live.owner = s;
    s->place.counts = s->backend->driver->caps.log_lines == LOG_LINES_TEXT;
}
