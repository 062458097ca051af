/* SPDX-License-Identifier: Apache-2.0
 *
 * Control sessions that were lost, by the agent's connection or by a restart of the backend, are
 * opened again in the background.
 */
#ifndef SOCKERLESS_BACKEND_AGENT_REDIAL_H
#define SOCKERLESS_BACKEND_AGENT_REDIAL_H

#include "backend/agent/agent_link.h"

/* Keeps trying while the container is alive and its run is the same. An exit that the agent has to
 * tell is reported as the link would. */
void agent_redial_start(struct container *c, const struct agent_link_events *events);

#endif
