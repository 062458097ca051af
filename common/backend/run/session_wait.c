/* SPDX-License-Identifier: Apache-2.0
 *
 * wait: registered and opened at once (the client starts the container only after the response
 * head), answered with one FRAME_EXIT when its condition comes true.
 */
#include "backend/run/session_wait.h"

#include "backend/api/session.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "base/alloc.h"

#include <utlist.h>

struct wait_session {
    struct wait_session *next;
    struct container *container; /* reference; NULL once answered */
    struct channel *channel;
    Sockerless__WaitCondition condition;
    bool after_start; /* registered when the process had been started */
    bool has_grace;
    uv_timer_t grace; /* see answer_later */
};

/* About the time that a real daemon takes to remove a container. */
enum { REMOVAL_GRACE_MS = 400 };

static void wait_unlink(struct wait_session *s)
{
    struct container *c = s->container;
    if (!c)
        return;
    LL_DELETE(c->waiters, s);
    s->container = NULL;
    container_unref(c);
}

static void on_frame(void *owner, const struct frame *f)
{
    (void)owner; /* a waiter has nothing to say */
    (void)f;
}

static void on_grace_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_closed(void *owner, const struct error *why)
{
    struct wait_session *s = owner;
    (void)why;
    wait_unlink(s);
    if (s->has_grace)
        uv_close((uv_handle_t *)&s->grace, on_grace_closed);
    else
        free(s);
}

static const struct channel_events wait_events = {.frame = on_frame, .closed = on_closed};

static void wait_answer(struct wait_session *s)
{
    struct container *c = s->container;
    Sockerless__Exit exit = SOCKERLESS__EXIT__INIT;
    exit.code = c->view->exit_code;
    exit.error = c->error;
    wait_unlink(s);
    channel_send_message(s->channel, FRAME_EXIT, NULL, 0, &exit.base);
    channel_end(s->channel);
}

/* The client has followed the container to its end and expects it to be gone. */
static bool announces_removal(const struct wait_session *s)
{
    return s->condition == SOCKERLESS__WAIT_CONDITION__REMOVED &&
           (s->after_start || s->container->was_attached);
}

static void on_grace(uv_timer_t *timer)
{
    struct wait_session *s = timer->data;
    container_recent_forget(&s->container->backend->containers, s->container);
    wait_answer(s);
}

/* `docker run -d --rm` waits for the removal, too, but from before the start and without being
 * attached: it ends with the answer to the start, and what is run next asks for the container. A
 * client that is still there after a moment is another one: it is told, and does not find the
 * container from then on. */
static void answer_later(struct wait_session *s)
{
    uv_timer_init(&s->container->backend->loop->uv, &s->grace);
    s->grace.data = s;
    s->has_grace = true;
    uv_timer_start(&s->grace, on_grace, REMOVAL_GRACE_MS, 0);
}

static void answer_all(struct container *c, bool removed)
{
    struct wait_session *s, *next;
    container_ref(c);
    LL_FOREACH_SAFE(c->waiters, s, next)
    {
        bool announces = removed && announces_removal(s);
        c->removal_announced = c->removal_announced || announces;
        if (announces || s->condition != SOCKERLESS__WAIT_CONDITION__REMOVED)
            wait_answer(s);
        else if (removed)
            answer_later(s);
    }
    container_unref(c);
}

/* A client that waits for a start to end goes on waiting when it failed: moby answers only runs. */
void session_wait_run_over(struct container *c, const struct run_end *end)
{
    if (!end->start_failed || c->view->host->auto_remove)
        answer_all(c, false);
}

void session_wait_container_gone(struct container *c)
{
    answer_all(c, true);
}

void session_wait_open(struct backend *b, struct channel *channel, const Sockerless__WaitOpen *open)
{
    struct error err;
    struct container *c = container_find_recent(&b->containers, open->ref, &err);
    if (!c) {
        channel_fail(channel, &err);
        return;
    }
    struct wait_session *s = NEW(struct wait_session);
    s->channel = channel;
    s->condition = open->condition;
    s->after_start = c->view->started_at != 0;
    s->container = container_ref(c);
    LL_PREPEND(c->waiters, s);
    channel_start(channel, &wait_events, s);
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    channel_send_message(channel, FRAME_OPENED, NULL, 0, &opened.base);
    if (c->removed ||
        (open->condition == SOCKERLESS__WAIT_CONDITION__NOT_RUNNING && !container_alive(c)))
        wait_answer(s);
}
