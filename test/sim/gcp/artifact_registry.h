/* SPDX-License-Identifier: Apache-2.0
 *
 * Artifact Registry's endpoint (REGION-docker.pkg.dev): a token service, access tokens as passwords
 * of the user oauth2accesstoken, repositories (PROJECT/REPOSITORY) that must have been created,
 * layers by redirect. What is pushed lies in an ordinary registry behind it, which is also where
 * the executions pull it from.
 */
#ifndef SOCKERLESS_SIM_GCP_ARTIFACT_REGISTRY_H
#define SOCKERLESS_SIM_GCP_ARTIFACT_REGISTRY_H

#include "test/sim/gcp/gcp.h"

enum { ARTIFACT_REPOSITORIES_MAX = 1000 };

struct artifact_registry;
/* upstream: "http://127.0.0.1:5000"; NULL: images are nowhere. */
struct artifact_registry *artifact_registry_new(struct gcp *gcp, const char *upstream);
void artifact_registry_free(struct artifact_registry *r);
/* As given to _new(). */
const char *artifact_registry_upstream(const struct artifact_registry *r);

/* repository: "PROJECT/REPOSITORY". add: false when there are too many; it must not be there yet.
 */
bool artifact_registry_has(struct artifact_registry *r, const char *repository);
bool artifact_registry_add(struct artifact_registry *r, const char *repository);
bool artifact_registry_remove(struct artifact_registry *r, const char *repository);
/* An array of their names; new reference. */
json_t *artifact_registry_list(struct artifact_registry *r);

/* Route handlers; ctx is the struct artifact_registry. */
void artifact_registry_request(void *ctx, const struct http_request *request,
                               struct http_reply *reply);
void artifact_registry_token(void *ctx, const struct http_request *request,
                             struct http_reply *reply);
void artifact_registry_layer(void *ctx, const struct http_request *request,
                             struct http_reply *reply);
/* GET: counters; POST {"create": "PROJECT/REPOSITORY"}. */
void artifact_registry_admin(void *ctx, const struct http_request *request,
                             struct http_reply *reply);

#endif
