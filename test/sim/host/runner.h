/* SPDX-License-Identifier: Apache-2.0
 *
 * What the threads that run tasks share, whatever the cloud calls a task.
 */
#ifndef SOCKERLESS_SIM_HOST_RUNNER_H
#define SOCKERLESS_SIM_HOST_RUNNER_H

#include "base/str.h"
#include "test/sim/host/image.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* For pthread_cond_timedwait on a condition with the monotonic clock. */
struct timespec runner_deadline(long ms);
/* Waits on the condition, with the lock, for ms or until *closing, however often it is told. */
void runner_delay(pthread_cond_t *cond, pthread_mutex_t *lock, long ms, const atomic_bool *closing);
/* A thread with a small stack; errno's value when there is none. */
int runner_thread(pthread_t *thread, void *(*main)(void *), void *arg);
/* What the image runs: entry_point replaces its own and drops its Cmd, command replaces its Cmd.
 * Arrays of strings; empty ones count as absent. (ECS's entryPoint and command are Kubernetes'
 * command and args.) */
void runner_command_line(const struct image *image, const json_t *entry_point,
                         const json_t *command, struct strv *argv);
/* The image's environment. */
void runner_image_variables(const struct image *image, struct strv *env);
/* [{"name": …, "value": …}, …] */
void runner_set_variables(struct strv *env, const json_t *list);
/* Sets NAME=value, replacing what the name had. */
void runner_set_variable(struct strv *env, const char *name, const char *value);

#endif
