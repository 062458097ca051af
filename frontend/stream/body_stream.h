/* SPDX-License-Identifier: Apache-2.0
 *
 * A request's body on its way into a backend session: FRAME_STDIN frames while it arrives, then
 * FRAME_CLOSE_STDIN. Embedded by stream_reply.c, which passes the connection's events on.
 *
 * The client is held, and not told to continue, until the session is open: a refusal costs no
 * upload. Afterwards what the session cannot take stops the client: at most CHANNEL_HIGH_WATER and
 * one read are in memory.
 */
#ifndef SOCKERLESS_FRONTEND_BODY_STREAM_H
#define SOCKERLESS_FRONTEND_BODY_STREAM_H

#include "frontend/rpc/backend_stream.h"
#include "frontend/http/exchange.h"

struct body_stream {
    struct exchange *x;            /* borrowed */
    struct backend_stream *stream; /* borrowed */
};

void body_stream_init(struct body_stream *b, struct exchange *x, struct backend_stream *stream);
/* The session is open. */
void body_stream_open(struct body_stream *b);
void body_stream_data(struct body_stream *b, const char *bytes, size_t len);
void body_stream_end(struct body_stream *b);
/* The session takes more. */
void body_stream_drained(struct body_stream *b);

#endif
