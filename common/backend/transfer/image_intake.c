/* SPDX-License-Identifier: Apache-2.0
 *
 * Intake of image archives, the part on the loop: places, open and close, results; see
 * image_intake.h and intake_internal.h.
 */
#include "backend/transfer/image_intake.h"

#include "backend/transfer/intake_internal.h"
#include "backend/state/places.h"
#include "backend/image/staging.h"
#include "base/alloc.h"

/* ---- places ---- */

struct image_intake_pool {
    struct places places;
};

struct image_intake_pool *image_intake_pool_new(void)
{
    return NEW(struct image_intake_pool);
}

void image_intake_pool_free(struct image_intake_pool *p)
{
    free(p);
}

/* News from the thread. */
static void on_poke(struct loop_task *task)
{
    struct image_intake *in = CONTAINER_OF(task, struct image_intake, poke);
    struct blob *fresh[INTAKE_BLOBS];
    unsigned count = 0;
    uv_mutex_lock(&in->lock);
    in->poked = false;
    bool resume = in->resume && !in->cancelled;
    in->resume = false;
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (in->open[i] && !in->open[i]->started) {
            fresh[count] = in->open[i];
            fresh[count++]->started = true;
        }
    uv_mutex_unlock(&in->lock);
    for (unsigned i = 0; i < count; i++)
        intake_blob_start(fresh[i]);
    co_cond_broadcast(&in->moved);
    if (resume && in->options.wants_more)
        in->options.wants_more(in->options.owner);
}

/* ---- from the session ---- */

static int limits_set(struct image_intake *in, struct error *err)
{
    const struct backend_config *config = in->backend->config;
    in->limits.size_max = config->image_max_gib << 30;
    return platform_parse(config->platform, &in->limits.platform, err);
}

int image_intake_open(struct backend *b, const struct image_intake_options *options,
                      struct image_intake **out, struct error *err)
{
    struct image_intake *in = NEW(struct image_intake);
    in->backend = b;
    in->options = *options;
    in->poke.run = on_poke;
    arena_init(&in->arena);
    byte_pipe_init(&in->pipe);
    if (uv_mutex_init(&in->lock) || uv_cond_init(&in->changed))
        abort(); /* only without memory */
    *out = in;
    if (limits_set(in, err) == 0 &&
        (!staging_configured(b) || staging_ref(b, &in->staging, err) == 0))
        return 0;
    image_intake_close(in);
    *out = NULL;
    return -1;
}

bool image_intake_feed(struct image_intake *in, const void *bytes, size_t len)
{
    return byte_pipe_write(&in->pipe, bytes, len);
}

void image_intake_feed_end(struct image_intake *in)
{
    byte_pipe_end(&in->pipe);
}

bool image_intake_take(struct image_intake *in, const struct frame *f)
{
    if (in && f->type == FRAME_STDIN)
        return image_intake_feed(in, f->payload, f->len);
    if (in && f->type == FRAME_CLOSE_STDIN)
        image_intake_feed_end(in);
    return true;
}

void image_intake_fail(struct image_intake *in, const struct error *err)
{
    intake_fail_here(in, err);
    places_stir(&in->backend->intakes->places);
}

/* What a registry is being sent is left to end by itself: its upload can then be cancelled there.
 */
void image_intake_cancel(struct image_intake *in)
{
    struct error err;
    if (!in)
        return;
    error_set(&err, ERROR_CANCELLED, "the client is gone");
    in->cancelled = true;
    image_intake_fail(in, &err);
}

void image_intake_close(struct image_intake *in)
{
    if (in->has_place)
        places_give(&in->backend->intakes->places);
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (in->open[i]) {
            intake_chunks_free(in->open[i]->first);
            free(in->open[i]);
        }
    intake_chunks_free(in->spare);
    intake_chunks_free(in->chunk);
    registry_repo_close(in->repo);
    byte_pipe_fini(&in->pipe);
    uv_cond_destroy(&in->changed);
    uv_mutex_destroy(&in->lock);
    arena_fini(&in->arena);
    free(in);
}

/* ---- the run ---- */

static bool has_failed(void *arg)
{
    struct error ignored;
    return intake_failure(arg, &ignored);
}

static int co_place_take(struct image_intake *in, struct error *err)
{
    if (co_places_take(&in->backend->intakes->places, INTAKES_MAX, "images are being loaded",
                       has_failed, in, err)) {
        (void)intake_failure(in, err); /* says it better */
        return -1;
    }
    in->has_place = true;
    return intake_failure(in, err) ? -1 : 0;
}

static bool is_over(struct image_intake *in)
{
    uv_mutex_lock(&in->lock);
    bool over = in->over && !in->poked;
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (in->open[i] && !in->open[i]->finished)
            over = false;
    uv_mutex_unlock(&in->lock);
    return over;
}

/* Returns when the thread and all uploads are over. */
static int co_read(struct image_intake *in, struct error *err)
{
    bool told = false;
    if (co_place_take(in, err))
        return -1;
    if (staging_configured(in->backend) &&
        staging_open(in->backend, &in->staging, NULL, &in->repo, err))
        return -1;
    if (uv_thread_create(&in->thread, intake_thread, in))
        return error_set(err, ERROR_UNAVAILABLE, "no thread to read the archive with");
    while (!is_over(in)) {
        if (told) {
            co_cond_join(&in->moved);
        } else if (co_cond_wait(&in->moved, INT64_MAX, err)) { /* as long as the client takes */
            intake_fail_here(in, err);
            told = true;
        }
    }
    uv_thread_join(&in->thread);
    return intake_failure(in, err) ? -1 : 0;
}

int co_image_intake_run(struct image_intake *in, struct image_archive *out, struct error *err)
{
    if (co_read(in, err))
        return -1;
    for (size_t i = 0; i < in->archive.count; i++)
        if (co_image_intake_push(in, &in->archive.images[i], err))
            return -1;
    *out = in->archive;
    return 0;
}

int co_image_intake_run_layer(struct image_intake *in, struct archive_layer *out, struct error *err)
{
    if (co_read(in, err))
        return -1;
    *out = in->layer;
    return 0;
}

int co_image_intake_push(struct image_intake *in, const struct archived_image *image,
                         struct error *err)
{
    char tag[STAGING_TAG_MAX];
    if (!in->repo)
        return 0;
    if (intake_failure(in, err) || /* the client went meanwhile */
        co_registry_blob_put(in->repo, image->config_digest, image->config, image->config_len, err))
        return -1;
    return co_registry_manifest_put(in->repo, staging_tag("sha256-", image->config_digest, tag),
                                    image->manifest_type, image->manifest, image->manifest_len,
                                    err);
}
