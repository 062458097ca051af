/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulators' admin endpoints (/_sim/…) share: answers, and the list of faults.
 */
#ifndef SOCKERLESS_SIM_HTTP_ADMIN_REPLY_H
#define SOCKERLESS_SIM_HTTP_ADMIN_REPLY_H

#include "test/sim/http/server.h"

#include <jansson.h>

void admin_reply_json(struct http_reply *reply, int status, json_t *value); /* transferred */
void admin_reply_bad(struct http_reply *reply, const char *message);

/* What POST brings to /_sim/config: an object of settings, each given to set(), which says whether
 * it knows it. False: answered, the request was wrong. Other methods bring nothing. */
bool admin_take_settings(const struct http_request *request, struct http_reply *reply,
                         bool (*set)(void *tuning, const char *key, const json_t *value),
                         void *tuning);

/* Route handlers; ctx is the struct fault_list. */
void admin_faults_add(void *ctx, const struct http_request *request, struct http_reply *reply);
void admin_faults_clear(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
