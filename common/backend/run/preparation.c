/* SPDX-License-Identifier: Apache-2.0
 * What is made before a run; see preparation.h. */
#include "backend/run/preparation.h"

#include "backend/inject/image_copy.h"
#include "backend/inject/image_inject.h"
#include "backend/run/workload_spec.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

#include <string.h>

/* ---- the image ---- */

static bool is_root(const char *user)
{
    static const char *const names[] = {"", "0", "root", "0:0", "root:root"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(user, names[i]) == 0)
            return true;
    return false;
}

/* Where nothing but the image says who runs, an agent that has to change its user must be in
 * an image that says root. */
static bool wants_another_user(const struct container *c)
{
    struct error ignored;
    const Sockerless__ImageRecord *rec =
        c->backend->driver->caps.agent == AGENT_AS_LAYER_IF_NEEDED &&
                image_agent_possible(c->backend)
            ? image_store_find(c->backend->images, c->view->image_id, &ignored)
            : NULL;
    const char *user = rec ? str_or_empty(rec->image->config->user) : "";
    return !is_root(user) && strcmp(user, str_or_empty(c->view->config->user)) != 0;
}

static bool agent_goes_into_image(const struct container *c)
{
    return c->backend->driver->caps.agent == AGENT_AS_LAYER ||
           image_needs_agent(c->backend, c->view->image_id) || wants_another_user(c);
}

/* What the cloud cannot pull from where it is, it pulls from a copy. */
static int co_image_for_cloud(struct container *c, struct workload_spec *spec, struct arena *arena,
                              struct error *err)
{
    struct backend *b = c->backend;
    struct error unknown; /* not in the store any more: the cloud finds it or not */
    char *image;
    const Sockerless__ImageRecord *rec = image_store_find(b->images, c->view->image_id, &unknown);
    const char *why = rec ? image_copy_reason(b, rec, spec->image) : NULL;
    if (!why)
        return 0;
    if (co_image_copy(b, rec, why, NULL, 0, arena, &image, err))
        return -1;
    spec->image = image;
    return 0;
}

int co_preparation_image(struct container *c, struct workload_spec *spec, struct arena *arena,
                         struct error *err)
{
    char *image;
    if (c->current.definition[0] && c->current.resource[0])
        return 0;
    if (!agent_goes_into_image(c))
        return co_image_for_cloud(c, spec, arena, err);
    const Sockerless__ImageRecord *rec =
        image_store_find(c->backend->images, c->view->image_id, err);
    if (!rec || co_image_with_agent(c->backend, rec, arena, &image, err))
        return -1;
    spec->image = image;
    spec->agent_in_image = true;
    return 0;
}

/* ---- behind a create ---- */

/* What came of it is kept also after a failure: it has to be removed. */
static int co_make_owned(struct container *c, struct error *err)
{
    const struct cloud_driver *driver = c->backend->driver;
    struct workload w = {0};
    struct error unsaved;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    struct workload_spec spec = workload_spec_of(c, &arena);
    if (workload_spec_check(c, err) || co_preparation_image(c, &spec, &arena, err))
        return -1;
    int rc = driver->workload->co_prepare(driver->self, &spec, &w, err);
    memcpy(c->current.owned, w.owned, sizeof w.owned);
    if (container_save(c, &unsaved) == 0)
        return rc;
    if (rc == 0)
        *err = unsaved;
    return -1;
}

static void co_prepare(void *arg)
{
    struct container *c AUTO(container) = arg;
    struct error err;
    bool wanted = !co_cancelled() && c->view->state == SOCKERLESS__CONTAINER_STATE__CREATED;
    if (wanted && co_make_owned(c, &err)) {
        log_warn("not prepared, its next start will try again", LOG_STR("container", c->id),
                 LOG_STR("error", err.message));
        error_wrap(&err, "%s", c->backend->driver->name);
        c->unprepared = err;
    }
    c->preparing = false;
    co_cond_broadcast(&c->changed);
}

void preparation_begin(struct container *c)
{
    struct backend *b = c->backend;
    struct error err;
    if (b->driver->caps.prepare == PREPARE_AT_START)
        return;
    c->preparing = true;
    if (co_queue_add(&b->preparing, b->loop, co_prepare, container_ref(c), &err) == 0)
        return;
    log_warn("not prepared, its start will", LOG_STR("container", c->id),
             LOG_STR("error", err.message));
    c->preparing = false;
    container_unref(c);
}

int co_preparation_await(struct container *c, int64_t deadline_ms, struct error *err)
{
    while (c->preparing)
        if (co_cond_wait(&c->changed, deadline_ms, err))
            return -1;
    return 0;
}
