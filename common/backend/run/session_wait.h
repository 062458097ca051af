/* SPDX-License-Identifier: Apache-2.0
 *
 * Callers of wait, parked on their container.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_WAIT_H
#define SOCKERLESS_BACKEND_SESSION_WAIT_H

struct container;

/* The run ended: answers all but those who wait for the removal. */
void wait_sessions_exit(struct container *c);
/* The container is gone: answers everybody with the last exit code. */
void wait_sessions_removed(struct container *c);

#endif
