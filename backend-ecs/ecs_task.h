/* SPDX-License-Identifier: Apache-2.0
 *
 * Tasks: RunTask, DescribeTasks, StopTask, ListTasks. One call each; polling and undo are the
 * core's.
 */
#ifndef SOCKERLESS_ECS_TASK_H
#define SOCKERLESS_ECS_TASK_H

#include "aws_client.h"
#include "cloud/driver.h"
#include "ecs_config.h"

enum { ECS_DESCRIBE_MAX = 100 };

struct ecs_tasks {
    struct aws_client *client;
    const struct ecs_config *config;
};

/* Sets w->resource and w->log_ref. *definition_gone: the definition was deleted meanwhile, which
 * is worth another prepare. */
int co_ecs_task_run(const struct ecs_tasks *t, const struct workload_spec *spec, struct workload *w,
                    bool *definition_gone, struct error *err) MUST_CHECK;
int co_ecs_task_describe(const struct ecs_tasks *t, const struct workload *const *list,
                         size_t count, struct workload_status *out, struct error *err) MUST_CHECK;
int co_ecs_task_stop(const struct ecs_tasks *t, const char *task, const char *reason,
                     struct error *err) MUST_CHECK;
int co_ecs_task_list(const struct ecs_tasks *t, const char *instance, struct arena *arena,
                     struct workload_found **out, size_t *count, struct error *err) MUST_CHECK;

/* The first of RunTask's failures[] as an error. */
int ecs_task_failure(const json_t *reply, struct error *err);
/* Fill resource, definition and log_ref of a task. False when the ARN is missing or too long. */
bool ecs_task_workload(const struct ecs_config *config, const json_t *task, struct workload *out);

#endif
