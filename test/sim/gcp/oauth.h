/* SPDX-License-Identifier: Apache-2.0
 *
 * Where access tokens come from: the OAuth token endpoint, the security token service, the metadata
 * server. (generateAccessToken of the IAM credentials API is a method like others: iam_methods.)
 */
#ifndef SOCKERLESS_SIM_GCP_OAUTH_H
#define SOCKERLESS_SIM_GCP_OAUTH_H

#include "test/sim/http/server.h"

/* Route handlers; ctx is the struct gcp. */
void oauth_token(void *ctx, const struct http_request *request, struct http_reply *reply);
void oauth_exchange(void *ctx, const struct http_request *request, struct http_reply *reply);
void oauth_metadata(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
