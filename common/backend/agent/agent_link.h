/* SPDX-License-Identifier: Apache-2.0
 *
 * The control session with a container's agent: says that the process runs and how it ended,
 * carries signals, resizes and log marks. One per running container.
 */
#ifndef SOCKERLESS_BACKEND_AGENT_LINK_H
#define SOCKERLESS_BACKEND_AGENT_LINK_H

#include "backend/state/container.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What a link reports once co_agent_link_open() has returned; before, its caller looks. */
struct agent_link_events {
    /* The agent told how the process ended: agent_link_exit(). */
    void (*exited)(struct container *c);
    /* The session of a live container is gone without that. The link is NULL already. */
    void (*lost)(struct container *c);
};

/* Opens the session with the agent, which must be agent_channel_reachable(); retries until
 * deadline_ms (monotonic), since the agent may not be up yet. Returns 0 when the agent said that
 * the main process runs, or that it has ended or never started (agent_link_exit() then tells). */
int co_agent_link_open(struct container *c, const struct agent_link_events *events,
                       int64_t deadline_ms, struct error *err) MUST_CHECK;
/* One attempt of that, until the deadline; the container has no link. */
int co_agent_link_try(struct container *c, const struct agent_link_events *events,
                      int64_t deadline_ms, struct error *err) MUST_CHECK;
/* False: there is another run by now, or none. Its session is not ours to touch. */
bool agent_link_wanted(const struct container *c, unsigned run);
/* Ends the session without a word; the container's link becomes NULL. */
void agent_link_drop(struct container *c);

bool agent_link_ready(const struct container *c); /* process runs, session is open */
/* The Exit that ended the process; NULL while it runs. Borrowed. */
const Sockerless__Exit *agent_link_exit(const struct container *c);
/* Tell the agent that its exit report is safe; it may end. Drops the link when that was sent. */
void agent_link_acknowledge(struct container *c);

/* false when there is no ready link. */
bool agent_link_signal(struct container *c, int number);
bool agent_link_resize(struct container *c, uint32_t height, uint32_t width);
/* Writes a marker record into the container's log; 0 once the agent wrote it. */
int co_agent_link_mark(struct container *c, const char *mark, int64_t deadline_ms,
                       struct error *err) MUST_CHECK;

#endif
