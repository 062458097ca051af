/* SPDX-License-Identifier: Apache-2.0
 * What was met in an archive; see image_archive_table.h. */
#include "oci/archive/image_archive_table.h"

#include "base/alloc.h"
#include "oci/name/digest.h"
#include "oci/document/image_config.h"
#include "oci/name/image_ref.h"
#include "oci/archive/tar_name.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

enum { ITEM_COST = 128, LINKS_DEEP = 8, TAGS_MAX = 1024 };

struct archive_item {
    const char *name;
    enum { ITEM_LAYER, ITEM_DOCUMENT, ITEM_LINK } kind;
    struct archive_layer layer;
    struct archive_document document;
    const char *target;
    UT_hash_handle hh;
};

void archive_table_init(struct archive_table *t, struct arena *arena)
{
    *t = (struct archive_table){.arena = arena};
}

void archive_table_fini(struct archive_table *t)
{
    HASH_CLEAR(hh, t->items);
}

int archive_table_check_room(const struct archive_table *t, const char *name, size_t len,
                             struct error *err)
{
    char quoted[TAR_QUOTED_MAX];
    if (len > ARCHIVE_DOCUMENTS_MAX || t->cost + len > ARCHIVE_DOCUMENTS_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         "archive too large: over %d bytes of documents at entry %s",
                         ARCHIVE_DOCUMENTS_MAX, tar_name_quote(name, quoted));
    return 0;
}

int archive_table_spend(struct archive_table *t, size_t len, struct error *err)
{
    t->spent += len;
    if (t->spent > ARCHIVE_SPENT_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         "archive too large: the same documents are referred to too often");
    return 0;
}

static struct archive_item *item_add(struct archive_table *t, const char *name, size_t extra,
                                     struct error *err)
{
    size_t cost = ITEM_COST + strlen(name) + extra;
    struct archive_item *item;
    if (archive_table_check_room(t, name, cost, err))
        return NULL;
    t->cost += cost;
    HASH_FIND_STR(t->items, name, item);
    if (item)
        return item;
    item = arena_calloc(t->arena, 1, sizeof *item);
    item->name = arena_strdup(t->arena, name);
    HASH_ADD_KEYPTR(hh, t->items, item->name, strlen(item->name), item);
    return item;
}

int archive_table_add_layer(struct archive_table *t, const char *name,
                            const struct archive_layer *layer, struct error *err)
{
    if (++t->layer_count > ARCHIVE_LAYERS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "archive too large: over %d layers",
                         ARCHIVE_LAYERS_MAX);
    struct archive_item *item = item_add(t, name, sizeof *layer, err);
    if (!item)
        return -1;
    item->kind = ITEM_LAYER;
    item->layer = *layer;
    return 0;
}

int archive_table_add_document(struct archive_table *t, const char *name, const void *bytes,
                               size_t len, struct error *err)
{
    struct archive_item *item = item_add(t, name, len, err);
    if (!item)
        return -1;
    item->kind = ITEM_DOCUMENT;
    item->document = (struct archive_document){bytes, len};
    return 0;
}

int archive_table_add_link(struct archive_table *t, const char *name, const char *target,
                           struct error *err)
{
    struct archive_item *item = item_add(t, name, strlen(target), err);
    if (!item)
        return -1;
    item->kind = ITEM_LINK;
    item->target = arena_strdup(t->arena, target);
    return 0;
}

static const struct archive_item *find(const struct archive_table *t, const char *name)
{
    char clean[TAR_NAME_MAX];
    struct error ignored;
    struct archive_item *item = NULL;
    if (tar_name_clean(name, clean, &ignored))
        return NULL;
    HASH_FIND_STR(t->items, clean, item);
    for (int i = 0; item && item->kind == ITEM_LINK; i++) {
        if (i == LINKS_DEEP)
            return NULL;
        const char *target = item->target;
        HASH_FIND_STR(t->items, target, item);
    }
    return item;
}

const struct archive_layer *archive_table_layer(const struct archive_table *t, const char *name)
{
    const struct archive_item *item = find(t, name);
    return item && item->kind == ITEM_LAYER ? &item->layer : NULL;
}

bool archive_table_document(const struct archive_table *t, const char *name,
                            struct archive_document *out)
{
    const struct archive_item *item = find(t, name);
    if (!item || item->kind != ITEM_DOCUMENT)
        return false;
    *out = item->document;
    return true;
}

enum { BLOB_NAME_MAX = DIGEST_MAX + 8 };

static const char *blob_name(const char *digest, char out[BLOB_NAME_MAX])
{
    int algorithm = (int)strcspn(digest, ":");
    snprintf(out, BLOB_NAME_MAX, "blobs/%.*s/%s", algorithm, digest, digest + algorithm + 1);
    return out;
}

const struct archive_layer *archive_table_blob_layer(const struct archive_table *t,
                                                     const char *digest)
{
    char name[BLOB_NAME_MAX];
    return archive_table_layer(t, blob_name(digest, name));
}

bool archive_table_blob(const struct archive_table *t, const char *digest,
                        struct archive_document *out)
{
    char name[BLOB_NAME_MAX];
    return archive_table_document(t, blob_name(digest, name), out);
}

/* ---- images ---- */

static int check_layers(const struct archived_image *image, const Sockerless__Image *config,
                        struct error *err)
{
    if (config->n_diff_ids != image->layer_count)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "invalid manifest, layers length mismatch: expected %zu, got %zu",
                         config->n_diff_ids, image->layer_count);
    for (size_t i = 0; i < image->layer_count; i++)
        if (strcmp(config->diff_ids[i], image->layers[i]->diff_id) != 0)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "invalid diffID for layer %zu: expected \"%.140s\", got \"%s\"", i,
                             config->diff_ids[i], image->layers[i]->diff_id);
    return 0;
}

int archived_image_complete(struct archived_image *image, struct archive_table *t,
                            struct error *err)
{
    Sockerless__Image *config;
    if (archive_table_spend(t, image->config_len, err) ||
        image_config_parse(image->config, image->config_len, t->arena, &config, err) ||
        check_layers(image, config, err))
        return -1;
    char *manifest;
    digest_sha256(image->config, image->config_len, image->config_digest);
    image_manifest_make(image->config_digest, image->config_len, image->layers, image->layer_count,
                        t->arena, &manifest, &image->manifest_len);
    image->manifest = manifest;
    image->manifest_type = "application/vnd.oci.image.manifest.v1+json";
    digest_sha256(manifest, image->manifest_len, image->manifest_digest);
    return 0;
}

int archived_image_add_tag(struct archived_image *image, const char *tag, struct arena *arena,
                           struct error *err)
{
    struct image_ref ref;
    char full[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse(tag, &ref, err))
        return -1;
    if (!ref.tag[0])
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid tag \"%.300s\"", tag);
    ref.digest[0] = '\0';
    image_ref_full(&ref, full, sizeof full);
    for (size_t i = 0; i < image->tag_count; i++)
        if (strcmp(image->tags[i], full) == 0)
            return 0;
    if (image->tag_count == TAGS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "archive too large: over %d tags of one image",
                         TAGS_MAX);
    char **tags = arena_alloc(arena, (image->tag_count + 1) * sizeof *tags);
    if (image->tag_count)
        memcpy(tags, image->tags, image->tag_count * sizeof *tags);
    tags[image->tag_count++] = arena_strdup(arena, full);
    image->tags = tags;
    return 0;
}
