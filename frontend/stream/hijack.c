/* SPDX-License-Identifier: Apache-2.0
 *
 * Relays bytes between a hijacked client connection and a backend session, with backpressure both
 * ways: a slow client pauses the session's channel, a slow session stops reading from the client.
 * Output frames are Docker's multiplexed frames already and pass through unchanged; for a TTY only
 * their payload does. Frames leave in the order in which the backend sent them.
 *
 * The answer's head is written by itself, and output waits until the client has read the head
 * (held_output.h).
 */
#include "frontend/stream/hijack.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "frontend/rpc/backend_stream.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/reply.h"
#include "frontend/stream/held_output.h"

#include <string.h>

struct hijack {
    struct exchange *x;
    struct http_conn *conn;        /* NULL once the client is gone or the answer complete */
    struct backend_stream *stream; /* NULL once it ended */
    struct hijack_options options;
    struct held_output *held; /* behind the head; NULL before it */
    bool tty, opened, output_seen, eof_sent;
    bool client_lags; /* the channel is paused because of it */
};

static void hijack_free(struct hijack *h)
{
    held_output_free(h->held);
    free(h);
}

/* The session is over: the client gets all that is held and queued and then the end. */
static void hijack_finish(struct hijack *h)
{
    struct http_conn *conn = h->conn;
    h->stream = NULL;
    if (held_output_any(h->held))
        return; /* hijack_on_released() goes on */
    hijack_free(h);
    http_conn_own(conn, NULL, NULL);
    http_conn_finish(conn);
}

/* ---- output: backend to client ---- */

/* The client has the head, and what was held is on its way; without room drained() follows. */
static void hijack_on_released(void *owner, bool room)
{
    struct hijack *h = owner;
    if (!h->stream) {
        hijack_finish(h);
    } else if (h->client_lags && room) {
        h->client_lags = false;
        backend_stream_resume(h->stream);
    }
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
    bool room = held_output_waits(h->held) ? held_output_add(h->held, first, count)
                                           : http_conn_write(h->conn, first, count, false);
    if (!room && !h->client_lags) {
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

/* As dockerd: the new type comes with an upgrade only. */
static const char *hijack_content_type(const struct hijack *h)
{
    return h->x->wants_upgrade && h->x->api >= 42 && !h->tty ? REPLY_STREAM_MULTIPLEXED
                                                             : REPLY_STREAM_RAW;
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
    h->held = held_output_new(h->conn, hijack_on_released, h);
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
    if (h->stream && h->options.wants_stdin && !backend_stream_send_stdin(h->stream, bytes, len))
        http_conn_hold(h->conn, true);
}

static void hijack_on_eof(void *arg)
{
    struct hijack *h = arg;
    if (h->stream && h->options.wants_stdin && !h->eof_sent)
        backend_stream_send(h->stream, FRAME_CLOSE_STDIN, NULL, 0);
    h->eof_sent = true;
}

static void hijack_on_client_drained(void *arg)
{
    struct hijack *h = arg;
    if (h->stream && h->client_lags) {
        h->client_lags = false;
        backend_stream_resume(h->stream);
    }
}

static void hijack_on_gone(void *arg)
{
    struct hijack *h = arg;
    hijack_on_eof(h);
    if (h->stream)
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
