/* SPDX-License-Identifier: Apache-2.0
 * Records of archived images; see image_record.h. */
#include "backend/image/image_record.h"

#include "backend/image/staging.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "oci/document/image_config.h"

#include <stdio.h>
#include <string.h>

static void blobs_set(const struct archived_image *a, const struct image_ref *staging,
                      struct arena *arena, Sockerless__ImageRecord *out)
{
    out->pull_reference = repository_at_digest(staging, a->manifest_digest, arena);
    out->manifest_digest = (char *)a->manifest_digest;
    out->manifest_json.data = (uint8_t *)a->manifest;
    out->manifest_json.len = a->manifest_len;
    out->manifest_type = (char *)a->manifest_type;
    out->blob_repository = repository_name(staging, arena);
}

static int tags_set(const struct archived_image *a, struct arena *arena, Sockerless__Image *image,
                    struct error *err)
{
    char text[IMAGE_REF_TEXT_MAX];
    image->repo_tags = arena_alloc(arena, (a->tag_count + 1) * sizeof *image->repo_tags);
    image->n_repo_tags = 0;
    for (size_t i = 0; i < a->tag_count; i++) {
        struct image_ref ref;
        if (image_ref_parse(a->tags[i], &ref, err))
            return error_wrap(err, "tag %.300s", a->tags[i]);
        image_ref_default_tag(&ref);
        image->repo_tags[image->n_repo_tags++] =
            arena_strdup(arena, image_ref_familiar(&ref, text, sizeof text));
    }
    return 0;
}

int image_record_of(struct backend *b, const struct archived_image *a, struct arena *arena,
                    Sockerless__ImageRecord *out, struct error *err)
{
    struct image_ref staging;
    Sockerless__Image *image;
    sockerless__image_record__init(out);
    if (image_config_parse(a->config, a->config_len, arena, &image, err) ||
        tags_set(a, arena, image, err))
        return -1;
    image->id = arena_strdup(arena, a->config_digest);
    for (size_t i = 0; i < a->layer_count; i++)
        image->size += a->layers[i]->size;
    image->last_tagged = out->checked_at = time_now_ns();
    out->image = image;
    out->config_json.data = (uint8_t *)a->config;
    out->config_json.len = a->config_len;
    if (!staging_configured(b)) /* image_store_put() keeps what is known of it */
        return 0;
    if (staging_ref(b, &staging, err))
        return -1;
    blobs_set(a, &staging, arena, out);
    return 0;
}

Sockerless__ImageRecord *image_record_copy(const Sockerless__ImageRecord *rec, struct arena *arena)
{
    size_t size = sockerless__image_record__get_packed_size(rec);
    AUTO_FREE uint8_t *packed = xmalloc(size + 1);
    sockerless__image_record__pack(rec, packed);
    return sockerless__image_record__unpack(&arena->protobuf, size, packed);
}

bool image_tag_is_of(const char *tag, const char *repository)
{
    size_t len = strlen(repository); /* "host:5000" is no repository of "host:5000/x:1" */
    return strncmp(tag, repository, len) == 0 && tag[len] == ':' && !strchr(tag + len, '/');
}

char *image_short_id(const char *digest, char out[13])
{
    const char *colon = strchr(digest, ':');
    snprintf(out, 13, "%.12s", colon ? colon + 1 : digest);
    return out;
}
