/* SPDX-License-Identifier: Apache-2.0
 *
 * An image's documents with the agent's layer added, and an image's history; see image_edit.h. The
 * documents are edited as trees, so that unknown members are kept, in their order.
 */
#include "oci/document/image_edit.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "oci/document/manifest.h"

#include <string.h>

enum { HISTORY_MAX = 4096 };

static int malformed(struct error *err, const char *what)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid image configuration: %s", what);
}

/* The member if it has the type; a new one in its place when it is missing or null. */
static json_t *member_or_new(json_t *object, const char *key, json_type type)
{
    json_t *value = json_object_get(object, key);
    if (value && !json_is_null(value))
        return json_typeof(value) == type ? value : NULL;
    value = type == JSON_OBJECT ? json_object() : json_array();
    json_object_set_new(object, key, value);
    return value;
}

static int dump(const json_t *doc, struct arena *arena, char **out, size_t *len)
{
    *len = json_dumpb(doc, NULL, 0, JSON_COMPACT);
    *out = arena_alloc(arena, *len + 1);
    json_dumpb(doc, *out, *len, JSON_COMPACT);
    (*out)[*len] = '\0';
    return 0;
}

static int set_process(json_t *doc, const struct image_agent *agent, struct error *err)
{
    json_t *config = member_or_new(doc, "config", JSON_OBJECT);
    json_t *old = json_object_get(config, "Entrypoint");
    if (!config)
        return malformed(err, "config is not an object");
    json_t *entrypoint = json_pack("[ss]", agent->path, "--");
    if (json_is_array(old))
        json_array_extend(entrypoint, old);
    else if (json_is_string(old)) /* Docker takes a lone string for a list of one */
        json_array_append(entrypoint, old);
    else if (old && !json_is_null(old)) {
        json_decref(entrypoint);
        return malformed(err, "Entrypoint is not a list of strings");
    }
    json_object_set_new(config, "Entrypoint", entrypoint);
    if (agent->as_root)
        json_object_set_new(config, "User", json_string("0:0"));
    return 0;
}

/* History tells layers by counting. An image that has layers but no history keeps none: one entry
 * would be taken for the first layer's. The time is the image's own, for the same bytes every time.
 */
static int add_history(json_t *doc, size_t layers_before, const char *agent_path, struct error *err)
{
    json_t *history = json_object_get(doc, "history");
    if (json_array_size(history) == 0 && layers_before)
        return 0;
    history = member_or_new(doc, "history", JSON_ARRAY);
    if (!history)
        return malformed(err, "history is not a list");
    json_t *entry = json_object();
    const char *created = json_doc_string(doc, "created");
    if (created)
        json_object_set_new(entry, "created", json_string(created));
    json_object_set_new(entry, "created_by", json_sprintf("COPY %s", agent_path));
    json_object_set_new(entry, "comment", json_string("sockerless: agent"));
    json_array_append_new(history, entry);
    return 0;
}

int image_config_append_agent(const void *config, size_t config_len,
                              const struct image_agent *agent, struct arena *arena, char **out,
                              size_t *out_len, struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(config, config_len, err);
    if (!doc)
        return error_wrap(err, "image configuration");
    json_t *rootfs = member_or_new(doc, "rootfs", JSON_OBJECT);
    if (!rootfs)
        return malformed(err, "rootfs is not an object");
    json_t *diff_ids = member_or_new(rootfs, "diff_ids", JSON_ARRAY);
    if (!diff_ids)
        return malformed(err, "rootfs.diff_ids is not a list");
    size_t before = json_array_size(diff_ids);
    if (!json_object_get(rootfs, "type"))
        json_object_set_new(rootfs, "type", json_string("layers"));
    json_array_append_new(diff_ids, json_string(agent->diff_id));
    if (set_process(doc, agent, err) || add_history(doc, before, agent->path, err))
        return -1;
    return dump(doc, arena, out, out_len);
}

/* ---- manifests ---- */

/* Registries and Docker refuse manifests that mix the two families of types. */
static bool is_docker(const json_t *manifest)
{
    const char *type = json_doc_string(manifest, "mediaType");
    if (!type)
        type = json_doc_string(json_object_get(manifest, "config"), "mediaType");
    return type && str_starts(type, "application/vnd.docker.");
}

static const char *layer_type(const json_t *manifest, const struct descriptor *layer)
{
    if (!is_docker(manifest))
        return layer->media_type;
    return str_ends(layer->media_type, "+zstd")
               ? "application/vnd.docker.image.rootfs.diff.tar.zstd"
           : str_ends(layer->media_type, ".tar")
               ? "application/vnd.docker.image.rootfs.diff.tar"
               : "application/vnd.docker.image.rootfs.diff.tar.gzip";
}

int image_manifest_append_layer(const void *manifest, size_t manifest_len,
                                const char *config_digest, size_t config_len,
                                const struct descriptor *layer, struct arena *arena, char **out,
                                size_t *out_len, struct error *err)
{
    struct manifest parsed;
    if (manifest_parse(manifest, manifest_len, NULL, arena, &parsed, err))
        return -1;
    if (parsed.is_index || parsed.layer_count == MANIFEST_LAYERS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "manifest: %s",
                         parsed.is_index ? "an index has no layers" : "too many layers");
    json_t *doc AUTO(json) = json_doc_load(manifest, manifest_len, err);
    if (!doc)
        return -1;
    json_t *config = json_object_get(doc, "config");
    json_object_set_new(config, "digest", json_string(config_digest));
    json_object_set_new(config, "size", json_integer((json_int_t)config_len));
    json_object_del(config, "data"); /* the old one, embedded */
    json_object_del(config, "urls");
    json_t *layers = member_or_new(doc, "layers", JSON_ARRAY);
    json_array_append_new(layers,
                          json_pack("{s:s, s:I, s:s}", "mediaType", layer_type(doc, layer), "size",
                                    (json_int_t)layer->size, "digest", layer->digest));
    return dump(doc, arena, out, out_len);
}

/* ---- history ---- */

int image_config_history(const void *config, size_t len, struct arena *arena,
                         struct image_history_item **out, size_t *count, struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(config, len, err);
    if (!doc)
        return error_wrap(err, "image configuration");
    json_t *history = json_object_get(doc, "history"), *entry;
    size_t i;
    *count = json_array_size(history);
    if (*count > HISTORY_MAX)
        return malformed(err, "history is too long");
    *out = arena_calloc(arena, *count + 1, sizeof **out);
    json_array_foreach(history, i, entry)
    {
        struct image_history_item *item = &(*out)[i];
        const char *created = json_doc_string(entry, "created");
        item->created_by = arena_strdup(arena, str_or_empty(json_doc_string(entry, "created_by")));
        item->comment = arena_strdup(arena, str_or_empty(json_doc_string(entry, "comment")));
        item->empty_layer = json_is_true(json_object_get(entry, "empty_layer"));
        if (!created || !timefmt_parse_rfc3339(created, &item->created_ns))
            item->created_ns = 0;
    }
    return 0;
}
