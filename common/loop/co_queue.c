/* SPDX-License-Identifier: Apache-2.0
 * Background work for a bounded number of coroutines; see co_queue.h. */
#include "loop/co_queue.h"

#include "base/alloc.h"
#include "loop/co.h"

struct co_queue_work {
    struct co_queue_work *next;
    void (*fn)(void *arg);
    void *arg;
};

static struct co_queue_work *take(struct co_queue *q)
{
    struct co_queue_work *work = q->first;
    if (!work)
        return NULL;
    q->first = work->next;
    if (!q->first)
        q->last = NULL;
    return work;
}

static void co_work(void *arg)
{
    struct co_queue *q = arg;
    struct co_queue_work *next;
    while ((next = take(q))) {
        struct co_queue_work work = *next;
        free(next);
        work.fn(work.arg);
    }
    q->workers--;
}

int co_queue_add(struct co_queue *q, struct loop *l, void (*fn)(void *arg), void *arg,
                 struct error *err)
{
    struct co_queue_work *work = NEW(struct co_queue_work);
    work->fn = fn;
    work->arg = arg;
    if (q->last)
        q->last->next = work;
    else
        q->first = work;
    q->last = work;
    if (q->workers == CO_QUEUE_WORKERS)
        return 0;
    q->workers++;
    if (co_spawn(l, co_work, q, err) == 0)
        return 0;
    q->workers--;
    if (q->workers)
        return 0;  /* the workers will come to it */
    free(take(q)); /* there was no worker: it is the only one */
    return -1;
}
