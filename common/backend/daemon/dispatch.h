/* SPDX-License-Identifier: Apache-2.0
 *
 * What the RPC server calls: one function for requests, one for sessions; owner is the struct
 * backend.
 */
#ifndef SOCKERLESS_BACKEND_DISPATCH_H
#define SOCKERLESS_BACKEND_DISPATCH_H

#include "backend/state/backend_internal.h"

void dispatch_request(void *owner, struct rpc_call *call, const Sockerless__Request *request);
void dispatch_session(void *owner, struct channel *channel, const Sockerless__StreamOpen *open);

#endif
