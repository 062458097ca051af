/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door of the simulated Google APIs: finds the method by path, checks the access token,
 * applies faults and quotas, runs it, writes the answer, keeps the journal.
 */
#ifndef SOCKERLESS_SIM_GCP_DISPATCH_H
#define SOCKERLESS_SIM_GCP_DISPATCH_H

#include "test/sim/gcp/gcp.h"

/* An http_route handler; ctx is the struct gcp. */
void dispatch_request(void *ctx, const struct http_request *request, struct http_reply *reply);

/* Does the path fit the pattern? A star stands for one or more characters but '/' and ':'; what the
 * stars stood for is decoded into part. */
bool dispatch_path_match(const char *pattern, const char *path,
                         char part[GCP_PATH_PARTS][GCP_PART_MAX]);
/* "projects.locations.jobs.executions.get" → "executions.get": the name for faults and counters. */
const char *dispatch_short_name(const char *id);

#endif
