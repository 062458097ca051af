/* SPDX-License-Identifier: Apache-2.0
 *
 * What the threads that run tasks share, whatever the cloud calls a task.
 */
#ifndef SOCKERLESS_SIM_HOST_RUNNER_H
#define SOCKERLESS_SIM_HOST_RUNNER_H

#include "base/str.h"

#include <jansson.h>
#include <pthread.h>
#include <time.h>

/* For pthread_cond_timedwait on a condition with the monotonic clock. */
struct timespec runner_deadline(long ms);
/* A thread with a small stack; errno's value when there is none. */
int runner_thread(pthread_t *thread, void *(*main)(void *), void *arg);
/* An array's strings after what is there. */
void runner_push_strings(struct strv *out, const json_t *array);
/* Sets NAME=value, replacing what the name had. */
void runner_set_variable(struct strv *env, const char *name, const char *value);

#endif
