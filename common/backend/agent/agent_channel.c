/* SPDX-License-Identifier: Apache-2.0
 * The way to an agent; see agent_channel.h. The only place that handles both directions. */
#include "backend/agent/agent_channel.h"

#include "backend/state/backend_internal.h"
#include "backend/agent/reverse_agents.h"

#include <stdio.h>

enum { DIAL_TIMEOUT_MS = 3000 };

bool agent_channel_reachable(const struct container *c)
{
    return c->backend->reverse || c->address[0];
}

int agent_channel_open(struct container *c, const struct channel_events *events, void *owner,
                       struct channel **out, struct error *err)
{
    if (c->backend->reverse)
        return reverse_agents_call(c->backend->reverse, c, events, owner, out, err);
    char url[128];
    struct channel_options options = {
        .bearer_token = c->agent_token,
        .connect_timeout_ms = DIAL_TIMEOUT_MS,
    };
    snprintf(url, sizeof url, "ws://%s:%d/", c->address, (int)c->backend->config->agent_port);
    return channel_dial(c->backend->loop, url, &options, events, owner, out, err);
}

int agent_channel_unreachable(const struct container *c, enum error_code code, struct error *err)
{
    const struct backend_config *config = c->backend->config;
    if (c->backend->reverse)
        return reverse_agents_no_call(c->backend->reverse, c, code, err);
    return error_set(err, code,
                     "the agent of container %s at %s port %d does not answer: check that the "
                     "containers' security group or firewall lets the backend connect to port %d, "
                     "or set SOCKERLESS_CALLBACK_URL so that the agents connect to the backend",
                     c->id, c->address, (int)config->agent_port, (int)config->agent_port);
}
