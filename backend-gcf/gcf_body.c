/* SPDX-License-Identifier: Apache-2.0
 * The body of an invocation; see gcf_body.h. All that differs between two runs of an image is in
 * it: no part of it makes a function or a revision. */
#include "gcf_body.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "gcf_helper.h"

#include <string.h>

/* What the agent takes (agent/invocation.c); Linux would not start a process with more. */
enum { BODY_MAX = 8 * 1024 * 1024 };

static void pack(const Sockerless__Invocation *message, struct buf *out)
{
    size_t size = sockerless__invocation__get_packed_size(message);
    uint8_t *at = (uint8_t *)buf_reserve(out, size);
    buf_commit(out, sockerless__invocation__pack(message, at));
}

static void fill_agent_env(const struct gcf_config *config, const struct workload_spec *spec,
                           struct arena *arena, Sockerless__Invocation *message)
{
    size_t n = spec->agent_env_count;
    char **env = arena_calloc(arena, n + 1, sizeof *env);
    if (n)
        memcpy(env, spec->agent_env, n * sizeof *env);
    if (config->helper_stop_ms && gcf_helper_is(spec->container_name, spec->config))
        env[n++] = arena_printf(arena, "SOCKERLESS_AGENT_STOP_AFTER_MS=%lld",
                                (long long)config->helper_stop_ms);
    message->agent_env = env;
    message->n_agent_env = n;
}

int gcf_body_write(const struct gcf_config *config, const struct workload_spec *spec,
                   struct buf *out, struct error *err)
{
    AUTO(arena) struct arena arena;
    Sockerless__Invocation message;
    arena_init(&arena);
    sockerless__invocation__init(&message);
    message.run = (char *)spec->run_token;
    message.arguments = (char **)spec->agent_argv;
    message.n_arguments = spec->agent_argc;
    message.env = arena_calloc(&arena, spec->env_count + 1, sizeof *message.env);
    message.n_env = spec->env_count;
    for (size_t i = 0; i < spec->env_count; i++)
        message.env[i] = (ProtobufCBinaryData){strlen(spec->env[i]), (uint8_t *)spec->env[i]};
    fill_agent_env(config, spec, &arena, &message);
    /* A moment before the platform's own end, which would not say why. */
    message.timeout_s = config->timeout_s > 1 ? config->timeout_s - 1 : 1;
    size_t size = sockerless__invocation__get_packed_size(&message);
    if (size > BODY_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "command and environment make a request of %zu bytes; at most %d can be "
                         "sent to a function",
                         size, BODY_MAX);
    pack(&message, out);
    return 0;
}

void gcf_body_write_join(const char *token, struct buf *out)
{
    Sockerless__Invocation message;
    sockerless__invocation__init(&message);
    message.run = (char *)token;
    message.join = true;
    pack(&message, out);
}
