/* SPDX-License-Identifier: Apache-2.0
 *
 * ECR's registry endpoint (ACCOUNT.dkr.ecr.REGION.amazonaws.com): Basic authorization with tokens
 * that expire, repositories that must have been created, layers by redirect to signed URLs that
 * refuse an Authorization header as S3 does, no cross-repository mounts. What is pushed lies in an
 * ordinary registry behind it, which is also where the tasks pull it from.
 */
#ifndef SOCKERLESS_SIM_AWS_ECR_REGISTRY_H
#define SOCKERLESS_SIM_AWS_ECR_REGISTRY_H

#include "test/sim/http/server.h"

#include <stdbool.h>
#include <stdint.h>

enum { ECR_REPOSITORIES_MAX = 1000 };

struct ecr_registry;

/* upstream: "http://127.0.0.1:5000"; NULL: tokens are issued, images are nowhere. */
struct ecr_registry *ecr_registry_new(const char *upstream, const char *account,
                                      const char *region);
void ecr_registry_free(struct ecr_registry *r);

/* "AWS:<password>" that is good until expires_ms; heap. */
char *ecr_registry_issue(struct ecr_registry *r, int64_t expires_ms);
/* False when it exists already, or there are too many. */
bool ecr_registry_create(struct ecr_registry *r, const char *repository);

/* Route handlers; ctx is the struct ecr_registry. */
void ecr_registry_request(void *ctx, const struct http_request *request, struct http_reply *reply);
void ecr_registry_layer(void *ctx, const struct http_request *request, struct http_reply *reply);
/* GET: counters; POST {"create": NAME} or {"expireTokens": true}. */
void ecr_registry_admin(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
