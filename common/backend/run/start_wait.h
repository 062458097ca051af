/* SPDX-License-Identifier: Apache-2.0
 *
 * The wait of a start, from the moment the cloud has taken the run until its agent answers.
 */
#ifndef SOCKERLESS_BACKEND_START_WAIT_H
#define SOCKERLESS_BACKEND_START_WAIT_H

#include "backend/state/container.h"
#include "base/error.h"

/* Returns 0 when the agent has said that the process runs, or how it ended (agent_link_exit());
 * where workloads have no agent, when the cloud says that the run runs. What the cloud says
 * otherwise ends the wait only when it is a failure. Two times are limited: config->start_timeout_s
 * until the cloud says that it runs, config->agent_timeout_s from then on. stop_requested ends it
 * at once. */
int co_start_wait(struct container *c, struct error *err) MUST_CHECK;

#endif
