/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind an HTTP server: it names the handler of a request. The routes are one.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_SERVICE_H
#define SOCKERLESS_FRONTEND_HTTP_SERVICE_H

struct exchange;

enum body_use {
    BODY_DROPPED, /* read and thrown away before the handler runs */
    BODY_JSON,    /* kept for the handler: exchange.body */
    BODY_STREAM,  /* the handler runs before the body was read: exchange.body_pending */
};

struct http_handler {
    void (*handle)(struct exchange *x);
    enum body_use body;
};

struct http_service {
    /* The head of a request is complete: fills path, query, api and arg. NULL: the target is not a
     * URL (400, connection closed). */
    const struct http_handler *(*resolve)(struct exchange *x);
    /* Whole lines that every answer carries unless its exchange is plain. */
    const char *headers;
};

#endif
