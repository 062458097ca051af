/* SPDX-License-Identifier: Apache-2.0
 *
 * The ends of things: a run that is over, what it leaves in the cloud, a container that goes away.
 */
#ifndef SOCKERLESS_BACKEND_LIFECYCLE_H
#define SOCKERLESS_BACKEND_LIFECYCLE_H

#include "backend/state/container.h"

#include <stdbool.h>
#include <stdint.h>

/* How a run ended. */
struct run_end {
    int32_t code;
    const char *error;   /* State.Error; "" none */
    bool start_failed;   /* the process never ran: back to "created" unless it ran before */
    int64_t finished_ns; /* 0: now */
};

/* The current run is over: state, exit code and time are persisted, waiters answered, attachers
 * that never reached the agent ended, cloud objects cleaned up in the background, and with
 * AutoRemove the container removed. Harmless when the run is over already. */
void container_run_over(struct container *c, const struct run_end *end);

/* What follows a run's end, once it is stored: with AutoRemove the container is REMOVING at once,
 * so that nothing starts it again, and else its cloud objects go in the background. Done by
 * container_run_over; by itself for a run whose end was stored before a crash. */
void container_after_run(struct container *c);

/* What an agent reports, or else the cloud, as a run_end. */
void container_exit_reported(struct container *c); /* by the link's Exit */
void container_stop_observed(struct container *c, const struct workload_status *status);

/* Remove cloud objects of the current run; retries a few times. */
int co_container_cleanup(struct container *c, struct error *err) MUST_CHECK;
/* Out of cloud, store and table; state must be REMOVING. On failure the state is taken back. */
int co_container_destroy(struct container *c, struct error *err) MUST_CHECK;

#endif
