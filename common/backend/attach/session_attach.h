/* SPDX-License-Identifier: Apache-2.0
 *
 * Attachers: each is a pair of channels, the client's and one with the agent, and a relay between
 * them. Attachers that come before the container runs are parked on it.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_ATTACH_H
#define SOCKERLESS_BACKEND_SESSION_ATTACH_H

#include "backend/state/run_listener.h"
#include "base/error.h"

#include <stdint.h>

/* Connect every parked attacher, replaying from the first byte; returns when the agent has accepted
 * them all. -1 when the agent cannot be reached (dialling is retried until the deadline). */
int co_session_attach_connect(struct container *c, int64_t deadline_ms,
                              struct error *err) MUST_CHECK;

/* Some session has the agent's answer, so the current run's agent is there. */
bool session_attach_any_met(const struct container *c);

/* Rows of the table of run listeners. Sessions with an agent end by themselves when their last byte
 * is through. Those that never met one stay for the next run, unless the start has failed or the
 * container is gone. */
void session_attach_run_over(struct container *c, const struct run_end *end);
void session_attach_container_gone(struct container *c);

#endif
