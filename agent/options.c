/* SPDX-License-Identifier: Apache-2.0
 * The agent's options; see options.h. Read once by main.c. The command line is written by the
 * backend into a task definition, the variables into its environment. */
#include "agent/options.h"

#include "agent/environment.h"
#include "agent/log_line.h"
#include "base/alloc.h"
#include "base/secret.h"
#include "ipc/callback_token.h"

#include <string.h>
#include <unistd.h>

enum { CALLBACK_URL_MAX = 500 };

static const char *const keep_alive_command[] = {"tail", "-f", "/dev/null"};

int agent_options_count(int argc, char **argv)
{
    int n = 1;
    while (n < argc && strcmp(argv[n], "--") != 0)
        n++;
    return n;
}

/* Never NULL. */
static void fill(char **text)
{
    if (!*text)
        *text = xstrdup("");
}

static int find_workload(struct agent_options *o, int argc, char **argv, struct error *err)
{
    for (int i = agent_options_count(argc, argv) + 1; i < argc; i++)
        strv_push(&o->argv, argv[i]);
    if (o->keep_alive && o->argv.count == 0) /* a command that is not named */
        for (size_t k = 0; k < ARRAY_LEN(keep_alive_command); k++)
            strv_push(&o->argv, keep_alive_command[k]);
    if (o->argv.count == 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no command is given: name it and its arguments after --");
    if (str_empty(o->token))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_AGENT_TOKEN is not set: give the backend's token for this "
                         "agent, or any text to run it by hand");
    if (o->workdir[0] != '/') { /* an image may say so; it means from the root */
        char *absolute = xasprintf("/%s", o->workdir);
        free(o->workdir);
        o->workdir = absolute;
    }
    return 0;
}

/* Names not known are errors: the backend could not read such a log. */
static int find_log_lines(struct agent_options *o, struct error *err)
{
    const char *name;
    for (int lines = 0; (name = log_lines_name(lines)); lines++)
        if (strcmp(name, o->log_lines_name) == 0) {
            o->log_lines = lines;
            return 0;
        }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_AGENT_LOG_LINES=%s: must be text or structured",
                     o->log_lines_name);
}

/* Only with a container id that comes from a backend: a user may run a Sockerless of his own in
 * here and have that variable for it. */
static int find_backend(struct agent_options *o, struct error *err)
{
    const char *ca = getenv("SOCKERLESS_AGENT_CALLBACK_CA"); /* several lines, hence no row */
    o->callback_ca = xstrdup(str_or_empty(ca));
    if (!*o->container) {
        free(STEAL(o->callback_url));
        return 0;
    }
    const char *url = o->callback_url;
    if (!url)
        return 0;
    if (!str_starts(url, "ws://") && !str_starts(url, "wss://"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_URL must begin with ws:// or wss://");
    if (strlen(url) > CALLBACK_URL_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_URL is longer than %d characters", CALLBACK_URL_MAX);
    unsetenv("SOCKERLESS_CALLBACK_URL"); /* the backend's, not the user's */
    return 0;
}

static int check_instance(const struct agent_options *o, struct error *err)
{
    size_t len = strlen(o->instance);
    if (strlen(o->run) > LOG_RUN_MARK_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_AGENT_RUN is longer than %d characters", LOG_RUN_MARK_MAX);
    if (len == 0 ||
        (len == CALLBACK_INSTANCE_LEN && str_is_hex(o->instance, len) && o->callback_url))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_AGENT_INSTANCE must be %d hexadecimal digits, and needs "
                     "SOCKERLESS_CALLBACK_URL",
                     CALLBACK_INSTANCE_LEN);
}

int agent_options_finish(struct agent_options *o, int argc, char **argv, struct error *err)
{
    if (o->install_dir || o->serve)
        return 0;
    /* The user's home as passwd has it, not what the platform has set for root. */
    const char *home = getenv("SOCKERLESS_AGENT_HOME");
    if (home && strcmp(home, "passwd") == 0)
        unsetenv("HOME");
    fill(&o->container);
    fill(&o->user);
    fill(&o->groups);
    fill(&o->instance);
    fill(&o->run);
    if (find_workload(o, argc, argv, err) || find_log_lines(o, err) || find_backend(o, err) ||
        check_instance(o, err))
        return -1;
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
    free(o->instance);
    free(o->run);
    free(o->user);
    free(o->groups);
    free(o->workdir);
    free(o->install_dir);
    free(o->log_lines_name);
    *o = (struct agent_options){0};
}
