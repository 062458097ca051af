/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration of a daemon: a table of settings, each settable (strongest first) by a flag
 * `--name value` or `--name=value`, by an environment variable, by a `name = value` line of the
 * file named by `--config` (or $SOCKERLESS_CONFIG), else the default.
 */
#ifndef SOCKERLESS_BASE_CONFIG_H
#define SOCKERLESS_BASE_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum config_type { CONFIG_STRING, CONFIG_INT, CONFIG_BOOL };

struct config_setting {
    const char *flag; /* "ecs-cluster"; NULL ends the table */
    const char *env;  /* "SOCKERLESS_ECS_CLUSTER"; NULL: none */
    enum config_type type;
    const char *initial; /* default as text; NULL: unset */
    void *target;        /* char ** (owned by the config's user), int64_t *, bool * */
    const char *help;
    int64_t min, max; /* CONFIG_INT bounds; both 0: none */
};

/* Rows of a table, one for each type. */
#define CONFIG_ROW_STRING(flag, env, initial, target, help)                                        \
    {                                                                                              \
        flag, env, CONFIG_STRING, initial, target, help, 0, 0                                      \
    }
#define CONFIG_ROW_INT(flag, env, initial, target, help, min, max)                                 \
    {                                                                                              \
        flag, env, CONFIG_INT, initial, target, help, min, max                                     \
    }
#define CONFIG_ROW_BOOL(flag, env, initial, target, help)                                          \
    {                                                                                              \
        flag, env, CONFIG_BOOL, initial, target, help, 0, 0                                        \
    }

/* Fill every target. argv[0] is skipped. `--help` prints the table to stdout and sets *help_shown.
 * Unknown flags, missing values and bad numbers are errors that name flag, variable or file line.
 */
int config_load(const struct config_setting *table, int argc, char **argv, bool *help_shown,
                struct error *err) MUST_CHECK;
/* Free all CONFIG_STRING targets. */
void config_unload(const struct config_setting *table);

#endif
