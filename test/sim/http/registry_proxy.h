/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clouds' simulated registries share: requests go on to an ordinary registry behind, and
 * refusals have the registry API's form. Who may, and which repositories there are, is the cloud's.
 */
#ifndef SOCKERLESS_SIM_HTTP_REGISTRY_PROXY_H
#define SOCKERLESS_SIM_HTTP_REGISTRY_PROXY_H

#include "test/sim/http/server.h"

#include <stdbool.h>

enum { REGISTRY_PROXY_BODY_MAX = 64 * 1024 * 1024 };

/* {"errors":[{"code","message"}]} */
void registry_proxy_refuse(struct http_reply *reply, int status, const char *code,
                           const char *message);
/* "/v2/team/app/blobs/…" → "team/app"; NULL when the path names no repository. Heap. */
char *registry_proxy_repository(const char *path);
bool registry_proxy_is_layer_get(const struct http_request *request);
/* upstream: "http://127.0.0.1:5000", NULL: answers 500. path and query: what to ask it for. */
void registry_proxy_forward(const char *upstream, const struct http_request *request,
                            const char *path, const char *query, struct http_reply *reply);
/* 307 to PREFIX + path on another host name than the registry's: what is meant for the registry
 * must not follow. query: proves that it came from here. */
void registry_proxy_redirect(const struct http_request *request, const char *prefix,
                             const char *query, struct http_reply *reply);

#endif
