/* SPDX-License-Identifier: Apache-2.0
 * Live logs; see log_live.h. A coroutine is alive only while the session is being opened. */
#include "backend/logs/log_live.h"

#include "backend/agent/agent_channel.h"
#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ipc/channel.h"

#include <string.h>
#include <utlist.h>

enum { RETRY_FIRST_MS = 50, RETRY_MAX_MS = 5000, OPEN_TIMEOUT_MS = 5000 };

struct log_live {
    struct container *container; /* reference */
    unsigned run;
    unsigned holds; /* readers, the channel, coroutines, calls under way */
    struct log_live_user *users;
    struct log_ring ring;
    struct channel *channel; /* NULL: no session */
    bool opening;            /* the coroutine that opens it is alive */
    bool opened, paused;
    bool was_opened;   /* the ring says something */
    bool refused;      /* by an agent that has no log sessions */
    uint64_t open_end; /* the agent had the records before this one when it was opened */
    struct log_ring_cursor seen;
    uint64_t exit_number; /* of the exit record; 0: not yet */
    struct co_cond changed;
};

static void live_release(struct log_live *live)
{
    struct container *c = live->container;
    if (--live->holds)
        return;
    if (c->live == live)
        c->live = NULL;
    c->backend->log_live_bytes -= live->ring.bytes;
    log_ring_fini(&live->ring);
    free(live);
    container_unref(c);
}

/* The caller holds it: readers may leave. */
static void tell(struct log_live *live)
{
    struct log_live_user *u, *next;
    co_cond_broadcast(&live->changed);
    DL_FOREACH_SAFE(live->users, u, next)
    {
        u->changed(u->owner);
    }
}

/* ---- the pace ---- */

/* Bytes that even the fastest reader has not taken; 0 when nobody reads here. */
static size_t untaken(const struct log_live *live)
{
    uint64_t fastest = 0;
    for (const struct log_live_user *u = live->users; u; u = u->next)
        if (u->wants > fastest)
            fastest = u->wants;
    return fastest ? log_ring_bytes_from(&live->ring, fastest) : 0;
}

static void set_pace(struct log_live *live)
{
    if (!live->channel)
        return;
    size_t lag = untaken(live);
    bool pause = lag > live->ring.max / (live->paused ? 4 : 2);
    if (pause && !live->paused)
        channel_pause(live->channel);
    else if (!pause && live->paused)
        channel_resume(live->channel);
    live->paused = pause;
}

static void set_size(struct log_live *live)
{
    bool plenty = live->container->backend->log_live_bytes <= LOG_LIVE_TOTAL_MAX;
    live->ring.max = plenty ? LOG_RING_MAX : LOG_LIVE_LEAST;
}

/* ---- the session ---- */

static void look_at_new(struct log_live *live)
{
    struct log_ring_record record;
    if (live->seen.number < log_ring_first(&live->ring))
        live->seen.number = log_ring_first(&live->ring);
    while (log_ring_read(&live->ring, &live->seen, &record)) {
        if (record.kind == LOG_RECORD_EXIT)
            live->exit_number = record.number;
        for (struct log_live_user *u = live->users; record.kind == LOG_RECORD_MARK && u;
             u = u->next)
            if (u->mark && record.len == strlen(u->mark) &&
                memcmp(record.text, u->mark, record.len) == 0)
                u->mark_number = record.number;
    }
}

static void on_opened(struct log_live *live, const struct frame *f)
{
    Sockerless__StreamOpened *m = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
    if (m && m->log_first) {
        if (m->log_first != log_ring_end(&live->ring))
            log_ring_restart(&live->ring, m->log_first);
        live->open_end = m->log_end;
        live->opened = live->was_opened = true;
    }
    sockerless__stream_opened__free_unpacked(m, NULL);
}

static void on_records(struct log_live *live, const struct frame *f)
{
    struct backend *b = live->container->backend;
    size_t before = live->ring.bytes;
    set_size(live);
    bool good = log_ring_take(&live->ring, f->payload, f->len);
    b->log_live_bytes += live->ring.bytes - before;
    look_at_new(live);
    if (good)
        return;
    log_warn("the agent sent log records that cannot be read",
             LOG_STR("container", live->container->id));
    live->refused = true;
    channel_abort(live->channel);
}

static void on_error(struct log_live *live, const struct frame *f)
{
    Sockerless__Error *m = sockerless__error__unpack(NULL, f->len, f->payload);
    log_debug("an agent refused a log session", LOG_STR("container", live->container->id),
              LOG_STR("error", m ? m->message : ""));
    sockerless__error__free_unpacked(m, NULL);
    live->refused = true;
}

static void on_frame(void *owner, const struct frame *f)
{
    struct log_live *live = owner;
    live->holds++;
    if (f->type == FRAME_OPENED)
        on_opened(live, f);
    else if (f->type == FRAME_LOG && live->opened)
        on_records(live, f);
    else if (f->type == FRAME_ERROR)
        on_error(live, f);
    if (f->type == FRAME_ERROR || f->type == FRAME_END)
        channel_finish(live->channel);
    tell(live);
    set_pace(live);
    live_release(live);
}

static void session_open(struct log_live *live);

static void on_closed(void *owner, const struct error *why)
{
    struct log_live *live = owner;
    if (why)
        log_debug("a log session with an agent was closed",
                  LOG_STR("container", live->container->id), LOG_STR("error", why->message));
    live->channel = NULL;
    live->opened = live->paused = false;
    session_open(live);
    tell(live);
    live_release(live); /* the channel's */
}

static const struct channel_events session_events = {.frame = on_frame, .closed = on_closed};

static int session_dial(struct log_live *live, struct error *err)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentLogOpen log = SOCKERLESS__AGENT_LOG_OPEN__INIT;
    if (agent_channel_open(live->container, &session_events, live, &live->channel, err))
        return -1;
    live->holds++;
    log.from = live->was_opened ? log_ring_end(&live->ring) : 0;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_LOG;
    open.agent_log = &log;
    channel_send_message(live->channel, FRAME_OPEN, NULL, 0, &open.base);
    return 0;
}

/* Somebody reads, and the run goes on. */
static bool is_wanted(const struct log_live *live)
{
    const struct container *c = live->container;
    return live->users && !live->refused && !live->exit_number && c->run_number == live->run &&
           !c->removed && container_alive(c);
}

/* One attempt; 0: it is open. */
static int co_try(struct log_live *live, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + OPEN_TIMEOUT_MS;
    if (session_dial(live, err))
        return -1;
    while (live->channel && !live->opened && is_wanted(live))
        if (co_cond_wait(&live->changed, deadline_ms, err))
            break;
    if (live->opened)
        return 0;
    if (live->channel)
        channel_abort(live->channel);
    while (live->channel)
        co_cond_join(&live->changed);
    return -1;
}

static void co_pause(struct log_live *live, int64_t ms, struct error *err)
{
    int64_t until_ms = time_mono_ms() + ms;
    int rc = 0;
    while (rc == 0 && is_wanted(live))
        rc = co_cond_wait(&live->changed, until_ms, err);
}

/* Only an agent whose control session is ready is asked. */
static void co_session_open(void *arg)
{
    struct log_live *live = arg;
    struct container *c = live->container;
    int64_t pause_ms = RETRY_FIRST_MS;
    struct error err = {0};
    while (is_wanted(live) && err.code != ERROR_CANCELLED) {
        if (!agent_link_ready(c)) {
            (void)!co_cond_wait(&c->changed, INT64_MAX, &err);
            continue;
        }
        if (co_try(live, &err) == 0 || !is_wanted(live) || err.code == ERROR_CANCELLED)
            break;
        co_pause(live, pause_ms, &err);
        pause_ms = pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2 : RETRY_MAX_MS;
    }
    live->opening = false;
    tell(live);
    live_release(live);
}

static void session_open(struct log_live *live)
{
    struct error err;
    if (live->opening || live->channel || !is_wanted(live))
        return;
    live->opening = true;
    live->holds++;
    if (co_spawn(live->container->backend->loop, co_session_open, live, &err) == 0)
        return;
    log_warn("the live log of a container is not read", LOG_STR("error", err.message));
    live->opening = false;
    live->holds--; /* a reader or the caller holds it as well */
}

/* ---- readers ---- */

static struct log_live *live_new(struct container *c)
{
    struct log_live *live = NEW(struct log_live);
    live->container = container_ref(c);
    live->run = c->run_number;
    log_ring_init(&live->ring, LOG_RING_MAX);
    return c->live = live;
}

void log_live_join(struct container *c, struct log_live_user *u)
{
    struct log_live *live = c->live && c->live->run == c->run_number ? c->live : live_new(c);
    u->live = live;
    u->wants = u->mark_number = 0;
    live->holds++;
    DL_APPEND(live->users, u);
    session_open(live);
}

void log_live_leave(struct log_live_user *u)
{
    struct log_live *live = u->live;
    if (!live)
        return;
    u->live = NULL;
    DL_DELETE(live->users, u);
    if (live->users)
        set_pace(live);
    else if (live->channel)
        channel_abort(live->channel);
    if (!live->users && live->opening) {
        co_cond_broadcast(&live->changed);
        co_cond_broadcast(&live->container->changed);
    }
    live_release(live);
}

int co_log_live_wait(struct log_live_user *u, int64_t deadline_ms, struct error *err)
{
    struct log_live *live = u->live;
    live->holds++;
    int rc = co_cond_wait(&live->changed, deadline_ms, err);
    live_release(live);
    return rc;
}

int co_log_live_open(struct log_live_user *u, int64_t deadline_ms, struct error *err)
{
    const struct log_live *live = u->live;
    while (live && is_wanted(live) && agent_link_ready(live->container) &&
           !(live->opened && log_ring_end(&live->ring) >= live->open_end)) {
        if (co_log_live_wait(u, deadline_ms, err))
            return err->code == ERROR_DEADLINE ? 0 : -1;
        live = u->live;
    }
    return 0;
}

const struct log_ring *log_live_ring(const struct log_live_user *u)
{
    return u->live && u->live->was_opened ? &u->live->ring : NULL;
}

bool log_live_holds(const struct log_live_user *u, uint64_t number)
{
    const struct log_ring *ring = log_live_ring(u);
    if (!ring || !log_ring_holds(ring, number))
        return false;
    return number < log_ring_end(ring) || u->live->opened || log_live_ended(u);
}

bool log_live_ended(const struct log_live_user *u)
{
    return u->live && u->live->exit_number;
}

void log_live_wants(struct log_live_user *u, uint64_t number)
{
    u->wants = number;
    if (u->live)
        set_pace(u->live);
}
