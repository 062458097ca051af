/* SPDX-License-Identifier: Apache-2.0
 *
 * Tasks that were seen stopped, so that removing their containers costs no call. A bounded memory:
 * what it does not hold any more is merely stopped again.
 */
#ifndef SOCKERLESS_ECS_STOPPED_H
#define SOCKERLESS_ECS_STOPPED_H

#include <stdbool.h>

enum { ECS_STOPPED_MAX = 2048 };

struct stopped_task;
struct ecs_stopped {
    struct stopped_task *tasks; /* oldest first */
};

void ecs_stopped_add(struct ecs_stopped *s, const char *task);
bool ecs_stopped_has(const struct ecs_stopped *s, const char *task);
void ecs_stopped_fini(struct ecs_stopped *s);

#endif
