/* SPDX-License-Identifier: Apache-2.0
 *
 * A cloud that has nothing but a log service, an agent that writes marks, and a client that reads
 * `docker logs` through real channels. Entries become visible after a delay, in order.
 */
#ifndef SOCKERLESS_TEST_BACKEND_LOG_FAKE_H
#define SOCKERLESS_TEST_BACKEND_LOG_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/agent/agent_link.h"
#include "backend/api/session.h"
#include "backend/state/backend_internal.h"
#include "backend/logs/log_hub.h"
#include "backend/run/run_report.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_UNUSED __attribute__((unused))

enum { MS = 1000000, PATIENCE_MS = 20000, FAKE_LOGS = 4, FAKE_BATCH = 32 };

struct fake_entry {
    int64_t timestamp_ns, visible_ms;
    char *text;
};

struct fake_log {
    char *ref;
    struct fake_entry *entries;
    size_t count, cap;
};

struct fake {
    struct loop loop;
    struct backend backend;
    struct backend_config config;
    struct cloud_driver driver;
    struct fake_log logs[FAKE_LOGS];
    size_t page_size;
    int64_t mark_delay_ms;
    unsigned calls, queries, fail_calls;
    size_t delivered; /* entries */
    enum error_code fail_code;
    struct channel_listener *listener, *agent_listener;
    struct channel *agent;
    unsigned agent_sessions;    /* accepted so far */
    Sockerless__LogsOpen *open; /* for the next accepted channel */
    char url[108];
    uv_timer_t guard;
    bool guard_fired;
};

static struct fake fake;

/* ---- the log service ---- */

static struct fake_log *fake_log(const char *ref)
{
    for (size_t i = 0; i < FAKE_LOGS; i++) {
        if (!fake.logs[i].ref)
            fake.logs[i].ref = xstrdup(ref);
        if (strcmp(fake.logs[i].ref, ref) == 0)
            return &fake.logs[i];
    }
    return NULL;
}

static void fake_add_len(const char *ref, int64_t timestamp_ns, int64_t delay_ms, char *text)
{
    struct fake_log *l = fake_log(ref);
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->entries = xrealloc(l->entries, l->cap * sizeof *l->entries);
    }
    l->entries[l->count++] = (struct fake_entry){timestamp_ns, time_mono_ms() + delay_ms, text};
}

#define fake_add(ref, timestamp_ns, delay_ms, ...)                                                 \
    fake_add_len(ref, timestamp_ns, delay_ms, xasprintf(__VA_ARGS__))

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
    size_t visible = fake_visible(l), first, end, size = fake.page_size;
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
    fake.delivered += end - first;
    for (size_t i = first; i < end; i++)
        page->events[page->count++] = (struct log_event){
            l->entries[i].timestamp_ns, arena_strdup(&page->arena, l->entries[i].text),
            strlen(l->entries[i].text)};
}

static int co_fake_log_pages(void *self, const struct log_query *queries, size_t count,
                             struct log_page *pages, struct error *err)
{
    (void)self;
    fake.calls++;
    fake.queries += (unsigned)count;
    if (co_sleep(1, err))
        return -1;
    if (fake.fail_calls) {
        fake.fail_calls--;
        return error_set(err, fake.fail_code, "the log service is out");
    }
    for (size_t i = 0; i < count; i++)
        fake_page(&queries[i], &pages[i]);
    return 0;
}

static const struct log_ops fake_log_ops = {.co_pages = co_fake_log_pages};

/* ---- the agent ---- */

static void agent_frame(void *owner, const struct frame *f)
{
    (void)owner;
    if (f->type == FRAME_OPEN) {
        Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
        opened.pid = 42;
        channel_send_message(fake.agent, FRAME_OPENED, NULL, 0, &opened.base);
        channel_send_message(fake.agent, FRAME_STARTED, NULL, 0, &opened.base);
    } else if (f->type == FRAME_LOG_MARK) {
        fake_add("run", time_now_ns(), fake.mark_delay_ms, "\001m%.*s", (int)f->len,
                 (const char *)f->payload);
        fake_add("run", time_now_ns(), fake.mark_delay_ms, "after the mark");
        channel_send(fake.agent, FRAME_LOG_MARK, f->payload, f->len);
    }
}

static void agent_closed(void *owner, const struct error *why)
{
    (void)owner;
    (void)why;
    fake.agent = NULL;
}

static void agent_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {.frame = agent_frame, .closed = agent_closed};
    (void)owner;
    fake.agent = c;
    fake.agent_sessions++;
    channel_start(c, &events, NULL);
}

/* ---- running the loop ---- */

static void guard_fired(uv_timer_t *t)
{
    (void)t;
    fake.guard_fired = true;
}

static void fake_guard(int64_t ms)
{
    fake.guard_fired = false;
    uv_update_time(&fake.loop.uv);
    uv_timer_start(&fake.guard, guard_fired, (uint64_t)ms, 0);
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        fake_guard(PATIENCE_MS);                                                                   \
        while (!(condition) && !fake.guard_fired)                                                  \
            uv_run(&fake.loop.uv, UV_RUN_ONCE);                                                    \
        assert_true(condition);                                                                    \
    } while (0)

FAKE_UNUSED static void run_for(int64_t ms)
{
    fake_guard(ms);
    while (!fake.guard_fired)
        uv_run(&fake.loop.uv, UV_RUN_ONCE);
}

/* ---- the container ---- */

static struct container *fake_container(Sockerless__ContainerState state, int64_t finished_at)
{
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    char id[ID_HEX_LEN + 1];
    id_new(id);
    view.id = id;
    view.name = (char *)"web";
    view.state = state;
    view.config = &config;
    view.ip_address = (char *)"127.0.0.1";
    struct container *c = container_new(&fake.backend, &view);
    c->has_run = true;
    strcpy(c->current.resource, "task");
    strcpy(c->current.log_ref, "run");
    c->run_finished_at = finished_at;
    container_table_add(&fake.backend.containers, c);
    return c;
}

FAKE_UNUSED static void fake_past_run(struct container *c, const char *log_ref)
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

static void fake_connect_agent(struct container *c)
{
    struct error err;
    assert_int_equal(co_spawn(&fake.loop, co_connect, c, &err), 0);
    run_until(agent_link_ready(c));
}

/* ---- the client ---- */

struct client {
    struct channel *channel;
    struct buf out, err, both;
    unsigned frames;
    bool opened, ended, failed, closed, tty;
    char message[ERROR_MESSAGE_MAX];
    Sockerless__ErrorCode code;
};

static void client_frame(void *owner, const struct frame *f)
{
    struct client *c = owner;
    if (f->type == FRAME_OPENED) {
        Sockerless__StreamOpened *m = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
        c->opened = true;
        c->tty = m->tty;
        sockerless__stream_opened__free_unpacked(m, NULL);
    } else if (f->type == FRAME_STDOUT || f->type == FRAME_STDERR) {
        assert_true(c->opened);
        c->frames++;
        buf_append(f->type == FRAME_STDOUT ? &c->out : &c->err, f->payload, f->len);
        buf_append(&c->both, f->payload, f->len);
    } else if (f->type == FRAME_END) {
        c->ended = true;
    } else if (f->type == FRAME_ERROR) {
        Sockerless__Error *m = sockerless__error__unpack(NULL, f->len, f->payload);
        c->failed = true;
        c->code = m->code;
        snprintf(c->message, sizeof c->message, "%s", m->message);
        sockerless__error__free_unpacked(m, NULL);
    }
    if (c->ended || c->failed)
        channel_finish(c->channel); /* who hears the last word closes */
}

static void client_closed(void *owner, const struct error *why)
{
    struct client *c = owner;
    (void)why;
    c->closed = true;
    c->channel = NULL;
}

FAKE_UNUSED static void client_free(struct client *c)
{
    if (c->channel)
        channel_abort(c->channel);
    run_until(c->closed);
    buf_free(&c->out);
    buf_free(&c->err);
    buf_free(&c->both);
    memset(c, 0, sizeof *c);
}

/* Starts a session; returns once the backend has it. */
FAKE_UNUSED static void client_open(struct client *c, Sockerless__LogsOpen *open)
{
    static const struct channel_events events = {.frame = client_frame, .closed = client_closed};
    struct error err;
    memset(c, 0, sizeof *c);
    fake.open = open;
    assert_int_equal(channel_dial(&fake.loop, fake.url, NULL, &events, c, &c->channel, &err), 0);
    run_until(!fake.open);
}

static void session_accept(void *owner, struct channel *c)
{
    Sockerless__LogsOpen *open = fake.open;
    (void)owner;
    fake.open = NULL;
    session_logs_open(&fake.backend, c, open);
}

struct logs {
    const char *ref; /* NULL: "web" */
    bool no_stdout, no_stderr, follow, timestamps, details;
    bool limited;
    int64_t tail, since, until;
};

FAKE_UNUSED static Sockerless__LogsOpen logs_open(struct logs o)
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
    return open;
}

#define LOGS(...) logs_open((struct logs){__VA_ARGS__})
#define TAIL(n) .limited = true, .tail = (n)

/* ---- set-up ---- */

static void agent_listen(void)
{
    struct error err;
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)fake.config.agent_port);
    assert_int_equal(
        channel_listen(&fake.loop, url, NULL, agent_accept, NULL, &fake.agent_listener, &err), 0);
}

static int fake_setup(void **state)
{
    struct error err;
    (void)state;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(loop_init(&fake.loop, &err), 0);
    uv_timer_init(&fake.loop.uv, &fake.guard);
    fake.page_size = 3;
    fake.driver = (struct cloud_driver){.name = "fake",
                                        .caps = {.agent = AGENT_BY_CLOUD,
                                                 .log_batch_max = FAKE_BATCH,
                                                 .log_poll_interval_ms = 40,
                                                 .log_grace_ms = 1500},
                                        .logs = &fake_log_ops};
    fake.config.agent_port = free_port();
    fake.backend.loop = &fake.loop;
    fake.backend.driver = &fake.driver;
    fake.backend.config = &fake.config;
    container_table_init(&fake.backend.containers);
    fake.backend.log_hub = log_hub_new(&fake.backend);
    snprintf(fake.url, sizeof fake.url, "ipc:///tmp/sockerless-logs-%d.sock", (int)getpid());
    assert_int_equal(
        channel_listen(&fake.loop, fake.url, NULL, session_accept, NULL, &fake.listener, &err), 0);
    agent_listen();
    return 0;
}

static int fake_teardown(void **state)
{
    (void)state;
    struct container *c = fake.backend.containers.newest;
    if (c) {
        run_until(c->log_readers == 0);
        agent_link_drop(c);
    }
    run_until(co_live(&fake.loop) == 0 && !fake.agent);
    assert_int_equal(log_hub_followers(fake.backend.log_hub), 0);
    log_hub_free(fake.backend.log_hub);
    container_table_fini(&fake.backend.containers);
    channel_listener_close(fake.listener);
    channel_listener_close(fake.agent_listener);
    uv_timer_stop(&fake.guard);
    uv_close((uv_handle_t *)&fake.guard, NULL);
    loop_fini(&fake.loop);
    for (size_t i = 0; i < FAKE_LOGS; i++) {
        for (size_t e = 0; e < fake.logs[i].count; e++)
            free(fake.logs[i].entries[e].text);
        free(fake.logs[i].entries);
        free(fake.logs[i].ref);
    }
    unlink(fake.url + strlen("ipc://"));
    return 0;
}

#endif
