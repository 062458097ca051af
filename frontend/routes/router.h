/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request line to a handler: decoding and cleaning the path, the version prefix, the table
 * of routes.
 */
#ifndef SOCKERLESS_FRONTEND_ROUTER_H
#define SOCKERLESS_FRONTEND_ROUTER_H

#include "frontend/http/exchange.h"

#include <stdint.h>

/* A path matches a route when it equals `prefix` (suffix NULL) or starts with prefix and ends with
 * suffix; what lies between, slashes included, is the argument (moby's `{name:.*}`). */
struct route {
    uint8_t method;
    const char *prefix, *suffix;
    struct http_handler handler;
};

/* Fills path, query, api and arg. Always finds a handler: unknown paths, bad versions, redirects
 * and OPTIONS have handlers of their own. NULL: the target is not a URL. */
const struct http_handler *router_resolve(struct exchange *x) MUST_CHECK;

/* Docker's API, for http_server_new(). */
extern const struct http_service router_service;

/* route_table.c; ends with a NULL prefix. First match wins. */
extern const struct route route_table[];

#endif
