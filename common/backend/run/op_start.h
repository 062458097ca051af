/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a container, also picked up again after the backend was restarted.
 */
#ifndef SOCKERLESS_BACKEND_OP_START_H
#define SOCKERLESS_BACKEND_OP_START_H

#include "backend/state/container.h"

/* Bring a container that is STARTING (its run prepared or not) to RUNNING, or undo. */
int co_op_start_run(struct container *c, struct error *err) MUST_CHECK;

#endif
