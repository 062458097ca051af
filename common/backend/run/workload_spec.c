/* SPDX-License-Identifier: Apache-2.0
 * A run described for a driver; see workload_spec.h. */
#include "backend/run/workload_spec.h"

#include "backend/state/backend_internal.h"
#include "backend/agent/reverse_agents.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "oci/document/container_config_merge.h"

#include <string.h>

enum { STOP_TIMEOUT_DEFAULT_S = 10 };

static bool is_program(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, name) == 0;
}

/* The words of a command that does nothing but last. */
static bool waits_for_ever(char *const *argv, size_t argc)
{
    if (argc == 3 && is_program(argv[0], "tail"))
        return (!strcmp(argv[1], "-f") || !strcmp(argv[1], "-F")) && !strcmp(argv[2], "/dev/null");
    if (argc == 2 && is_program(argv[0], "sleep"))
        return !strcmp(argv[1], "infinity") || !strcmp(argv[1], "inf");
    return argc == 1 && is_program(argv[0], "pause");
}

static bool is_shell(const char *path)
{
    return is_program(path, "sh") || is_program(path, "bash") || is_program(path, "ash");
}

enum { SCRIPT_WORDS_MAX = 4, SCRIPT_MAX = 64 };

/* A shell's script of one such command, with or without "exec". */
static bool script_waits_for_ever(const char *script)
{
    char copy[SCRIPT_MAX], *words[SCRIPT_WORDS_MAX], *rest = copy;
    size_t n = 0;
    if (strlen(script) >= sizeof copy)
        return false;
    strcpy(copy, script);
    for (char *word; (word = strsep(&rest, " "));) {
        if (!*word || (n == 0 && strcmp(word, "exec") == 0))
            continue;
        if (n == SCRIPT_WORDS_MAX)
            return false;
        words[n++] = word;
    }
    return waits_for_ever(words, n);
}

bool argv_is_keep_alive(char *const *argv, size_t argc)
{
    if (argc == 3 && is_shell(argv[0]) && !strcmp(argv[1], "-c"))
        return script_waits_for_ever(argv[2]);
    return waits_for_ever(argv, argc);
}

/* "--" and the command; a keep-alive command is run, too, where the image has it. */
static char **agent_argv(struct container *c, struct arena *arena, size_t *argc)
{
    Sockerless__Container *v = c->view;
    size_t n = 1 + v->n_args;
    char **argv = arena_alloc(arena, (n + 2) * sizeof *argv);
    char **user = argv + 2;
    user[0] = v->path;
    for (size_t i = 0; i < v->n_args; i++)
        user[1 + i] = v->args[i];
    argv[0] = arena_strdup(arena, "--keep-alive");
    argv[1] = arena_strdup(arena, "--");
    bool keep_alive = argv_is_keep_alive(user, n);
    *argc = n + (keep_alive ? 2 : 1);
    return keep_alive ? argv : argv + 1;
}

static bool sets_variable(const Sockerless__ContainerConfig *config, const char *name_equals)
{
    for (size_t i = 0; config->env && i < config->env->n_items; i++)
        if (str_starts(config->env->items[i], name_equals))
            return true;
    return false;
}

static size_t reverse_env(const struct container *c, struct arena *arena, char **env)
{
    const struct backend *b = c->backend;
    size_t n = 0;
    if (!b->reverse)
        return 0;
    env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_CONTAINER=%s", c->id);
    env[n++] = arena_printf(arena, "SOCKERLESS_CALLBACK_URL=%s", reverse_agents_url(b->reverse));
    if (reverse_agents_ca(b->reverse))
        env[n++] =
            arena_printf(arena, "SOCKERLESS_AGENT_CALLBACK_CA=%s", reverse_agents_ca(b->reverse));
    return n;
}

/* "SOCKERLESS_AGENT_UNSET=NAME=NAME…": the cloud would let the image's values through. */
static char *unset_names(const struct container_environment *process, struct arena *arena)
{
    AUTO(buf) struct buf names = BUF_INIT;
    for (size_t i = 0; i < process->unset_count; i++)
        buf_printf(&names, "%s%s", i ? "=" : "SOCKERLESS_AGENT_UNSET=", process->unset[i]);
    return arena_strndup(arena, names.data, names.len);
}

/* "SOCKERLESS_AGENT_GROUPS=NAME:NUMBER…": workload_spec_check() has seen that no name has a ':'. */
static char *group_names(const Sockerless__HostOptions *host, struct arena *arena)
{
    AUTO(buf) struct buf names = BUF_INIT;
    for (size_t i = 0; i < host->n_group_add; i++)
        buf_printf(&names, "%s%s", i ? ":" : "SOCKERLESS_AGENT_GROUPS=", host->group_add[i]);
    return arena_strndup(arena, names.data, names.len);
}

static bool is_unset(const struct container_environment *process, const char *name)
{
    for (size_t i = 0; i < process->unset_count; i++)
        if (strcmp(process->unset[i], name) == 0)
            return true;
    return false;
}

/* How long the agent waits for us; a user may say so for a container. */
static size_t patience_env(const Sockerless__ContainerConfig *config, struct arena *arena,
                           char **env)
{
    static const char *const settings[] = {"SOCKERLESS_AGENT_LINGER_MS=15000",
                                           "SOCKERLESS_AGENT_GATE_MS=60000"};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const char *name =
            arena_printf(arena, "%.*s", (int)strcspn(settings[i], "=") + 1, settings[i]);
        if (!sets_variable(config, name))
            env[n++] = arena_strdup(arena, settings[i]);
    }
    return n;
}

/* A terminal's; how large it is at first the client may have told. */
static size_t terminal_env(const Sockerless__HostOptions *host, struct arena *arena, char **env)
{
    size_t n = 0;
    env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_TTY=1");
    if (host->console_height) {
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_HEIGHT=%u", host->console_height);
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_WIDTH=%u", host->console_width);
    }
    return n;
}

static char **agent_env(struct container *c, const struct container_environment *process,
                        struct arena *arena, size_t *count)
{
    const Sockerless__ContainerConfig *config = c->view->config;
    char **env = arena_alloc(arena, 24 * sizeof *env);
    size_t n = 0;
    if (!sets_variable(config, "HOME=")) /* what the platform sets is root's */
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_HOME=passwd");
    /* Here, not in env: it would make every definition unique. */
    if (!sets_variable(config, "HOSTNAME=") && !is_unset(process, "HOSTNAME"))
        env[n++] = arena_printf(arena, "HOSTNAME=%s", config->hostname);
    if (process->unset_count)
        env[n++] = unset_names(process, arena);
    env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_TOKEN=%s", c->agent_token);
    env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_PORT=%d", (int)c->backend->config->agent_port);
    n += patience_env(config, arena, env + n);
    n += reverse_env(c, arena, env + n);
    if (c->backend->driver->caps.log_lines != LOG_LINES_TEXT)
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_LOG_LINES=%s",
                                log_lines_name(c->backend->driver->caps.log_lines));
    if (config->tty)
        n += terminal_env(c->view->host, arena, env + n);
    if (config->open_stdin)
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_STDIN=1");
    if (config->stdin_once)
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_STDIN_ONCE=1");
    if (!str_empty(config->user))
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_USER=%s", config->user);
    if (c->view->host->n_group_add)
        env[n++] = group_names(c->view->host, arena);
    if (!str_empty(config->working_dir))
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_WORKDIR=%s", config->working_dir);
    *count = n;
    return env;
}

static bool any_has_nul(char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (utf8_has_nul(items[i]))
            return true;
    return false;
}

/* Names that no group can have. */
static int check_groups(const Sockerless__HostOptions *host, struct error *err)
{
    for (size_t i = 0; i < host->n_group_add; i++) {
        const char *name = host->group_add[i];
        if (!*name || strpbrk(name, ":\n"))
            return error_set(err, ERROR_SYSTEM,
                             "Unable to find group %.200s: no matching entries in group file",
                             name);
    }
    return 0;
}

int workload_spec_check(const struct container *c, struct error *err)
{
    const Sockerless__Container *v = c->view;
    const Sockerless__ContainerConfig *config = v->config;
    const Sockerless__StringList *env = config->env;
    const char *what = NULL;
    if (utf8_has_nul(v->path) || any_has_nul(v->args, v->n_args))
        what = "the command";
    else if (env && any_has_nul(env->items, env->n_items))
        what = "an environment variable";
    else if (utf8_has_nul(config->user))
        what = "the user";
    else if (utf8_has_nul(config->working_dir))
        what = "the working directory";
    else if (utf8_has_nul(config->hostname))
        what = "the host name";
    else if (any_has_nul(v->host->group_add, v->host->n_group_add))
        what = "a group";
    else
        return check_groups(v->host, err);
    return what ? error_set(err, ERROR_INVALID_PARAMETER,
                            "%s can't contain null(\\x00): no process can be started with it", what)
                : 0;
}

struct workload_spec workload_spec_of(struct container *c, struct arena *arena)
{
    const Sockerless__ContainerConfig *config = c->view->config;
    struct workload_spec spec = {
        .container_id = c->id,
        .container_name = c->name,
        .instance = c->backend->instance,
        .run_token = c->run_token,
        .image = c->image_reference,
        .config = config,
        .host = c->view->host,
        .stop_timeout_s =
            config->has_stop_timeout ? config->stop_timeout_s : STOP_TIMEOUT_DEFAULT_S,
        .agent_port = (int)c->backend->config->agent_port,
    };
    spec.agent_argv = agent_argv(c, arena, &spec.agent_argc);
    struct container_environment process = container_environment(config, NULL, NULL, arena);
    spec.env = process.set;
    spec.env_count = process.set_count;
    spec.agent_env = agent_env(c, &process, arena, &spec.agent_env_count);
    return spec;
}
