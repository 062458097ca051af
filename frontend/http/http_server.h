/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP server: unix and TCP listeners, the limit of connections, and the loop's hooks (timeouts,
 * a look at connections before the loop polls). What it answers is the service's business.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_SERVER_H
#define SOCKERLESS_FRONTEND_HTTP_SERVER_H

#include "base/error.h"
#include "frontend/http/http_service.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct http_server;
struct http_shared;
struct backend_client;

struct http_server_options {
    const char *socket_group; /* group of unix sockets; NULL or "": the process's */
    int64_t max_connections;  /* 0: 4,096; at the limit accepting pauses */
    int64_t idle_timeout_ms;  /* of a kept-alive connection between requests; 0: 5 min */
    /* Between two looks whether a half-closed client, or one that is not read, is still
     * there; 0: 5 s. */
    int64_t half_closed_check_ms;
    int64_t head_timeout_ms; /* from the first byte of a request to its end; 0: 60 s */
};

/* service and backend (NULL: none configured) are borrowed. */
struct http_server *http_server_new(struct loop *l, const struct http_server_options *options,
                                    const struct http_service *service,
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

/* What its connections share, for one that was not accepted here. */
struct http_shared *http_server_shared(struct http_server *s);

#endif
