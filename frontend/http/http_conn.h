/* SPDX-License-Identifier: Apache-2.0
 *
 * One client connection: HTTP/1.x requests in, answers out in order, or, after a hijack, raw bytes
 * both ways. Listed in its server's http_shared; freed in its handle's close callback. What comes
 * in is http_input.h's business; here is what handlers and owners do with a connection.
 *
 * An exchange that does not answer at once registers an owner (http_conn_own): the owner is told
 * when the output drained and when the client is gone. All writes go through one
 * bounded-by-backpressure queue, http_out.h.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_CONN_H
#define SOCKERLESS_FRONTEND_HTTP_CONN_H

#include "frontend/http/exchange.h"
#include "frontend/http/http_shared.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct http_conn;

/* What an owner is told. gone() comes at most once and last: the owner must not touch the
 * connection afterwards. Never called from inside an http_conn_ function. */
struct http_conn_events {
    /* Raw mode, or a BODY_STREAM handler's body (NULL: it is dropped). Must not answer. */
    void (*data)(void *arg, const char *bytes, size_t len);
    void (*body_end)(void *arg); /* all of a streamed body has come; may be NULL. Must not answer */
    void (*eof)(void *arg);      /* the client's half-close; NULL: taken as gone */
    void (*drained)(void *arg);  /* after http_conn_write() said false */
    void (*gone)(void *arg);
};

/* For an accepted handle: then uv_accept() and http_input_start(). */
struct http_conn *http_conn_new(struct http_shared *shared, bool tcp);
uv_stream_t *http_conn_stream(struct http_conn *c);
/* Close at once, telling the owner. */
void http_conn_abort(struct http_conn *c);
void http_conn_abort_all(struct http_shared *shared);
struct loop *http_conn_loop(struct http_conn *c);

/* events NULL: no owner any more (nothing is called). */
void http_conn_own(struct http_conn *c, const struct http_conn_events *events, void *arg);
/* From now on bytes go to data(); those that came with the head are delivered first, from the
 * loop. */
void http_conn_hijack(struct http_conn *c);
/* Raw mode and streamed bodies: stop or go on reading from the client. */
void http_conn_hold(struct http_conn *c, bool hold);

/* False: above high water, wait for drained(). Bytes are accepted in any case. `now`: do not
 * collect. */
bool http_conn_write(struct http_conn *c, const uv_buf_t *bufs, unsigned count, bool now);
/* Bytes the peer has not read yet, as far as the kernel tells; 0 when unknown. */
size_t http_conn_unread_by_peer(struct http_conn *c);
enum peer_queue http_conn_peer_queue(struct http_conn *c);
/* The answer is complete: go on with the next request or, if the exchange says so, finish. */
void http_conn_reply_done(struct http_conn *c);
/* Flush, half-close, let the client read everything, close. */
void http_conn_finish(struct http_conn *c);

#endif
