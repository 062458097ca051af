/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP for the simulators: libmicrohttpd, a thread a connection, whole bodies in memory, a table of
 * routes. A handler may block.
 */
#ifndef SOCKERLESS_SIM_HTTP_SERVER_H
#define SOCKERLESS_SIM_HTTP_SERVER_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_BODY_MAX = 4 * 1024 * 1024, HTTP_HEADERS_MAX = 64 };

struct http_header {
    const char *name, *value;
};

struct http_request {
    const char *method;
    const char *path;  /* as sent, not decoded, without the query */
    const char *query; /* as sent, without the '?'; "" when none */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    const char *body; /* NUL after body_len */
    size_t body_len;
};

struct http_reply {
    int status;               /* 200 unless set */
    const char *content_type; /* static; NULL: application/json, "": it is among the headers */
    struct buf body;
    struct http_header headers[16]; /* owned */
    size_t header_count;
    bool drop; /* close the connection instead of answering */
};

struct http_route {
    const char *method; /* NULL: any */
    const char *path;   /* exact; a prefix when it ends in '*' */
    void (*handle)(void *ctx, const struct http_request *request, struct http_reply *reply);
    void *ctx;
    size_t body_max; /* of a request; 0: HTTP_BODY_MAX */
};

/* First value of a header, name in any case; NULL when absent. */
const char *http_request_header(const struct http_request *request, const char *name);
void http_reply_header(struct http_reply *reply, const char *name, const char *value);
void http_reply_text(struct http_reply *reply, int status, const char *content_type,
                     const char *text);

struct http_server;
/* listen: "127.0.0.1:PORT", port 0 picks one. routes: borrowed, ended by a NULL path; the first
 * that fits is taken, 404 when none does. */
struct http_server *http_server_open(const char *listen, const struct http_route *routes,
                                     struct error *err) MUST_CHECK;
/* Waits for requests in progress. */
void http_server_close(struct http_server *server);
/* "127.0.0.1:4566" with the real port. */
const char *http_server_address(const struct http_server *server);

#endif
