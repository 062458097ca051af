/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker logs`: a session that shows what the cloud's log service holds of a container, run by
 * run. History is read by a coroutine (log_tail.h finds where to begin, log_reader.h reads), what
 * follows comes from the log hub; log_format.h makes frames of both.
 *
 * Owns: the session object, until its channel is closed and its coroutine has ended.
 */
#include "backend/api/session.h"
#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/state/driver_group.h"
#include "backend/logs/log_details.h"
#include "backend/logs/log_format.h"
#include "backend/logs/log_hub.h"
#include "backend/logs/log_reader.h"
#include "backend/logs/log_tail.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

enum { LOG_MARK_TIMEOUT_MS = 5000, NS_PER_MS = 1000000 };

struct log_session {
    struct backend *backend;
    struct channel *channel;     /* NULL: closed */
    struct container *container; /* reference */
    struct log_format format;
    struct log_follower follower;
    int64_t tail;   /* negative: all */
    int64_t now_ns; /* of the request */
    bool follow;
    bool opened, ended;
    bool blocked; /* the coroutine waits for the client to take what there is */
    bool reading; /* the history's coroutine is alive */
    struct co *co;
    struct log_run *runs;
    size_t run_count;
    char mark[40]; /* "" none */
    int64_t mark_deadline_ms;
};

static void session_free(struct log_session *s)
{
    s->container->log_readers--;
    container_unref(s->container);
    log_format_fini(&s->format);
    log_runs_free(s->runs, s->run_count);
    free(s);
}

static void session_opened(void *owner)
{
    struct log_session *s = owner;
    if (s->opened || !s->channel)
        return;
    s->opened = true;
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.tty = s->container->view->config && s->container->view->config->tty;
    channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
}

/* err NULL: it went well. */
static void session_end(struct log_session *s, const struct error *err)
{
    log_hub_leave(&s->follower);
    if (s->ended || !s->channel)
        return;
    s->ended = true;
    if (err) {
        channel_fail(s->channel, err);
        return;
    }
    session_opened(s);
    channel_end(s->channel);
}

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
        session_opened(s);
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
    bool connected = agent_link_ready(c);
    if (co_agent_link_mark(c, s->mark, time_mono_ms() + LOG_MARK_TIMEOUT_MS, err)) {
        if (err->code == ERROR_CANCELLED)
            return -1;
        if (!connected)
            s->mark[0] = '\0';
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
        .progress = session_opened,
        .owner = s,
    };
    return co_log_tail_locate(&request, start, err);
}

static int co_drain(struct log_session *s, struct error *err)
{
    int rc = 0;
    s->blocked = true;
    while (rc == 0 && s->channel && !channel_writable(s->channel))
        rc = co_suspend(INT64_MAX, err);
    s->blocked = false;
    if (rc == 0 && !s->channel)
        return error_set(err, ERROR_CANCELLED, "the client is gone");
    return rc;
}

static int co_show_pages(struct log_session *s, struct log_reader *r, struct error *err)
{
    struct log_page page;
    int rc;
    while ((rc = co_log_reader_next(r, &page, err)) > 0) {
        session_opened(s);
        for (size_t i = 0; i < page.count; i++)
            log_format_event(&s->format, &page.events[i]);
        arena_fini(&page.arena);
        if (co_drain(s, err))
            return -1;
    }
    return rc;
}

static int join_hub(struct log_session *s, struct log_reader *r, struct error *err)
{
    if (!s->channel)
        return error_set(err, ERROR_CANCELLED, "the client is gone");
    if (r->from_ns > s->format.since_ns)
        s->format.since_ns = r->from_ns;
    s->follower.workload = &r->run->workload;
    session_opened(s);
    return log_hub_join(s->backend->log_hub, &s->follower, STEAL(r->token), err);
}

/* Where one question serves many logs, what was written before is asked for together, too. */
static bool reads_with_others(const struct log_session *s, const struct log_reader *r, bool last)
{
    return last && s->follow && !r->skip && !r->run->hold.count &&
           s->backend->driver->caps.log_batch_is_one && !log_run_over(s->container, r->run);
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
    bool shared = reads_with_others(s, &r, last);
    s->follower.since_ns = log_reader_since(&r);
    int rc = shared ? 0 : co_show_pages(s, &r, err);
    if (rc == 0 && last && s->follow && !r.done)
        rc = join_hub(s, &r, err);
    if (shared)
        log_hub_hurry(&s->follower);
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
    if (co_write_mark(s, err))
        return -1;
    struct log_tail_start start = {0};
    if (s->tail >= 0 && co_locate_tail(s, &start, err))
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
    s->reading = false;
    if (!s->channel) {
        log_hub_leave(&s->follower);
        session_free(s);
    } else if (rc || !s->follower.hub) {
        session_end(s, rc ? &err : NULL);
    }
}

/* ---- following ---- */

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
        if (!over)
            log_format_event(&s->format, e);
    }
    if (over || follow_is_over(s, page, asked_ms))
        session_end(s, NULL);
}

static void on_failed(void *owner, const struct error *err)
{
    session_end(owner, err);
}

static const struct log_follower_events follower_events = {
    .ready = on_ready, .page = on_page, .failed = on_failed};

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
    log_hub_hurry(&s->follower);
}

static void on_closed(void *owner, const struct error *why)
{
    struct log_session *s = owner;
    (void)why;
    s->channel = NULL;
    log_hub_leave(&s->follower);
    if (s->reading && s->co)
        co_cancel(s->co);
    else if (!s->reading)
        session_free(s);
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
    s->follower.events = &follower_events;
    s->follower.owner = s;
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
    s->reading = true;
    if (co_spawn(b->loop, co_session_run, s, &err)) {
        s->reading = false;
        session_end(s, &err);
    }
}
