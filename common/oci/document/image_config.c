/* SPDX-License-Identifier: Apache-2.0
 *
 * Image configuration; see image_config.h. The fields are tables (name, offset), one table a type;
 * null is as good as absent, as Go's decoder has it.
 */
#include "oci/document/image_config.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef Sockerless__ContainerConfig Config;
typedef Sockerless__Healthcheck Healthcheck;
typedef Sockerless__Image Image;

struct field {
    const char *name;
    size_t offset;
    size_t count_offset; /* lists only */
};

static const struct field image_strings[] = {
    {"architecture", offsetof(Image, architecture), 0},
    {"variant", offsetof(Image, variant), 0},
    {"os", offsetof(Image, os), 0},
    {"author", offsetof(Image, author), 0},
    {"comment", offsetof(Image, comment), 0},
    {"docker_version", offsetof(Image, docker_version), 0},
};
static const struct field config_strings[] = {
    {"Hostname", offsetof(Config, hostname), 0},
    {"Domainname", offsetof(Config, domainname), 0},
    {"User", offsetof(Config, user), 0},
    {"Image", offsetof(Config, image), 0},
    {"WorkingDir", offsetof(Config, working_dir), 0},
    {"MacAddress", offsetof(Config, mac_address), 0},
    {"StopSignal", offsetof(Config, stop_signal), 0},
};
static const struct field config_bools[] = {
    {"AttachStdin", offsetof(Config, attach_stdin), 0},
    {"AttachStdout", offsetof(Config, attach_stdout), 0},
    {"AttachStderr", offsetof(Config, attach_stderr), 0},
    {"Tty", offsetof(Config, tty), 0},
    {"OpenStdin", offsetof(Config, open_stdin), 0},
    {"StdinOnce", offsetof(Config, stdin_once), 0},
    {"ArgsEscaped", offsetof(Config, args_escaped), 0},
    {"NetworkDisabled", offsetof(Config, network_disabled), 0},
};
static const struct field config_string_lists[] = {
    /* null and [] differ */
    {"Env", offsetof(Config, env), 0},
    {"Cmd", offsetof(Config, cmd), 0},
    {"Entrypoint", offsetof(Config, entrypoint), 0},
    {"Shell", offsetof(Config, shell), 0},
};
static const struct field config_sets[] = {
    /* objects of which only the keys matter */
    {"ExposedPorts", offsetof(Config, exposed_ports), offsetof(Config, n_exposed_ports)},
    {"Volumes", offsetof(Config, volumes), offsetof(Config, n_volumes)},
};
static const struct field health_ints[] = {
    {"Interval", offsetof(Healthcheck, interval_ns), 0},
    {"Timeout", offsetof(Healthcheck, timeout_ns), 0},
    {"StartPeriod", offsetof(Healthcheck, start_period_ns), 0},
    {"StartInterval", offsetof(Healthcheck, start_interval_ns), 0},
};

#define AT(base, off, type) ((type *)(void *)((char *)(base) + (off)))

static int wrong_type(const char *name, const char *wanted, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid image configuration: %s is not %s",
                     name, wanted);
}

/* The member, or NULL when absent or null. */
static json_t *member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

static int read_strings(json_t *object, const struct field *fields, size_t count,
                        struct arena *arena, void *to, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = member(object, fields[i].name);
        if (!value)
            continue;
        if (!json_is_string(value))
            return wrong_type(fields[i].name, "a string", err);
        *AT(to, fields[i].offset, char *) = arena_strdup(arena, json_string_value(value));
    }
    return 0;
}

static int read_bools(json_t *object, void *to, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(config_bools); i++) {
        json_t *value = member(object, config_bools[i].name);
        if (value && !json_is_boolean(value))
            return wrong_type(config_bools[i].name, "true or false", err);
        *AT(to, config_bools[i].offset, protobuf_c_boolean) = json_is_true(value);
    }
    return 0;
}

static int read_list(json_t *value, const char *name, struct arena *arena, char ***items,
                     size_t *count, struct error *err)
{
    if (!value)
        return 0;
    if (!json_is_array(value))
        return wrong_type(name, "a list of strings", err);
    *count = json_array_size(value);
    *items = arena_calloc(arena, *count + 1, sizeof **items);
    for (size_t i = 0; i < *count; i++) {
        json_t *item = json_array_get(value, i);
        if (!json_is_string(item))
            return wrong_type(name, "a list of strings", err);
        (*items)[i] = arena_strdup(arena, json_string_value(item));
    }
    return 0;
}

static int read_string_lists(json_t *object, struct arena *arena, Config *to, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(config_string_lists); i++) {
        const struct field *f = &config_string_lists[i];
        json_t *value = member(object, f->name);
        if (!value)
            continue;
        Sockerless__StringList *list = arena_alloc(arena, sizeof *list);
        sockerless__string_list__init(list);
        if (json_is_string(value)) { /* Docker takes a lone string for a list of one (strslice) */
            list->items = arena_calloc(arena, 2, sizeof *list->items);
            list->items[0] = arena_strdup(arena, json_string_value(value));
            list->n_items = 1;
        } else if (read_list(value, f->name, arena, &list->items, &list->n_items, err)) {
            return -1;
        }
        *AT(to, f->offset, Sockerless__StringList *) = list;
    }
    return 0;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_sets(json_t *object, struct arena *arena, Config *to, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(config_sets); i++) {
        json_t *set = member(object, config_sets[i].name);
        if (!set)
            continue;
        if (!json_is_object(set))
            return wrong_type(config_sets[i].name, "an object", err);
        char **keys = arena_calloc(arena, json_object_size(set) + 1, sizeof *keys);
        size_t count = 0;
        const char *key;
        json_t *ignored;
        json_object_foreach(set, key, ignored) keys[count++] = arena_strdup(arena, key);
        qsort(keys, count, sizeof *keys, compare_strings);
        *AT(to, config_sets[i].offset, char **) = keys;
        *AT(to, config_sets[i].count_offset, size_t) = count;
    }
    return 0;
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp((*(Sockerless__KeyValue *const *)a)->key,
                  (*(Sockerless__KeyValue *const *)b)->key);
}

static int read_labels(json_t *labels, struct arena *arena, Config *to, struct error *err)
{
    if (!labels)
        return 0;
    if (!json_is_object(labels))
        return wrong_type("Labels", "an object", err);
    to->labels = arena_calloc(arena, json_object_size(labels) + 1, sizeof *to->labels);
    const char *key;
    json_t *value;
    json_object_foreach(labels, key, value)
    {
        if (!json_is_string(value) && !json_is_null(value))
            return wrong_type("a label's value", "a string", err);
        Sockerless__KeyValue *pair = arena_alloc(arena, sizeof *pair);
        sockerless__key_value__init(pair);
        pair->key = arena_strdup(arena, key);
        pair->value = arena_strdup(arena, str_or_empty(json_string_value(value)));
        to->labels[to->n_labels++] = pair;
    }
    qsort(to->labels, to->n_labels, sizeof *to->labels, compare_pairs);
    return 0;
}

static int read_int(json_t *object, const char *name, int64_t *out, struct error *err)
{
    json_t *value = member(object, name);
    if (value && !json_is_integer(value))
        return wrong_type(name, "an integer", err);
    *out = json_integer_value(value);
    return 0;
}

static int read_healthcheck(json_t *value, struct arena *arena, Config *to, struct error *err)
{
    if (!value)
        return 0;
    if (!json_is_object(value))
        return wrong_type("Healthcheck", "an object", err);
    Healthcheck *h = arena_alloc(arena, sizeof *h);
    sockerless__healthcheck__init(h);
    if (read_list(member(value, "Test"), "Healthcheck.Test", arena, &h->test, &h->n_test, err))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(health_ints); i++)
        if (read_int(value, health_ints[i].name, AT(h, health_ints[i].offset, int64_t), err))
            return -1;
    int64_t retries;
    if (read_int(value, "Retries", &retries, err))
        return -1;
    if (retries < 0 || retries > INT_MAX)
        return wrong_type("Healthcheck.Retries", "a count", err);
    h->retries = (int32_t)retries;
    to->healthcheck = h;
    return 0;
}

static int read_config(json_t *object, struct arena *arena, Config *to, struct error *err)
{
    if (!object)
        return 0;
    if (!json_is_object(object))
        return wrong_type("config", "an object", err);
    int64_t stop_timeout;
    if (read_strings(object, config_strings, ARRAY_LEN(config_strings), arena, to, err) ||
        read_bools(object, to, err) || read_string_lists(object, arena, to, err) ||
        read_sets(object, arena, to, err) ||
        read_list(member(object, "OnBuild"), "OnBuild", arena, &to->on_build, &to->n_on_build,
                  err) ||
        read_labels(member(object, "Labels"), arena, to, err) ||
        read_healthcheck(member(object, "Healthcheck"), arena, to, err) ||
        read_int(object, "StopTimeout", &stop_timeout, err))
        return -1;
    if (stop_timeout < INT_MIN || stop_timeout > INT_MAX)
        return wrong_type("StopTimeout", "a number of seconds", err);
    to->has_stop_timeout = member(object, "StopTimeout") != NULL;
    to->stop_timeout_s = (int32_t)stop_timeout;
    return 0;
}

/* Docker shows the newest history entry's comment when the image has none of its own. */
static void comment_from_history(json_t *doc, struct arena *arena, Image *image)
{
    json_t *history = json_object_get(doc, "history");
    size_t count = json_array_size(history);
    if (!str_empty(image->comment) || count == 0)
        return;
    const char *comment = json_doc_string(json_array_get(history, count - 1), "comment");
    if (comment)
        image->comment = arena_strdup(arena, comment);
}

static int read_created(json_t *doc, Image *image, struct error *err)
{
    json_t *value = member(doc, "created");
    if (!value)
        return 0;
    if (!json_is_string(value))
        return wrong_type("created", "a time", err);
    /* Go's zero time and other times out of range count as "never". */
    if (!timefmt_parse_rfc3339(json_string_value(value), &image->created))
        image->created = 0;
    return 0;
}

int image_config_parse(const void *bytes, size_t len, struct arena *arena, Image **out,
                       struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(bytes, len, err);
    if (!doc)
        return error_wrap(err, "image configuration");
    Image *image = arena_alloc(arena, sizeof *image);
    sockerless__image__init(image);
    image->config = arena_alloc(arena, sizeof *image->config);
    sockerless__container_config__init(image->config);
    if (read_strings(doc, image_strings, ARRAY_LEN(image_strings), arena, image, err) ||
        read_created(doc, image, err) ||
        read_config(member(doc, "config"), arena, image->config, err) ||
        read_list(member(member(doc, "rootfs"), "diff_ids"), "rootfs.diff_ids", arena,
                  &image->diff_ids, &image->n_diff_ids, err))
        return -1;
    comment_from_history(doc, arena, image);
    *out = image;
    return 0;
}
