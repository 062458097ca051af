/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of a connection, shared by http_conn.c (life and states), http_parse.c (bytes to
 * requests), http_body.c (streamed bodies) and http_out.c (the output queue). Nobody else includes
 * it.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_CONN_INTERNAL_H
#define SOCKERLESS_FRONTEND_HTTP_CONN_INTERNAL_H

#include "frontend/http/http_conn.h"

enum { HALF_CLOSED_CHECK_MS = 5000 };

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
    struct http_conn_links links; /* first: http_server.c casts */
    struct http_server *server;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } sock;
    uv_write_t write_req;
    uv_shutdown_t shutdown_req;
    llhttp_t parser;
    struct exchange x;
    struct buf in;      /* received, not yet parsed or delivered */
    struct buf header;  /* the header (or URL) being received */
    struct buf out;     /* queued */
    struct buf writing; /* in the kernel's or libuv's hands */
    const struct http_conn_events *events;
    void *owner;
    int64_t deadline_ms;    /* 0: none */
    int64_t drain_until_ms; /* the answer is out, the rest of its request's body is dropped */
    size_t head_bytes;      /* of the request being read */
    size_t name_len;        /* of the header name at the front of `header` */
    enum conn_state state;
    uint16_t refuse_status; /* set by a parser callback that wants the request refused */
    bool is_tcp, reading, held, processing;
    bool exchange_live;
    bool request_complete; /* or, on a BODY_STREAM route, its head */
    bool peer_eof, eof_told, broken, over_high, drain_due, write_busy;
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
/* It will never be complete: the owner hears gone(), the client, if it still can, why. */
void http_body_broken(struct http_conn *c, unsigned status);
/* When to look at the connection next. */
void http_body_set_deadline(struct http_conn *c);

/* http_out.c */
void http_out_flush(struct http_conn *c);
size_t http_out_queued(const struct http_conn *c);

/* http_conn.c: called by http_out.c */
void http_conn_out_idle(struct http_conn *c);   /* everything was written */
void http_conn_out_broken(struct http_conn *c); /* from a callback: the peer is gone */

#endif
