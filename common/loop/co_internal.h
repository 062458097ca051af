/* SPDX-License-Identifier: Apache-2.0
 *
 * What loop.c needs of co.c.
 */
#ifndef SOCKERLESS_LOOP_CO_INTERNAL_H
#define SOCKERLESS_LOOP_CO_INTERNAL_H

struct co_scheduler;

/* Releases the pooled stacks; no coroutine may be alive. NULL is fine. */
void co_scheduler_free(struct co_scheduler *s);

#endif
