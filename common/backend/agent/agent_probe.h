/* SPDX-License-Identifier: Apache-2.0
 *
 * A probe finds out when a container's agent takes connections, where the backend dials: it
 * connects to c->address and closes again, often, since a refused connection costs next to nothing.
 * A start has one from the moment the address is known, which may be long before the container
 * runs.
 */
#ifndef SOCKERLESS_BACKEND_AGENT_PROBE_H
#define SOCKERLESS_BACKEND_AGENT_PROBE_H

#include "backend/state/container.h"

#include <stdbool.h>

struct agent_probe;

/* Starts at once, and goes on until the port takes a connection: c->changed is broadcast then. The
 * container must live until the probe is freed. */
struct agent_probe *agent_probe_new(struct container *c);
void agent_probe_free(struct agent_probe *p); /* NULL is fine */

/* The port took a connection; also where the address is not a number, which only a dial resolves.
 */
bool agent_probe_answered(const struct agent_probe *p);

#endif
