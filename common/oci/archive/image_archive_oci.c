/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of an OCI layout: index.json leads to manifests, perhaps through further indexes
 * (OCI image-spec image-layout.md).
 */
#include "oci/archive/image_archive_table.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"
#include "oci/document/manifest.h"

#include <string.h>

enum { INDEXES_DEEP = 8 };

static const char index_type[] = "application/vnd.oci.image.index.v1+json";
static const char manifest_type[] = "application/vnd.oci.image.manifest.v1+json";

static int missing(const char *digest, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "blob %s: no such file or directory", digest);
}

/* A manifest that was found, with its own bytes. */
struct found {
    struct archive_document bytes;
    const char *digest, *media_type;
    struct manifest manifest;
};

/* From a descriptor down to a manifest for the platform. */
static int descend(struct archive_table *t, const struct descriptor *from,
                   const struct platform *platform, struct found *out, struct error *err)
{
    const char *seen[INDEXES_DEEP] = {NULL};
    const struct descriptor *at = from;
    for (size_t depth = 0; depth < INDEXES_DEEP; depth++) {
        for (size_t i = 0; i < depth; i++)
            if (strcmp(seen[i], at->digest) == 0)
                return error_set(err, ERROR_INVALID_PARAMETER,
                                 "invalid archive: index %s contains itself", at->digest);
        seen[depth] = at->digest;
        if (!archive_table_blob(t, at->digest, &out->bytes))
            return missing(at->digest, err);
        if (archive_table_spend(t, out->bytes.len, err))
            return -1;
        if (manifest_parse(out->bytes.bytes, out->bytes.len, at->media_type, t->arena,
                           &out->manifest, err))
            return error_wrap(err, "blob %s", at->digest);
        if (!out->manifest.is_index) {
            out->digest = at->digest;
            out->media_type = *at->media_type ? at->media_type : manifest_type;
            return 0;
        }
        if (manifest_select(&out->manifest, platform, &at, err))
            return -1;
    }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "invalid archive: indexes nested deeper than %d levels", INDEXES_DEEP);
}

/* The layers are in the archive as the manifest has them, byte for byte. */
static bool is_verbatim(const struct manifest *m, const struct archived_image *image)
{
    if (m->layer_count != image->layer_count)
        return false;
    for (size_t i = 0; i < m->layer_count; i++)
        if (strcmp(m->layers[i].digest, image->layers[i]->digest) != 0)
            return false;
    return true;
}

static void adopt(const struct found *from, struct archived_image *image)
{
    if (strcmp(from->manifest.config.digest, image->config_digest) != 0 ||
        !is_verbatim(&from->manifest, image))
        return;
    image->manifest = from->bytes.bytes;
    image->manifest_len = from->bytes.len;
    image->manifest_type = from->media_type;
    digest_sha256(image->manifest, image->manifest_len, image->manifest_digest);
}

static int fill_image(struct archive_table *t, const struct found *from,
                      struct archived_image *image, struct error *err)
{
    const struct manifest *m = &from->manifest;
    struct archive_document config;
    if (!archive_table_blob(t, m->config.digest, &config))
        return missing(m->config.digest, err);
    image->config = config.bytes;
    image->config_len = config.len;
    image->layers = arena_calloc(t->arena, m->layer_count + 1, sizeof *image->layers);
    image->layer_count = m->layer_count;
    for (size_t i = 0; i < m->layer_count; i++) {
        image->layers[i] = archive_table_blob_layer(t, m->layers[i].digest);
        if (!image->layers[i])
            return missing(m->layers[i].digest, err);
    }
    if (archived_image_complete(image, t, err))
        return error_wrap(err, "manifest %s", from->digest);
    adopt(from, image);
    return 0;
}

/* containerd's annotation is a complete reference. The specification's may be one, or a bare tag,
 * which names no repository; what is neither names nothing. */
static int read_tags(json_t *descriptor, struct archived_image *image, struct arena *arena,
                     struct error *err)
{
    json_t *annotations = json_object_get(descriptor, "annotations");
    const char *name = json_doc_string(annotations, "io.containerd.image.name");
    if (!name) {
        name = json_doc_string(annotations, "org.opencontainers.image.ref.name");
        if (!name || !strpbrk(name, ":/"))
            return 0;
    }
    if (archived_image_add_tag(image, name, arena, err) && err->code != ERROR_INVALID_PARAMETER)
        return -1;
    return 0;
}

static struct archived_image *image_of_config(const struct image_archive *all, const char *digest)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->images[i].config_digest, digest) == 0)
            return &all->images[i];
    return NULL;
}

struct layout { /* index.json */
    json_t *doc;
    struct manifest parsed;
};

static void auto_release_layout(struct layout *l)
{
    json_decref(l->doc);
}

/* 1: there is one. */
static int load_index(struct archive_table *t, struct layout *out, struct error *err)
{
    struct archive_document doc;
    if (!archive_table_document(t, "index.json", &doc))
        return 0;
    if (manifest_parse(doc.bytes, doc.len, index_type, t->arena, &out->parsed, err))
        return error_wrap(err, "index.json");
    if (!out->parsed.is_index)
        return error_set(err, ERROR_INVALID_PARAMETER, "index.json is not an index");
    out->doc = json_doc_load(doc.bytes, doc.len, err);
    return out->doc ? 1 : -1;
}

/* Entries stand for images of their own, but for those that only differ in platform: of unnamed
 * ones with a platform only ours. */
static bool is_wanted(const struct layout *index, size_t i, const struct platform *platform)
{
    const struct manifest_entry *entry = &index->parsed.entries[i];
    json_t *descriptor = json_array_get(json_object_get(index->doc, "manifests"), i);
    if (entry->is_attestation)
        return false;
    return index->parsed.entry_count == 1 || !entry->has_platform ||
           json_object_get(json_object_get(descriptor, "annotations"),
                           "org.opencontainers.image.ref.name") ||
           json_object_get(json_object_get(descriptor, "annotations"),
                           "io.containerd.image.name") ||
           platform_rank(platform, &entry->platform) > 0;
}

static int resolve_entry(struct archive_table *t, const struct layout *index, size_t i,
                         const struct platform *platform, struct image_archive *out,
                         struct error *err)
{
    struct found found;
    json_t *descriptor = json_array_get(json_object_get(index->doc, "manifests"), i);
    if (descend(t, &index->parsed.entries[i].descriptor, platform, &found, err))
        return -1;
    struct archived_image *image = image_of_config(out, found.manifest.config.digest);
    if (!image) {
        if (out->count == ARCHIVE_IMAGES_MAX)
            return error_set(err, ERROR_TOO_LARGE, "archive too large: over %d images",
                             ARCHIVE_IMAGES_MAX);
        image = &out->images[out->count];
        if (fill_image(t, &found, image, err))
            return -1;
        out->count++;
    }
    return read_tags(descriptor, image, t->arena, err);
}

int image_archive_oci_resolve(struct archive_table *t, const struct platform *platform,
                              struct image_archive *out, struct error *err)
{
    struct layout index AUTO(layout) = {0};
    int rc = load_index(t, &index, err);
    if (rc <= 0)
        return rc;
    out->images = arena_calloc(t->arena, ARCHIVE_IMAGES_MAX, sizeof *out->images);
    for (size_t i = 0; i < index.parsed.entry_count; i++)
        if (is_wanted(&index, i, platform) && resolve_entry(t, &index, i, platform, out, err))
            return -1;
    if (out->count == 0) {
        char text[PLATFORM_TEXT_MAX];
        return error_set(err, ERROR_INVALID_PARAMETER, "index.json lists no image for %s",
                         platform_text(platform, text));
    }
    return 1;
}

int image_archive_oci_adopt(struct archive_table *t, const struct platform *platform,
                            struct image_archive *images, struct error *err)
{
    struct layout index AUTO(layout) = {0};
    int rc = load_index(t, &index, err);
    if (rc <= 0)
        return rc;
    for (size_t i = 0; i < index.parsed.entry_count; i++) {
        /* Docker leaves other platforms' blobs out: what leads nowhere is nothing to adopt */
        struct found found;
        if (!is_wanted(&index, i, platform))
            continue;
        if (descend(t, &index.parsed.entries[i].descriptor, platform, &found, err)) {
            if (err->code == ERROR_TOO_LARGE)
                return -1;
            continue;
        }
        struct archived_image *image = image_of_config(images, found.manifest.config.digest);
        if (image)
            adopt(&found, image);
    }
    return 0;
}
