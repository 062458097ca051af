/* SPDX-License-Identifier: Apache-2.0
 *
 * A few coroutines over many items; see parallel.h. Everything is on the starter's stack: it does
 * not return before its workers did.
 */
#include "loop/parallel.h"

#include "base/alloc.h"

#include <assert.h>

static void fail(struct parallel *p, const struct error *err)
{
    if (p->failed)
        return;
    p->failed = true;
    p->failure = *err;
    for (unsigned i = 0; i < PARALLEL_MAX; i++)
        if (p->workers[i] && p->workers[i] != co_current())
            co_cancel(p->workers[i]);
}

static unsigned seat_take(struct parallel *p)
{
    unsigned seat = 0;
    while (p->workers[seat])
        seat++;
    p->workers[seat] = co_current();
    return seat;
}

static void co_worker(void *arg)
{
    struct parallel *p = arg;
    struct error err;
    unsigned seat = seat_take(p);
    while (!p->failed && p->next < p->count)
        if (p->co_one(p->arg, p->next++, &err))
            fail(p, &err);
    p->workers[seat] = NULL;
    p->alive--;
    co_cond_broadcast(&p->ended);
}

void parallel_cancel(struct parallel *p)
{
    struct error err;
    error_set(&err, ERROR_CANCELLED, "the operation was cancelled");
    fail(p, &err);
}

int co_parallel(struct parallel *p, struct error *err)
{
    struct error why;
    assert(p->width <= PARALLEL_MAX);
    for (unsigned i = 0; i < p->width && i < p->count && !p->failed; i++) {
        p->alive++;
        if (co_spawn(p->loop, co_worker, p, &why)) {
            p->alive--;
            fail(p, &why);
        }
    }
    while (p->alive && !p->failed)
        if (co_cond_wait(&p->ended, INT64_MAX, &why)) /* each item has deadlines of its own */
            fail(p, &why);
    while (p->alive)
        co_cond_join(&p->ended);
    if (!p->failed)
        return 0;
    *err = p->failure;
    return -1;
}
