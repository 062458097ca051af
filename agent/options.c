/* SPDX-License-Identifier: Apache-2.0
 * The agent's options; see options.h. Read once by main.c. The command line is written by the
 * backend into a task definition, the variables into its environment; neither is meant for people,
 * so errors are short and name the variable. */
#include "agent/options.h"

#include "agent/environment.h"
#include "base/alloc.h"
#include "base/secret.h"

#include <string.h>
#include <unistd.h>

enum { CALLBACK_URL_MAX = 500 };

static const char *const keep_alive_command[] = {"tail", "-f", "/dev/null"};

static int command_line(struct agent_options *o, int argc, char **argv, struct error *err)
{
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            o->mode = AGENT_VERSION;
        } else if (strcmp(argv[i], "--keep-alive") == 0) {
            o->keep_alive = true;
        } else if (strcmp(argv[i], "--install") == 0 && i + 1 < argc) {
            o->mode = AGENT_INSTALL;
            o->install_dir = argv[++i];
        } else {
            return error_set(
                err, ERROR_INVALID_PARAMETER,
                "%s: not understood; usage: sockerless-agent [--keep-alive] -- command "
                "argument… | --install DIRECTORY | --version",
                argv[i]);
        }
    }
    for (i++; i < argc; i++)
        strv_push(&o->argv, argv[i]);
    if (o->keep_alive && o->argv.count == 0) /* a command that is not named */
        for (size_t k = 0; k < ARRAY_LEN(keep_alive_command); k++)
            strv_push(&o->argv, keep_alive_command[k]);
    if (o->mode == AGENT_RUN && o->argv.count == 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "no command given after --");
    return 0;
}

static int variable_number(const char *name, int64_t initial, int64_t min, int64_t max,
                           int64_t *out, struct error *err)
{
    const char *text = getenv(name);
    *out = initial;
    if (str_empty(text))
        return 0;
    if (!str_to_i64(text, out) || *out < min || *out > max)
        return error_set(err, ERROR_INVALID_PARAMETER, "%s=%s: must be a number from %lld to %lld",
                         name, text, (long long)min, (long long)max);
    return 0;
}

static bool variable_flag(const char *name)
{
    const char *text = getenv(name);
    return text && strcmp(text, "1") == 0;
}

static char *variable_text(const char *name, const char *initial)
{
    const char *text = getenv(name);
    return xstrdup(str_empty(text) ? initial : text);
}

static int variables(struct agent_options *o, struct error *err)
{
    o->token = variable_text("SOCKERLESS_AGENT_TOKEN", "");
    o->address = variable_text("SOCKERLESS_AGENT_ADDRESS", "0.0.0.0");
    o->user = variable_text("SOCKERLESS_AGENT_USER", "");
    o->workdir = variable_text("SOCKERLESS_AGENT_WORKDIR", "/");
    o->tty = variable_flag("SOCKERLESS_AGENT_TTY");
    o->open_stdin = variable_flag("SOCKERLESS_AGENT_STDIN");
    o->stdin_once = variable_flag("SOCKERLESS_AGENT_STDIN_ONCE");
    if (!*o->token)
        return error_set(err, ERROR_INVALID_PARAMETER, "SOCKERLESS_AGENT_TOKEN is not set");
    if (o->workdir[0] != '/') { /* an image may say so; it means from the root */
        char *absolute = xasprintf("/%s", o->workdir);
        free(o->workdir);
        o->workdir = absolute;
    }
    if (variable_number("SOCKERLESS_AGENT_PORT", 9111, 1, 65535, &o->port, err))
        return -1;
    if (variable_number("SOCKERLESS_AGENT_LINGER_MS", 15000, 0, 3600000, &o->linger_ms, err))
        return -1;
    return variable_number("SOCKERLESS_AGENT_GATE_MS", 60000, 0, 3600000, &o->gate_ms, err);
}

/* Only with a container id that comes from a backend: a user may run a Sockerless of his own in
 * here and have that variable for it. */
static int reverse_variables(struct agent_options *o, struct error *err)
{
    const char *url = getenv("SOCKERLESS_CALLBACK_URL");
    o->container = variable_text("SOCKERLESS_AGENT_CONTAINER", "");
    o->callback_ca = variable_text("SOCKERLESS_AGENT_CALLBACK_CA", "");
    if (str_empty(url) || !*o->container)
        return 0;
    if (!str_starts(url, "ws://") && !str_starts(url, "wss://"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_URL must begin with ws:// or wss://");
    if (strlen(url) > CALLBACK_URL_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_URL is longer than %d characters", CALLBACK_URL_MAX);
    o->callback_url = xstrdup(url);
    return 0;
}

int agent_options_load(struct agent_options *o, int argc, char **argv, struct error *err)
{
    *o = (struct agent_options){0};
    if (command_line(o, argc, argv, err))
        return -1;
    if (o->mode != AGENT_RUN)
        return 0;
    /* The user's home as passwd has it, not what the platform has set for root. */
    const char *home = getenv("SOCKERLESS_AGENT_HOME");
    if (home && strcmp(home, "passwd") == 0)
        unsetenv("HOME");
    if (variables(o, err) || reverse_variables(o, err))
        return -1;
    if (o->callback_url) /* the backend's, not the user's */
        unsetenv("SOCKERLESS_CALLBACK_URL");
    environment_receive(&o->env, environ);
    return 0;
}

void agent_options_free(struct agent_options *o)
{
    strv_free(&o->argv);
    strv_free(&o->env);
    secret_free(o->token);
    free(o->address);
    free(o->callback_url);
    free(o->container);
    free(o->callback_ca);
    free(o->user);
    free(o->workdir);
    *o = (struct agent_options){0};
}
