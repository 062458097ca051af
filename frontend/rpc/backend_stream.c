/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with the backend; see backend_stream.h. Adds to ipc/channel.h the decoding of OPENED,
 * ERROR and END, and the words for "cannot reach it".
 */
#include "frontend/rpc/backend_stream.h"

#include "base/alloc.h"

#include <assert.h>

struct backend_stream {
    struct backend_client *client;
    struct channel *channel;
    const struct backend_stream_events *events;
    void *owner; /* borrowed; NULL once the last event was delivered or the owner was done */
    bool opened;
};

static void stream_fail(struct backend_stream *s, const struct error *err)
{
    void *owner = STEAL(s->owner);
    if (owner)
        s->events->failed(owner, err);
}

static void stream_on_error_frame(struct backend_stream *s, const struct frame *f)
{
    struct error err = {0};
    Sockerless__Error *e = sockerless__error__unpack(NULL, f->len, f->payload);
    if (e && e->code > 0 && (unsigned)e->code < ERROR_CODE_COUNT)
        error_set(&err, (enum error_code)e->code, "%s", e->message);
    else
        error_set(&err, ERROR_SYSTEM, "the backend reported an error that cannot be read");
    if (e)
        sockerless__error__free_unpacked(e, NULL);
    channel_finish(s->channel);
    stream_fail(s, &err);
}

static void stream_on_opened_frame(struct backend_stream *s, const struct frame *f)
{
    Sockerless__StreamOpened *opened = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
    if (!opened || s->opened) {
        struct error err;
        error_set(&err, ERROR_SYSTEM, "the backend at %s broke the session protocol",
                  backend_client_url(s->client));
        if (opened)
            sockerless__stream_opened__free_unpacked(opened, NULL);
        channel_abort(s->channel);
        stream_fail(s, &err);
        return;
    }
    s->opened = true;
    s->events->opened(s->owner, opened);
    sockerless__stream_opened__free_unpacked(opened, NULL);
}

static void stream_on_frame(void *arg, const struct frame *f)
{
    struct backend_stream *s = arg;
    if (!s->owner)
        return;
    switch (f->type) {
    case FRAME_OPENED: stream_on_opened_frame(s, f); return;
    case FRAME_ERROR: stream_on_error_frame(s, f); return;
    case FRAME_END:
        channel_finish(s->channel);
        s->events->ended(STEAL(s->owner));
        return;
    default: s->events->frame(s->owner, f);
    }
}

static void stream_on_drained(void *arg)
{
    struct backend_stream *s = arg;
    if (s->owner && s->events->drained)
        s->events->drained(s->owner);
}

static void stream_on_closed(void *arg, const struct error *why)
{
    struct backend_stream *s = arg;
    struct error err;
    if (s->opened || !why)
        error_set(&err, ERROR_UNAVAILABLE, "the connection to the backend at %s was lost%s%s",
                  backend_client_url(s->client), why ? ": " : "", why ? why->message : "");
    else
        error_set(
            &err, ERROR_UNAVAILABLE,
            "cannot reach the backend at %s: %s; is it running? (--backend names its address)",
            backend_client_url(s->client), why->message);
    stream_fail(s, &err);
    backend_client_let_go(s->client);
    free(s);
}

int backend_stream_open(struct backend_client *b, const Sockerless__StreamOpen *open,
                        const struct backend_stream_events *events, void *owner,
                        struct backend_stream **out, struct error *err)
{
    static const struct channel_events on_channel = {
        .frame = stream_on_frame, .drained = stream_on_drained, .closed = stream_on_closed};
    if (!b)
        return error_set(err, ERROR_UNAVAILABLE,
                         "no backend is configured (--backend, SOCKERLESS_BACKEND)");
    struct backend_stream *s = NEW(struct backend_stream);
    *s = (struct backend_stream){.client = b, .events = events, .owner = owner};
    assert(owner);
    if (backend_client_dial(b, &on_channel, s, &s->channel, err)) {
        free(s);
        return -1;
    }
    channel_send_message(s->channel, FRAME_OPEN, NULL, 0, &open->base);
    *out = s;
    return 0;
}

bool backend_stream_send(struct backend_stream *s, uint8_t type, const void *bytes, size_t len)
{
    return channel_send(s->channel, type, bytes, len);
}

bool backend_stream_send_stdin(struct backend_stream *s, const char *bytes, size_t len)
{
    bool room = true;
    while (len) {
        size_t piece = len < FRAME_DATA_MAX ? len : FRAME_DATA_MAX;
        room = backend_stream_send(s, FRAME_STDIN, bytes, piece);
        bytes += piece;
        len -= piece;
    }
    return room;
}

void backend_stream_pause(struct backend_stream *s)
{
    channel_pause(s->channel);
}

void backend_stream_resume(struct backend_stream *s)
{
    channel_resume(s->channel);
}

void backend_stream_leave(struct backend_stream *s)
{
    s->owner = NULL;
    channel_resume(s->channel);
    channel_end(s->channel);
}

void backend_stream_abandon(struct backend_stream *s)
{
    s->owner = NULL;
    channel_abort(s->channel);
}
