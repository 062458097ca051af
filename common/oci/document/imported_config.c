/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration of an imported image, as dockerd writes it; see image_edit.h.
 */
#include "oci/document/image_edit.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/dockerfile/dockerfile_change.h"
#include "json/json_doc.h"
#include "oci/name/platform.h"

#include <string.h>

/* In the order of moby's container.Config; the ones that are there even when unset come with what
 * they are then. */
static const struct {
    const char *name;
    enum { UNSET_ABSENT, UNSET_EMPTY, UNSET_FALSE, UNSET_NULL } unset;
} members[] = {
    {"Hostname", UNSET_EMPTY},      {"Domainname", UNSET_EMPTY},   {"User", UNSET_EMPTY},
    {"AttachStdin", UNSET_FALSE},   {"AttachStdout", UNSET_FALSE}, {"AttachStderr", UNSET_FALSE},
    {"ExposedPorts", UNSET_ABSENT}, {"Tty", UNSET_FALSE},          {"OpenStdin", UNSET_FALSE},
    {"StdinOnce", UNSET_FALSE},     {"Env", UNSET_NULL},           {"Cmd", UNSET_NULL},
    {"Healthcheck", UNSET_ABSENT},  {"Image", UNSET_EMPTY},        {"Volumes", UNSET_NULL},
    {"WorkingDir", UNSET_EMPTY},    {"Entrypoint", UNSET_NULL},    {"OnBuild", UNSET_NULL},
    {"Labels", UNSET_NULL},         {"StopSignal", UNSET_ABSENT},
};

static json_t *unset_value(size_t i)
{
    switch (members[i].unset) {
    case UNSET_EMPTY: return json_string("");
    case UNSET_FALSE: return json_false();
    case UNSET_NULL: return json_null();
    case UNSET_ABSENT: break;
    }
    return NULL;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Go writes maps sorted by key. */
static json_t *sorted(json_t *object)
{
    size_t n = 0, count = json_object_size(object);
    const char **keys AUTO_FREE = xcalloc(count + 1, sizeof *keys);
    const char *key;
    json_t *value, *out = json_object();
    json_object_foreach(object, key, value) keys[n++] = key;
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n; i++)
        json_object_set(out, keys[i], json_object_get(object, keys[i]));
    return out;
}

/* Consumes `changed`. */
static json_t *whole_config(json_t *changed)
{
    json_t *config = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_t *value = json_object_get(changed, members[i].name);
        bool is_map = json_is_object(value) && strcmp(members[i].name, "Healthcheck") != 0;
        json_t *put = !value ? unset_value(i) : is_map ? sorted(value) : json_incref(value);
        if (put)
            json_object_set_new(config, members[i].name, put);
    }
    json_decref(changed);
    return config;
}

static json_t *document(const struct imported_image *what, const struct platform *platform,
                        json_t *config, struct arena *arena)
{
    char created[TIMEFMT_RFC3339_MAX];
    const char *comment =
        dockerfile_text_clean(str_empty(what->message) ? arena_printf(arena, "Imported from %s",
                                                                      str_or_empty(what->source))
                                                       : what->message,
                              arena);
    timefmt_rfc3339nano(what->created_ns, created);
    json_t *doc =
        json_pack("{s:s, s:s, s:o, s:s, s:[{s:s, s:s}], s:s, s:{s:s, s:[s]}}", "architecture",
                  platform->architecture, "comment", comment, "config", config, "created", created,
                  "history", "created", created, "comment", comment, "os", platform->os, "rootfs",
                  "type", "layers", "diff_ids", what->diff_id);
    if (platform->variant[0])
        json_object_set_new(doc, "variant", json_string(platform->variant));
    return doc;
}

int imported_config_make(const struct imported_image *what, struct arena *arena, char **out,
                         size_t *out_len, struct error *err)
{
    struct platform platform;
    if (platform_parse(what->platform, &platform, err))
        return -1;
    json_t *changed = dockerfile_changes_apply(what->changes, what->change_count, arena, err);
    if (!changed)
        return -1;
    json_t *doc AUTO(json) = document(what, &platform, whole_config(changed), arena);
    *out_len = json_dumpb(doc, NULL, 0, JSON_COMPACT);
    *out = arena_alloc(arena, *out_len + 1);
    json_dumpb(doc, *out, *out_len, JSON_COMPACT);
    (*out)[*out_len] = '\0';
    return 0;
}

int dockerfile_changes_check(char *const *changes, size_t count, struct error *err)
{
    struct arena arena AUTO(arena);
    arena_init(&arena);
    json_t *config AUTO(json) = dockerfile_changes_apply(changes, count, &arena, err);
    return config ? 0 : -1;
}
