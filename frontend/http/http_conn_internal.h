/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of a connection. Top to bottom, each file calls only those below it:
 *
 *   http_input.c   bytes are read, requests given to their handlers
 *   http_body.c    bodies that are handed on while they arrive
 *   http_parse.c   bytes to requests
 *   (reply.c       answers, through http_conn.h alone)
 *   http_conn.c    states, owners, the end of an answer and of a connection
 *   http_out.c     the output queue
 *
 * What http_conn.c changes (held, hijacked, finished) takes effect on reading when http_input.c
 * looks at the connection before the loop polls: http_conn_wake().
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_CONN_INTERNAL_H
#define SOCKERLESS_FRONTEND_HTTP_CONN_INTERNAL_H

#include "frontend/http/http_conn.h"
#include "frontend/http/http_head.h"
#include "frontend/http/http_out.h"

enum {
    LINGER_MS = 5000,
    HTTP_JSON_BODY_MAX = 16 * 1024 * 1024,
    HTTP_DROPPED_BODY_MAX = 64 * 1024 * 1024, /* of a body that no handler reads */
    /* How long the rest of a body is dropped after its answer is out, as long as it keeps coming:
     * many clients write all of it before they read, and a reset would cost them the answer. */
    HTTP_BODY_DRAIN_MAX_MS = 15 * 60 * 1000,
};

enum conn_state {
    CONN_IDLE,      /* between requests */
    CONN_READING,   /* inside a request; c->in is empty */
    CONN_ANSWERING, /* a handler has the exchange; its body comes, or further input waits in c->in
                     */
    CONN_RAW,       /* hijacked */
    CONN_FINISHING, /* output is being flushed, input is dropped */
    CONN_LINGERING, /* our direction is shut down; the client may still read */
    CONN_CLOSED,    /* uv_close() was called */
};

struct http_conn {
    struct http_shared *shared;
    struct http_conn *prev, *next;         /* in shared->conns */
    struct http_conn *due_prev, *due_next; /* in shared->due */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } sock;
    uv_shutdown_t shutdown_req;
    llhttp_t parser;
    struct exchange x;
    struct buf in;     /* received, not yet parsed or delivered */
    struct buf header; /* the header (or URL) being received */
    struct http_out out;
    const struct http_conn_events *events;
    void *owner;
    int64_t deadline_ms;    /* 0: none */
    int64_t drain_until_ms; /* the answer is out, the rest of its request's body is dropped */
    struct http_head head;  /* of the request being read */
    size_t trailer_bytes;
    size_t name_len; /* of the header name at the front of `header` */
    enum conn_state state;
    uint16_t refuse_status; /* set by a parser callback to refuse the request */
    bool is_tcp, reading, held, processing, is_due;
    bool exchange_live;
    bool request_complete; /* or, for a BODY_STREAM handler, its head */
    bool peer_eof, eof_told;
};

/* http_parse.c */
void http_parse_begin(struct http_conn *c);
/* Feed bytes; returns how many were consumed. Afterwards c->request_complete, or
 * c->refuse_status != 0, or more bytes are needed. */
size_t http_parse(struct http_conn *c, const char *bytes, size_t len);

/* http_body.c */
/* A streamed body is to be read now. */
bool http_body_wanted(const struct http_conn *c);
/* A piece of it: handed to the owner. Returns how many bytes were the body's; then the caller looks
 * at c->refuse_status and calls http_body_broken(). */
size_t http_body_feed(struct http_conn *c, const char *bytes, size_t len);
/* It will never be complete: gone() is called for the owner, and the client is told why if it
 * can still be reached. */
void http_body_broken(struct http_conn *c, unsigned status);

/* http_conn.c */
/* http_input.c looks at the connection before the loop polls. */
void http_conn_wake(struct http_conn *c);
/* The next connection to look at, taken off the list; NULL: none. */
struct http_conn *http_conn_take_due(struct http_shared *shared);
void http_conn_begin_exchange(struct http_conn *c);
/* When to look at a connection next whose body is being streamed. */
void http_conn_set_body_deadline(struct http_conn *c);
/* Sends what is queued; the last of a connection that finishes is followed by the half-close. */
void http_conn_flush(struct http_conn *c);

#endif
