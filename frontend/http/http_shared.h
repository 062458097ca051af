/* SPDX-License-Identifier: Apache-2.0
 *
 * What all connections of one server share: settings, the service behind them, one read buffer, and
 * the list of connections that are looked at before the loop polls. Owned by http_server.c, the
 * bottom of everything else in this folder.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_SHARED_H
#define SOCKERLESS_FRONTEND_HTTP_SHARED_H

#include "base/buf.h"
#include "frontend/http/http_service.h"
#include "loop/loop.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct http_conn;
struct backend_client;

enum { HTTP_READ_BUFFER_SIZE = 64 * 1024 };

struct http_shared {
    struct loop *loop;
    const struct http_service *service;
    struct backend_client *backend; /* borrowed; NULL: none configured */
    int64_t idle_timeout_ms, head_timeout_ms, half_closed_check_ms;
    void (*conn_closed)(struct http_shared *s); /* a connection was freed */
    struct http_conn *conns;                    /* all, see http_conn.h */
    struct http_conn *due;                      /* those to look at before the loop polls */
    unsigned conn_count;
    time_t date_second;
    char date[40];
    struct buf scratch;
    char read_buffer[HTTP_READ_BUFFER_SIZE]; /* of all reads: consumed before the next one */
};

/* A buffer for building one answer; empty. Valid until the handler returns to the loop. */
struct buf *http_shared_scratch(struct http_shared *s);
/* Between two looks at the network: gives back what a large answer took. */
void http_shared_trim(struct http_shared *s);
void http_shared_fini(struct http_shared *s);
/* "Sat, 21 Nov 2026 21:00:00 GMT", renewed each second. */
const char *http_shared_date(struct http_shared *s);

#endif
