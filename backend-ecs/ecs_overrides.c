/* SPDX-License-Identifier: Apache-2.0
 * Command and environment of a run; see ecs_overrides.h. */
#include "ecs_overrides.h"

#include "base/alloc.h"
#include "base/str.h"
#include "ecs_names.h"

#include <string.h>
#include <uthash.h>

enum {
    OVERRIDES_MAX = 8192, /* characters, JSON punctuation included */
    COMPLETE_MAX = 7680,  /* a margin: ECS may write the JSON differently than we do */
};

/* ---- the environment, each name once ---- */

struct variable {
    const char *entry;
    size_t name_len;
    bool per_run; /* differs between containers that are otherwise alike */
    UT_hash_handle hh;
};

struct environment {
    struct variable *items;
    size_t count;
    struct variable *by_name;
};

enum part { PART_ALL, PART_SHARED, PART_PER_RUN };

/* HOSTNAME=<short id>, given by the user's side. */
static bool is_own_hostname(const struct workload_spec *spec, const char *entry)
{
    static const char name[] = "HOSTNAME=";
    return str_starts(entry, name) && strlen(entry) == sizeof name - 1 + 12 &&
           strncmp(entry + sizeof name - 1, spec->container_id, 12) == 0;
}

/* As Docker merges: the last value counts, at the place of the first. */
static void environment_put(struct environment *env, const char *entry, bool per_run)
{
    size_t len = strcspn(entry, "=");
    struct variable *v;
    if (!len)
        return;
    HASH_FIND(hh, env->by_name, entry, len, v);
    if (!v) {
        v = &env->items[env->count++];
        v->name_len = len;
        HASH_ADD_KEYPTR(hh, env->by_name, entry, len, v);
    }
    v->entry = entry;
    v->per_run = per_run;
}

/* The agent's settings come last: a user's variable of that name does not change them. */
static void environment_init(struct environment *env, const struct workload_spec *spec)
{
    *env = (struct environment){0};
    env->items = xcalloc(spec->env_count + spec->agent_env_count + 1, sizeof *env->items);
    for (size_t i = 0; i < spec->env_count; i++)
        environment_put(env, spec->env[i], is_own_hostname(spec, spec->env[i]));
    for (size_t i = 0; i < spec->agent_env_count; i++)
        environment_put(env, spec->agent_env[i], true);
}

static void environment_fini(struct environment *env)
{
    HASH_CLEAR(hh, env->by_name);
    free(env->items);
}

static void environment_write(struct json_writer *w, const struct environment *env, enum part part)
{
    json_member_array(w, "environment");
    for (const struct variable *v = env->items; v < env->items + env->count; v++) {
        if (part != PART_ALL && v->per_run != (part == PART_PER_RUN))
            continue;
        const char *value = v->entry + v->name_len;
        json_object_open(w);
        json_key(w, "name");
        json_string_len(w, v->entry, v->name_len);
        json_member_string(w, "value", *value ? value + 1 : "");
        json_object_close(w);
    }
    json_array_close(w);
}

/* ---- overrides ---- */

static void write_command(struct json_writer *w, const struct workload_spec *spec)
{
    json_key(w, "command");
    json_string_array(w, spec->agent_argv, spec->agent_argc);
}

static void write_overrides(const struct workload_spec *spec, const struct environment *env,
                            bool complete, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_array(&w, "containerOverrides");
    json_object_open(&w);
    json_member_string(&w, "name", ECS_MAIN_CONTAINER);
    if (complete)
        write_command(&w, spec);
    environment_write(&w, env, complete ? PART_ALL : PART_PER_RUN);
    json_object_close(&w);
    json_array_close(&w);
    json_object_close(&w);
}

/* At most so many characters, even if they are counted with all but ASCII written as \uXXXX. */
static size_t count_characters(const struct buf *json)
{
    size_t n = json->len;
    for (size_t i = 0; i < json->len; i++)
        if ((unsigned char)json->data[i] >= 0x80)
            n += 2; /* two bytes make six characters, four make twelve */
    return n;
}

int ecs_overrides_build(const struct workload_spec *spec, struct ecs_overrides *out,
                        struct error *err)
{
    struct environment env;
    *out = (struct ecs_overrides){0};
    environment_init(&env, spec);
    write_overrides(spec, &env, true, &out->json);
    out->complete = count_characters(&out->json) <= COMPLETE_MAX;
    if (!out->complete) {
        buf_free(&out->json);
        write_overrides(spec, &env, false, &out->json);
    }
    environment_fini(&env);
    if (out->json.len <= OVERRIDES_MAX)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "user, working directory, host name and the agent's other settings take %zu "
                     "characters of task overrides; ECS takes at most %d",
                     out->json.len, OVERRIDES_MAX);
}

void ecs_process_write(struct json_writer *w, const struct workload_spec *spec)
{
    struct environment env;
    environment_init(&env, spec);
    write_command(w, spec);
    environment_write(w, &env, PART_SHARED);
    environment_fini(&env);
}
