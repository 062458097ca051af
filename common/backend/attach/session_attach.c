/* SPDX-License-Identifier: Apache-2.0
 *
 * attach: client channel ⇄ agent channel; see session_attach.h. Stdin that comes before the agent
 * is there is kept in a small buffer; when that is full, reading from the client stops. With logs=1
 * the history (attach_history.h) comes first.
 */
#include "backend/attach/session_attach.h"

#include "backend/api/session.h"
#include "backend/agent/agent_channel.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/attach/attach_answer.h"
#include "backend/attach/attach_history.h"
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
    struct attach_answer answer;      /* to it */
    struct channel *agent;            /* NULL before and after */
    Sockerless__AgentAttachOpen want; /* replay is set at connect */
    bool close_on_eof;                /* the client's EOF ends this attach only */
    struct detach_keys keys;          /* none without a tty */
    bool agent_opened, agent_met; /* met: was opened once; then this session is never re-dialled */
    bool ended;                   /* FRAME_END went to the client */
    bool early_closed;            /* CLOSE_STDIN came early */
    struct buf early;             /* stdin before the agent */
    struct attach_history *history; /* NULL: none, or all was shown */
    bool output_over;               /* … and nothing follows it */
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
    attach_history_close(STEAL(s->history));
    attach_answer_send(&s->answer);
    if (s->client)
        channel_end(s->client);
    session_leave_agent(s);
}

/* No output comes any more; what was printed before may still be under way. */
static void session_output_over(struct attach_session *s)
{
    if (s->history)
        s->output_over = true;
    else
        session_end(s);
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

/* False: enough for now. */
static bool agent_output(struct attach_session *s, const struct frame *f)
{
    if (s->history)
        return attach_history_hold(s->history, f->type, f->payload, f->len);
    return !s->client || s->ended || channel_send(s->client, f->type, f->payload, f->len);
}

static enum attach_join join_of(const struct frame *f)
{
    Sockerless__StreamOpened *m = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
    bool marked = m && m->marked;
    sockerless__stream_opened__free_unpacked(m, NULL);
    return marked ? ATTACH_JOIN_MARKED : ATTACH_JOIN_REPLAYED;
}

static void agent_frame(void *owner, const struct frame *f)
{
    struct attach_session *s = owner;
    switch (f->type) {
    case FRAME_STDOUT:
    case FRAME_STDERR:
        if (!agent_output(s, f))
            channel_pause(s->agent);
        break;
    case FRAME_OPENED:
        s->agent_opened = s->agent_met = true;
        attach_answer_send(&s->answer);
        if (s->history)
            attach_history_join(s->history, join_of(f));
        flush_early(s);
        if (s->container)
            co_cond_broadcast(&s->container->changed);
        if (s->ended)
            session_leave_agent(s);
        break;
    case FRAME_END: session_output_over(s); break;
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
    if (s->agent_opened || !c || c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING ||
        c->link) {
        session_output_over(s);
        if (s->history)
            attach_history_join(s->history, ATTACH_JOIN_NONE);
    }
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
    if (s->history)
        s->want.mark = attach_history_mark(s->history);
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
    if (s->history)
        attach_history_drained(s->history);
    else if (s->agent)
        channel_resume(s->agent);
}

static void client_closed(void *owner, const struct error *why)
{
    struct attach_session *s = owner;
    (void)why;
    s->client = NULL;
    s->ended = true;
    attach_answer_drop(&s->answer);
    attach_history_close(STEAL(s->history));
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

bool session_attach_any_met(const struct container *c)
{
    const struct attach_session *s = c->attachers;
    while (s && !s->agent_opened)
        s = s->next;
    return s != NULL;
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
            session_output_over(s);
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

static int attach_refused(const struct container *c, const Sockerless__AttachOpen *open,
                          struct error *err)
{
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED)
        return error_set(err, ERROR_CONFLICT,
                         "Container %s is paused, unpause the container before attach.", c->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING && !open->logs)
        return error_set(err, ERROR_CONFLICT, "container %s is marked for removal", c->id);
    return 0;
}

/* ---- history ---- */

static bool history_output(void *owner, uint8_t type, const char *bytes, size_t len)
{
    struct attach_session *s = owner;
    return !s->client || channel_send(s->client, type, bytes, len);
}

static void history_done(void *owner, const struct error *why)
{
    struct attach_session *s = owner;
    s->history = NULL;
    if (why)
        log_warn("an attach's history could not be read", LOG_STR("error", why->message));
    if (why || s->output_over)
        session_end(s);
    else if (s->agent && s->client && channel_writable(s->client))
        channel_resume(s->agent);
}

static const struct attach_history_events history_events = {.output = history_output,
                                                            .done = history_done};

/* ---- opening ---- */

/* Output comes from an agent that can be reached now; false: at the next start, if any. Between the
 * start's own connecting of parked attachers and RUNNING it is still early. */
static bool joins_now(struct container *c, bool *starting)
{
    *starting = c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING && c->link;
    bool runs = container_alive(c) && c->view->started_at &&
                c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING;
    return (*starting || runs) && agent_channel_reachable(c);
}

/* As moby: a stream without anything to carry ends at once, but with StdinOnce an attach to what
 * runs lasts as long as the run. */
static bool carries_nothing(const struct attach_session *s, const Sockerless__AttachOpen *open)
{
    const struct container *c = s->container;
    const Sockerless__ContainerConfig *config = c->view->config;
    if (s->want.stdin || s->want.stdout || s->want.stderr)
        return !open->stream;
    return !open->stream || !config->stdin_once || config->tty || !container_alive(c);
}

/* The history, then what the agent sends. */
static void session_begin(struct attach_session *s, const Sockerless__AttachOpen *open)
{
    struct container *c = s->container;
    struct error err;
    bool starting, now = joins_now(c, &starting);
    s->output_over = c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING;
    if (now && !open->logs) /* the history has what the agent does not send */
        attach_answer_hold(&s->answer);
    else
        attach_answer_send(&s->answer);
    if (open->logs && c->backend->driver->logs && (open->stdout || open->stderr) &&
        attach_history_open(c, open, now, &history_events, s, &s->history, &err)) {
        log_warn("an attach's history cannot be read", LOG_STR("error", err.message));
        session_end(s);
    }
    if (now && !s->ended && session_dial(s, starting || open->logs, &err)) {
        session_output_over(s);
        if (s->history)
            attach_history_join(s->history, ATTACH_JOIN_NONE);
    }
}

static struct attach_session *session_new(struct container *c, struct channel *client,
                                          const Sockerless__AttachOpen *open,
                                          const struct detach_keys *keys)
{
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
        s->keys = *keys;
    s->client = client;
    s->answer =
        (struct attach_answer){.loop = c->backend->loop, .client = client, .tty = config->tty};
    s->container = container_ref(c);
    c->was_attached = true;
    LL_PREPEND(c->attachers, s);
    return s;
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
    if (!c || attach_refused(c, open, &err)) {
        channel_fail(channel, &err);
        return;
    }
    if (open->logs && !open->stream && (open->stdout || open->stderr)) {
        attach_replay_log(b, channel, open);
        return;
    }
    struct attach_session *s = session_new(c, channel, open, &keys);
    channel_start(channel, &client_events, s);
    if (carries_nothing(s, open))
        session_end(s);
    else
        session_begin(s, open);
}
