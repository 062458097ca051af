/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin endpoint for tests: what is alive, tuning, tokens. (Faults: http/admin_reply.h.)
 */
#ifndef SOCKERLESS_SIM_AZURE_ADMIN_H
#define SOCKERLESS_SIM_AZURE_ADMIN_H

#include "test/sim/http/server.h"

/* Route handlers; ctx is the struct azure. */
void admin_resources(void *ctx, const struct http_request *request, struct http_reply *reply);
/* GET, POST {"log_delay_ms": 500, …}: see AZURE_TUNING. */
void admin_config(void *ctx, const struct http_request *request, struct http_reply *reply);
/* POST {"audience": …}: a new access token {"token"}; DELETE: all that were issued have expired. */
void admin_tokens(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
