/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of a docker-archive: manifest.json lists configurations, tags and layers by name
 * (moby image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format").
 */
#include "oci/archive/image_archive_table.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"
#include "oci/document/manifest.h"
#include "oci/archive/tar_name.h"

#include <string.h>

static int missing(const char *name, struct error *err)
{
    char quoted[TAR_QUOTED_MAX];
    return error_set(err, ERROR_INVALID_PARAMETER, "open %s: no such file or directory",
                     tar_name_quote(name, quoted));
}

/* manifest.json is a list, which json_doc_load() does not take. */
static json_t *load_list(const struct archive_document *doc, struct arena *arena, struct error *err)
{
    char *wrapped = arena_alloc(arena, doc->len + sizeof "{\"list\":}");
    memcpy(wrapped, "{\"list\":", 8);
    memcpy(wrapped + 8, doc->bytes, doc->len);
    wrapped[8 + doc->len] = '}';
    json_t *all = json_doc_load(wrapped, doc->len + 9, err);
    if (!all) {
        error_wrap(err, "manifest.json");
        return NULL;
    }
    json_t *list = json_incref(json_object_get(all, "list"));
    json_decref(all);
    return list;
}

/* HEX.json and blobs/sha256/HEX say what the bytes are; the latter was checked in passing. */
static int check_config_name(const char *name, const char *actual, struct error *err)
{
    enum { HEX = 64 };
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const char *rest = strlen(base) >= HEX && str_is_hex(base, HEX) ? base + HEX : "?";
    if ((*rest != '\0' && strcmp(rest, ".json") != 0) ||
        strncmp(base, actual + strlen("sha256:"), HEX) == 0)
        return 0;
    char quoted[TAR_QUOTED_MAX];
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "invalid archive: configuration %s has the digest %s",
                     tar_name_quote(name, quoted), actual);
}

static int read_layers(const struct archive_table *t, json_t *names, struct archived_image *image,
                       struct error *err)
{
    size_t count = json_array_size(names);
    if (count > MANIFEST_LAYERS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "manifest.json: over %d layers",
                         MANIFEST_LAYERS_MAX);
    image->layers = arena_calloc(t->arena, count + 1, sizeof *image->layers);
    image->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *name = str_or_empty(json_string_value(json_array_get(names, i)));
        image->layers[i] = archive_table_layer(t, name);
        if (!image->layers[i])
            return missing(name, err);
    }
    return 0;
}

static int read_tags(json_t *tags, struct arena *arena, struct archived_image *image,
                     struct error *err)
{
    size_t i;
    json_t *tag;
    bool is_list = !tags || json_is_null(tags) || json_is_array(tags);
    json_array_foreach(tags, i, tag)
    {
        const char *text = json_string_value(tag);
        is_list = is_list && text;
        if (text && archived_image_add_tag(image, text, arena, err))
            return -1;
    }
    return is_list ? 0
                   : error_set(err, ERROR_INVALID_PARAMETER,
                               "manifest.json: RepoTags is not a list of strings");
}

static int read_image(struct archive_table *t, json_t *item, struct archived_image *image,
                      struct error *err)
{
    const char *config_name = json_doc_string(item, "Config");
    struct archive_document config;
    if (!config_name)
        return error_set(err, ERROR_INVALID_PARAMETER, "manifest.json: an image without Config");
    if (!archive_table_document(t, config_name, &config))
        return missing(config_name, err);
    image->config = config.bytes;
    image->config_len = config.len;
    if (read_layers(t, json_object_get(item, "Layers"), image, err) ||
        archived_image_complete(image, t, err) ||
        check_config_name(config_name, image->config_digest, err))
        return -1;
    return read_tags(json_object_get(item, "RepoTags"), t->arena, image, err);
}

int image_archive_docker_resolve(struct archive_table *t, struct image_archive *out,
                                 struct error *err)
{
    struct archive_document doc;
    if (!archive_table_document(t, "manifest.json", &doc))
        return 0;
    json_t *list AUTO(json) = load_list(&doc, t->arena, err);
    if (!list)
        return -1;
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "manifest.json lists no image");
    if (count > ARCHIVE_IMAGES_MAX)
        return error_set(err, ERROR_TOO_LARGE, "archive too large: over %d images",
                         ARCHIVE_IMAGES_MAX);
    out->images = arena_calloc(t->arena, count, sizeof *out->images);
    out->count = count;
    for (size_t i = 0; i < count; i++)
        if (read_image(t, json_array_get(list, i), &out->images[i], err))
            return -1;
    return 1;
}
