/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends of runs that the store has not taken, because its disk is full, say. An end becomes visible
 * when it is stored, as every change of a container does: what a client has seen must still be true
 * after a crash. Until then the container stays as it is stored, waiters wait, and the agent keeps
 * its report, since it is not acknowledged; if this process ends, the agent reports to the next one
 * again.
 */
#ifndef SOCKERLESS_BACKEND_UNSAVED_END_H
#define SOCKERLESS_BACKEND_UNSAVED_END_H

#include "backend/state/container.h"
#include "backend/state/run_listener.h"

/* Stores the end and does what follows. -1: not stored, nothing has changed. */
typedef int (*unsaved_end_store)(struct container *c, const struct run_end *end, struct error *err);

/* Keeps a copy of the end and calls `store` again, after pauses that grow, until it succeeds; for
 * all containers one after the other in one coroutine. One end a container: harmless when there is
 * one already. */
void unsaved_end_keep(struct container *c, const struct run_end *end, unsaved_end_store store);
/* Once more now, for a client that asks for the end. -1 and why: it is still not stored. */
int unsaved_end_try(struct container *c, struct error *err) MUST_CHECK;

#endif
