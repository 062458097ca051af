/* SPDX-License-Identifier: Apache-2.0
 *
 * A part of a test that runs as a coroutine; see co_task.h.
 */
#include "test/kit/co_task.h"

#include "base/alloc.h"
#include "loop/co.h"
#include "test/kit/test.h"

static void task_body(void *arg)
{
    struct task *t = arg;
    t->self = co_current();
    t->run(t);
    if (!t->left || --*t->left == 0)
        loop_stop(t->loop);
}

void task_start(struct task *t, struct loop *loop)
{
    struct error err;
    t->loop = loop;
    assert_int_equal(co_spawn(loop, task_body, t, &err), 0);
}

void task_check(const struct task *t)
{
    if (t->failed)
        fail_msg("line %d: %s", t->failed, t->why);
}

void task_crowd(struct loop *loop, struct rig *f, int count, void (*run)(struct task *t))
{
    struct task *tasks AUTO_FREE = xcalloc((size_t)count, sizeof *tasks);
    int left = count;
    for (int i = 0; i < count; i++) {
        tasks[i] = (struct task){.f = f, .run = run, .left = &left};
        task_start(&tasks[i], loop);
    }
    loop_run(loop);
    for (int i = 0; i < count; i++)
        task_check(&tasks[i]);
}

void task_run(struct loop *loop, struct rig *f, void (*run)(struct task *t))
{
    struct task t = {.f = f, .run = run};
    task_start(&t, loop);
    loop_run(loop);
    task_check(&t);
}
