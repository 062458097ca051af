/* SPDX-License-Identifier: Apache-2.0
 *
 * rm: refuse or kill what runs, then out of the cloud, the store and the table.
 */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/run/lifecycle.h"
#include "backend/run/op_stop.h"
#include "base/alloc.h"
#include "base/timefmt.h"

enum { REMOVAL_PATIENCE_MS = 120 * 1000 };

/* --rm may be at it already: then this removal succeeds with it, as the name is gone at the end. */
static int co_wait_gone(struct container *c, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + REMOVAL_PATIENCE_MS;
    while (!c->removed && !c->removal_failed &&
           c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING)
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return -1;
    if (c->removed)
        return 0;
    return error_set(err, ERROR_CONFLICT, "removal of container %s failed; try again", c->id);
}

/* A start that waits for this run's end must not begin another one before the removal goes on. */
static int co_end_run(struct container *c, struct error *err)
{
    c->removals++;
    int rc = co_op_stop_kill(c, err);
    c->removals--;
    return rc;
}

static int co_remove(struct container *c, bool force, struct error *err)
{
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING) {
        if (c->removal_failed)
            return co_lifecycle_destroy(c, err);
        if (force)
            return co_wait_gone(c, err);
        return error_set(err, ERROR_CONFLICT, "removal of container %s is already in progress",
                         c->id);
    }
    if (container_alive(c)) {
        if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED && !force)
            return error_set(err, ERROR_CONFLICT,
                             "You cannot remove a paused container %s. Unpause and then stop the "
                             "container before attempting removal or force remove",
                             c->id);
        if (!force)
            return error_set(err, ERROR_CONFLICT,
                             "You cannot remove a running container %s. Stop the container before "
                             "attempting removal or force remove",
                             c->id);
        if (co_end_run(c, err))
            return -1;
        if (c->removed || c->view->state == SOCKERLESS__CONTAINER_STATE__REMOVING)
            return co_wait_gone(c, err); /* --rm was quicker */
    }
    if (container_set_state(c, SOCKERLESS__CONTAINER_STATE__REMOVING, err))
        return -1;
    return co_lifecycle_destroy(c, err);
}

void co_op_container_remove(struct op *op)
{
    const Sockerless__ContainerRemoveRequest *request = op->request->container_remove;
    struct error err;
    struct container *c AUTO(container) =
        container_find_recent(&op->backend->containers, request->ref, &err);
    if (!c) {
        op_fail(op, &err);
        return;
    }
    container_ref(c);
    if (request->link) { /* never the container; there are no links of other names here */
        error_set(&err, ERROR_SYSTEM,
                  "Conflict, cannot remove the default link name of the container");
        op_fail(op, &err);
        return;
    }
    int rc = c->removed ? error_set(&err, ERROR_NOT_FOUND, "No such container: %s", request->ref)
                        : co_remove(c, request->force, &err);
    if (c->removed) /* this client is told */
        container_recent_forget(&op->backend->containers, c);
    if (rc)
        op_fail(op, &err);
    else
        op_reply_empty(op);
}
