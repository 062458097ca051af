/* SPDX-License-Identifier: Apache-2.0
 *
 * Attachers: each is a pair of channels, the client's and one with the agent, and a relay between
 * them. Attachers that come before the container runs are parked on it.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_ATTACH_H
#define SOCKERLESS_BACKEND_SESSION_ATTACH_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct container;

/* Connect every parked attacher, replaying from the first byte; returns when the agent has accepted
 * them all. -1 when the agent cannot be reached (dialling is retried until the deadline). */
int co_attach_sessions_connect(struct container *c, int64_t deadline_ms,
                               struct error *err) MUST_CHECK;

/* The run is over. Sessions with an agent end by themselves when their last byte is through. With
 * end_parked those that never met one are ended too; else they stay for the next run. */
void attach_sessions_run_over(struct container *c, bool end_parked);

#endif
