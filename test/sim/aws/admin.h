/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin endpoint for tests: what is alive, tuning, faults. Unsigned, loopback.
 */
#ifndef SOCKERLESS_SIM_AWS_ADMIN_H
#define SOCKERLESS_SIM_AWS_ADMIN_H

#include "test/sim/http/server.h"

/* Route handlers; ctx is the struct aws. */
void admin_resources(void *ctx, const struct http_request *request, struct http_reply *reply);
void admin_config(void *ctx, const struct http_request *request, struct http_reply *reply);
void admin_logs_duplicate(void *ctx, const struct http_request *request, struct http_reply *reply);
void admin_logs_late(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
