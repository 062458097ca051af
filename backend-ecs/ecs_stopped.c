/* SPDX-License-Identifier: Apache-2.0
 * Tasks that were seen stopped; see ecs_stopped.h. */
#include "ecs_stopped.h"

#include "base/alloc.h"

#include <string.h>
#include <uthash.h>

struct stopped_task {
    char *arn;
    UT_hash_handle hh;
};

bool ecs_stopped_has(const struct ecs_stopped *s, const char *task)
{
    struct stopped_task *t;
    HASH_FIND_STR(s->tasks, task, t);
    return t != NULL;
}

static void forget(struct ecs_stopped *s, struct stopped_task *t)
{
    HASH_DEL(s->tasks, t);
    free(t->arn);
    free(t);
}

void ecs_stopped_add(struct ecs_stopped *s, const char *task)
{
    if (ecs_stopped_has(s, task))
        return;
    if (HASH_COUNT(s->tasks) >= ECS_STOPPED_MAX)
        forget(s, s->tasks);
    struct stopped_task *t = NEW(struct stopped_task);
    t->arn = xstrdup(task);
    HASH_ADD_KEYPTR(hh, s->tasks, t->arn, strlen(t->arn), t);
}

void ecs_stopped_fini(struct ecs_stopped *s)
{
    while (s->tasks)
        forget(s, s->tasks);
}
