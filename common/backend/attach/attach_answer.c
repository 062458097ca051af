/* SPDX-License-Identifier: Apache-2.0
 * The answer to an attach; see attach_answer.h. */
#include "backend/attach/attach_answer.h"

#include "base/alloc.h"
#include "base/log.h"

#include "proto/sockerless.pb-c.h"

static void on_timer_closed(uv_handle_t *handle)
{
    free((uv_timer_t *)handle);
}

static void on_late(uv_timer_t *timer)
{
    struct attach_answer *a = timer->data;
    log_warn("an attach is answered before the container's agent has opened it");
    attach_answer_send(a);
}

void attach_answer_hold(struct attach_answer *a)
{
    a->timer = NEW(uv_timer_t);
    uv_timer_init(&a->loop->uv, a->timer);
    a->timer->data = a;
    uv_timer_start(a->timer, on_late, ATTACH_ANSWER_PATIENCE_MS, 0);
}

void attach_answer_send(struct attach_answer *a)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    struct channel *client = a->client;
    attach_answer_drop(a);
    opened.tty = a->tty;
    if (client)
        channel_send_message(client, FRAME_OPENED, NULL, 0, &opened.base);
}

void attach_answer_drop(struct attach_answer *a)
{
    a->client = NULL;
    if (a->timer)
        uv_close((uv_handle_t *)STEAL(a->timer), on_timer_closed);
}
