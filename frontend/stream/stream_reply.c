/* SPDX-License-Identifier: Apache-2.0
 *
 * Binds one backend session to one chunked answer, and to the request's body; see stream_reply.h.
 */
#include "frontend/stream/stream_reply.h"

#include "base/alloc.h"
#include "base/log.h"
#include "frontend/rpc/backend_stream.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/reply.h"

enum { STREAM_LAG_MAX = 4 * 1024 * 1024 };

static struct exchange *stream_reply_release(struct stream_reply *r)
{
    struct exchange *x = r->x;
    if (r->stream)
        backend_stream_abandon(r->stream);
    http_conn_own(x->conn, NULL, NULL);
    free(r);
    return x;
}

void stream_reply_finish(struct stream_reply *r)
{
    reply_stream_end(stream_reply_release(r));
}

void stream_reply_cut(struct stream_reply *r)
{
    reply_stream_cut(stream_reply_release(r));
}

void stream_reply_refuse(struct stream_reply *r, const struct error *err)
{
    reply_failure(stream_reply_release(r), err);
}

void stream_reply_write(struct stream_reply *r, const uv_buf_t *bufs, unsigned count)
{
    if (reply_stream_write(r->x, bufs, count) || r->paused || !r->stream)
        return;
    r->lags = true;
    if (!r->x->body_pending || http_conn_unread_by_peer(r->x->conn) > STREAM_LAG_MAX) {
        r->paused = true;
        backend_stream_pause(r->stream);
    }
}

void stream_reply_puts(struct stream_reply *r, const char *bytes, size_t len)
{
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
    stream_reply_write(r, &piece, 1);
}

static void on_opened(void *owner, const Sockerless__StreamOpened *opened)
{
    struct stream_reply *r = owner;
    r->opened = true;
    r->tty = opened->tty;
    r->kind->opened(r, opened);
    if (r->kind->takes_body)
        body_stream_open(&r->body);
}

static void on_frame(void *owner, const struct frame *f)
{
    struct stream_reply *r = owner;
    if (r->opened)
        r->kind->frame(r, f);
}

static void on_ended(void *owner)
{
    struct stream_reply *r = owner;
    r->stream = NULL;
    if (!r->opened) {
        reply_error(stream_reply_release(r), 500, "the backend ended the session unexpectedly");
        return;
    }
    r->kind->ended(r);
}

static void on_failed(void *owner, const struct error *err)
{
    struct stream_reply *r = owner;
    r->stream = NULL;
    if (r->opened)
        r->kind->broken(r, err);
    else
        stream_reply_refuse(r, err);
}

static void on_drained(void *owner)
{
    struct stream_reply *r = owner;
    if (r->kind->takes_body)
        body_stream_drained(&r->body);
}

static void on_body(void *arg, const char *bytes, size_t len)
{
    body_stream_data(&((struct stream_reply *)arg)->body, bytes, len);
}

/* From now on the client has nothing to do but to read. */
static void on_body_end(void *arg)
{
    struct stream_reply *r = arg;
    body_stream_end(&r->body);
    if (r->lags && !r->paused) {
        r->paused = true;
        backend_stream_pause(r->stream);
    }
}

/* A client that has sent its body and half-closes still gets its answer. */
static void on_client_eof(void *arg)
{
    (void)arg;
}

static void on_client_drained(void *arg)
{
    struct stream_reply *r = arg;
    r->lags = false;
    if (r->paused) {
        r->paused = false;
        backend_stream_resume(r->stream);
    }
}

static void on_client_gone(void *arg)
{
    struct stream_reply *r = arg;
    backend_stream_abandon(r->stream);
    free(r);
}

void stream_reply_start(struct exchange *x, const Sockerless__StreamOpen *open,
                        const struct stream_kind *kind)
{
    static const struct backend_stream_events on_stream = {.opened = on_opened,
                                                           .frame = on_frame,
                                                           .drained = on_drained,
                                                           .ended = on_ended,
                                                           .failed = on_failed};
    /* No eof: a client that closes its side of a wait or a log has lost interest. */
    static const struct http_conn_events on_client = {.drained = on_client_drained,
                                                      .gone = on_client_gone};
    static const struct http_conn_events on_sender = {.data = on_body,
                                                      .body_end = on_body_end,
                                                      .eof = on_client_eof,
                                                      .drained = on_client_drained,
                                                      .gone = on_client_gone};
    struct error err;
    struct stream_reply *r = NEW(struct stream_reply);
    *r = (struct stream_reply){.x = x, .kind = kind};
    if (backend_stream_open(x->backend, open, &on_stream, r, &r->stream, &err)) {
        free(r);
        reply_failure(x, &err);
        return;
    }
    http_conn_own(x->conn, kind->takes_body ? &on_sender : &on_client, r);
    if (kind->takes_body)
        body_stream_init(&r->body, x, r->stream);
}
