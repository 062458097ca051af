/* SPDX-License-Identifier: Apache-2.0
 * What all programs have in common; see program.h. */
#include "base/program.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "base/suggestion.h"
#include "base/variables.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef SOCKERLESS_VERSION
#define SOCKERLESS_VERSION "0.1.0"
#endif

/* Else the first file or socket that is opened would get the place of one of them. */
static void take_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
}

static void on_ignored_signal(int number)
{
    (void)number;
}

/* Sent to daemons when a login shell ends or a log was rotated; there is nothing to reload, and the
 * log is stderr. Not SIG_IGN, which the processes of a simulated cloud would inherit. */
static void ignore_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = on_ignored_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

/* ---- requests ---- */

static void print_help(const struct program *p)
{
    printf("Usage: sockerless-%s [--SETTING VALUE]…%s%s\n%s\n\n"
           "  -h, --help    this text\n"
           "  --version     name and version\n"
           "  --settings    the settings as one JSON object a line\n\n"
           "Settings (flag, variable, meaning); the flag is stronger than the variable%s:\n",
           p->component, p->arguments ? " " : "", str_or_empty(p->arguments), p->purpose,
           p->daemon ? ",\nwhich is stronger than a line `name = value` of the --config file" : "");
    config_print_help(p->settings);
    printf("\nExit codes: 0 ended in order, 1 failed, 2 command line or settings are wrong.\n");
}

static int answer(const struct program *p, enum config_request request)
{
    struct error err;
    if (request == CONFIG_HELP)
        print_help(p);
    else if (request == CONFIG_PRINT)
        config_print_table(p->settings);
    else
        printf("sockerless-%s %s\n", p->component, SOCKERLESS_VERSION);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return PROGRAM_ENDED;
    error_errno(&err, ERROR_SYSTEM, errno, "write to stdout");
    return program_fail(p, &err);
}

/* ---- unknown variables ---- */

static bool is_variable_of(const struct config_setting *table, const char *name)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (s->env && !strcmp(s->env, name))
            return true;
    return false;
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(program_variables); i++)
        if (!strcmp(program_variables[i], name))
            return true;
    return false;
}

static void warn_of_variable(const struct program *p, const char *name)
{
    struct suggestion best = suggestion_of(name);
    for (const struct config_setting *s = p->settings; s->flag; s++)
        if (s->env)
            suggestion_try(&best, s->env);
    AUTO_FREE char *text =
        xasprintf("%s is set, but is not a setting%s%s%s", name, best.word ? "; did you mean " : "",
                  str_or_empty(best.word), best.word ? "?" : "");
    log_warn(text);
}

/* What another program of the project knows may well be in the environment of all of them. */
static void warn_of_unknown_variables(const struct program *p)
{
    for (char **variable = environ; variable && *variable; variable++) {
        AUTO_FREE char *name = xstrndup(*variable, strcspn(*variable, "="));
        if (str_starts(name, "SOCKERLESS_") && !is_variable_of(p->settings, name) &&
            !is_known(name))
            warn_of_variable(p, name);
    }
}

/* ---- begin and failure ---- */

static int open_log(const struct program *p, struct error *err)
{
    enum log_level level = LOG_ERROR;
    if (p->log_level && !log_level_parse(str_or_empty(*p->log_level), &level))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--log-level: \"%.80s\" is not one of debug, info, warn, error",
                         str_or_empty(*p->log_level));
    log_open(p->component, level);
    return 0;
}

int program_begin(const struct program *p, int argc, char **argv)
{
    struct error err;
    enum config_request request;
    take_standard_descriptors();
    if (p->daemon)
        ignore_signals();
    log_open(p->component, LOG_INFO);
    if (config_load(p->settings, argc, argv, &request, &err))
        return program_fail(p, &err);
    if (request != CONFIG_RUN)
        return answer(p, request);
    if (open_log(p, &err))
        return program_fail(p, &err);
    if (p->daemon)
        warn_of_unknown_variables(p);
    return PROGRAM_RUNS;
}

int program_fail(const struct program *p, struct error *err)
{
    config_name_settings(p->settings, err);
    log_error(err->message);
    return err->code == ERROR_INVALID_PARAMETER ? PROGRAM_REFUSED : PROGRAM_FAILED;
}
