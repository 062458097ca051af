/* SPDX-License-Identifier: Apache-2.0
 *
 * Binds one backend session to one chunked answer; see stream_reply.h.
 */
#include "frontend/stream_reply.h"

#include "base/alloc.h"
#include "base/log.h"
#include "frontend/backend_client.h"
#include "frontend/http_conn.h"
#include "frontend/http_reply.h"

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

void stream_reply_write(struct stream_reply *r, const uv_buf_t *bufs, unsigned count)
{
    if (!reply_stream_write(r->x, bufs, count) && !r->lags && r->stream) {
        r->lags = true;
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
        reply_failure(stream_reply_release(r), err);
}

static void on_client_drained(void *arg)
{
    struct stream_reply *r = arg;
    if (r->lags) {
        r->lags = false;
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
    static const struct backend_stream_events on_stream = {
        .opened = on_opened, .frame = on_frame, .ended = on_ended, .failed = on_failed};
    /* No eof: a client that closes its side of a wait or a log has lost interest. */
    static const struct http_conn_events on_client = {.drained = on_client_drained,
                                                      .gone = on_client_gone};
    struct error err;
    struct stream_reply *r = NEW(struct stream_reply);
    *r = (struct stream_reply){.x = x, .kind = kind};
    if (backend_stream_open(x->backend, open, &on_stream, r, &r->stream, &err)) {
        free(r);
        reply_failure(x, &err);
        return;
    }
    http_conn_own(x->conn, &on_client, r);
}
