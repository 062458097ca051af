/* SPDX-License-Identifier: Apache-2.0
 *
 * Relays bytes between a hijacked client connection and a backend session, with backpressure both
 * ways: a slow client pauses the session's channel, a slow session stops reading from the client.
 * Output frames are Docker's multiplexed frames already and pass through unchanged; for a TTY only
 * their payload does. Frames leave in the order in which the backend sent them.
 *
 * The answer's head is written by itself, and output waits until the client has taken the head from
 * the socket (20 ms at most): docker-py loses stream bytes that it reads together with the head.
 */
#include "frontend/stream/hijack.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "frontend/rpc/backend_stream.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/reply.h"

#include <string.h>

enum { HEAD_POLL_MS = 1, HEAD_POLLS_MAX = 20 };

struct hijack {
    struct exchange *x;
    struct http_conn *conn;        /* NULL once the client is gone or the answer complete */
    struct backend_stream *stream; /* NULL once it ended */
    struct hijack_options options;
    bool tty, opened, head_taken, output_seen, eof_sent;
    bool client_lags; /* the channel is paused because of it */
    uv_timer_t timer; /* waits for the head to be taken */
    bool timer_open;
    unsigned polls;
    struct buf waiting; /* output that came before the head was taken */
};

static void hijack_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void hijack_free(struct hijack *h)
{
    buf_free(&h->waiting);
    if (h->timer_open)
        uv_close((uv_handle_t *)&h->timer, hijack_timer_closed);
    else
        free(h);
}

/* The session is over: the client gets all that is queued and then the end. */
static void hijack_finish(struct hijack *h)
{
    struct http_conn *conn = h->conn;
    if (h->waiting.len) {
        uv_buf_t piece = uv_buf_init(h->waiting.data, (unsigned)h->waiting.len);
        http_conn_write(conn, &piece, 1, true);
    }
    hijack_free(h);
    http_conn_own(conn, NULL, NULL);
    http_conn_finish(conn);
}

/* ---- output: backend to client ---- */

static void hijack_on_timer(uv_timer_t *timer)
{
    struct hijack *h = timer->data;
    if (++h->polls < HEAD_POLLS_MAX && http_conn_unread_by_peer(h->conn))
        return;
    uv_timer_stop(timer);
    h->head_taken = true;
    uv_buf_t piece = uv_buf_init(h->waiting.data, (unsigned)h->waiting.len);
    bool room = http_conn_write(h->conn, &piece, 1, true);
    buf_free(&h->waiting);
    if (room)
        backend_stream_resume(h->stream);
    else
        h->client_lags = true;
}

/* True when the output has to wait for the client to read the head first. */
static bool hijack_head_pending(struct hijack *h)
{
    if (h->head_taken)
        return false;
    if (!http_conn_unread_by_peer(h->conn)) {
        h->head_taken = true;
        return false;
    }
    backend_stream_pause(h->stream);
    if (!h->timer_open) {
        uv_timer_init(&http_conn_loop(h->conn)->uv, &h->timer);
        h->timer.data = h;
        h->timer_open = true;
    }
    uv_timer_start(&h->timer, hijack_on_timer, HEAD_POLL_MS, HEAD_POLL_MS);
    return true;
}

static void hijack_output(struct hijack *h, uint8_t type, const void *bytes, size_t len)
{
    unsigned char header[FRAME_HEADER_SIZE];
    frame_header_encode(header, type, len);
    uv_buf_t pieces[] = {uv_buf_init((char *)header, sizeof(header)),
                         uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len)};
    const uv_buf_t *first = h->tty ? pieces + 1 : pieces;
    unsigned count = h->tty ? 1 : 2;
    if (!len)
        return;
    h->output_seen = true;
    if (h->waiting.len || hijack_head_pending(h)) {
        for (unsigned i = 0; i < count; i++)
            buf_append(&h->waiting, first[i].base, first[i].len);
        return;
    }
    if (!http_conn_write(h->conn, first, count, false)) {
        h->client_lags = true;
        backend_stream_pause(h->stream);
    }
}

/* Why a process never started is told on its stdout, as moby does, unless the backend did. */
static void hijack_on_exit(struct hijack *h, const struct frame *f)
{
    Sockerless__Exit *e = sockerless__exit__unpack(NULL, f->len, f->payload);
    if (e && e->start_failed && !str_empty(e->error)) {
        if (h->options.detach) {
            struct exchange *x = h->x;
            backend_stream_abandon(h->stream);
            hijack_free(h);
            http_conn_own(x->conn, NULL, NULL);
            reply_error(x, 400, "%s", e->error);
        } else if (h->opened && !h->output_seen) {
            AUTO_FREE char *line = xasprintf("%s\r\n", e->error);
            hijack_output(h, FRAME_STDOUT, line, strlen(line));
        }
    }
    if (e)
        sockerless__exit__free_unpacked(e, NULL);
}

static void hijack_on_frame(void *owner, const struct frame *f)
{
    struct hijack *h = owner;
    if (f->type == FRAME_EXIT)
        hijack_on_exit(h, f);
    else if ((f->type == FRAME_STDOUT || f->type == FRAME_STDERR) && h->opened &&
             !h->options.detach)
        hijack_output(h, f->type, f->payload, f->len);
}

static const char *hijack_content_type(const struct hijack *h)
{
    return h->x->api >= 42 && !h->tty ? REPLY_STREAM_MULTIPLEXED : REPLY_STREAM_RAW;
}

static void hijack_on_opened(void *owner, const Sockerless__StreamOpened *opened)
{
    struct hijack *h = owner;
    h->opened = true;
    h->tty = opened->tty;
    if (h->options.detach)
        return;
    const char *head =
        arena_printf(&h->x->arena, "HTTP/1.1 %s\r\nContent-Type: %s\r\n%s%s\r\n",
                     h->x->wants_upgrade ? "101 UPGRADED" : "200 OK", hijack_content_type(h),
                     h->x->wants_upgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "",
                     h->options.is_exec ? reply_service_headers(h->x) : "");
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)head, (unsigned)strlen(head));
    http_conn_write(h->conn, &piece, 1, true);
    http_conn_hijack(h->conn);
}

static void hijack_on_ended(void *owner)
{
    struct hijack *h = owner;
    struct exchange *x = h->x;
    h->stream = NULL;
    if (h->opened && !h->options.detach) {
        hijack_finish(h);
        return;
    }
    hijack_free(h);
    http_conn_own(x->conn, NULL, NULL);
    reply_empty(x, 200);
}

/* An attach error as moby words it: status line, raw-stream type, plain text, close. */
static void hijack_refuse(struct exchange *x, const struct error *err)
{
    unsigned status = (unsigned)error_http_status(err->code);
    const char *head = arena_printf(
        &x->arena, "HTTP/1.1 %u %s\r\nContent-Type: " REPLY_STREAM_RAW "\r\n\r\n%s\r\n", status,
        reply_reason(status), err->message);
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)head, (unsigned)strlen(head));
    http_conn_write(x->conn, &piece, 1, false);
    http_conn_finish(x->conn);
}

static void hijack_on_failed(void *owner, const struct error *err)
{
    struct hijack *h = owner;
    struct exchange *x = h->x;
    bool is_exec = h->options.is_exec;
    h->stream = NULL;
    if (h->opened && !h->options.detach) {
        /* After the head an error could only be taken for output: say it here, end the stream. */
        log_warn("a hijacked stream broke off", LOG_STR("reason", err->message));
        hijack_finish(h);
        return;
    }
    hijack_free(h);
    http_conn_own(x->conn, NULL, NULL);
    if (is_exec)
        reply_failure(x, err);
    else
        hijack_refuse(x, err);
}

static void hijack_on_stdin_drained(void *owner)
{
    struct hijack *h = owner;
    http_conn_hold(h->conn, false);
}

/* ---- input: client to backend ---- */

static void hijack_on_data(void *arg, const char *bytes, size_t len)
{
    struct hijack *h = arg;
    if (h->options.wants_stdin && !backend_stream_send_stdin(h->stream, bytes, len))
        http_conn_hold(h->conn, true);
}

static void hijack_on_eof(void *arg)
{
    struct hijack *h = arg;
    if (h->options.wants_stdin && !h->eof_sent)
        backend_stream_send(h->stream, FRAME_CLOSE_STDIN, NULL, 0);
    h->eof_sent = true;
}

static void hijack_on_client_drained(void *arg)
{
    struct hijack *h = arg;
    if (h->client_lags) {
        h->client_lags = false;
        backend_stream_resume(h->stream);
    }
}

static void hijack_on_gone(void *arg)
{
    struct hijack *h = arg;
    hijack_on_eof(h);
    backend_stream_leave(h->stream);
    hijack_free(h);
}

void hijack_start(struct exchange *x, const Sockerless__StreamOpen *open,
                  const struct hijack_options *options)
{
    static const struct backend_stream_events on_stream = {.opened = hijack_on_opened,
                                                           .frame = hijack_on_frame,
                                                           .drained = hijack_on_stdin_drained,
                                                           .ended = hijack_on_ended,
                                                           .failed = hijack_on_failed};
    static const struct http_conn_events on_client = {.data = hijack_on_data,
                                                      .eof = hijack_on_eof,
                                                      .drained = hijack_on_client_drained,
                                                      .gone = hijack_on_gone};
    struct error err;
    struct hijack *h = NEW(struct hijack);
    *h = (struct hijack){.x = x, .conn = x->conn, .options = *options};
    if (backend_stream_open(x->backend, open, &on_stream, h, &h->stream, &err)) {
        free(h);
        reply_failure(x, &err);
        return;
    }
    http_conn_own(x->conn, &on_client, h);
}
