/* SPDX-License-Identifier: Apache-2.0
 *
 * What a session of `docker logs` shows of the run that goes on, from the live log and from the log
 * service: log_place.h says which record is next, and each is shown once.
 */
#include "backend/logs/session_logs_internal.h"

#include "backend/state/backend_internal.h"
#include "base/timefmt.h"

#include <string.h>

enum { NS_PER_MS = 1000000 };

bool session_logs_live_run_goes_on(const struct log_session *s)
{
    const struct container *c = s->container;
    return container_alive(c) && !c->removed && c->has_run &&
           strcmp(c->current.resource, s->runs[s->run_count - 1].workload.resource) == 0;
}

/* ---- the live log ---- */

static bool is_mark(const struct log_session *s, const struct log_ring_record *record)
{
    return !s->follow && record->kind == LOG_RECORD_MARK && s->mark[0] &&
           record->len == strlen(s->mark) && memcmp(record->text, s->mark, record->len) == 0;
}

/* False: that was the end. The time is cut to the service's precision: a service of LOG_LINES_TEXT
 * stamps lines itself, in milliseconds and not before the agent. */
static bool show_record(struct log_session *s, struct log_ring_record *record)
{
    if (s->backend->driver->caps.log_lines == LOG_LINES_TEXT)
        record->time_ns -= record->time_ns % NS_PER_MS;
    s->past_until = s->format.until_ns && record->time_ns > s->format.until_ns;
    if (record->kind == LOG_RECORD_EXIT || is_mark(s, record) || s->past_until)
        return false;
    log_place_record(&s->place, record);
    log_format_record(&s->format, record);
    return true;
}

bool session_logs_live_is_next(struct log_session *s)
{
    uint64_t next;
    return log_place_next(&s->place, &next) && log_live_holds(&s->live, next);
}

void session_logs_live_begin(struct log_session *s)
{
    uint64_t next = 1;
    if (log_place_next(&s->place, &next))
        log_place_join(&s->place, next - 1, log_live_ring(&s->live));
    s->cursor = (struct log_ring_cursor){.number = next};
    log_live_wants(&s->live, next);
}

/* As many records as there are and the client takes. False: that was the end. */
bool session_logs_live_show(struct log_session *s)
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
int co_session_logs_live_show(struct log_session *s, struct error *err)
{
    session_logs_live_begin(s);
    while (session_logs_live_show(s)) {
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

/* ---- entries of the log service ---- */

bool session_logs_live_entry(struct log_session *s, const struct log_event *e)
{
    if (log_place_entry(&s->place, e) && e->timestamp_ns >= s->from_ns)
        log_format_event(&s->format, e);
    return session_logs_live_is_next(s);
}
