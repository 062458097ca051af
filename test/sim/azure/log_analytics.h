/* SPDX-License-Identifier: Apache-2.0
 *
 * The Log Analytics workspace: console logs of containers come in, with a delay, and queries are
 * answered. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_AZURE_LOG_ANALYTICS_H
#define SOCKERLESS_SIM_AZURE_LOG_ANALYTICS_H

#include "test/sim/azure/azure.h"
#include "test/sim/azure/log_table.h"
#include "test/sim/host/event_log.h"

struct log_analytics;
struct log_analytics *log_analytics_new(struct azure *azure, const char *environment);
void log_analytics_free(struct log_analytics *l);
/* A batch: its lines have one delay. */
void log_analytics_write(struct log_analytics *l, const struct log_source *source, bool is_stderr,
                         const struct log_event *lines, size_t count);
size_t log_analytics_count(struct log_analytics *l); /* lines */
/* Route handler for /v1/workspaces/…; ctx is the struct azure. */
void log_analytics_request(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
