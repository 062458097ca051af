/* SPDX-License-Identifier: Apache-2.0
 *
 * A part of a test that runs as a coroutine. A failed check must not jump off the coroutine's
 * stack: EXPECT() notes the first one, and task_run() fails with it when the coroutine is over.
 */
#ifndef SOCKERLESS_TEST_KIT_CO_TASK_H
#define SOCKERLESS_TEST_KIT_CO_TASK_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdio.h>
#include <string.h>

struct co;
struct rig; /* what the program's tests share: its own type */

struct task {
    struct rig *f;
    struct loop *loop;
    void (*run)(struct task *t);
    int *left;  /* tasks still running; the last one stops the loop. NULL: this is the only one */
    int failed; /* line of the first failed check */
    char why[1400];
    struct error err;
    struct co *self;
};

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition) && !t->failed) {                                                          \
            t->failed = __LINE__;                                                                  \
            snprintf(t->why, sizeof t->why, "%s: %s", #condition, t->err.message);                 \
        }                                                                                          \
    } while (0)
#define EXPECT_ERROR(call, expected_code, words)                                                   \
    do {                                                                                           \
        t->err = (struct error){0};                                                                \
        EXPECT((call) == -1 && t->err.code == (expected_code) && strstr(t->err.message, words));   \
    } while (0)

/* Starts a coroutine; its task is zero but for f, run and left. */
void task_start(struct task *t, struct loop *loop);
/* Fails if the task did. */
void task_check(const struct task *t);
/* So many tasks at once, until the last one is over. */
void task_crowd(struct loop *loop, struct rig *f, int count, void (*run)(struct task *t));
/* A task from its begin to its end. */
void task_run(struct loop *loop, struct rig *f, void (*run)(struct task *t));

#endif
