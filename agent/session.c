/* SPDX-License-Identifier: Apache-2.0
 * Sessions; see session.h. Stands between the channel and the kinds (session_control.c,
 * session_attach.c, session_exec.c). Owns struct session, which goes with the channel's closed().
 */
#include "agent/session.h"

#include "agent/workload.h"
#include "base/alloc.h"
#include "base/arena.h"

#include <utlist.h>

void session_fail(struct session *s, const struct error *err)
{
    s->finished = true;
    channel_fail(s->channel, err);
}

void session_send_opened(struct session *s, uint8_t type, bool tty, int64_t pid)
{
    Sockerless__StreamOpened message = SOCKERLESS__STREAM_OPENED__INIT;
    message.tty = tty;
    message.pid = pid;
    channel_send_message(s->channel, type, NULL, 0, &message.base);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct session *s = timer->data;
    channel_finish(s->channel);
}

void session_end(struct session *s, const Sockerless__Exit *exit)
{
    if (s->finished)
        return;
    if (exit)
        channel_send_message(s->channel, FRAME_EXIT, NULL, 0, &exit->base);
    channel_send(s->channel, FRAME_END, NULL, 0);
    s->finished = true;
    channel_resume(s->channel); /* to read on, and to notice that the peer closes */
    uv_timer_start(&s->patience, on_patience_over, SESSION_PATIENCE_MS, 0);
}

bool session_parse_resize(const struct frame *f, uint32_t *height, uint32_t *width)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    Sockerless__Resize *message = sockerless__resize__unpack(&arena.protobuf, f->len, f->payload);
    if (!message)
        return false;
    *height = message->height;
    *width = message->width;
    return true;
}

/* ---- the first frame ---- */

static const struct session_kind *kind_of(const struct session_list *list,
                                          const Sockerless__StreamOpen *open)
{
    for (size_t i = 0; i < list->kind_count; i++)
        if (open && list->kinds[i]->opened_by == open->kind_case)
            return list->kinds[i];
    return NULL;
}

static int session_open(struct session *s, const struct frame *f, struct error *err)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    if (f->type != FRAME_OPEN)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "a session begins with an open frame, not with type %u", f->type);
    Sockerless__StreamOpen *open =
        sockerless__stream_open__unpack(&arena.protobuf, f->len, f->payload);
    s->kind = kind_of(s->list, open);
    if (!s->kind)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "the agent does not support sessions of kind %d",
                         open ? (int)open->kind_case : -1);
    return s->kind->open(s, open, err);
}

/* ---- channel events ---- */

static void on_frame(void *owner, const struct frame *f)
{
    struct session *s = owner;
    struct error err;
    if (f->type == FRAME_END) { /* the backend leaves, or answers our own last word */
        s->finished = true;
        channel_finish(s->channel);
    }
    if (s->finished)
        return;
    if (s->kind)
        s->kind->frame(s, f);
    else if (session_open(s, f, &err))
        session_fail(s, &err);
}

static void on_drained(void *owner)
{
    struct session *s = owner;
    if (s->kind && s->kind->drained && s->state)
        s->kind->drained(s);
}

static void on_patience_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_closed(void *owner, const struct error *why)
{
    (void)why; /* a backend that went away comes back */
    struct session *s = owner;
    struct session_list *list = s->list;
    LL_DELETE(list->first, s);
    s->finished = true;
    if (s->kind && s->state)
        s->kind->closed(s);
    uv_close((uv_handle_t *)&s->patience, on_patience_closed);
    list->closed(list->owner);
}

static const struct channel_events channel_handlers = {on_frame, on_drained, on_closed};

void session_accept(struct session_list *list, struct channel *c)
{
    struct session *s = NEW(struct session);
    s->list = list;
    s->workload = list->workload;
    s->channel = c;
    LL_PREPEND(list->first, s);
    uv_timer_init(&list->workload->loop->uv, &s->patience);
    s->patience.data = s;
    channel_start(c, &channel_handlers, s);
}

/* ---- all of them ---- */

void session_list_main_ended(struct session_list *list)
{
    for (struct session *s = list->first; s; s = s->next)
        if (s->kind && s->kind->main_ended && s->state && !s->finished)
            s->kind->main_ended(s);
}

void session_list_recorded(struct session_list *list)
{
    for (struct session *s = list->first; s; s = s->next)
        if (s->kind && s->kind->recorded && s->state && !s->finished)
            s->kind->recorded(s);
}

bool session_list_holds_end(const struct session_list *list)
{
    for (const struct session *s = list->first; s; s = s->next)
        if (s->kind && s->kind->holds_end)
            return true;
    return false;
}

unsigned session_list_count(const struct session_list *list)
{
    unsigned n = 0;
    for (const struct session *s = list->first; s; s = s->next)
        n++;
    return n;
}
