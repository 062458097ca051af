/* SPDX-License-Identifier: Apache-2.0
 * Configuration; see config.h. */
#include "base/config.h"

#include "base/alloc.h"
#include "base/line_reader.h"
#include "base/small_file.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static int assign(const struct config_setting *s, const char *value, const char *origin,
                  struct error *err)
{
    switch (s->type) {
    case CONFIG_STRING: {
        char **target = s->target;
        free(*target);
        *target = xstrdup(value);
        return 0;
    }
    case CONFIG_INT: {
        int64_t n;
        if (!str_to_i64(value, &n))
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%s\" is not a number", origin,
                             value);
        if ((s->min || s->max) && (n < s->min || n > s->max))
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: %lld is outside %lld…%lld", origin,
                             (long long)n, (long long)s->min, (long long)s->max);
        *(int64_t *)s->target = n;
        return 0;
    }
    case CONFIG_BOOL: {
        bool on = !strcmp(value, "1") || !strcmp(value, "true") || !strcmp(value, "yes");
        bool off = !strcmp(value, "0") || !strcmp(value, "false") || !strcmp(value, "no");
        if (!on && !off)
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%s\" is neither true nor false",
                             origin, value);
        *(bool *)s->target = on;
        return 0;
    }
    }
    return error_set(err, ERROR_SYSTEM, "%s: bad setting type", origin);
}

static const struct config_setting *find_flag(const struct config_setting *table, const char *name,
                                              size_t len)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (strlen(s->flag) == len && memcmp(s->flag, name, len) == 0)
            return s;
    return NULL;
}

static int load_file(const struct config_setting *table, const char *path, struct error *err)
{
    AUTO_FREE char *text = small_file_read(path, ERROR_INVALID_PARAMETER, err);
    if (!text)
        return error_wrap(err, "configuration file");
    struct line_reader lines = line_reader_of(text, strlen(text));
    struct line_setting line;
    while (line_reader_setting(&lines, "#", &line)) {
        char origin[4200];
        snprintf(origin, sizeof origin, "%s:%u", path, lines.number);
        if (!line.value)
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: expected name = value", origin);
        const struct config_setting *s = find_flag(table, line.name, strlen(line.name));
        if (!s)
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: unknown setting \"%s\"", origin,
                             line.name);
        if (assign(s, line.value, origin, err))
            return -1;
    }
    return 0;
}

static int load_environment(const struct config_setting *table, struct error *err)
{
    for (const struct config_setting *s = table; s->flag; s++) {
        const char *value = s->env ? getenv(s->env) : NULL;
        if (value && *value && assign(s, value, s->env, err))
            return -1;
    }
    return 0;
}

/* One flag at argv[*i]; advances *i past its value. */
static int load_flag(const struct config_setting *table, int argc, char **argv, int *i,
                     const char **config_path, bool apply, struct error *err)
{
    const char *arg = argv[*i];
    if (!str_starts(arg, "--"))
        return error_set(err, ERROR_INVALID_PARAMETER, "unexpected argument \"%s\"; see --help",
                         arg);
    const char *name = arg + 2, *value = NULL;
    size_t len = strcspn(name, "=");
    bool is_config = len == 6 && memcmp(name, "config", 6) == 0;
    const struct config_setting *s = is_config ? NULL : find_flag(table, name, len);
    if (!s && !is_config)
        return error_set(err, ERROR_INVALID_PARAMETER, "unknown flag \"%s\"; see --help", arg);
    if (name[len] == '=')
        value = name + len + 1;
    else if (s && s->type == CONFIG_BOOL)
        value = "true";
    else if (*i + 1 < argc)
        value = argv[++*i];
    else
        return error_set(err, ERROR_INVALID_PARAMETER, "flag \"%s\" needs a value", arg);
    if (is_config)
        *config_path = value;
    return s && apply ? assign(s, value, arg, err) : 0;
}

static void print_help(const struct config_setting *table)
{
    puts("Settings, as --flag, environment variable or `name = value` in the --config file:");
    for (const struct config_setting *s = table; s->flag; s++)
        printf("  --%-26s %-34s %s%s%s%s\n", s->flag, s->env ? s->env : "", s->help,
               s->initial ? " (default " : "", s->initial ? s->initial : "", s->initial ? ")" : "");
}

int config_load(const struct config_setting *table, int argc, char **argv, bool *help_shown,
                struct error *err)
{
    const char *path = getenv("SOCKERLESS_CONFIG");
    *help_shown = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            print_help(table);
            *help_shown = true;
            return 0;
        }
        if (load_flag(table, argc, argv, &i, &path, false, err))
            return -1;
    }
    for (const struct config_setting *s = table; s->flag; s++)
        if (s->initial && assign(s, s->initial, s->flag, err))
            return -1;
    if (path && *path && load_file(table, path, err))
        return -1;
    if (load_environment(table, err))
        return -1;
    for (int i = 1; i < argc; i++)
        if (load_flag(table, argc, argv, &i, &path, true, err))
            return -1;
    return 0;
}

void config_unload(const struct config_setting *table)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (s->type == CONFIG_STRING) {
            char **target = s->target;
            free(*target);
            *target = NULL;
        }
}
