/* SPDX-License-Identifier: Apache-2.0
 * The rules that containers of Cloud Run have alike (Cloud Run Admin API v2, and the pages on CPU,
 * memory and labels); see container_check.h. */
#include "test/sim/gcp/container_check.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/http/value.h"

#include <ctype.h>
#include <string.h>

enum { LABELS_MAX = 64, LABEL_MAX = 63, ANNOTATIONS_BYTES_MAX = 256 * 1024, ENV_MAX = 1000 };
static const int64_t MIB = 1024 * 1024;

bool container_check_id(const char *id, size_t max)
{
    size_t len = strlen(id);
    if (len == 0 || len > max || !islower((unsigned char)id[0]) || id[len - 1] == '-')
        return false;
    for (; *id; id++)
        if (!islower((unsigned char)*id) && !isdigit((unsigned char)*id) && *id != '-')
            return false;
    return true;
}

int container_check_members(const struct member_schema *table, const json_t *object,
                            const char *schema, struct error *err)
{
    struct member_problem problem;
    if (members_check(table, object, schema, false, &problem))
        return 0;
    if (!*problem.name)
        return error_set(err, ERROR_INVALID_PARAMETER, "Invalid value at '%s': expected an object",
                         problem.path);
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find "
                     "field.",
                     problem.name, problem.path);
}

/* ---- labels and annotations ---- */

static bool reserved(const char *key)
{
    static const char *const prefixes[] = {"run.googleapis.com", "cloud.googleapis.com",
                                           "serving.knative.dev", "autoscaling.knative.dev"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(key, prefixes[i]))
            return true;
    return false;
}

static bool label_text(const char *text, bool is_key)
{
    if (strlen(text) > LABEL_MAX || (is_key && !islower((unsigned char)*text)))
        return false;
    for (; *text; text++)
        if (isupper((unsigned char)*text) ||
            (!isalnum((unsigned char)*text) && !strchr("_-", *text)))
            return false;
    return true;
}

int container_check_labels(const json_t *labels, struct error *err)
{
    const char *key;
    json_t *value;
    if (json_object_size(labels) > LABELS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "too many labels: at most %d", LABELS_MAX);
    json_object_foreach((json_t *)labels, key, value)
    {
        if (reserved(key))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "labels: the namespace of %s is reserved", key);
        if (!json_is_string(value) || !label_text(key, true) ||
            !label_text(json_string_value(value), false))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "labels: key %s or its value is not made of at most %d lowercase "
                             "letters, digits, underscores and dashes",
                             key, LABEL_MAX);
    }
    return 0;
}

int container_check_annotations(const json_t *annotations, struct error *err)
{
    const char *key;
    json_t *value;
    size_t bytes = 0;
    json_object_foreach((json_t *)annotations, key, value)
    {
        const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;
        if (reserved(key))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "annotations: the namespace of %s is reserved", key);
        if (!json_is_string(value) || !*name || strlen(name) > LABEL_MAX ||
            !value_only(name, "._-") || (slash && !value_only(key, "./_-")))
            return error_set(err, ERROR_INVALID_PARAMETER, "annotations: invalid key %s", key);
        bytes += strlen(key) + json_string_length(value);
    }
    if (bytes > ANNOTATIONS_BYTES_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "annotations: total size must not exceed 256 KiB");
    return 0;
}

/* ---- containers ---- */

bool container_check_bytes(const char *text, int64_t *out)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}, {"G", 1000000000},
                 {"M", 1000000},  {"k", 1000},     {"", 1}};
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *number = xstrndup(text, digits);
    if (digits > 12 || !str_to_i64(number, out))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (!strcmp(text + digits, units[i].suffix)) {
            *out *= units[i].factor;
            return true;
        }
    return false;
}

bool container_check_millis(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *number = xstrndup(text, digits);
    const char *rest = text + digits;
    if (digits > 6 || !str_to_i64(number, out))
        return false;
    if (!strcmp(rest, "m"))
        return true;
    *out *= 1000;
    if (*rest == '.')
        for (int64_t unit = 100; isdigit((unsigned char)*++rest); unit /= 10)
            *out += (*rest - '0') * unit;
    return !*rest;
}

/* Whole numbers of CPUs, and the memory that goes with each. */
static int check_memory(int64_t millis, int64_t bytes, const char *cpu, struct error *err)
{
    static const struct {
        int64_t cpu, memory_min_mib, memory_max_mib;
    } sizes[] = {
        {1, 512, 4096}, {2, 512, 8192}, {4, 2048, 16384}, {6, 4096, 24576}, {8, 4096, 32768}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (millis != sizes[i].cpu * 1000)
            continue;
        if (bytes < sizes[i].memory_min_mib * MIB || bytes > sizes[i].memory_max_mib * MIB)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Invalid value specified for container memory. For %s CPU, memory "
                             "must be between %lldMi and %lldMi inclusive.",
                             cpu, (long long)sizes[i].memory_min_mib,
                             (long long)sizes[i].memory_max_mib);
        return 0;
    }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid value specified for cpu: %s. Must be one of 1, 2, 4, 6, 8.", cpu);
}

/* CPU and the memory that goes with it; less than one CPU has at least 0.08 and 128 MiB. */
static int check_limits(const json_t *limits, const struct container_rules *rules,
                        struct error *err)
{
    const char *cpu = value_string(limits, "cpu"), *memory = value_string(limits, "memory");
    int64_t millis, bytes;
    if (!container_check_millis(cpu, &millis) || !container_check_bytes(memory, &bytes))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%s.resources.limits: cpu %s or memory %s is not a valid quantity",
                         rules->where, cpu, memory);
    if (!rules->fractions || millis >= 1000)
        return check_memory(millis, bytes, cpu, err);
    if (millis >= 80 && bytes >= 128 * MIB * 95 / 100)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid value specified for container cpu or memory: at least 0.08 CPU and "
                     "128Mi are needed, not %s and %s.",
                     cpu, memory);
}

int container_check_env(const json_t *env, const struct container_rules *rules, struct error *err)
{
    size_t i;
    json_t *item;
    if (json_array_size(env) > ENV_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "env: at most %d variables", ENV_MAX);
    json_array_foreach(env, i, item)
    {
        const char *name = value_string(item, "name");
        bool taken = rules->reserved && str_starts(name, rules->reserved);
        for (const char *const *t = rules->taken; t && *t; t++)
            taken = taken || !strcmp(name, *t);
        if (!*name || strchr(name, '=') || taken)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "env[%zu].name: '%s' is empty, invalid or reserved", i, name);
    }
    return 0;
}

int container_check(json_t *c, const struct container_rules *rules, struct error *err)
{
    json_t *resources = json_object_get(c, "resources");
    if (!*value_string(c, "image"))
        return error_set(err, ERROR_INVALID_PARAMETER, "%s.image: must be set", rules->where);
    if (!resources)
        json_object_set_new(c, "resources", resources = json_object());
    if (!json_object_get(resources, "limits"))
        json_object_set_new(resources, "limits", json_object());
    json_t *limits = json_object_get(resources, "limits");
    if (!json_object_get(limits, "cpu"))
        value_set_text(limits, "cpu", "1000m");
    if (!json_object_get(limits, "memory"))
        value_set_text(limits, "memory", "512Mi");
    return check_limits(limits, rules, err) ||
                   container_check_env(json_object_get(c, "env"), rules, err)
               ? -1
               : 0;
}

int container_check_mounts(const json_t *template, struct error *err)
{
    size_t i, k;
    json_t *mount, *volume;
    json_t *container = json_array_get(json_object_get(template, "containers"), 0);
    json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
    {
        bool found = false;
        json_array_foreach(json_object_get(template, "volumes"), k, volume) found =
            found || !strcmp(value_string(volume, "name"), value_string(mount, "name"));
        if (!found || *value_string(mount, "mountPath") != '/')
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "volumeMounts[%zu]: no volume '%s', or mountPath is not absolute", i,
                             value_string(mount, "name"));
    }
    return 0;
}
