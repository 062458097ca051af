/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door of the simulated Azure Resource Manager: checks token, API version, subscription
 * and resource group, finds the method by path, applies faults and request rates, runs it, writes
 * the answer, keeps the journal.
 */
#ifndef SOCKERLESS_SIM_AZURE_DISPATCH_H
#define SOCKERLESS_SIM_AZURE_DISPATCH_H

#include "test/sim/azure/azure.h"

/* An http_route handler; ctx is the struct azure. */
void dispatch_request(void *ctx, const struct http_request *request, struct http_reply *reply);

/* Does the path fit the pattern, in any case? A star stands for one component; what the stars stood
 * for is decoded into part. */
bool dispatch_path_match(const char *pattern, const char *path,
                         char part[AZURE_PATH_PARTS][AZURE_PART_MAX]);

#endif
