/* SPDX-License-Identifier: Apache-2.0
 * Preparing an image in the cloud; see image_prepare.h. */
#include "backend/inject/image_prepare.h"

#include "backend/inject/image_inject.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"

#include <string.h>

enum { PREPARING_MAX = 64 }; /* pulls of many tags: the rest is made by its first container */

struct image_preparation {
    struct backend *backend;
    char *image_id;
};

/* A container of it that has no limits of its own. */
static int co_make(struct backend *b, const char *image_id, struct error *err)
{
    const struct cloud_driver *driver = b->driver;
    AUTO(arena) struct arena arena;
    struct workload w = {0};
    char *image;
    arena_init(&arena);
    const Sockerless__ImageRecord *rec = image_store_find(b->images, image_id, err);
    if (!rec || co_image_with_agent(b, rec, &arena, &image, err))
        return -1;
    const struct workload_spec spec = {.container_id = "",
                                       .container_name = "",
                                       .instance = b->instance,
                                       .run_token = "",
                                       .image = image,
                                       .agent_in_image = true};
    return driver->workload->co_prepare(driver->self, &spec, &w, err);
}

static void co_prepare(void *arg)
{
    struct image_preparation *p AUTO_FREE = arg;
    AUTO_FREE char *image_id = p->image_id;
    struct error err;
    if (!co_cancelled() && co_make(p->backend, image_id, &err))
        log_warn("an image is not prepared, its first container will try again",
                 LOG_STR("image", image_id), LOG_STR("error", err.message));
    p->backend->images_preparing--;
}

void image_prepare_begin(struct backend *b, const char *image_id)
{
    struct error err;
    if (b->driver->caps.prepare != PREPARE_AT_PULL || b->images_preparing >= PREPARING_MAX)
        return;
    struct image_preparation *p = NEW(struct image_preparation);
    *p = (struct image_preparation){b, xstrdup(image_id)};
    b->images_preparing++;
    if (co_queue_add(&b->preparing, b->loop, co_prepare, p, &err) == 0)
        return;
    log_warn("an image is not prepared, its first container will be", LOG_STR("image", image_id),
             LOG_STR("error", err.message));
    b->images_preparing--;
    free(p->image_id);
    free(p);
}
