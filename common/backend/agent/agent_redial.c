/* SPDX-License-Identifier: Apache-2.0
 * Opening lost control sessions again; see agent_redial.h. */
#include "backend/agent/agent_redial.h"

#include "backend/agent/agent_channel.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

enum { PATIENCE_MS = 3600 * 1000 }; /* the watcher ends it earlier when the workload is gone */

struct redial {
    struct container *container; /* reference */
    const struct agent_link_events *events;
};

static void co_redial(void *arg)
{
    struct redial *r AUTO_FREE = arg;
    struct container *c AUTO(container) = r->container;
    struct error err;
    unsigned run = c->run_number;
    if (c->link || !agent_channel_reachable(c))
        return;
    if (co_agent_link_open(c, r->events, time_mono_ms() + PATIENCE_MS, &err)) {
        log_debug("agent not reachable again", LOG_STR("container", c->id),
                  LOG_STR("error", err.message));
        return;
    }
    if (c->run_number == run && agent_link_exit(c))
        r->events->exited(c);
}

void agent_redial_start(struct container *c, const struct agent_link_events *events)
{
    struct error err;
    if (c->link || c->backend->stopping)
        return;
    struct redial *r = NEW(struct redial);
    r->container = container_ref(c);
    r->events = events;
    if (co_spawn(c->backend->loop, co_redial, r, &err)) {
        log_warn("agent not redialled", LOG_STR("error", err.message));
        container_unref(c);
        free(r);
    }
}
