/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers that route_table.c refers to, one file per family of endpoints.
 */
#ifndef SOCKERLESS_FRONTEND_ROUTES_H
#define SOCKERLESS_FRONTEND_ROUTES_H

#include "base/str.h"
#include "frontend/http/exchange.h"

#include <jansson.h>
#include <stdint.h>

/* For a string field of a request about to be packed, which protobuf-c only reads. */
static inline char *text(const char *s)
{
    return (char *)(uintptr_t)str_or_empty(s);
}

/* route_system.c */
void system_ping(struct exchange *x);
void system_version(struct exchange *x);
void system_info(struct exchange *x);
void system_not_built(struct exchange *x); /* 501: Docker has it, Sockerless not yet */
void system_no_swarm(struct exchange *x);  /* 503 in dockerd's words */

/* route_containers.c */
void container_create(struct exchange *x);
void container_list(struct exchange *x);
void container_inspect(struct exchange *x);
void container_start(struct exchange *x);
void container_stop(struct exchange *x);
void container_kill(struct exchange *x);
void container_resize(struct exchange *x);
void container_remove(struct exchange *x);

/* route_streams.c */
void container_attach(struct exchange *x);
void container_logs(struct exchange *x);
void container_wait(struct exchange *x);

/* route_exec.c */
void exec_create(struct exchange *x);
void exec_start(struct exchange *x);
void exec_resize(struct exchange *x);
void exec_inspect(struct exchange *x);

/* route_images.c */
void image_list(struct exchange *x);
void image_inspect(struct exchange *x);
void image_history(struct exchange *x);
void image_tag(struct exchange *x);
void image_remove(struct exchange *x);
void image_prune(struct exchange *x);

/* route_image_streams.c */
void image_create(struct exchange *x); /* pull and import */
void image_load(struct exchange *x);
void image_push(struct exchange *x);
void image_save(struct exchange *x);

/* route_registry.c */
void distribution_inspect(struct exchange *x);
void registry_login(struct exchange *x);
/* The credentials of X-Registry-Auth as JSON; none when it is missing, empty or cannot be read. To
 * be wiped as soon as the request is sent. */
void registry_auth_header(struct exchange *x, ProtobufCBinaryData *out);
/* Credentials as JSON from a request's body. */
int registry_auth_body(struct exchange *x, ProtobufCBinaryData *out, struct error *err) MUST_CHECK;
void registry_auth_wipe(ProtobufCBinaryData *auth);

/* route_body.c: the JSON body of a request. NULL: answered already. */
json_t *route_body(struct exchange *x);

#endif
