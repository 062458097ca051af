/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker logs`: a session that shows a container's log, run by run. History is read by a coroutine
 * (log_tail.h finds where to begin, log_reader.h reads); session_logs_run.c shows the last run and
 * what follows; log_format.h makes frames of all.
 *
 * Owns: the session object, until its channel is closed and its coroutine has ended.
 */
#include "backend/logs/session_logs_internal.h"

#include "backend/api/session.h"
#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/state/driver_group.h"
#include "backend/logs/log_details.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

enum { LOG_MARK_TIMEOUT_MS = 5000, NS_PER_MS = 1000000 };

static void emit(void *owner, uint8_t frame_type, const char *text, size_t len)
{
    struct log_session *s = owner;
    if (s->channel)
        channel_send(s->channel, frame_type, text, len);
}

/* ---- history ---- */

/* A run that is starting has no log yet; a follower waits for it. */
static int co_await_log(struct log_session *s, struct error *err)
{
    struct container *c = s->container;
    while (s->follow && !c->removed && c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING &&
           (!c->has_run || !*c->current.log_ref)) {
        session_logs_opened(s);
        if (co_cond_wait(&c->changed, INT64_MAX, err))
            return -1;
    }
    return 0;
}

/* Have the agent of a running container mark the present end of the log. Without an agent, what
 * the log service shows is taken as it is. */
static int co_write_mark(struct log_session *s, struct error *err)
{
    struct container *c = s->container;
    int64_t grace_ms = s->backend->driver->caps.log_grace_ms;
    struct log_run *last = &s->runs[s->run_count - 1];
    bool until_settled =
        s->format.until_ns && s->format.until_ns < s->now_ns - grace_ms * NS_PER_MS;
    if (log_run_over(c, last) || (s->follow && s->tail < 0) || until_settled)
        return 0;
    unsigned char random[12];
    random_bytes(random, sizeof random);
    memcpy(s->mark, "logs-", 5);
    hex_encode(random, sizeof random, s->mark + 5);
    s->live.mark = s->mark;
    bool connected = agent_link_ready(c);
    if (co_agent_link_mark(c, s->mark, time_mono_ms() + LOG_MARK_TIMEOUT_MS, err)) {
        if (err->code == ERROR_CANCELLED)
            return -1;
        if (!connected)
            s->mark[0] = '\0';
    } else {
        grace_ms = log_written_wait_ms(s->backend);
    }
    if (s->mark[0]) /* a connection lost meanwhile says that the run may be ending: wait as well */
        s->mark_deadline_ms = time_mono_ms() + grace_ms;
    return 0;
}

static int co_locate_tail(struct log_session *s, struct log_tail_start *start, struct error *err)
{
    struct log_tail_request request = {
        .backend = s->backend,
        .container = s->container,
        .runs = s->runs,
        .run_count = s->run_count,
        .lines = s->tail,
        .since_ns = s->format.since_ns,
        .follow = s->follow,
        .now_ns = s->now_ns,
        .mark = s->mark[0] ? s->mark : NULL,
        .mark_deadline_ms = s->mark_deadline_ms,
        .progress = session_logs_opened,
        .owner = s,
    };
    return co_log_tail_locate(&request, start, err);
}

static int co_show_pages(struct log_session *s, struct log_reader *r, struct error *err)
{
    struct log_page page;
    int rc;
    while ((rc = co_log_reader_next(r, &page, err)) > 0) {
        session_logs_opened(s);
        for (size_t i = 0; i < page.count; i++)
            log_format_event(&s->format, &page.events[i]);
        arena_fini(&page.arena);
        if (co_session_logs_drain(s, err))
            return -1;
    }
    return rc;
}

static int co_show_run(struct log_session *s, size_t index, const struct log_tail_start *start,
                       struct error *err)
{
    bool last = index + 1 == s->run_count, first = index == start->run;
    struct log_reader r = {
        .backend = s->backend,
        .container = s->container,
        .run = &s->runs[index],
        .from_ns = first && start->from_ns ? start->from_ns : s->format.since_ns,
        .from_entry = first && start->from_entry,
        .skip = first ? start->skip : 0,
        .until_ns = s->format.until_ns,
        .follow = s->follow,
        .mark = last && !s->follow && s->mark[0] ? s->mark : NULL,
        .mark_deadline_ms = last ? s->mark_deadline_ms : 0,
    };
    log_format_run_start(&s->format);
    int rc = last ? co_session_logs_run_show(s, &r, err) : co_show_pages(s, &r, err);
    log_reader_fini(&r);
    return rc;
}

static int co_show_history(struct log_session *s, struct error *err)
{
    if (s->tail == 0 && !s->follow)
        return 0;
    if (co_await_log(s, err))
        return -1;
    s->runs = log_runs_collect(s->container, &s->run_count);
    if (s->run_count == 0)
        return 0;
    s->follower.workload = &s->runs[s->run_count - 1].workload;
    session_logs_run_join(s);
    if (co_write_mark(s, err))
        return -1;
    struct log_tail_start start = {0};
    int located = co_session_logs_run_locate(s, &start, err);
    if (located == 0 && s->tail >= 0)
        located = co_locate_tail(s, &start, err);
    if (located < 0)
        return -1;
    for (size_t i = start.run; i < s->run_count; i++)
        if (co_show_run(s, i, &start, err))
            return -1;
    return 0;
}

static void co_session_run(void *arg)
{
    struct log_session *s = arg;
    struct error err;
    s->co = co_current();
    int rc = s->channel ? co_show_history(s, &err) : 0;
    if (!session_logs_finish(s))
        return;
    if (rc || s->follows == LOGS_HISTORY)
        session_logs_end(s, rc ? &err : NULL);
    else
        session_logs_follow_begin(s);
}

/* ---- the channel ---- */

static void on_frame(void *owner, const struct frame *f)
{
    (void)owner; /* a reader has nothing to say */
    (void)f;
}

static void on_drained(void *owner)
{
    struct log_session *s = owner;
    if (s->blocked)
        co_wake(s->co);
    session_logs_follow_drained(s);
}

static void on_closed(void *owner, const struct error *why)
{
    struct log_session *s = owner;
    (void)why;
    s->channel = NULL;
    session_logs_leave(s);
    if (s->reading && s->co)
        co_cancel(s->co);
    else if (!s->reading)
        (void)session_logs_finish(s);
}

static const struct channel_events session_events = {
    .frame = on_frame, .drained = on_drained, .closed = on_closed};

static struct log_session *session_new(struct backend *b, struct container *c,
                                       const Sockerless__LogsOpen *open)
{
    struct log_session *s = NEW(struct log_session);
    s->backend = b;
    s->container = container_ref(c);
    c->log_readers++;
    s->now_ns = time_now_ns();
    s->tail = open->tail;
    s->follow = open->follow && (open->until == 0 || open->until > s->now_ns);
    s->format = (struct log_format){.want_stdout = open->stdout,
                                    .want_stderr = open->stderr,
                                    .timestamps = open->timestamps,
                                    .details = open->details ? log_details_new(c) : NULL,
                                    .since_ns = open->since,
                                    .until_ns = open->until,
                                    .emit = emit,
                                    .owner = s};
    session_logs_follow_init(s);
    return s;
}

void session_logs_open(struct backend *b, struct channel *channel, const Sockerless__LogsOpen *open)
{
    struct error err;
    struct container *c = NULL;
    if (open->stdout || open->stderr)
        c = container_find_recent(&b->containers, open->ref, &err);
    else
        error_set(&err, ERROR_INVALID_PARAMETER,
                  "Bad parameters: you must choose at least one stream");
    if (c && !str_empty(open->bad_time)) {
        error_set(&err, ERROR_INVALID_PARAMETER, "%s", open->bad_time);
        c = NULL;
    }
    if (!c ||
        driver_group_check(b->driver, b->driver->logs, "docker logs needs a log service", &err)) {
        channel_fail(channel, &err);
        return;
    }
    struct log_session *s = session_new(b, c, open);
    s->channel = channel;
    channel_start(channel, &session_events, s);
    session_logs_spawn(s, co_session_run);
}
