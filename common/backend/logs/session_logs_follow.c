/* SPDX-License-Identifier: Apache-2.0
 *
 * A session of `docker logs --follow` once it has shown what was there: it is a reader of the live
 * log, or a follower of the log service while that does not hold the next record, and changes
 * between both.
 */
#include "backend/logs/session_logs_internal.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/timefmt.h"

#include <stdlib.h>

enum {
    END_WAIT_MS = 10000,
    UNTIL_SLACK_MS = 2000, /* what was printed before that moment is here so much later */
    NS_PER_MS = 1000000,
};

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
    while (rc == 0 && s->channel && session_logs_live_run_goes_on(s))
        rc = co_cond_wait(&s->container->changed, deadline_ms, &err);
    if (session_logs_finish(s))
        session_logs_end(s, NULL);
}

/* ---- the live log ---- */

static bool until_is_over(const struct log_session *s)
{
    return s->format.until_ns &&
           time_now_ns() - UNTIL_SLACK_MS * INT64_C(1000000) > s->format.until_ns;
}

static void follow_live(struct log_session *s)
{
    bool goes_on = session_logs_live_show(s);
    if (s->ended || !s->channel)
        return;
    if (!goes_on && s->past_until) {
        session_logs_end(s, NULL);
    } else if (!goes_on) {
        s->follows = LOGS_HISTORY;
        session_logs_spawn(s, co_end_with_run);
    } else if (!log_live_holds(&s->live, s->cursor.number)) {
        follow_service(s);
    } else if (until_is_over(s) && s->cursor.number >= log_ring_end(log_live_ring(&s->live))) {
        session_logs_end(s, NULL);
    }
}

static void on_until(uv_timer_t *timer)
{
    struct log_session *s = timer->data;
    if (s->follows == LOGS_LIVE && !s->reading)
        follow_live(s);
}

/* The moment passes, also when nothing is printed. */
static void await_until(struct log_session *s)
{
    int64_t left_ms = (s->format.until_ns - time_now_ns()) / NS_PER_MS + UNTIL_SLACK_MS + 1;
    if (!s->format.until_ns || s->until_timer)
        return;
    s->until_timer = NEW(uv_timer_t);
    uv_timer_init(&s->backend->loop->uv, s->until_timer);
    s->until_timer->data = s;
    uv_timer_start(s->until_timer, on_until, left_ms > 0 ? (uint64_t)left_ms : 0, 0);
}

static void follow_begin_live(struct log_session *s)
{
    log_hub_leave(&s->follower);
    s->follows = LOGS_LIVE;
    await_until(s);
    session_logs_live_begin(s);
    follow_live(s);
}

void session_logs_follow_begin(struct log_session *s)
{
    if (s->follows == LOGS_LIVE)
        follow_begin_live(s);
}

static void on_live_changed(void *owner)
{
    struct log_session *s = owner;
    if (s->follows == LOGS_LIVE)
        follow_live(s);
    else if (s->follows == LOGS_SERVICE && session_logs_live_is_next(s))
        follow_begin_live(s);
}

/* ---- the log service ---- */

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
        if (!over && session_logs_live_entry(s, e)) {
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

int session_logs_follow_service(struct log_session *s, struct log_reader *r, struct error *err)
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

void session_logs_follow_drained(struct log_session *s)
{
    if (s->follows == LOGS_LIVE && !s->reading)
        follow_live(s);
    log_hub_hurry(&s->follower);
}

void session_logs_follow_init(struct log_session *s)
{
    s->follower.events = &follower_events;
    s->follower.owner = s;
    s->live.changed = on_live_changed;
    s->live.owner = s;
    s->place.counts = s->backend->driver->caps.log_lines == LOG_LINES_TEXT;
}
