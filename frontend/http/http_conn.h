/* SPDX-License-Identifier: Apache-2.0
 *
 * One client connection: HTTP/1.x requests in, answers out in order, or, after a hijack, raw bytes
 * both ways. Owned by the server's list; freed in its handle's close callback.
 *
 * An exchange that does not answer at once registers an owner (http_conn_own): the owner hears when
 * the output drained and when the client is gone. All writes go through one bounded-by-backpressure
 * queue: small pieces are collected until the loop is about to poll, big ones go straight to the
 * kernel.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_CONN_H
#define SOCKERLESS_FRONTEND_HTTP_CONN_H

#include "frontend/http/exchange.h"
#include "frontend/http/http_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum {
    HTTP_HEAD_MAX = 64 * 1024,
    HTTP_JSON_BODY_MAX = 16 * 1024 * 1024,
    HTTP_DROPPED_BODY_MAX = 64 * 1024 * 1024, /* of a body that no handler reads */
    /* How long the rest of a body is dropped after its answer is out, as long as it keeps coming:
     * many clients write all of it before they read, and a reset would cost them the answer. */
    HTTP_BODY_DRAIN_MAX_MS = 15 * 60 * 1000,
    HTTP_OUT_HIGH_WATER = 256 * 1024,
    HTTP_OUT_LOW_WATER = 64 * 1024,
};

struct http_conn;

/* What an owner hears. gone() comes at most once and last: the owner must not touch the connection
 * afterwards. Never called from inside an http_conn_ function. */
struct http_conn_events {
    /* Raw mode, or a BODY_STREAM route's body (NULL: it is dropped). Must not answer. */
    void (*data)(void *arg, const char *bytes, size_t len);
    void (*body_end)(void *arg); /* all of a streamed body has come; may be NULL. Must not answer */
    void (*eof)(void *arg);      /* the client's half-close; NULL: taken as gone */
    void (*drained)(void *arg);  /* after http_conn_write() said false */
    void (*gone)(void *arg);
};

/* An accepted handle: the server calls this after uv_accept(). */
struct http_conn *http_conn_new(struct http_server *server, bool tcp);
uv_stream_t *http_conn_stream(struct http_conn *c);
void http_conn_start(struct http_conn *c);
/* Close at once, telling the owner. */
void http_conn_abort(struct http_conn *c);
/* The server's periodic look: timeouts, and half-closed peers that vanished. */
void http_conn_tick(struct http_conn *c, int64_t now_ms);
/* The server is about to poll: send what was collected. */
void http_conn_flush(struct http_conn *c);

struct http_server *http_conn_server(struct http_conn *c);

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
/* The answer is complete: go on with the next request or, if the exchange says so, finish. */
void http_conn_reply_done(struct http_conn *c);
/* Flush, half-close, let the client read everything, close. */
void http_conn_finish(struct http_conn *c);

/* For tests and the fuzzer: feed bytes as if read. */
void http_conn_feed(struct http_conn *c, const char *bytes, size_t len);

#endif
