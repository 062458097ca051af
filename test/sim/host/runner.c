/* SPDX-License-Identifier: Apache-2.0
 * Threads, deadlines, command lines; see runner.h. */
#include "test/sim/host/runner.h"

#include "base/alloc.h"
#include "test/sim/http/value.h"

#include <errno.h>
#include <string.h>

enum { RUNNER_STACK = 512 * 1024 };

struct timespec runner_deadline(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

void runner_delay(pthread_cond_t *cond, pthread_mutex_t *lock, long ms, const atomic_bool *closing)
{
    struct timespec until = runner_deadline(ms);
    while (ms > 0 && !*closing)
        if (pthread_cond_timedwait(cond, lock, &until) == ETIMEDOUT)
            return;
}

int runner_thread(pthread_t *thread, void *(*main)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, RUNNER_STACK);
    int rc = pthread_create(thread, &attr, main, arg);
    pthread_attr_destroy(&attr);
    return rc;
}

static void push_strings(struct strv *out, const json_t *array)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) strv_push(out, str_or_empty(json_string_value(item)));
}

static void push_all(struct strv *out, const struct strv *more)
{
    for (size_t i = 0; i < more->count; i++)
        strv_push(out, more->items[i]);
}

void runner_command_line(const struct image *image, const json_t *entry_point,
                         const json_t *command, struct strv *argv)
{
    if (json_array_size(entry_point))
        push_strings(argv, entry_point);
    else
        push_all(argv, &image->entrypoint);
    if (json_array_size(command))
        push_strings(argv, command);
    else if (json_array_size(entry_point) == 0)
        push_all(argv, &image->cmd);
}

void runner_image_variables(const struct image *image, struct strv *env)
{
    push_all(env, &image->env);
}

void runner_set_variables(struct strv *env, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
        runner_set_variable(env, value_string(item, "name"), value_string(item, "value"));
}

void runner_set_variable(struct strv *env, const char *name, const char *value)
{
    size_t len = strlen(name);
    char *text = xasprintf("%s=%s", name, value);
    for (size_t i = 0; i < env->count; i++)
        if (!strncmp(env->items[i], name, len) && env->items[i][len] == '=') {
            free(env->items[i]);
            env->items[i] = text;
            return;
        }
    strv_push_owned(env, text);
}
