/* SPDX-License-Identifier: Apache-2.0
 *
 * The endpoints that hand out temporary credentials: EC2's instance metadata (version 2 only) and
 * the container credential endpoint.
 */
#ifndef SOCKERLESS_SIM_AWS_METADATA_H
#define SOCKERLESS_SIM_AWS_METADATA_H

#include "test/sim/http/server.h"

/* Route handlers; ctx is the struct aws. */
void metadata_instance(void *ctx, const struct http_request *request, struct http_reply *reply);
void metadata_container(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
