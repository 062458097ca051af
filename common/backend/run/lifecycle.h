/* SPDX-License-Identifier: Apache-2.0
 *
 * The ends of things: a run that is over, what it leaves in the cloud, a container that goes away.
 */
#ifndef SOCKERLESS_BACKEND_LIFECYCLE_H
#define SOCKERLESS_BACKEND_LIFECYCLE_H

#include "backend/state/container.h"
#include "backend/state/run_listener.h"

/* The current run is over: state, exit code and time are persisted, the agent's report is
 * acknowledged, the run listeners are told, cloud objects cleaned up in the background, and with
 * AutoRemove the container removed. Harmless when the run is over already. When it cannot be
 * persisted none of this happens until it can; see unsaved_end.h. */
void lifecycle_run_over(struct container *c, const struct run_end *end);

/* What follows a run's end, once it is stored: with AutoRemove the container is REMOVING at once,
 * so that nothing starts it again, and else its cloud objects go in the background. Done by
 * lifecycle_run_over; by itself for a run whose end was stored before a crash. */
void lifecycle_after_run(struct container *c);

/* Remove cloud objects of the current run; retries a few times. */
int co_lifecycle_cleanup(struct container *c, struct error *err) MUST_CHECK;
/* Remove what a call made for a run that is over by now, if it made anything. */
void co_lifecycle_discard(struct container *c, const struct workload *w);
/* Out of cloud, store and table; state must be REMOVING, and the caller holds a reference. On
 * failure the state is taken back; where the store does not take that, the container stays REMOVING
 * with c->removal_failed, and this may be called again. */
int co_lifecycle_destroy(struct container *c, struct error *err) MUST_CHECK;

#endif
