/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers of the routes, one file per family of endpoints, and what they share.
 */
#ifndef SOCKERLESS_FRONTEND_ROUTE_H
#define SOCKERLESS_FRONTEND_ROUTE_H

#include "base/str.h"
#include "frontend/http/exchange.h"

#include <jansson.h>
#include <stdint.h>

/* For a string field of a request about to be packed, which protobuf-c only reads. */
static inline char *text(const char *s)
{
    return (char *)(uintptr_t)str_or_empty(s);
}

/* The handlers, void route_NAME(struct exchange *x): route_container*.c, route_exec.c and so on. */
#define ROUTE(method, prefix, suffix, handler, body) void route_##handler(struct exchange *x);
#include "frontend/routes/route_list.h"

/* route_registry.c */
/* The credentials of X-Registry-Auth as JSON; none when it is missing, empty or cannot be read. To
 * be wiped as soon as the request is sent. */
void route_registry_auth_header(struct exchange *x, ProtobufCBinaryData *out);
/* Credentials as JSON from a request's body. */
int route_registry_auth_body(struct exchange *x, ProtobufCBinaryData *out,
                             struct error *err) MUST_CHECK;
void route_registry_auth_wipe(ProtobufCBinaryData *auth);

/* route_request.c: the JSON body of a request. NULL: answered already. */
json_t *route_request_json(struct exchange *x);
/* The window size of a resize: query parameters h and w. -1: they are bad and x is answered. */
int route_request_window(struct exchange *x, uint32_t *height, uint32_t *width) MUST_CHECK;

#endif
