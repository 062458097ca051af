/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's side of a session of `docker logs`: its beginning, its pace, its end, and the end of
 * the session object, which a coroutine may outlast. See session_logs_internal.h.
 */
#include "backend/logs/session_logs_internal.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"

#include <stdlib.h>

static void on_timer_closed(uv_handle_t *handle)
{
    free((uv_timer_t *)handle);
}

void session_logs_leave(struct log_session *s)
{
    log_hub_leave(&s->follower);
    log_live_leave(&s->live);
    if (s->until_timer)
        uv_close((uv_handle_t *)STEAL(s->until_timer), on_timer_closed);
}

static void session_free(struct log_session *s)
{
    s->container->log_readers--;
    container_unref(s->container);
    log_format_fini(&s->format);
    log_runs_free(s->runs, s->run_count);
    free(s);
}

void session_logs_opened(void *session)
{
    struct log_session *s = session;
    if (s->opened || !s->channel)
        return;
    s->opened = true;
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.tty = s->container->view->config && s->container->view->config->tty;
    channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
}

void session_logs_end(struct log_session *s, const struct error *err)
{
    session_logs_leave(s);
    if (s->ended || !s->channel)
        return;
    s->ended = true;
    if (err) {
        channel_fail(s->channel, err);
        return;
    }
    session_logs_opened(s);
    channel_end(s->channel);
}

void session_logs_spawn(struct log_session *s, void (*fn)(void *session))
{
    struct error err;
    s->reading = true;
    if (co_spawn(s->backend->loop, fn, s, &err)) {
        s->reading = false;
        session_logs_end(s, &err);
    }
}

bool session_logs_finish(struct log_session *s)
{
    s->reading = false;
    if (s->channel)
        return true;
    session_logs_leave(s);
    session_free(s);
    return false;
}

int co_session_logs_drain(struct log_session *s, struct error *err)
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
