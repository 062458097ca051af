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

enum { LIVE_OPEN_MS = 3000 };

/* ---- where to begin ---- */

void session_logs_run_join(struct log_session *s)
{
    if (!session_logs_live_run_goes_on(s) || s->backend->driver->caps.agent == AGENT_NONE)
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

/* ---- the log service ---- */

/* 1: now the live log is next; 0: read to the end, for now; -1: *err. */
static int co_service_show(struct log_session *s, struct log_reader *r, struct error *err)
{
    struct log_page page;
    bool live = false;
    int rc;
    while (!live && (rc = co_log_reader_next(r, &page, err)) > 0) {
        session_logs_opened(s);
        for (size_t i = 0; i < page.count && !live; i++)
            live = session_logs_live_entry(s, &page.events[i]);
        arena_fini(&page.arena);
        if (co_session_logs_drain(s, err))
            return -1;
        if (!live && !r->done)
            live = session_logs_live_is_next(s);
    }
    return live ? 1 : rc;
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
    if (!session_logs_live_is_next(s))
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
        bool live = session_logs_live_is_next(s);
        if (!live && !shared)
            rc = co_service_show(s, r, err);
        if (rc > 0 || live) {
            if (s->follow) {
                s->follows = LOGS_LIVE; /* session_logs_follow_begin() follows */
                return 0;
            }
            rc = co_session_logs_live_show(s, err);
            if (rc)
                return rc < 0 ? -1 : 0;
            log_place_part(&s->place, &since_ns, &after);
            log_reader_part(r, since_ns, after);
            continue;
        }
        if (rc == 0 && s->follow && !r->done)
            rc = session_logs_follow_service(s, r, err);
        if (rc == 0 && shared)
            log_hub_hurry(&s->follower);
        return rc;
    }
    return rc;
}
