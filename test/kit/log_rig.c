/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/log_rig.h"

#include "backend/agent/agent_link.h"
#include "backend/logs/log_hub.h"
#include "backend/run/run_report.h"
#include "base/timefmt.h"
#include "test/kit/free_port.h"

#include <stdlib.h>

struct fake_entry {
    int64_t timestamp_ns, visible_ms;
    char *text;
    uint64_t number;
};

enum { LOG_SESSIONS = 8, ANCHOR_STEP = 64 };

/* A session with the agent; the control session is log_rig.agent, too. */
struct rig_session {
    struct channel *channel;
    bool is_log, lags;
    struct log_ring_cursor at;
};
static struct rig_session sessions[LOG_SESSIONS];

struct fake_log {
    char *ref;
    struct fake_entry *entries;
    size_t count, cap;
};

struct log_rig log_rig;
static struct fake_log logs[FAKE_LOGS];

/* ---- the log service ---- */

static struct fake_log *fake_log(const char *ref)
{
    for (size_t i = 0; i < FAKE_LOGS; i++) {
        if (!logs[i].ref)
            logs[i].ref = xstrdup(ref);
        if (strcmp(logs[i].ref, ref) == 0)
            return &logs[i];
    }
    return NULL;
}

void log_rig_add_len(const char *ref, int64_t timestamp_ns, int64_t delay_ms, char *text)
{
    struct fake_log *l = fake_log(ref);
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->entries = xrealloc(l->entries, l->cap * sizeof *l->entries);
    }
    l->entries[l->count++] = (struct fake_entry){
        .timestamp_ns = timestamp_ns, .visible_ms = time_mono_ms() + delay_ms, .text = text};
}

size_t log_rig_count(const char *ref)
{
    return fake_log(ref)->count;
}

void log_rig_cut_after(const char *ref, const char *last)
{
    struct fake_log *l = fake_log(ref);
    while (l->count && strcmp(l->entries[l->count - 1].text, last) != 0)
        free(l->entries[--l->count].text);
}

static size_t fake_visible(const struct fake_log *l)
{
    size_t n = 0;
    while (n < l->count && l->entries[n].visible_ms <= time_mono_ms())
        n++;
    return n;
}

static void fake_page(const struct log_query *q, struct log_page *page)
{
    const struct fake_log *l = fake_log(q->workload->log_ref);
    size_t visible = fake_visible(l), first, end, size = log_rig.page_size;
    bool numbered = fake_driver.caps->log_lines == LOG_LINES_STRUCTURED;
    if (q->limit && (size_t)q->limit < size)
        size = (size_t)q->limit;
    if (q->backward) {
        end = q->token ? strtoul(q->token, NULL, 10) : visible;
        first = end > size ? end - size : 0;
        page->next_token = arena_printf(&page->arena, "%zu", first);
        page->forward_token = arena_printf(&page->arena, "%zu", end);
        page->at_end = first == 0;
    } else {
        first = q->token ? strtoul(q->token, NULL, 10) : 0;
        while (!q->token && first < visible && l->entries[first].timestamp_ns < q->since_ns)
            first++;
        end = first + size < visible ? first + size : visible;
        page->next_token = arena_printf(&page->arena, "%zu", end);
        page->at_end = end == visible;
    }
    page->events = arena_calloc(&page->arena, end - first + 1, sizeof *page->events);
    log_rig.delivered += end - first;
    for (size_t i = first; i < end; i++)
        page->events[page->count++] = (struct log_event){
            .timestamp_ns = l->entries[i].timestamp_ns,
            .text = arena_strdup(&page->arena, l->entries[i].text),
            .len = strlen(l->entries[i].text),
            .number = numbered ? l->entries[i].number : 0,
        };
}

static int co_fake_log_pages(const struct log_query *queries, size_t count, struct log_page *pages,
                             struct error *err)
{
    log_rig.calls++;
    log_rig.queries += (unsigned)count;
    if (co_sleep(1, err))
        return -1;
    if (log_rig.fail_calls) {
        log_rig.fail_calls--;
        return error_set(err, log_rig.fail_code, "the log service is out");
    }
    for (size_t i = 0; i < count; i++)
        fake_page(&queries[i], &pages[i]);
    return 0;
}

/* ---- the agent ---- */

static void send_records(struct rig_session *r)
{
    AUTO(buf) struct buf batch = BUF_INIT;
    if (r->at.number < log_ring_first(&log_rig.ring))
        r->at.number = log_ring_first(&log_rig.ring);
    while (!r->lags && log_ring_batch(&log_rig.ring, &r->at, &batch)) {
        r->lags = !channel_send(r->channel, FRAME_LOG, batch.data, batch.len);
        buf_clear(&batch);
    }
}

static const char record_letters[LOG_RECORD_KINDS] = "oepqmx";

void log_rig_record(enum log_record_kind kind, int64_t delay_ms, const char *text)
{
    int64_t now_ns = time_now_ns() + log_rig.later_ns;
    uint64_t number = log_ring_end(&log_rig.ring);
    char *line = kind == LOG_RECORD_STDOUT ? xstrdup(text)
                                           : xasprintf("\001%c%s", record_letters[kind], text);
    log_rig_add_len("run", now_ns, delay_ms, line);
    struct fake_log *l = fake_log("run");
    l->entries[l->count - 1].number = number;
    log_ring_append(&log_rig.ring, now_ns, kind, text, strlen(text));
    for (size_t i = 0; i < LOG_SESSIONS; i++)
        if (sessions[i].is_log)
            send_records(&sessions[i]);
}

void log_rig_print_numbers(int64_t delay_ms, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char text[LOG_ANCHOR_MAX];
        if (log_ring_end(&log_rig.ring) % ANCHOR_STEP == 0) {
            log_record_anchor_format(log_ring_end(&log_rig.ring), text);
            log_rig_record(LOG_RECORD_MARK, delay_ms, text);
        }
        snprintf(text, sizeof text, "%d", i);
        log_rig_print(delay_ms, text);
    }
}

void log_rig_break_log_sessions(void)
{
    for (size_t i = 0; i < LOG_SESSIONS; i++)
        if (sessions[i].is_log && sessions[i].channel)
            channel_abort(sessions[i].channel);
}

static void agent_log_open(struct rig_session *r, const Sockerless__AgentLogOpen *open)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    struct error err;
    uint64_t first = log_ring_first(&log_rig.ring);
    log_rig.log_opens++;
    if (!log_rig.live) {
        error_set(&err, ERROR_INVALID_PARAMETER, "the agent does not support sessions of kind 53");
        channel_fail(r->channel, &err);
        return;
    }
    r->is_log = true;
    log_rig.log_sessions++;
    opened.log_first = r->at.number = open->from > first ? open->from : first;
    opened.log_end = log_ring_end(&log_rig.ring);
    channel_send_message(r->channel, FRAME_OPENED, NULL, 0, &opened.base);
    send_records(r);
}

static void agent_open(struct rig_session *r, const struct frame *f)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    Sockerless__StreamOpen *open = sockerless__stream_open__unpack(NULL, f->len, f->payload);
    if (open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_AGENT_LOG) {
        agent_log_open(r, open->agent_log);
    } else {
        log_rig.agent = r->channel;
        opened.pid = 42;
        channel_send_message(r->channel, FRAME_OPENED, NULL, 0, &opened.base);
        channel_send_message(r->channel, FRAME_STARTED, NULL, 0, &opened.base);
    }
    sockerless__stream_open__free_unpacked(open, NULL);
}

static void agent_frame(void *owner, const struct frame *f)
{
    struct rig_session *r = owner;
    if (f->type == FRAME_OPEN) {
        agent_open(r, f);
    } else if (f->type == FRAME_LOG_MARK) {
        AUTO_FREE char *mark = xasprintf("%.*s", (int)f->len, (const char *)f->payload);
        log_rig_record(LOG_RECORD_MARK, log_rig.mark_delay_ms, mark);
        log_rig_print(log_rig.mark_delay_ms, "after the mark");
        channel_send(r->channel, FRAME_LOG_MARK, f->payload, f->len);
    }
}

static void agent_drained(void *owner)
{
    struct rig_session *r = owner;
    r->lags = false;
    if (r->is_log)
        send_records(r);
}

static void agent_closed(void *owner, const struct error *why)
{
    struct rig_session *r = owner;
    (void)why;
    if (r->channel == log_rig.agent)
        log_rig.agent = NULL;
    if (r->is_log)
        log_rig.log_sessions--;
    *r = (struct rig_session){0};
}

static void agent_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {
        .frame = agent_frame, .drained = agent_drained, .closed = agent_closed};
    struct rig_session *r = sessions;
    (void)owner;
    while (r->channel)
        assert_true(++r < sessions + LOG_SESSIONS);
    r->channel = c;
    log_rig.agent_sessions++;
    channel_start(c, &events, r);
}

void log_rig_agent_listen(void)
{
    log_rig.agent_listener = backend_rig_agent_listen(agent_accept);
}

/* ---- the container ---- */

struct container *log_rig_container(Sockerless__ContainerState state, int64_t finished_at)
{
    struct container *c = rig_container_add(
        (struct rig_container){.state = state, .resource = "task", .log_ref = "run"});
    c->run_finished_at = finished_at;
    return c;
}

void log_rig_past_run(struct container *c, const char *log_ref)
{
    Sockerless__WorkloadRecord *w = xmalloc(sizeof *w);
    sockerless__workload_record__init(w);
    w->resource = xstrdup(log_ref);
    w->log_ref = xstrdup(log_ref);
    w->finished_at = 1;
    c->past[c->past_count++] = w;
}

static void co_connect(void *arg)
{
    struct error err;
    if (co_agent_link_open(arg, &run_report_link_events, time_mono_ms() + PATIENCE_MS, &err))
        fail_msg("%s", err.message);
}

void log_rig_connect_agent(struct container *c)
{
    struct error err;
    assert_int_equal(co_spawn(&rig.loop, co_connect, c, &err), 0);
    run_until(agent_link_ready(c));
}

/* ---- the client ---- */

void logs_open(struct rig_client *c, struct logs o)
{
    Sockerless__LogsOpen open = SOCKERLESS__LOGS_OPEN__INIT;
    open.ref = (char *)(o.ref ? o.ref : "web");
    open.stdout = !o.no_stdout;
    open.stderr = !o.no_stderr;
    open.follow = o.follow;
    open.timestamps = o.timestamps;
    open.details = o.details;
    open.tail = o.limited ? o.tail : -1;
    open.since = o.since;
    open.until = o.until;
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_LOGS, &open);
    run_until(c->opened || c->failed);
}

/* ---- set-up ---- */

int log_rig_setup(void **state)
{
    (void)state;
    backend_rig_open(RIG_STORE);
    log_rig = (struct log_rig){.page_size = 3};
    log_ring_init(&log_rig.ring, LOG_RING_MAX);
    memset(sessions, 0, sizeof sessions);
    memset(logs, 0, sizeof logs);
    fake_driver.co_log_pages = co_fake_log_pages;
    fake_driver_has_logs(FAKE_BATCH);
    backend_rig_add(RIG_LOGS);
    rig.config.agent_port = free_port();
    log_rig_agent_listen();
    return 0;
}

int log_rig_teardown(void **state)
{
    struct container *c = rig.backend.containers.newest;
    if (c) {
        run_until(c->log_readers == 0 && !c->live);
        agent_link_drop(c);
    }
    run_until(co_live(&rig.loop) == 0 && !log_rig.agent && !log_rig.log_sessions);
    assert_int_equal(rig.backend.log_live_bytes, 0);
    log_ring_fini(&log_rig.ring);
    assert_int_equal(log_hub_followers(rig.backend.log_hub), 0);
    ws_listener_close(log_rig.agent_listener);
    for (size_t i = 0; i < FAKE_LOGS; i++) {
        for (size_t e = 0; e < logs[i].count; e++)
            free(logs[i].entries[e].text);
        free(logs[i].entries);
        free(logs[i].ref);
    }
    return backend_rig_teardown(state);
}
