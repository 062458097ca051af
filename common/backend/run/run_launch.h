/* SPDX-License-Identifier: Apache-2.0
 *
 * Launching a run in the cloud: its image, the driver's co_prepare and co_run. Every result is
 * stored before the next step. The calls are made in a coroutine of their own, so that a stop ends
 * the start at once also while the cloud does not answer; what such a call has made after all is
 * removed when it returns. What a crash leaves then belongs to no run, and the next start of the
 * backend ends it.
 */
#ifndef SOCKERLESS_BACKEND_RUN_LAUNCH_H
#define SOCKERLESS_BACKEND_RUN_LAUNCH_H

#include "backend/state/container.h"
#include "base/error.h"

/* 0: c->current names the run, and is stored. ERROR_CONFLICT: it was stopped meanwhile. */
int co_run_launch(struct container *c, struct error *err) MUST_CHECK;

/* The error of a start that was stopped; -1. */
int run_launch_stopped(const struct container *c, struct error *err);

#endif
