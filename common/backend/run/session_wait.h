/* SPDX-License-Identifier: Apache-2.0
 *
 * Callers of wait, parked on their container.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_WAIT_H
#define SOCKERLESS_BACKEND_SESSION_WAIT_H

#include "backend/state/run_listener.h"

/* Rows of the table of run listeners. Over: answers all but those who wait for the removal, or for
 * a start that did not fail. Gone: answers all with the last exit code. */
void session_wait_run_over(struct container *c, const struct run_end *end);
void session_wait_container_gone(struct container *c);

#endif
