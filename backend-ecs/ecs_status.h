/* SPDX-License-Identifier: Apache-2.0
 *
 * From ECS's description of a task to what the core needs. Pure.
 */
#ifndef SOCKERLESS_ECS_STATUS_H
#define SOCKERLESS_ECS_STATUS_H

#include "cloud/driver.h"

#include <jansson.h>

/* task: one of DescribeTasks' tasks[]. Missing or odd members leave their field empty. */
void ecs_status_read(const json_t *task, struct workload_status *out);
/* The value of a tag of tasks[].tags; NULL when absent. Borrowed. */
const char *ecs_task_tag(const json_t *task, const char *key);

#endif
