/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration of a program: a table of settings, each settable (strongest first) by a flag
 * `--name value` or `--name=value`, by an environment variable, by a `name = value` line of the
 * file that the row "config" names, else the default. An empty value is refused, except that an
 * empty variable counts as unset unless its row guards something (see enum config_type).
 */
#ifndef SOCKERLESS_BASE_CONFIG_H
#define SOCKERLESS_BASE_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What is checked of a value when it is read. All but INT and BOOL are text of one line, at most
 * CONFIG_TEXT_MAX bytes. */
enum config_type {
    CONFIG_STRING,
    CONFIG_INT,
    CONFIG_BOOL,
    CONFIG_FILE,      /* guards: must exist and be readable when the settings are complete */
    CONFIG_OUTPUT,    /* a file that is made or written to */
    CONFIG_DIRECTORY, /* made when it is missing, by the user of the setting */
    CONFIG_LISTEN,    /* an address to listen on */
    CONFIG_GUARD,     /* guards: without a value something is less secure */
    CONFIG_SECRET,    /* guards; never printed */
};

enum { CONFIG_TEXT_MAX = 16384 };

struct config_setting {
    const char *flag; /* "ecs-cluster"; NULL ends the table */
    const char *env;  /* "SOCKERLESS_ECS_CLUSTER"; NULL: none */
    enum config_type type;
    const char *initial; /* default as text; NULL: unset */
    void *target;        /* char ** (owned by the config's user), int64_t *, bool * */
    const char *help;
    int64_t min, max; /* CONFIG_INT bounds; both 0: none */
};

/* Rows of a table. TEXT takes any type that is text. */
#define CONFIG_ROW_TEXT(type, flag, env, initial, target, help)                                    \
    {                                                                                              \
        flag, env, type, initial, target, help, 0, 0                                               \
    }
#define CONFIG_ROW_STRING(flag, env, initial, target, help)                                        \
    CONFIG_ROW_TEXT(CONFIG_STRING, flag, env, initial, target, help)
#define CONFIG_ROW_INT(flag, env, initial, target, help, min, max)                                 \
    {                                                                                              \
        flag, env, CONFIG_INT, initial, target, help, min, max                                     \
    }
#define CONFIG_ROW_BOOL(flag, env, initial, target, help)                                          \
    {                                                                                              \
        flag, env, CONFIG_BOOL, initial, target, help, 0, 0                                        \
    }
/* The row that makes a configuration file possible. */
#define CONFIG_ROW_CONFIG(target)                                                                  \
    CONFIG_ROW_TEXT(CONFIG_FILE, "config", "SOCKERLESS_CONFIG", NULL, target,                      \
                    "file of `name = value` lines, the names as the flags without --")

/* What the command line asks for; all but CONFIG_RUN leave the settings alone. */
enum config_request { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION, CONFIG_PRINT };

/* Fill every target. argv[0] is skipped. -h and --help, --version and --settings are requests.
 * Errors name flag and variable, for a file its line, and say what is right. */
int config_load(const struct config_setting *table, int argc, char **argv,
                enum config_request *request, struct error *err) MUST_CHECK;
/* Free the targets that are text. */
void config_unload(const struct config_setting *table);

/* A message of a later check that names only the variable or only the flag of a setting gets the
 * other one, too: "AWS_REGION" becomes "AWS_REGION (--region)". */
void config_name_settings(const struct config_setting *table, struct error *err);

/* The table for people, and as one JSON object a line for programs; both to stdout. */
void config_print_help(const struct config_setting *table);
void config_print_table(const struct config_setting *table);

#endif
