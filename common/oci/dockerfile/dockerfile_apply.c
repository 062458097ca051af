/* SPDX-License-Identifier: Apache-2.0
 *
 * What each Dockerfile instruction does to a configuration; see dockerfile_change.h.
 */
#include "oci/dockerfile/dockerfile_change.h"

#include "base/alloc.h"
#include "oci/dockerfile/dockerfile_words.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

static int invalid(struct error *err, const char *text)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "%s", text);
}

static int refuse_flags(const struct dockerfile_instruction *in, struct error *err)
{
    if (in->flags.count == 0)
        return 0;
    const char *flag = in->flags.items[0] + 2;
    return error_set(err, ERROR_INVALID_PARAMETER, "Unknown flag: %.*s",
                     (int)(strcspn(flag, "=") < 100 ? strcspn(flag, "=") : 100), flag);
}

static json_t *list_of(const struct strv *items)
{
    json_t *list = json_array();
    for (size_t i = 0; i < items->count; i++)
        json_array_append_new(list, json_string(items->items[i]));
    return list;
}

/* The exec form as it is, the shell form for the default shell. */
static json_t *command_of(const struct dockerfile_instruction *in)
{
    json_t *list = in->is_json ? json_array() : json_pack("[ss]", "/bin/sh", "-c");
    json_t *args = list_of(&in->args);
    json_array_extend(list, args);
    json_decref(args);
    return list;
}

static int apply_cmd(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                     struct error *err)
{
    if (refuse_flags(in, err))
        return -1;
    json_object_set_new(s->config, "Cmd", command_of(in));
    return 0;
}

static int apply_entrypoint(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                            struct error *err)
{
    if (refuse_flags(in, err))
        return -1;
    json_object_set_new(s->config, "Entrypoint", in->args.count ? command_of(in) : json_null());
    return 0;
}

static void env_set(struct dockerfile_state *s, const char *name, const char *value)
{
    char *text = xasprintf("%s=%s", name, value);
    size_t len = strlen(name);
    for (size_t i = 0; i < s->scope.env.count; i++)
        if (strncmp(s->scope.env.items[i], name, len) == 0 && s->scope.env.items[i][len] == '=') {
            free(s->scope.env.items[i]);
            s->scope.env.items[i] = text;
            return;
        }
    strv_push_owned(&s->scope.env, text);
}

/* The i-th name and value of ENV or LABEL, expanded. */
static int pair_expand(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                       size_t i, char *out[2], struct error *err)
{
    if (!*in->args.items[2 * i])
        return error_set(err, ERROR_INVALID_PARAMETER, "%s names can not be blank",
                         strcmp(in->name, "env") == 0 ? "ENV" : "LABEL");
    for (size_t part = 0; part < 2; part++) {
        out[part] = dockerfile_word_expand(in->args.items[2 * i + part], &s->scope, err);
        if (!out[part])
            return -1;
    }
    return 0;
}

/* Values see the variables as they were before the instruction. */
static int apply_env(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                     struct error *err)
{
    if (refuse_flags(in, err))
        return -1;
    if (in->args.count == 0)
        return invalid(err, "ENV requires at least one argument");
    char *(*pairs)[2] = arena_calloc(s->scope.arena, in->args.count / 2, sizeof *pairs);
    for (size_t i = 0; i < in->args.count / 2; i++)
        if (pair_expand(s, in, i, pairs[i], err))
            return -1;
    for (size_t i = 0; i < in->args.count / 2; i++)
        env_set(s, pairs[i][0], pairs[i][1]);
    json_object_set_new(s->config, "Env", list_of(&s->scope.env));
    return 0;
}

/* The member of the configuration, made when it is missing. */
static json_t *object_of(struct dockerfile_state *s, const char *name)
{
    json_t *object = json_object_get(s->config, name);
    if (!object) {
        object = json_object();
        json_object_set_new(s->config, name, object);
    }
    return object;
}

static int apply_label(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                       struct error *err)
{
    char *pair[2];
    if (refuse_flags(in, err))
        return -1;
    if (in->args.count == 0)
        return invalid(err, "LABEL requires at least one argument");
    for (size_t i = 0; i < in->args.count / 2; i++) {
        if (pair_expand(s, in, i, pair, err))
            return -1;
        json_object_set_new(object_of(s, "Labels"), pair[0], json_string(pair[1]));
    }
    return 0;
}

static int apply_expose(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                        struct error *err)
{
    if (refuse_flags(in, err))
        return -1;
    if (in->args.count == 0)
        return invalid(err, "EXPOSE requires at least one argument");
    for (size_t i = 0; i < in->args.count; i++) {
        char *next = dockerfile_word_expand(in->args.items[i], &s->scope, err);
        if (!next)
            return -1;
        for (char *port; (port = strsep(&next, " \t\n\v\f\r"));)
            if (*port && dockerfile_expose(port, object_of(s, "ExposedPorts"), err))
                return -1;
    }
    return 0;
}

static int apply_volume(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                        struct error *err)
{
    if (refuse_flags(in, err))
        return -1;
    if (in->args.count == 0)
        return invalid(err, "VOLUME requires at least one argument");
    for (size_t i = 0; i < in->args.count; i++) {
        char *path = dockerfile_word_expand(in->args.items[i], &s->scope, err);
        if (!path)
            return -1;
        while (dockerfile_is_space(*path))
            path++;
        size_t end = strlen(path);
        while (end && dockerfile_is_space(path[end - 1]))
            path[--end] = '\0';
        if (!*path)
            return invalid(err, "VOLUME specified can not be an empty string");
        json_object_set_new(object_of(s, "Volumes"), path, json_object());
    }
    return 0;
}

/* The one argument, expanded. */
static char *only_argument(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                           const char *command, struct error *err)
{
    if (refuse_flags(in, err))
        return NULL;
    if (in->args.count != 1) {
        error_set(err, ERROR_INVALID_PARAMETER, "%s requires exactly one argument", command);
        return NULL;
    }
    return dockerfile_word_expand(in->args.items[0], &s->scope, err);
}

static int apply_user(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                      struct error *err)
{
    char *user = only_argument(s, in, "USER", err);
    if (!user)
        return -1;
    json_object_set_new(s->config, "User", json_string(user));
    return 0;
}

/* Go's path.Join("/", base, path). */
static char *path_join(const char *base, const char *path, struct arena *arena)
{
    char *all = arena_printf(arena, "%s/%s", base, path);
    char *out = arena_alloc(arena, strlen(all) + 2);
    size_t len = 0;
    for (char *part; (part = strsep(&all, "/"));) {
        if (strcmp(part, "..") == 0) {
            while (len && out[--len] != '/')
                ;
        } else if (*part && strcmp(part, ".") != 0) {
            out[len++] = '/';
            memcpy(out + len, part, strlen(part));
            len += strlen(part);
        }
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return out;
}

static int apply_workdir(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                         struct error *err)
{
    char *path = only_argument(s, in, "WORKDIR", err);
    if (!path)
        return -1;
    if (!*path)
        return invalid(err, "cannot normalize nothing");
    if (*path != '/')
        path = path_join(str_or_empty(json_string_value(json_object_get(s->config, "WorkingDir"))),
                         path, s->scope.arena);
    json_object_set_new(s->config, "WorkingDir", json_string(path));
    return 0;
}

static bool is_signal(const char *text)
{
    int64_t number;
    if (str_to_i64(text, &number))
        return number > 0 && number < NSIG;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    if (strncasecmp(text, "RTMIN", 5) == 0 || strncasecmp(text, "RTMAX", 5) == 0)
        return text[5] == '\0' || text[5] == '+' || text[5] == '-';
    for (int i = 1; i < NSIG; i++) {
        const char *name = sigabbrev_np(i);
        if (name && strcasecmp(name, text) == 0)
            return true;
    }
    return false;
}

static int apply_stopsignal(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                            struct error *err)
{
    char *name = only_argument(s, in, "STOPSIGNAL", err);
    if (!name)
        return -1;
    if (!is_signal(name))
        return error_set(err, ERROR_INVALID_PARAMETER, "Invalid signal: %.100s", name);
    json_object_set_new(s->config, "StopSignal", json_string(name));
    return 0;
}

static int apply_onbuild(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                         struct error *err)
{
    if (refuse_flags(in, err))
        return -1;
    if (in->args.count == 0)
        return invalid(err, "ONBUILD requires at least one argument");
    static const char *const forbidden[] = {"FROM", "MAINTAINER"};
    const char *text = in->args.items[0];
    size_t n = strcspn(text, " \t\v\f\r");
    if (n == strlen("ONBUILD") && strncasecmp(text, "ONBUILD", n) == 0)
        return invalid(err, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (n == strlen(forbidden[i]) && strncasecmp(text, forbidden[i], n) == 0)
            return error_set(err, ERROR_INVALID_PARAMETER, "%s isn't allowed as an ONBUILD trigger",
                             forbidden[i]);
    json_t *list = json_object_get(s->config, "OnBuild");
    if (!list) {
        list = json_array();
        json_object_set_new(s->config, "OnBuild", list);
    }
    json_array_append_new(list, json_string(text));
    return 0;
}

dockerfile_apply_fn dockerfile_apply_find(const char *name)
{
    static const struct {
        const char *name;
        dockerfile_apply_fn apply;
    } table[] = {
        {"cmd", apply_cmd},
        {"entrypoint", apply_entrypoint},
        {"env", apply_env},
        {"expose", apply_expose},
        {"healthcheck", dockerfile_apply_healthcheck},
        {"label", apply_label},
        {"onbuild", apply_onbuild},
        {"stopsignal", apply_stopsignal},
        {"user", apply_user},
        {"volume", apply_volume},
        {"workdir", apply_workdir},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].apply;
    return NULL;
}
