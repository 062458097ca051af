/* SPDX-License-Identifier: Apache-2.0
 *
 * The listening side: unix and TCP sockets, the list of connections, its limit, and the loop hooks
 * all connections share (timeouts, flush before poll, one read buffer).
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_SERVER_H
#define SOCKERLESS_FRONTEND_HTTP_SERVER_H

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_conn;
struct backend_client;

struct http_server_options {
    const char *socket_group; /* group of unix sockets; NULL or "": the process's */
    int64_t max_connections;  /* 0: 4,096; at the limit accepting pauses */
    int64_t idle_timeout_ms;  /* of a kept-alive connection between requests; 0: 5 min */
    int64_t head_timeout_ms;  /* from the first byte of a request to its end; 0: 60 s */
};

struct http_server *http_server_new(struct loop *l, const struct http_server_options *options,
                                    struct backend_client *backend);
/* "unix:///path" or "tcp://host:port" (port 0 allowed); a comma list. A stale socket file is
 * replaced, one with a live listener is an error. */
int http_server_listen(struct http_server *s, const char *urls, struct error *err) MUST_CHECK;
/* Port of the first TCP listener, 0 without one. */
int http_server_port(const struct http_server *s);
/* Closes listeners (unlinking their sockets) and connections; freed on the loop when all are
 * closed. */
void http_server_close(struct http_server *s);
unsigned http_server_connections(const struct http_server *s);

/* ---- for http_conn.c and http_reply.c ---- */
struct loop *http_server_loop(struct http_server *s);
struct backend_client *http_server_backend(struct http_server *s);
const struct http_server_options *http_server_settings(const struct http_server *s);
/* 64 KiB shared by all reads: consumed before the next read. */
char *http_server_read_buffer(struct http_server *s, size_t *size);
/* A scratch buffer for building one answer; empty. Valid until the handler returns to the loop. */
struct buf *http_server_scratch(struct http_server *s);
/* "Sat, 21 Nov 2026 21:00:00 GMT", renewed each second. */
const char *http_server_date(struct http_server *s);
/* Call http_conn_flush(c) before the loop polls. */
void http_server_flush_later(struct http_server *s, struct http_conn *c);
void http_server_add(struct http_server *s, struct http_conn *c);
void http_server_remove(struct http_server *s, struct http_conn *c);

/* Links of a connection, embedded by http_conn.c as its first member. */
struct http_conn_links {
    struct http_conn_links *prev, *next;
    struct http_conn *flush_next;
    bool flush_queued;
};

#endif
