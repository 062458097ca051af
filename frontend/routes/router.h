/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request line to a handler: decoding and cleaning the path, the version prefix, the table
 * of routes.
 */
#ifndef SOCKERLESS_FRONTEND_ROUTER_H
#define SOCKERLESS_FRONTEND_ROUTER_H

#include "frontend/http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

enum route_body {
    BODY_DROPPED, /* read and thrown away before the handler runs */
    BODY_JSON,    /* kept for the handler: exchange.body */
    BODY_STREAM,  /* the handler runs before the body was read: exchange.body_pending */
};

/* A path matches a route when it equals `prefix` (suffix NULL) or starts with prefix and ends with
 * suffix; what lies between, slashes included, is the argument (moby's `{name:.*}`). */
struct route {
    uint8_t method;
    const char *prefix, *suffix;
    void (*handle)(struct exchange *x);
    enum route_body body;
};

/* Fills path, query, api, route, arg. Always finds a route: unknown paths, bad versions, redirects
 * and OPTIONS have handlers of their own. -1: the target is no URL (400, connection closed). */
int router_resolve(struct exchange *x) MUST_CHECK;

/* route_table.c; ends with a NULL prefix. First match wins. */
extern const struct route route_table[];

#endif
