/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker load`: the client's archive goes through an intake into the staging registry, then its
 * images into the image store: all of them, or none when anything went wrong.
 *
 * GitLab Runner and others look for lines that begin with "Loaded image": those hold nothing else.
 */
#include "backend/api/session.h"
#include "backend/transfer/image_intake.h"
#include "backend/image/image_record.h"
#include "backend/image/staging.h"
#include "backend/transfer/transfer.h"
#include "base/alloc.h"
#include "base/log.h"
#include "oci/name/image_ref.h"

#include <stdio.h>
#include <string.h>

struct load_session {
    struct transfer transfer;
    struct image_intake *intake; /* while it runs */
    bool quiet;
};

static bool layer_known(struct load_session *s, const char *diff_id)
{
    size_t count;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    const Sockerless__ImageRecord **all =
        image_store_all(s->transfer.backend->images, &arena, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < all[i]->image->n_diff_ids; d++)
            if (strcmp(all[i]->image->diff_ids[d], diff_id) == 0)
                return true;
    return false;
}

/* dockerd counts the bytes of a layer while it unpacks it; here the layer's name is known when it
 * was read. */
static void on_layer_done(void *owner, const struct archive_layer *layer)
{
    struct load_session *s = owner;
    char id[13];
    if (!s->quiet && !layer_known(s, layer->diff_id))
        transfer_progress(&s->transfer, image_short_id(layer->diff_id, id), "Loading layer",
                          layer->diff_size, layer->diff_size);
}

static void on_wants_more(void *owner)
{
    struct load_session *s = owner;
    transfer_resume(&s->transfer);
}

/* ---- what was loaded ---- */

static void say(struct load_session *s, const char *before, const char *what)
{
    char line[IMAGE_REF_TEXT_MAX + 64];
    snprintf(line, sizeof line, "%s%s\n", before, what);
    transfer_stream(&s->transfer, line);
}

static void say_renamed(struct load_session *s, const Sockerless__Image *image)
{
    char line[2 * IMAGE_REF_TEXT_MAX];
    for (size_t i = 0; i < image->n_repo_tags; i++) {
        struct error unknown;
        const Sockerless__ImageRecord *old =
            image_store_find(s->transfer.backend->images, image->repo_tags[i], &unknown);
        if (!old || strcmp(old->image->id, image->id) == 0)
            continue;
        snprintf(line, sizeof line,
                 "The image %s already exists, renaming the old one with ID %s to empty string\n",
                 image->repo_tags[i], old->image->id);
        transfer_stream(&s->transfer, line);
    }
}

static void say_loaded(struct load_session *s, const Sockerless__Image *image)
{
    for (size_t i = 0; i < image->n_repo_tags; i++)
        say(s, "Loaded image: ", image->repo_tags[i]);
    if (image->n_repo_tags == 0)
        say(s, "Loaded image ID: ", image->id);
}

static int store_images(struct load_session *s, const struct image_archive *archive,
                        struct error *err)
{
    struct transfer *t = &s->transfer;
    struct arena *arena = &t->arena;
    Sockerless__ImageRecord *records = arena_alloc(arena, (archive->count + 1) * sizeof *records);
    for (size_t i = 0; i < archive->count; i++)
        if (image_record_of(t->backend, &archive->images[i], arena, &records[i], err))
            return error_wrap(err, "image %.100s", archive->images[i].config_digest);
    if (!staging_configured(t->backend))
        transfer_stream(t, "WARNING: no staging registry is configured "
                           "(SOCKERLESS_STAGING_REGISTRY): the layers were not kept, and what was "
                           "loaded runs only if the cloud finds it in a registry by its name\n");
    for (size_t i = 0; i < archive->count; i++) {
        say_renamed(s, records[i].image);
        if (image_store_put(t->backend->images, &records[i], err))
            return -1;
        say_loaded(s, records[i].image);
        log_info("loaded", LOG_STR("image", records[i].image->id));
    }
    return 0;
}

/* ---- the session ---- */

static int co_load(struct transfer *t, struct error *err)
{
    struct load_session *s = CONTAINER_OF(t, struct load_session, transfer);
    struct image_intake_options options = {
        .wants_more = on_wants_more, .layer_done = on_layer_done, .owner = s};
    struct image_archive archive;
    if (image_intake_open(t->backend, &options, &s->intake, err))
        return -1;
    transfer_opened(t);
    int rc = co_image_intake_run(s->intake, &archive, err);
    if (rc == 0)
        rc = transfer_check_client(t, err);
    if (rc == 0)
        rc = store_images(s, &archive, err);
    image_intake_close(STEAL(s->intake));
    return rc;
}

static void on_frame(struct transfer *t, const struct frame *f)
{
    struct load_session *s = CONTAINER_OF(t, struct load_session, transfer);
    if (!image_intake_take(s->intake, f))
        transfer_pause(t);
}

static void on_gone(struct transfer *t)
{
    image_intake_cancel(CONTAINER_OF(t, struct load_session, transfer)->intake);
}

static const struct transfer_kind load_kind = {
    .co_run = co_load, .frame = on_frame, .gone = on_gone};

void session_load_open(struct backend *b, struct channel *c, const Sockerless__ImageLoadOpen *open)
{
    struct load_session *s = NEW(struct load_session);
    transfer_init(&s->transfer, b, &load_kind);
    s->quiet = open->quiet;
    transfer_start(&s->transfer, c);
}
