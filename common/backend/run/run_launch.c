/* SPDX-License-Identifier: Apache-2.0
 * Launching a run; see run_launch.h. */
#include "backend/run/run_launch.h"

#include "backend/run/lifecycle.h"
#include "backend/run/preparation.h"
#include "backend/run/workload_spec.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/timefmt.h"

struct launch {
    struct container *container; /* reference */
    struct arena arena;          /* what the specification needs */
    struct workload_spec spec;
    struct workload made;
    int rc;
    struct error err; /* when rc is -1 */
    bool done;        /* both are set; the start frees it */
    bool abandoned;   /* the start has ended; it frees itself */
};

int run_launch_stopped(const struct container *c, struct error *err)
{
    return error_set(err, ERROR_CONFLICT, "container %s was stopped while it started", c->id);
}

/* The container may begin its next run, or be renamed, while a call for this one hangs. */
static struct launch *launch_new(struct container *c)
{
    struct launch *l = NEW(struct launch);
    arena_init(&l->arena);
    l->container = container_ref(c);
    l->made = c->current;
    l->spec = workload_spec_of(c, &l->arena);
    l->spec.container_name = arena_strdup(&l->arena, l->spec.container_name);
    l->spec.run_token = arena_strdup(&l->arena, l->spec.run_token);
    l->spec.image = arena_strdup(&l->arena, l->spec.image);
    return l;
}

static void launch_free(struct launch *l)
{
    container_unref(l->container);
    arena_fini(&l->arena);
    free(l);
}

static int launch_store(struct launch *l, struct error *err)
{
    if (l->abandoned)
        return run_launch_stopped(l->container, err);
    l->container->current = l->made;
    return container_save(l->container, err);
}

static int co_make_definition(struct launch *l, struct error *err)
{
    struct cloud_driver *driver = l->container->backend->driver;
    if (driver->workload->co_prepare(driver->self, &l->spec, &l->made, err))
        return error_wrap(err, "%s", driver->name);
    l->spec.never_run = true;
    return launch_store(l, err); /* after a crash from here on it is known what to remove */
}

static int co_make_run(struct launch *l, struct error *err)
{
    struct cloud_driver *driver = l->container->backend->driver;
    l->container->run_started_at = time_now_ns();
    if (driver->workload->co_run(driver->self, &l->spec, &l->made, err))
        return error_wrap(err, "%s", driver->name);
    return 0;
}

static int co_make(struct launch *l, struct error *err)
{
    if (co_preparation_image(l->container, &l->spec, &l->arena, err))
        return -1;
    if (l->abandoned)
        return run_launch_stopped(l->container, err);
    if ((!l->made.definition[0] && co_make_definition(l, err)) ||
        (!l->made.resource[0] && co_make_run(l, err)))
        return -1;
    return launch_store(l, err);
}

static void co_launch(void *arg)
{
    struct launch *l = arg;
    l->rc = co_make(l, &l->err);
    l->done = true;
    if (!l->abandoned) {
        if (l->rc) /* what a failed call has made all the same is removed with the run */
            l->container->current = l->made;
        co_cond_broadcast(&l->container->changed);
        return;
    }
    if (!co_cancelled()) /* else the daemon ends: the next process goes on */
        co_lifecycle_discard(l->container, &l->made);
    launch_free(l);
}

static int launch_result(struct launch *l, struct error *err)
{
    int rc = l->rc;
    if (rc)
        *err = l->err;
    launch_free(l);
    return rc;
}

int co_run_launch(struct container *c, struct error *err)
{
    int rc = 0;
    struct launch *l = launch_new(c);
    if (co_spawn(c->backend->loop, co_launch, l, err)) {
        launch_free(l);
        return -1;
    }
    while (rc == 0 && !l->done && !c->stop_requested)
        rc = co_cond_wait(&c->changed, INT64_MAX, err); /* the driver's calls have deadlines */
    if (l->done)
        return launch_result(l, err);
    l->abandoned = true;
    return rc ? rc : run_launch_stopped(c, err);
}
