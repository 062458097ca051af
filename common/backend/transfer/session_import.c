/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker import`: a root file system, from the client or from a URL, becomes an image of one
 * layer. What can be wrong with the request is said before anything is read.
 */
#include "backend/api/session.h"
#include "backend/transfer/image_intake.h"
#include "backend/image/image_record.h"
#include "backend/transfer/import_source.h"
#include "backend/image/staging.h"
#include "backend/transfer/transfer.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/document/image_edit.h"
#include "oci/name/image_ref.h"

#include <stdio.h>
#include <string.h>

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct import_session {
    struct transfer transfer;
    struct image_intake *intake;  /* while it runs */
    struct import_source *source; /* NULL: the client sends the layer */
    char *url;                    /* NULL: ditto */
    char tag[IMAGE_REF_TEXT_MAX]; /* complete; "": none */
    struct imported_image what;
};

/* ---- the request ---- */

static int tag_parse(struct import_session *s, const Sockerless__ImageImportOpen *open,
                     struct error *err)
{
    struct image_ref ref;
    if (str_empty(open->repo))
        return 0;
    if (image_ref_parse(open->repo, &ref, err))
        return -1;
    if (ref.digest[0])
        return error_set(err, ERROR_INVALID_PARAMETER, "cannot import digest reference");
    if (image_ref_set_tag(&ref, open->tag, err))
        return -1;
    image_ref_default_tag(&ref);
    image_ref_full(&ref, s->tag, sizeof s->tag);
    return 0;
}

static int platform_of(struct import_session *s, const char *asked, struct error *err)
{
    struct platform platform;
    char text[PLATFORM_TEXT_MAX];
    const char *wanted = str_empty(asked) ? s->transfer.backend->config->platform : asked;
    if (platform_parse(wanted, &platform, err))
        return -1;
    if (strcmp(platform.os, "linux") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "operating system is not supported");
    s->what.platform = arena_strdup(&s->transfer.arena, platform_text(&platform, text));
    return 0;
}

static int request_parse(struct import_session *s, const Sockerless__ImageImportOpen *open,
                         struct error *err)
{
    struct arena *arena = &s->transfer.arena;
    char *shown = arena_strdup(arena, "-");
    char **changes = arena_alloc(arena, (open->n_changes + 1) * sizeof *changes);
    for (size_t i = 0; i < open->n_changes; i++)
        changes[i] = arena_strdup(arena, open->changes[i]);
    if (tag_parse(s, open, err) || platform_of(s, open->platform, err) ||
        dockerfile_changes_check(changes, open->n_changes, err))
        return -1;
    if (strcmp(open->source, "-") != 0 &&
        import_url_parse(open->source, arena, &s->url, &shown, err))
        return -1;
    s->what.source = shown;
    s->what.message = arena_strdup(arena, open->message);
    s->what.changes = changes;
    s->what.change_count = open->n_changes;
    return 0;
}

/* ---- the layer ---- */

static void on_wants_more(void *owner)
{
    struct import_session *s = owner;
    if (s->source)
        import_source_resume(s->source);
    transfer_resume(&s->transfer);
}

static int co_layer_run(struct import_session *s, struct archive_layer *layer, struct error *err)
{
    if (s->source && import_source_start(s->source, s->intake, err))
        return -1;
    return co_image_intake_run_layer(s->intake, layer, err);
}

/* ---- the image ---- */

static int image_make(struct import_session *s, const struct archive_layer *layer,
                      struct archived_image *out, struct error *err)
{
    struct arena *arena = &s->transfer.arena;
    char *config, *manifest;
    s->what.diff_id = layer->diff_id;
    s->what.created_ns = time_now_ns();
    if (imported_config_make(&s->what, arena, &config, &out->config_len, err))
        return -1;
    out->config = config;
    digest_sha256(config, out->config_len, out->config_digest);
    out->layers = arena_alloc(arena, sizeof *out->layers);
    out->layers[0] = layer;
    out->layer_count = 1;
    out->tags = arena_alloc(arena, sizeof *out->tags);
    out->tags[0] = s->tag;
    out->tag_count = s->tag[0] ? 1 : 0;
    image_manifest_make(out->config_digest, out->config_len, out->layers, 1, arena, &manifest,
                        &out->manifest_len);
    out->manifest = manifest;
    out->manifest_type = MANIFEST_TYPE;
    digest_sha256(manifest, out->manifest_len, out->manifest_digest);
    return 0;
}

static int co_image_keep(struct import_session *s, const struct archive_layer *layer,
                         struct error *err)
{
    struct transfer *t = &s->transfer;
    struct archived_image image = {0};
    Sockerless__ImageRecord record;
    if (image_make(s, layer, &image, err) || co_image_intake_push(s->intake, &image, err) ||
        transfer_check_client(t, err) ||
        image_record_of(t->backend, &image, &t->arena, &record, err) ||
        image_store_put(t->backend->images, &record, err))
        return -1;
    if (!staging_configured(t->backend))
        log_warn("imported without a staging registry: the layer was not kept",
                 LOG_STR("image", image.config_digest));
    log_info("imported", LOG_STR("image", image.config_digest));
    transfer_progress(t, "", image.config_digest, 0, 0);
    return 0;
}

/* ---- the session ---- */

static int co_import_into(struct import_session *s, struct error *err)
{
    struct transfer *t = &s->transfer;
    struct image_intake_options options = {
        .is_layer = true, .wants_more = on_wants_more, .owner = s};
    struct archive_layer layer;
    if (transfer_check_client(t, err) || image_intake_open(t->backend, &options, &s->intake, err))
        return -1;
    transfer_opened(t);
    if (s->url)
        transfer_progress(t, "", arena_printf(&t->arena, "Downloading from %s", s->what.source), 0,
                          0);
    int rc = co_layer_run(s, &layer, err);
    if (rc == 0)
        rc = co_image_keep(s, &layer, err);
    co_import_source_close(STEAL(s->source));
    image_intake_close(STEAL(s->intake));
    return rc;
}

static int co_import(struct transfer *t, struct error *err)
{
    struct import_session *s = CONTAINER_OF(t, struct import_session, transfer);
    if (s->url && co_import_source_open(t->backend, s->url, s->what.source, &s->source, err))
        return -1;
    int rc = co_import_into(s, err);
    co_import_source_close(STEAL(s->source));
    return rc;
}

static void on_frame(struct transfer *t, const struct frame *f)
{
    struct import_session *s = CONTAINER_OF(t, struct import_session, transfer);
    if (!s->url && !image_intake_take(s->intake, f))
        transfer_pause(t);
}

static void on_gone(struct transfer *t)
{
    image_intake_cancel(CONTAINER_OF(t, struct import_session, transfer)->intake);
}

static const struct transfer_kind import_kind = {
    .co_run = co_import, .frame = on_frame, .gone = on_gone};

void session_import_open(struct backend *b, struct channel *c,
                         const Sockerless__ImageImportOpen *open)
{
    struct import_session *s = NEW(struct import_session);
    struct error err;
    transfer_init(&s->transfer, b, &import_kind);
    if (request_parse(s, open, &err)) {
        channel_fail(c, &err);
        transfer_free(&s->transfer);
        return;
    }
    transfer_start(&s->transfer, c);
}
