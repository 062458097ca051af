/* SPDX-License-Identifier: Apache-2.0
 * A run described for a driver; see workload_spec.h. */
#include "backend/run/workload_spec.h"

#include "backend/state/backend_internal.h"
#include "backend/agent/reverse_agents.h"
#include "base/str.h"
#include "oci/document/container_config_merge.h"

#include <string.h>

enum { STOP_TIMEOUT_DEFAULT_S = 10 };

static bool is_program(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, name) == 0;
}

static bool is_tail_forever(const char *flag, const char *file)
{
    return (!strcmp(flag, "-f") || !strcmp(flag, "-F")) && !strcmp(file, "/dev/null");
}

bool argv_is_keep_alive(char *const *argv, size_t argc)
{
    if (argc == 3 && is_program(argv[0], "tail"))
        return is_tail_forever(argv[1], argv[2]);
    if (argc == 3 && is_program(argv[0], "sh") && !strcmp(argv[1], "-c"))
        return !strcmp(argv[2], "tail -f /dev/null") || !strcmp(argv[2], "tail -F /dev/null");
    return false;
}

static char **agent_argv(struct container *c, struct arena *arena, size_t *argc)
{
    Sockerless__Container *v = c->view;
    size_t n = 1 + v->n_args;
    char **argv = arena_alloc(arena, (n + 2) * sizeof *argv);
    char **user = argv + 2;
    user[0] = v->path;
    for (size_t i = 0; i < v->n_args; i++)
        user[1 + i] = v->args[i];
    if (argv_is_keep_alive(user, n)) {
        argv[0] = arena_strdup(arena, "--keep-alive");
        argv[1] = arena_strdup(arena, "--");
        *argc = 2;
        return argv;
    }
    argv[1] = arena_strdup(arena, "--");
    *argc = n + 1;
    return argv + 1;
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

static char **agent_env(struct container *c, struct arena *arena, size_t *count)
{
    const Sockerless__ContainerConfig *config = c->view->config;
    char **env = arena_alloc(arena, 16 * sizeof *env);
    size_t n = 0;
    if (!sets_variable(config, "HOME=")) /* what the platform sets is root's */
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_HOME=passwd");
    if (!sets_variable(config,
                       "HOSTNAME=")) /* here, not in env: it would make every definition unique */
        env[n++] = arena_printf(arena, "HOSTNAME=%s", config->hostname);
    env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_TOKEN=%s", c->agent_token);
    env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_PORT=%d", (int)c->backend->config->agent_port);
    n += reverse_env(c, arena, env + n);
    if (c->backend->driver->caps.log_lines != LOG_LINES_TEXT)
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_LOG_LINES=%s",
                                log_lines_name(c->backend->driver->caps.log_lines));
    if (config->tty)
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_TTY=1");
    if (config->open_stdin)
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_STDIN=1");
    if (config->stdin_once)
        env[n++] = arena_strdup(arena, "SOCKERLESS_AGENT_STDIN_ONCE=1");
    if (!str_empty(config->user))
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_USER=%s", config->user);
    if (!str_empty(config->working_dir))
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_WORKDIR=%s", config->working_dir);
    *count = n;
    return env;
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
    spec.agent_env = agent_env(c, arena, &spec.agent_env_count);
    spec.env = container_environment(config, NULL, arena, &spec.env_count);
    return spec;
}
