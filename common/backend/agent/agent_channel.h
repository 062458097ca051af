/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel to a container's agent, in both directions: forward, the backend dials c->address;
 * reverse (SOCKERLESS_CALLBACK_URL), the agent is asked for a connection on its line.
 */
#ifndef SOCKERLESS_BACKEND_AGENT_CHANNEL_H
#define SOCKERLESS_BACKEND_AGENT_CHANNEL_H

#include "backend/state/container.h"
#include "base/error.h"
#include "ipc/channel.h"

#include <stdbool.h>

/* Is there any way to it yet? */
bool agent_channel_reachable(const struct container *c);
/* As channel_dial(): frames sent meanwhile are queued, failure arrives as closed(why). */
int agent_channel_open(struct container *c, const struct channel_events *events, void *owner,
                       struct channel **out, struct error *err) MUST_CHECK;
/* Which agent does not answer where, and what to check, with this code. Returns -1. */
int agent_channel_unreachable(const struct container *c, enum error_code code, struct error *err);

#endif
