/* SPDX-License-Identifier: Apache-2.0
 * Manifests; see manifest.h. */
#include "oci/document/manifest.h"

#include "base/alloc.h"
#include "base/str.h"
#include "oci/name/digest.h"
#include "json/json_doc.h"

#include <string.h>

enum document_kind { KIND_UNKNOWN, KIND_MANIFEST, KIND_INDEX, KIND_SCHEMA1 };

static const struct {
    const char *media_type;
    enum document_kind kind;
} media_types[] = {
    {"application/vnd.oci.image.manifest.v1+json", KIND_MANIFEST},
    {"application/vnd.docker.distribution.manifest.v2+json", KIND_MANIFEST},
    {"application/vnd.oci.image.index.v1+json", KIND_INDEX},
    {"application/vnd.docker.distribution.manifest.list.v2+json", KIND_INDEX},
    {"application/vnd.docker.distribution.manifest.v1+json", KIND_SCHEMA1},
    {"application/vnd.docker.distribution.manifest.v1+prettyjws", KIND_SCHEMA1},
};

/* Of a manifest's config: anything else is an artifact that is not a container image. */
static const char *const config_types[] = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/octet-stream", /* images pushed by Docker 1.10 */
    "",
};

static enum document_kind kind_of_type(const char *media_type)
{
    if (!media_type)
        return KIND_UNKNOWN;
    size_t len = strcspn(media_type, "; \t");
    for (size_t i = 0; i < ARRAY_LEN(media_types); i++)
        if (strlen(media_types[i].media_type) == len &&
            strncmp(media_type, media_types[i].media_type, len) == 0)
            return media_types[i].kind;
    return KIND_UNKNOWN;
}

/* A document that could be read as two kinds is refused: its digest would not say what was meant
 * (CVE-2021-41190). */
static int find_kind(json_t *doc, const char *content_type, enum document_kind *out,
                     struct error *err)
{
    bool has_layers = json_object_get(doc, "layers") || json_object_get(doc, "config");
    bool has_entries = json_object_get(doc, "manifests") != NULL;
    bool is_schema1 = json_object_get(doc, "fsLayers") ||
                      json_integer_value(json_object_get(doc, "schemaVersion")) == 1;
    if (has_layers && has_entries)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "ambiguous manifest: both an image and an index");
    enum document_kind shape = is_schema1    ? KIND_SCHEMA1
                               : has_entries ? KIND_INDEX
                               : has_layers  ? KIND_MANIFEST
                                             : KIND_UNKNOWN;
    const char *own = json_doc_string(doc, "mediaType");
    enum document_kind said = kind_of_type(own ? own : content_type);
    if (said != KIND_UNKNOWN && shape != KIND_UNKNOWN && said != shape)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "manifest content does not match its media type %.100s",
                         own ? own : content_type);
    if (shape == KIND_UNKNOWN)
        return error_set(err, ERROR_INVALID_PARAMETER, "unsupported manifest media type %.100s",
                         own            ? own
                         : content_type ? content_type
                                        : "(none)");
    *out = shape;
    return 0;
}

static int read_descriptor(json_t *value, const char *what, struct arena *arena,
                           struct descriptor *out, struct error *err)
{
    const char *digest = json_doc_string(value, "digest");
    json_t *size = json_object_get(value, "size");
    if (!digest || !digest_valid(digest))
        return error_set(err, ERROR_INVALID_PARAMETER, "malformed manifest: %s: invalid digest",
                         what);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "malformed manifest: %s: invalid size",
                         what);
    out->digest = arena_strdup(arena, digest);
    out->size = json_integer_value(size);
    out->media_type = arena_strdup(arena, str_or_empty(json_doc_string(value, "mediaType")));
    return 0;
}

static int read_layers(json_t *list, struct arena *arena, struct manifest *out, struct error *err)
{
    size_t count = json_array_size(list);
    if ((list && !json_is_array(list)) || count > MANIFEST_LAYERS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "malformed manifest: layers is not a list of at most %d",
                         MANIFEST_LAYERS_MAX);
    out->layers = arena_calloc(arena, count, sizeof *out->layers);
    out->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        if (read_descriptor(json_array_get(list, i), "layer", arena, &out->layers[i], err))
            return -1;
        if (__builtin_add_overflow(out->layers_size, out->layers[i].size, &out->layers_size))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "malformed manifest: the layers' sizes overflow");
    }
    return 0;
}

static int read_manifest(json_t *doc, struct arena *arena, struct manifest *out, struct error *err)
{
    if (read_descriptor(json_object_get(doc, "config"), "config", arena, &out->config, err))
        return -1;
    size_t i = 0;
    while (i < ARRAY_LEN(config_types) && strcmp(config_types[i], out->config.media_type) != 0)
        i++;
    if (i == ARRAY_LEN(config_types))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "not a container image: its configuration is of type %.200s",
                         out->config.media_type);
    return read_layers(json_object_get(doc, "layers"), arena, out, err);
}

/* BuildKit files provenance and SBOMs as entries for the platform unknown/unknown. */
static bool is_attestation(json_t *entry, const struct platform *p)
{
    const char *type =
        json_doc_string(json_object_get(entry, "annotations"), "vnd.docker.reference.type");
    return (type && strcmp(type, "attestation-manifest") == 0) ||
           (strcmp(p->os, "unknown") == 0 && strcmp(p->architecture, "unknown") == 0);
}

static int read_index(json_t *doc, struct arena *arena, struct manifest *out, struct error *err)
{
    json_t *list = json_object_get(doc, "manifests");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > MANIFEST_ENTRIES_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "malformed manifest: manifests is not a list of at most %d",
                         MANIFEST_ENTRIES_MAX);
    out->entries = arena_calloc(arena, count, sizeof *out->entries);
    out->entry_count = count;
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_array_get(list, i);
        struct manifest_entry *entry = &out->entries[i];
        if (read_descriptor(value, "manifests", arena, &entry->descriptor, err))
            return -1;
        json_t *platform = json_object_get(value, "platform");
        entry->has_platform = json_is_object(platform);
        platform_set(&entry->platform, json_doc_string(platform, "os"),
                     json_doc_string(platform, "architecture"),
                     json_doc_string(platform, "variant"));
        entry->is_attestation = is_attestation(value, &entry->platform);
    }
    return 0;
}

int manifest_parse(const void *bytes, size_t len, const char *content_type, struct arena *arena,
                   struct manifest *out, struct error *err)
{
    *out = (struct manifest){0};
    json_t *doc AUTO(json) = json_doc_load(bytes, len, err);
    if (!doc)
        return error_wrap(err, "manifest");
    enum document_kind kind = KIND_UNKNOWN;
    if (find_kind(doc, content_type, &kind, err))
        return -1;
    out->is_index = kind == KIND_INDEX;
    switch (kind) {
    case KIND_MANIFEST: return read_manifest(doc, arena, out, err);
    case KIND_INDEX: return read_index(doc, arena, out, err);
    case KIND_SCHEMA1:
    case KIND_UNKNOWN: break;
    }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Docker image manifest version 2, schema 1 is not supported: ask the author "
                     "to push the image in the OCI format or as Docker manifest v2, schema 2");
}

int manifest_select(const struct manifest *index, const struct platform *want,
                    const struct descriptor **out, struct error *err)
{
    const struct manifest_entry *best = NULL, *only = NULL;
    int best_rank = 0;
    size_t images = 0;
    for (size_t i = 0; i < index->entry_count; i++) {
        const struct manifest_entry *entry = &index->entries[i];
        if (entry->is_attestation)
            continue;
        images++;
        only = entry;
        int rank = entry->has_platform ? platform_rank(want, &entry->platform) : 0;
        if (rank > best_rank) {
            best_rank = rank;
            best = entry;
        }
    }
    if (!best && images == 1 && !only->has_platform)
        best = only; /* an index around one image says nothing of platforms */
    if (!best) {
        char text[PLATFORM_TEXT_MAX];
        return error_set(err, ERROR_NOT_FOUND,
                         "no matching manifest for %s in the manifest list entries",
                         platform_text(want, text));
    }
    *out = &best->descriptor;
    return 0;
}
