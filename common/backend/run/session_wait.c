/* SPDX-License-Identifier: Apache-2.0
 *
 * wait: registered and opened at once (the client starts the container only after the response
 * head), answered with one FRAME_EXIT when its condition comes true.
 *
 * The removal of a container with --rm is announced in two ways. Who was attached, or has waited
 * since after the start, has followed the container to its end: such a client is told at once, and
 * the container is not found any more. `docker run -d --rm` waits for the removal, too, but from
 * before the start and without being attached; it ends with the answer to the start, and the
 * commands after it ask for the container. So such a waiter is told a little later, as a real
 * daemon's teardown would be over, and only then nobody finds the container
 * (state/container_recent.h).
 */
#include "backend/run/session_wait.h"

#include "backend/api/session.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "base/alloc.h"

#include <utlist.h>

enum { TEARDOWN_MS = 500 };

struct wait_session {
    struct wait_session *next;
    struct container *container; /* reference; NULL once answered */
    struct channel *channel;
    Sockerless__WaitCondition condition;
    bool after_start;    /* registered when the process had been started */
    uv_timer_t teardown; /* runs from the removal to its announcement */
};

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

static void on_teardown_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_closed(void *owner, const struct error *why)
{
    struct wait_session *s = owner;
    (void)why;
    wait_unlink(s);
    uv_close((uv_handle_t *)&s->teardown, on_teardown_closed);
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

static void on_teardown_over(uv_timer_t *timer)
{
    struct wait_session *s = timer->data;
    if (!s->container)
        return;
    container_recent_forget(&s->container->backend->containers, s->container);
    wait_answer(s);
}

/* Of the removal's waiters. */
static bool followed_to_the_end(const struct wait_session *s)
{
    return s->after_start || s->container->was_attached;
}

/* A client that waits for a start to end goes on waiting when it failed: moby answers only runs. */
void session_wait_run_over(struct container *c, const struct run_end *end)
{
    struct wait_session *s, *next;
    if (end->start_failed && !c->view->host->auto_remove)
        return;
    container_ref(c);
    LL_FOREACH_SAFE(c->waiters, s, next)
    {
        if (s->condition != SOCKERLESS__WAIT_CONDITION__REMOVED)
            wait_answer(s);
    }
    container_unref(c);
}

void session_wait_container_gone(struct container *c)
{
    struct wait_session *s, *next;
    bool by_itself = c->view->host->auto_remove && c->view->started_at;
    for (s = c->waiters; s; s = s->next)
        if (s->condition == SOCKERLESS__WAIT_CONDITION__REMOVED && followed_to_the_end(s))
            c->removal_announced = true;
    container_ref(c);
    LL_FOREACH_SAFE(c->waiters, s, next)
    {
        if (by_itself && !c->removal_announced &&
            s->condition == SOCKERLESS__WAIT_CONDITION__REMOVED)
            uv_timer_start(&s->teardown, on_teardown_over, TEARDOWN_MS, 0);
        else
            wait_answer(s);
    }
    container_unref(c);
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
    uv_timer_init(&b->loop->uv, &s->teardown);
    s->teardown.data = s;
    s->container = container_ref(c);
    LL_PREPEND(c->waiters, s);
    channel_start(channel, &wait_events, s);
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    channel_send_message(channel, FRAME_OPENED, NULL, 0, &opened.base);
    if (c->removed ||
        (open->condition == SOCKERLESS__WAIT_CONDITION__NOT_RUNNING && !container_alive(c)))
        wait_answer(s);
}
