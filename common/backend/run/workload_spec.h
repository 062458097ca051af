/* SPDX-License-Identifier: Apache-2.0
 *
 * A container's next run as a struct workload_spec: argv for the agent, environments.
 */
#ifndef SOCKERLESS_BACKEND_WORKLOAD_SPEC_H
#define SOCKERLESS_BACKEND_WORKLOAD_SPEC_H

#include "backend/state/container.h"
#include "cloud/driver.h"
#include "base/arena.h"

/* Everything in `arena` or borrowed from c. */
struct workload_spec workload_spec_of(struct container *c, struct arena *arena);

/* Clients may send NUL characters in any text (base/utf8.h); what a process gets must have none. */
int workload_spec_check(const struct container *c, struct error *err) MUST_CHECK;

/* `tail -f /dev/null`, `sleep infinity` and their variants: what is wanted is a container that
 * stays alive, also where the image lacks the program. */
bool argv_is_keep_alive(char *const *argv, size_t argc);

#endif
