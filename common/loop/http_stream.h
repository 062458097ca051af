/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP bodies read or written piece by piece: for blobs, which are larger than memory should be.
 * While the reader is slow libcurl stops reading the socket, and TCP stops the server; at most
 * HTTP_STREAM_BUFFER bytes lie in between. Everything is for the loop's thread, in a coroutine.
 */
#ifndef SOCKERLESS_LOOP_HTTP_STREAM_H
#define SOCKERLESS_LOOP_HTTP_STREAM_H

#include "loop/http_client.h"

enum { HTTP_STREAM_BUFFER = 1024 * 1024 };

struct http_stream;

/* Sends req and returns when the final response's head is there, whatever its status. req's
 * timeout_ms bounds the wait for the head, and afterwards every wait for the next piece (a registry
 * that stalls), not the whole exchange. req's max_body still bounds the whole body (0: no bound
 * here); on_body is not used. req is borrowed for the call. Errors as co_http_do. */
int co_http_stream_open(struct http_client *c, const struct http_request *req,
                        struct http_stream **out, struct error *err) MUST_CHECK;
/* Status, headers, final_url; its body is empty. Borrowed until close. */
const struct http_response *http_stream_response(const struct http_stream *s);
/* Up to `max` bytes into out; *got 0: the body is complete. A body shorter than its Content-Length
 * is an error (ERROR_UNAVAILABLE), not an end. */
int co_http_stream_read(struct http_stream *s, void *out, size_t max, size_t *got,
                        struct error *err) MUST_CHECK;

/* A request with a body of unknown length (Transfer-Encoding: chunked): start, write…, finish, then
 * as after co_http_stream_open. req's body is not used, redirects are not followed. */
int http_stream_start(struct http_client *c, const struct http_request *req,
                      struct http_stream **out, struct error *err) MUST_CHECK;
/* Returns when libcurl has taken all of it; no wait for the socket is longer than timeout_ms. An
 * answer that comes before the body's end is an ERROR_UNAVAILABLE, after which
 * http_stream_response() has a status. */
int co_http_stream_write(struct http_stream *s, const void *bytes, size_t len,
                         struct error *err) MUST_CHECK;
int co_http_stream_finish(struct http_stream *s, struct error *err) MUST_CHECK;

/* At any time; breaks off what is under way. NULL is allowed. */
void http_stream_close(struct http_stream *s);

#endif
