/* SPDX-License-Identifier: Apache-2.0
 * The control session with an agent; see agent_link.h. */
#include "backend/agent/agent_link.h"

#include "backend/agent/agent_channel.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <string.h>

enum {
    RETRY_FIRST_MS = 10,
    RETRY_MAX_MS = 1000,
    MARK_MAX = 64,
};

struct agent_link {
    struct container *container; /* reference; NULL once dropped */
    const struct agent_link_events *events;
    struct channel *channel;
    bool opened, started, settled; /* settled: co_agent_link_open() has returned */
    Sockerless__Exit *exit;        /* heap; NULL while the process runs */
    char last_mark[MARK_MAX + 1];
    struct error why; /* of the refusal, when closed before opened */
};

static void on_started(struct agent_link *link, const struct frame *f)
{
    struct container *c = link->container;
    Sockerless__StreamOpened *m = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
    if (m)
        c->view->pid = m->pid;
    sockerless__stream_opened__free_unpacked(m, NULL);
    link->started = true;
    co_cond_broadcast(&c->changed);
}

static void on_exit_frame(struct agent_link *link, const struct frame *f)
{
    if (link->exit)
        return;
    link->exit = sockerless__exit__unpack(NULL, f->len, f->payload);
    if (!link->exit)
        return;
    link->container->exit_reported = true;
    co_cond_broadcast(&link->container->changed);
    if (link->settled) /* else the start operation looks at it */
        link->events->exited(link->container);
}

static void on_log_mark(struct agent_link *link, const struct frame *f)
{
    size_t len = f->len < MARK_MAX ? f->len : MARK_MAX;
    memcpy(link->last_mark, f->payload, len);
    link->last_mark[len] = '\0';
    co_cond_broadcast(&link->container->changed);
}

static void on_frame(void *owner, const struct frame *f)
{
    struct agent_link *link = owner;
    if (!link->container)
        return;
    switch (f->type) {
    case FRAME_OPENED: link->opened = true; break;
    case FRAME_STARTED: on_started(link, f); break;
    case FRAME_EXIT: on_exit_frame(link, f); break;
    case FRAME_LOG_MARK: on_log_mark(link, f); break;
    default: log_debug("unexpected frame of an agent", LOG_INT("type", f->type));
    }
}

static void link_detach(struct agent_link *link)
{
    struct container *c = link->container;
    link->container = NULL;
    if (!c)
        return;
    c->link = NULL;
    co_cond_broadcast(&c->changed);
    container_unref(c);
}

static void on_closed(void *owner, const struct error *why)
{
    struct agent_link *link = owner;
    struct container *c = link->container;
    if (c) {
        container_ref(c);
        bool lost = link->settled && !link->exit;
        if (why)
            log_debug("agent session closed", LOG_STR("container", c->id),
                      LOG_STR("error", why->message));
        link_detach(link);
        if (lost && container_alive(c))
            link->events->lost(c);
        container_unref(c);
    }
    if (link->exit)
        sockerless__exit__free_unpacked(link->exit, NULL);
    free(link);
}

static const struct channel_events link_events = {.frame = on_frame, .closed = on_closed};

static int link_dial(struct container *c, const struct agent_link_events *events, struct error *err)
{
    struct agent_link *link = NEW(struct agent_link);
    link->events = events;
    if (agent_channel_open(c, &link_events, link, &link->channel, err)) {
        free(link);
        return -1;
    }
    link->container = container_ref(c);
    c->link = link;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentControlOpen control = SOCKERLESS__AGENT_CONTROL_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL;
    open.agent_control = &control;
    channel_send_message(link->channel, FRAME_OPEN, NULL, 0, &open.base);
    return 0;
}

/* A stop during the start ends it: there may be no agent to pass a signal to. */
static bool start_is_given_up(const struct container *c)
{
    return c->stop_requested && c->view->state == SOCKERLESS__CONTAINER_STATE__STARTING;
}

int co_agent_link_try(struct container *c, const struct agent_link_events *events,
                      int64_t deadline_ms, struct error *err)
{
    unsigned run = c->run_number;
    if (link_dial(c, events, err))
        return -1;
    const struct agent_link *mine = c->link;
    int rc = 0;
    while (rc == 0 && c->link == mine && !mine->started && !mine->exit && !start_is_given_up(c))
        rc = co_cond_wait(&c->changed, deadline_ms, err);
    if (c->link != mine || c->run_number != run)
        return rc ? rc : agent_channel_unreachable(c, ERROR_UNAVAILABLE, err);
    if (rc == 0 && start_is_given_up(c))
        rc = agent_channel_unreachable(c, ERROR_UNAVAILABLE, err);
    if (rc)
        agent_link_drop(c);
    else
        c->link->settled = true;
    return rc;
}

bool agent_link_wanted(const struct container *c, unsigned run)
{
    return container_alive(c) && c->run_number == run && !c->removed && !start_is_given_up(c) &&
           c->last_status.phase != WORKLOAD_STOPPED;
}

/* False: the session is not wanted any more. */
static bool co_pause(struct container *c, unsigned run, int64_t ms)
{
    int64_t until = time_mono_ms() + ms;
    struct error err = {0};
    while (agent_link_wanted(c, run) && err.code == ERROR_NONE)
        (void)!co_cond_wait(&c->changed, until, &err);
    return agent_link_wanted(c, run) && err.code == ERROR_DEADLINE;
}

int co_agent_link_open(struct container *c, const struct agent_link_events *events,
                       int64_t deadline_ms, struct error *err)
{
    unsigned run = c->run_number;
    int64_t pause_ms = RETRY_FIRST_MS;
    agent_link_drop(c);
    for (;;) {
        if (co_agent_link_try(c, events, deadline_ms, err) == 0)
            return 0;
        if (err->code == ERROR_CANCELLED || time_mono_ms() + pause_ms > deadline_ms)
            return -1;
        if (!co_pause(c, run, pause_ms))
            return -1;
        pause_ms = pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2 : RETRY_MAX_MS;
    }
}

void agent_link_drop(struct container *c)
{
    struct agent_link *link = c->link;
    if (!link)
        return;
    channel_abort(link->channel);
    link_detach(link);
}

bool agent_link_ready(const struct container *c)
{
    return c->link && c->link->started && !c->link->exit;
}

const Sockerless__Exit *agent_link_exit(const struct container *c)
{
    return c->link ? c->link->exit : NULL;
}

void agent_link_acknowledge(struct container *c)
{
    struct agent_link *link = c->link;
    if (!link)
        return;
    if (link->exit)
        channel_send(link->channel, FRAME_ACK, NULL, 0);
    channel_finish(link->channel);
    link_detach(link);
}

bool agent_link_signal(struct container *c, int number)
{
    Sockerless__Signal m = SOCKERLESS__SIGNAL__INIT;
    if (!agent_link_ready(c))
        return false;
    m.number = number;
    channel_send_message(c->link->channel, FRAME_SIGNAL, NULL, 0, &m.base);
    return true;
}

bool agent_link_resize(struct container *c, uint32_t height, uint32_t width)
{
    Sockerless__Resize m = SOCKERLESS__RESIZE__INIT;
    if (!agent_link_ready(c))
        return false;
    m.height = height;
    m.width = width;
    channel_send_message(c->link->channel, FRAME_RESIZE, NULL, 0, &m.base);
    return true;
}

int co_agent_link_mark(struct container *c, const char *mark, int64_t deadline_ms,
                       struct error *err)
{
    if (!agent_link_ready(c))
        return error_set(err, ERROR_UNAVAILABLE, "no agent is connected");
    channel_send(c->link->channel, FRAME_LOG_MARK, mark, strlen(mark));
    while (c->link && strcmp(c->link->last_mark, mark) != 0) {
        if (c->link->exit)
            break;
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return -1;
    }
    if (!c->link || strcmp(c->link->last_mark, mark) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "the connection to the agent was lost");
    return 0;
}
