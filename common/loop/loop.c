/* SPDX-License-Identifier: Apache-2.0
 * The event loop, and how other threads hand work to it; see loop.h. */
#include "loop/loop.h"

#include "loop/co_internal.h"
#include "loop/loop_watchdog.h"

/* Everything posted so far in one go: a task may post again without starving the loop. */
static void run_posted(uv_async_t *handle)
{
    struct loop *l = handle->data;
    uv_mutex_lock(&l->lock);
    struct loop_task *task = l->posted_first;
    l->posted_first = NULL;
    l->posted_last = &l->posted_first;
    uv_mutex_unlock(&l->lock);
    while (task) {
        struct loop_task *next = task->next; /* run() may free or repost the task */
        task->run(task);
        task = next;
    }
}

static void run_deferred(uv_prepare_t *handle)
{
    struct loop *l = handle->data;
    while (l->deferred_first) {
        struct loop_deferred *d = l->deferred_first;
        l->deferred_first = d->next;
        if (!l->deferred_first)
            l->deferred_last = &l->deferred_first;
        d->queued = false;
        d->run(d);
    }
    if (l->watchdog)
        loop_watchdog_turn(l->watchdog);
}

int loop_init(struct loop *l, struct error *err)
{
    *l = (struct loop){0};
    int rc = uv_loop_init(&l->uv);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "event loop: %s", uv_strerror(rc));
    l->uv.data = l;
    l->posted_last = &l->posted_first;
    rc = uv_mutex_init(&l->lock);
    if (rc == 0)
        rc = uv_async_init(&l->uv, &l->wakeup, run_posted);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "event loop: %s", uv_strerror(rc));
    l->wakeup.data = l;
    l->deferred_last = &l->deferred_first;
    uv_prepare_init(&l->uv, &l->turn_end);
    l->turn_end.data = l;
    uv_prepare_start(&l->turn_end, run_deferred);
    uv_unref((uv_handle_t *)&l->turn_end);
#ifdef SOCKERLESS_DEBUG
    l->watchdog = loop_watchdog_start(l);
#endif
    return 0;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

void loop_fini(struct loop *l)
{
    while (l->outside || l->posted_first || l->deferred_first)
        uv_run(&l->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&l->wakeup, NULL);
    uv_close((uv_handle_t *)&l->turn_end, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    loop_watchdog_stop(l->watchdog);
    co_scheduler_free(l->co);
    uv_mutex_destroy(&l->lock);
    uv_loop_close(&l->uv);
}

void loop_post(struct loop *l, struct loop_task *task)
{
    task->next = NULL;
    uv_mutex_lock(&l->lock);
    bool first = l->posted_first == NULL;
    *l->posted_last = task;
    l->posted_last = &task->next;
    uv_mutex_unlock(&l->lock);
    if (first)
        uv_async_send(&l->wakeup);
}

void loop_defer(struct loop *l, struct loop_deferred *d)
{
    if (d->queued)
        return;
    d->queued = true;
    d->next = NULL;
    *l->deferred_last = d;
    l->deferred_last = &d->next;
}
