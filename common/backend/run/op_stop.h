/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending a run, also for a forced removal.
 */
#ifndef SOCKERLESS_BACKEND_OP_STOP_H
#define SOCKERLESS_BACKEND_OP_STOP_H

#include "backend/state/container.h"

/* SIGKILL through the agent, else the cloud's stop; returns when the run is over. */
int co_op_stop_kill(struct container *c, struct error *err) MUST_CHECK;

#endif
