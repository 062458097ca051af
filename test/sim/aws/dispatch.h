/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door of the simulated AWS: finds the operation, checks the signature, applies faults
 * and rates, runs it, writes the answer in the service's protocol, keeps the journal.
 */
#ifndef SOCKERLESS_SIM_AWS_DISPATCH_H
#define SOCKERLESS_SIM_AWS_DISPATCH_H

#include "test/sim/aws/aws.h"
#include "test/sim/http/server.h"

/* An http_route handler; ctx is the struct aws. */
void dispatch_request(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
