/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers to an exchange: buffered ones with Content-Length, streaming ones in chunks, errors in
 * Docker's shape. The call that completes an answer (every one here but reply_continue,
 * reply_stream_begin and reply_stream_write) ends the exchange: it must not be touched afterwards.
 */
#ifndef SOCKERLESS_FRONTEND_REPLY_H
#define SOCKERLESS_FRONTEND_REPLY_H

#include "base/buf.h"
#include "base/error.h"
#include "frontend/http/exchange.h"

#include <stdbool.h>
#include <uv.h>

#define REPLY_STREAM_RAW "application/vnd.docker.raw-stream"
#define REPLY_STREAM_MULTIPLEXED "application/vnd.docker.multiplexed-stream"

/* The standard reason phrase, "" for a status unknown here. */
const char *reply_reason(unsigned status);
/* What the service adds to this answer: whole lines, "" for a plain one. */
const char *reply_service_headers(const struct exchange *x);

/* HTTP/1.1 100 Continue. */
void reply_continue(struct exchange *x);

/* JSON text; a newline is added, as Go's encoder does. */
void reply_json(struct exchange *x, unsigned status, const struct buf *json);
/* A scratch buffer for the JSON of one answer. */
struct buf *reply_scratch(struct exchange *x);
/* {"message":"…"} */
void reply_error(struct exchange *x, unsigned status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same from an error's code and message; ERROR_NOT_MODIFIED becomes 304 without body. */
void reply_failure(struct exchange *x, const struct error *err);
void reply_empty(struct exchange *x, unsigned status);
/* headers: complete lines with CRLF, may be "". */
void reply_text(struct exchange *x, unsigned status, const char *headers, const char *text);
/* For requests that the parser gives up on: plain text, connection closed, no standard headers. */
void reply_refusal(struct exchange *x, unsigned status);

/* A streaming answer: the head leaves at once. content_type NULL: none. */
void reply_stream_begin(struct exchange *x, unsigned status, const char *content_type);
/* One chunk. False: pause until the connection's drained(). */
bool reply_stream_write(struct exchange *x, const uv_buf_t *bufs, unsigned count);
void reply_stream_end(struct exchange *x);
/* Ends without the last chunk: the client sees that the answer is incomplete. */
void reply_stream_cut(struct exchange *x);

#endif
