/* SPDX-License-Identifier: Apache-2.0
 * The container's environment; see cloud_environment.h. */
#include "cloud/cloud_environment.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CARRIED CLOUD_ENVIRONMENT_CARRIED

enum { SHOWN_MAX = 64 };

struct variable {
    const char *entry; /* "NAME=value" */
    size_t name_len;
};

/* As Docker merges: the last value counts. The agent's settings come last, so a user's variable of
 * that name does not change them. */
static bool is_overridden(const struct workload_spec *spec, const char *entry, size_t from)
{
    size_t len = strcspn(entry, "=");
    for (size_t i = from; i < spec->env_count + spec->agent_env_count; i++) {
        const char *other =
            i < spec->env_count ? spec->env[i] : spec->agent_env[i - spec->env_count];
        if (strncmp(entry, other, len) == 0 && strcspn(other, "=") == len)
            return true;
    }
    return false;
}

static bool is_identifier(const struct variable *v)
{
    if (isdigit((unsigned char)v->entry[0]))
        return false;
    for (size_t i = 0; i < v->name_len; i++)
        if (!isalnum((unsigned char)v->entry[i]) && v->entry[i] != '_')
            return false;
    return true;
}

/* The message names the variable and shows nothing of its value. */
static int put(struct json_writer *w, const struct cloud_environment_rules *rules, const char *name,
               size_t name_len, const char *value, struct error *err)
{
    const char *shown = str_starts(name, CARRIED) ? value : name;
    int shown_len = (int)strcspn(shown, "=");
    bool secret = rules->secret_name && strlen(rules->secret_name) == name_len &&
                  strncmp(rules->secret_name, name, name_len) == 0;
    if (name_len > rules->value_max || strlen(value) > rules->value_max)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "environment variable %.*s: %s takes names and values of at most %zu "
                         "bytes",
                         shown_len < SHOWN_MAX ? shown_len : SHOWN_MAX, shown, rules->cloud,
                         rules->value_max);
    json_object_open(w);
    json_key(w, "name");
    json_string_len(w, name, name_len);
    json_member_string(w, secret ? "secretRef" : "value", secret ? rules->secret_ref : value);
    json_object_close(w);
    return 0;
}

static int put_carried(struct json_writer *w, const struct cloud_environment_rules *rules,
                       const char *entry, unsigned number, struct error *err)
{
    char name[sizeof CARRIED + 12];
    int len = snprintf(name, sizeof name, CARRIED "%u", number);
    AUTO_FREE char *whole = strchr(entry, '=') ? xstrdup(entry) : xasprintf("%s=", entry);
    return put(w, rules, name, (size_t)len, whole, err);
}

static const char *value_of(const struct variable *v)
{
    return v->entry[v->name_len] ? v->entry + v->name_len + 1 : "";
}

static int put_variables(struct json_writer *w, const struct workload_spec *spec,
                         const struct cloud_environment_rules *rules, struct error *err)
{
    unsigned carried = 0;
    for (size_t i = 0; i < spec->env_count + spec->agent_env_count; i++) {
        bool own = i >= spec->env_count;
        struct variable v = {own ? spec->agent_env[i - spec->env_count] : spec->env[i], 0};
        v.name_len = strcspn(v.entry, "=");
        if (!v.name_len || is_overridden(spec, v.entry, i + 1))
            continue;
        bool carries = !own && (!is_identifier(&v) || str_starts(v.entry, CARRIED) ||
                                rules->carries(v.entry, v.name_len));
        if (carries ? put_carried(w, rules, v.entry, carried++, err)
                    : put(w, rules, v.entry, v.name_len, value_of(&v), err))
            return -1;
    }
    return 0;
}

int cloud_environment_write(struct json_writer *w, const struct workload_spec *spec,
                            const struct cloud_environment_rules *rules, struct error *err)
{
    size_t count = spec->env_count + spec->agent_env_count + (rules->extra != NULL);
    if (count > rules->variables_max)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%zu environment variables are more than %s can have (%zu)", count,
                         rules->holder, rules->variables_max);
    json_member_array(w, "env");
    if (put_variables(w, spec, rules, err))
        return -1;
    if (rules->extra) {
        const struct variable v = {rules->extra, strcspn(rules->extra, "=")};
        if (put(w, rules, v.entry, v.name_len, value_of(&v), err))
            return -1;
    }
    json_array_close(w);
    return 0;
}

const char *cloud_environment_agent_value(const struct workload_spec *spec, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = spec->agent_env_count; i-- > 0;)
        if (strncmp(spec->agent_env[i], name, len) == 0 && spec->agent_env[i][len] == '=')
            return spec->agent_env[i] + len + 1;
    return NULL;
}
