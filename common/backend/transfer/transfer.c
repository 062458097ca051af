/* SPDX-License-Identifier: Apache-2.0
 * Sessions that move images; see transfer.h. */
#include "backend/transfer/transfer.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

/* A client that takes nothing for so long is not there any more. */
enum { CLIENT_STALL_MS = 3600 * 1000 };

void transfer_init(struct transfer *t, struct backend *b, const struct transfer_kind *kind)
{
    t->backend = b;
    t->kind = kind;
    arena_init(&t->arena);
}

void transfer_free(struct transfer *t)
{
    if (t->kind->release)
        t->kind->release(t);
    arena_fini(&t->arena);
    free(t);
}

/* ---- what the client reads ---- */

void transfer_opened(struct transfer *t)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    if (t->channel && !t->opened && !t->ended)
        channel_send_message(t->channel, FRAME_OPENED, NULL, 0, &opened.base);
    t->opened = true;
}

void transfer_send(struct transfer *t, const Sockerless__Progress *p)
{
    if (t->channel && !t->ended)
        channel_send_message(t->channel, FRAME_PROGRESS, NULL, 0, &p->base);
}

void transfer_progress(struct transfer *t, const char *id, const char *status, int64_t current,
                       int64_t total)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    p.id = (char *)id;
    p.status = (char *)status;
    p.current = current;
    p.total = total;
    transfer_send(t, &p);
}

void transfer_stream(struct transfer *t, const char *text)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    p.stream = (char *)text;
    transfer_send(t, &p);
}

void transfer_pause(struct transfer *t)
{
    t->paused = true;
    if (t->channel)
        channel_pause(t->channel);
}

void transfer_resume(struct transfer *t)
{
    if (t->paused && t->channel)
        channel_resume(t->channel);
    t->paused = false;
}

int transfer_check_client(const struct transfer *t, struct error *err)
{
    if (t->channel)
        return 0;
    return error_set(err, ERROR_CANCELLED, "the client is gone");
}

int co_transfer_write(struct transfer *t, const void *bytes, size_t len, struct error *err)
{
    const unsigned char *p = bytes;
    while (len) {
        size_t n = len < FRAME_DATA_MAX ? len : FRAME_DATA_MAX;
        if (transfer_check_client(t, err))
            return -1;
        bool writable = channel_send(t->channel, FRAME_STDOUT, p, n);
        p += n;
        len -= n;
        while (!writable && t->channel) {
            if (co_cond_wait(&t->drained, time_mono_ms() + CLIENT_STALL_MS, err))
                return -1;
            writable = t->channel && channel_writable(t->channel);
        }
    }
    return 0;
}

/* ---- the channel ---- */

static void transfer_fail(struct transfer *t, const struct error *err)
{
    if (t->channel && !t->ended)
        channel_fail(t->channel, err);
    t->ended = true;
    transfer_resume(t); /* to see the client go */
}

static void transfer_finish(struct transfer *t)
{
    transfer_opened(t);
    if (t->channel && !t->ended)
        channel_end(t->channel);
    t->ended = true;
    transfer_resume(t);
}

static void on_frame(void *owner, const struct frame *f)
{
    struct transfer *t = owner;
    if (t->kind->frame && !t->ended)
        t->kind->frame(t, f);
}

static void on_drained(void *owner)
{
    struct transfer *t = owner;
    co_cond_broadcast(&t->drained);
}

static void on_closed(void *owner, const struct error *why)
{
    struct transfer *t = owner;
    (void)why;
    t->channel = NULL;
    co_cond_broadcast(&t->drained);
    if (!t->running)
        transfer_free(t);
    else if (t->kind->gone && !t->ended)
        t->kind->gone(t);
}

static const struct channel_events transfer_events = {
    .frame = on_frame, .drained = on_drained, .closed = on_closed};

static void co_transfer(void *arg)
{
    struct transfer *t = arg;
    struct error err;
    if (t->kind->co_run(t, &err)) {
        if (err.code != ERROR_CANCELLED)
            log_warn("image transfer failed", LOG_STR("error", err.message));
        transfer_fail(t, &err);
    } else {
        transfer_finish(t);
    }
    t->running = false;
    if (!t->channel)
        transfer_free(t);
}

void transfer_start(struct transfer *t, struct channel *channel)
{
    struct error err;
    t->channel = channel;
    channel_start(channel, &transfer_events, t);
    t->running = true;
    if (co_spawn(t->backend->loop, co_transfer, t, &err)) {
        t->running = false;
        transfer_fail(t, &err);
    }
}
