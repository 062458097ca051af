/* SPDX-License-Identifier: Apache-2.0
 *
 * From http_body.c to the backend's channel; see body_stream.h. The bytes are copied once, from the
 * buffer they were read into to the channel's queue.
 */
#include "frontend/stream/body_stream.h"

#include "frontend/http/http_conn.h"
#include "frontend/http/reply.h"

void body_stream_init(struct body_stream *b, struct exchange *x, struct backend_stream *stream)
{
    *b = (struct body_stream){.x = x, .stream = stream};
    if (x->body_pending)
        http_conn_hold(x->conn, true);
}

void body_stream_open(struct body_stream *b)
{
    if (!b->x->body_pending) {
        body_stream_end(b);
        return;
    }
    if (b->x->expects_continue && !b->x->http10)
        reply_continue(b->x);
    http_conn_hold(b->x->conn, false);
}

void body_stream_data(struct body_stream *b, const char *bytes, size_t len)
{
    if (!backend_stream_send_stdin(b->stream, bytes, len))
        http_conn_hold(b->x->conn, true);
}

void body_stream_end(struct body_stream *b)
{
    backend_stream_send(b->stream, FRAME_CLOSE_STDIN, NULL, 0);
}

void body_stream_drained(struct body_stream *b)
{
    http_conn_hold(b->x->conn, false);
}
