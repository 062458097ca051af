/* SPDX-License-Identifier: Apache-2.0
 *
 * attach: client channel ⇄ agent channel; see session_attach.h. Stdin that comes before the agent
 * is there waits in a small buffer, then the client is no longer read.
 */
#include "backend/attach/session_attach.h"

#include "backend/api/session.h"
#include "backend/agent/agent_channel.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/attach/detach_keys.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <string.h>
#include <utlist.h>

enum { EARLY_STDIN_MAX = 128 * 1024, RETRY_FIRST_MS = 10, RETRY_MAX_MS = 500 };

struct attach_session {
    struct attach_session *next;
    struct container *container;      /* reference; NULL once off its list */
    struct channel *client;           /* NULL once closed */
    struct channel *agent;            /* NULL before and after */
    Sockerless__AgentAttachOpen want; /* replay is set at connect */
    bool close_on_eof;                /* the client's EOF ends this attach only */
    struct detach_keys keys;          /* none without a tty */
    bool agent_opened, agent_met; /* met: was opened once; then this session is never re-dialled */
    bool ended;                   /* FRAME_END went to the client */
    bool early_closed;            /* CLOSE_STDIN came early */
    struct buf early;             /* stdin before the agent */
};

static void session_unlink(struct attach_session *s)
{
    struct container *c = s->container;
    if (!c)
        return;
    LL_DELETE(c->attachers, s);
    s->container = NULL;
    co_cond_broadcast(&c->changed);
    container_unref(c);
}

static void session_maybe_free(struct attach_session *s)
{
    if (s->client || s->agent)
        return;
    session_unlink(s);
    buf_free(&s->early);
    free(s);
}

/* What was typed last still reaches the process: while the agent is being dialled, FRAME_OPENED
 * comes by here again. agent_closed() goes on. */
static void session_leave_agent(struct attach_session *s)
{
    bool typed = s->early.len || s->early_closed;
    if (s->agent && (s->agent_opened || !typed))
        channel_end(s->agent);
}

static void session_end(struct attach_session *s)
{
    if (s->ended)
        return;
    s->ended = true;
    if (s->client)
        channel_end(s->client);
    session_leave_agent(s);
}

/* ---- agent's side ---- */

static void flush_early(struct attach_session *s)
{
    while (s->early.len) {
        size_t n = s->early.len < FRAME_DATA_MAX ? s->early.len : FRAME_DATA_MAX;
        channel_send(s->agent, FRAME_STDIN, s->early.data, n);
        buf_consume(&s->early, n);
    }
    buf_free(&s->early);
    if (s->early_closed)
        channel_send(s->agent, FRAME_CLOSE_STDIN, NULL, 0);
    if (s->client)
        channel_resume(s->client);
}

static void agent_frame(void *owner, const struct frame *f)
{
    struct attach_session *s = owner;
    switch (f->type) {
    case FRAME_STDOUT:
    case FRAME_STDERR:
        if (s->client && !s->ended && !channel_send(s->client, f->type, f->payload, f->len))
            channel_pause(s->agent);
        break;
    case FRAME_OPENED:
        s->agent_opened = s->agent_met = true;
        flush_early(s);
        if (s->container)
            co_cond_broadcast(&s->container->changed);
        if (s->ended)
            session_leave_agent(s);
        break;
    case FRAME_END: session_end(s); break;
    default: break; /* FRAME_EXIT is the control session's business */
    }
}

static void agent_drained(void *owner)
{
    struct attach_session *s = owner;
    if (s->client)
        channel_resume(s->client);
}

static void agent_closed(void *owner, const struct error *why)
{
    struct attach_session *s = owner;
    s->agent = NULL;
    if (why)
        log_debug("agent closed an attach session", LOG_STR("error", why->message));
    /* A start that is still connecting its early attachers dials again; else output is over. */
    struct container *c = s->container;
    if (s->agent_opened || !c || c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING || c->link)
        session_end(s);
    s->agent_opened = false;
    if (c)
        co_cond_broadcast(&c->changed);
    session_maybe_free(s);
}

static const struct channel_events agent_events = {
    .frame = agent_frame, .drained = agent_drained, .closed = agent_closed};

static int session_dial(struct attach_session *s, bool replay, struct error *err)
{
    if (agent_channel_open(s->container, &agent_events, s, &s->agent, err))
        return -1;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    s->want.replay = replay;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_ATTACH;
    open.agent_attach = &s->want;
    channel_send_message(s->agent, FRAME_OPEN, NULL, 0, &open.base);
    return 0;
}

/* ---- client's side ---- */

static void client_typed(struct attach_session *s, const void *bytes, size_t len)
{
    if (s->agent_opened) {
        if (!channel_send(s->agent, FRAME_STDIN, bytes, len))
            channel_pause(s->client);
        return;
    }
    buf_append(&s->early, bytes, len);
    if (s->early.len > EARLY_STDIN_MAX)
        channel_pause(s->client);
}

static void client_stdin(struct attach_session *s, const struct frame *f)
{
    AUTO(buf) struct buf typed = BUF_INIT;
    if (!s->want.stdin || s->ended)
        return;
    if (!s->keys.count) {
        client_typed(s, f->payload, f->len);
        return;
    }
    bool detached = detach_keys_filter(&s->keys, f->payload, f->len, &typed);
    if (typed.len)
        client_typed(s, typed.data, typed.len);
    if (detached)
        session_end(s);
}

static void client_eof(struct attach_session *s)
{
    if (!s->want.stdin)
        return; /* the CLI half-closes at once when it has no stdin: output goes on */
    if (s->close_on_eof)
        session_end(s);
    else if (s->agent_opened)
        channel_send(s->agent, FRAME_CLOSE_STDIN, NULL, 0);
    else
        s->early_closed = true;
}

static void client_frame(void *owner, const struct frame *f)
{
    struct attach_session *s = owner;
    if (f->type == FRAME_STDIN)
        client_stdin(s, f);
    else if (f->type == FRAME_CLOSE_STDIN)
        client_eof(s);
    else if (f->type == FRAME_END)
        channel_finish(s->client);
}

static void client_drained(void *owner)
{
    struct attach_session *s = owner;
    if (s->agent)
        channel_resume(s->agent);
}

static void client_closed(void *owner, const struct error *why)
{
    struct attach_session *s = owner;
    (void)why;
    s->client = NULL;
    s->ended = true;
    session_leave_agent(s);
    session_maybe_free(s);
}

static const struct channel_events client_events = {
    .frame = client_frame, .drained = client_drained, .closed = client_closed};

/* ---- container's side ---- */

static size_t dial_parked(struct container *c, bool *failed, struct error *err)
{
    size_t waiting = 0;
    *failed = false;
    for (struct attach_session *s = c->attachers; s; s = s->next) {
        if (s->agent_opened || s->agent_met || s->ended)
            continue;
        waiting++;
        if (!s->agent && session_dial(s, true, err))
            *failed = true;
    }
    return waiting;
}

static bool any_dial_failed(const struct container *c)
{
    for (const struct attach_session *s = c->attachers; s; s = s->next)
        if (!s->agent && !s->agent_met && !s->ended)
            return true;
    return false;
}

int co_session_attach_connect(struct container *c, int64_t deadline_ms, struct error *err)
{
    int64_t pause_ms = RETRY_FIRST_MS;
    bool failed;
    while (dial_parked(c, &failed, err) > 0) {
        if (failed)
            return -1;
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return -1;
        if (c->last_status.phase == WORKLOAD_STOPPED || c->stop_requested)
            return error_set(err, ERROR_UNAVAILABLE, "the workload stopped");
        if (any_dial_failed(c)) { /* the agent may not listen yet */
            if (co_sleep(pause_ms, err))
                return -1;
            pause_ms = pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2 : RETRY_MAX_MS;
            if (time_mono_ms() > deadline_ms)
                return agent_channel_unreachable(c, ERROR_DEADLINE, err);
        }
    }
    return 0;
}

static void end_parked(struct container *c)
{
    struct attach_session *s, *next;
    LL_FOREACH_SAFE(c->attachers, s, next)
    {
        if (!s->agent_opened)
            session_end(s);
    }
}

void session_attach_run_over(struct container *c, const struct run_end *end)
{
    if (end->start_failed)
        end_parked(c);
}

void session_attach_container_gone(struct container *c)
{
    end_parked(c);
}

static int attach_refused(const struct container *c, struct error *err)
{
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED)
        return error_set(err, ERROR_CONFLICT,
                         "Container %s is paused, unpause the container before attach.", c->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING)
        return error_set(err, ERROR_CONFLICT, "container %s is marked for removal", c->id);
    return 0;
}

/* logs=1 without stream=1: what was printed so far, and the end. */
static void attach_replay_log(struct backend *b, struct channel *channel,
                              const Sockerless__AttachOpen *open)
{
    Sockerless__LogsOpen logs = SOCKERLESS__LOGS_OPEN__INIT;
    logs.ref = open->ref;
    logs.stdout = open->stdout;
    logs.stderr = open->stderr;
    logs.tail = -1;
    session_logs_open(b, channel, &logs);
}

void session_attach_open(struct backend *b, struct channel *channel,
                         const Sockerless__AttachOpen *open)
{
    struct error err;
    struct detach_keys keys;
    struct container *c = NULL;
    if (detach_keys_parse(open->detach_keys, &keys, &err) == 0)
        c = container_find_recent(&b->containers, open->ref, &err);
    if (!c || attach_refused(c, &err)) {
        channel_fail(channel, &err);
        return;
    }
    if (open->logs && !open->stream) {
        attach_replay_log(b, channel, open);
        return;
    }
    const Sockerless__ContainerConfig *config = c->view->config;
    struct attach_session *s = NEW(struct attach_session);
    sockerless__agent_attach_open__init(&s->want);
    s->want.stdin = open->stdin && config->open_stdin;
    s->want.stdout = open->stdout;
    s->want.stderr = open->stderr;
    s->want.stdin_once = config->stdin_once;
    /* moby: StdinOnce closes the process's stdin, but never that of a tty */
    s->close_on_eof = s->want.stdin && (!config->stdin_once || config->tty);
    if (config->tty)
        s->keys = keys;
    s->client = channel;
    s->container = container_ref(c);
    c->was_attached = true;
    LL_PREPEND(c->attachers, s);
    channel_start(channel, &client_events, s);
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.tty = config->tty;
    channel_send_message(channel, FRAME_OPENED, NULL, 0, &opened.base);
    if (!open->stream) {
        session_end(s);
        return;
    }
    /* Between the start's own connecting of parked attachers and RUNNING: it is still early. */
    bool starting = c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING && c->link;
    if (starting || (container_alive(c) && c->view->started_at &&
                     c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING))
        if (agent_channel_reachable(c) && session_dial(s, starting || open->logs, &err))
            session_end(s);
}
