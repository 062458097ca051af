/* SPDX-License-Identifier: Apache-2.0
 * Reading settings; see config.h. What is printed of a table is in config_print.c. */
#include "base/config.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/line_reader.h"
#include "base/secret.h"
#include "base/small_file.h"
#include "base/str.h"
#include "base/suggestion.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE_SHOWN_MAX = 200 };

static bool is_text(enum config_type type)
{
    return type != CONFIG_INT && type != CONFIG_BOOL;
}

static bool guards(enum config_type type)
{
    return type == CONFIG_FILE || type == CONFIG_GUARD || type == CONFIG_SECRET;
}

static bool is_config(const struct config_setting *s)
{
    return strcmp(s->flag, "config") == 0;
}

/* "--name (VARIABLE): what", after the file's line if it is from there. */
static int refuse(const struct config_setting *s, const char *line, const char *what,
                  struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "%s%s--%s%s%s%s: %s", line ? line : "",
                     line ? ": " : "", s->flag, s->env ? " (" : "", str_or_empty(s->env),
                     s->env ? ")" : "", what);
}

static bool has_control_characters(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return true;
    return false;
}

static int assign_text(const struct config_setting *s, const char *value, const char *line,
                       struct error *err)
{
    char **target = s->target;
    char what[120];
    if (has_control_characters(value))
        return refuse(s, line, "has control characters; give text of one line", err);
    if (strlen(value) > CONFIG_TEXT_MAX) {
        snprintf(what, sizeof what, "is longer than %d characters; give a shorter value",
                 CONFIG_TEXT_MAX);
        return refuse(s, line, what, err);
    }
    secret_free(*target);
    *target = xstrdup(value);
    return 0;
}

static int assign_int(const struct config_setting *s, const char *value, const char *line,
                      struct error *err)
{
    char what[VALUE_SHOWN_MAX + 120], range[80] = "";
    int64_t n;
    bool bounded = s->min || s->max, number = str_to_i64(value, &n);
    if (number && (!bounded || (n >= s->min && n <= s->max))) {
        *(int64_t *)s->target = n;
        return 0;
    }
    if (bounded)
        snprintf(range, sizeof range, " from %lld to %lld", (long long)s->min, (long long)s->max);
    snprintf(what, sizeof what, "\"%.*s\" is not a number%s; give a whole number%s",
             VALUE_SHOWN_MAX, value, number ? range : "", range);
    return refuse(s, line, what, err);
}

static int assign_bool(const struct config_setting *s, const char *value, const char *line,
                       struct error *err)
{
    char what[VALUE_SHOWN_MAX + 80];
    bool on = !strcmp(value, "1") || !strcmp(value, "true") || !strcmp(value, "yes");
    bool off = !strcmp(value, "0") || !strcmp(value, "false") || !strcmp(value, "no");
    if (on || off) {
        *(bool *)s->target = on;
        return 0;
    }
    snprintf(what, sizeof what, "\"%.*s\" is neither true nor false; give one of the two",
             VALUE_SHOWN_MAX, value);
    return refuse(s, line, what, err);
}

/* line: "FILE:NUMBER" of a configuration file, else NULL. */
static int assign(const struct config_setting *s, const char *value, const char *line,
                  struct error *err)
{
    if (!*value)
        return refuse(s, line, "the value is empty; give one, or leave the setting out", err);
    if (is_text(s->type))
        return assign_text(s, value, line, err);
    return s->type == CONFIG_INT ? assign_int(s, value, line, err)
                                 : assign_bool(s, value, line, err);
}

static const struct config_setting *find_flag(const struct config_setting *table, const char *name,
                                              size_t len)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (strlen(s->flag) == len && memcmp(s->flag, name, len) == 0)
            return s;
    return NULL;
}

/* " …; did you mean NAME?", or "" when no flag is similar. */
static const char *similar_flag(const struct config_setting *table, const char *name,
                                const char *dashes, char hint[120])
{
    struct suggestion best = suggestion_of(name);
    for (const struct config_setting *s = table; s->flag; s++)
        suggestion_try(&best, s->flag);
    hint[0] = '\0';
    if (best.word)
        snprintf(hint, 120, "; did you mean %s%s?", dashes, best.word);
    return hint;
}

/* ---- sources ---- */

static int load_file(const struct config_setting *table, const char *path, struct error *err)
{
    AUTO_FREE char *text = small_file_read(path, ERROR_INVALID_PARAMETER, err);
    if (!text)
        return error_wrap(err, "--config (SOCKERLESS_CONFIG): give the path of a text file");
    struct line_reader lines = line_reader_of(text, strlen(text));
    struct line_setting line;
    while (line_reader_setting(&lines, "#", &line)) {
        char origin[4200], hint[120];
        snprintf(origin, sizeof origin, "%s:%u", path, lines.number);
        if (!line.value)
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: expected name = value", origin);
        const struct config_setting *s = find_flag(table, line.name, strlen(line.name));
        if (!s || is_config(s))
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: unknown setting \"%.100s\"%s",
                             origin, line.name, similar_flag(table, line.name, "", hint));
        if (assign(s, line.value, origin, err))
            return -1;
    }
    return 0;
}

static int load_variable(const struct config_setting *s, struct error *err)
{
    const char *value = s->env ? getenv(s->env) : NULL;
    if (!value || (!*value && !guards(s->type)))
        return 0;
    if (!*value)
        return refuse(s, NULL, "the variable is empty; give a value, or unset it", err);
    return assign(s, value, NULL, err);
}

static int load_environment(const struct config_setting *table, struct error *err)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (load_variable(s, err))
            return -1;
    return 0;
}

static int unknown_flag(const struct config_setting *table, const char *arg, size_t len,
                        struct error *err)
{
    char name[80], hint[120];
    snprintf(name, sizeof name, "%.*s", (int)len - 2, arg + 2);
    return error_set(err, ERROR_INVALID_PARAMETER, "unknown flag \"%.*s\"; --help lists all%s",
                     (int)(len < 80 ? len : 80), arg, similar_flag(table, name, "--", hint));
}

enum flag_use { FLAG_CHECK, FLAG_APPLY_CONFIG, FLAG_APPLY_ALL };

/* One flag at argv[*i]; advances *i past its value. */
static int load_flag(const struct config_setting *table, int argc, char **argv, int *i,
                     enum flag_use use, struct error *err)
{
    const char *arg = argv[*i], *value = NULL;
    if (!str_starts(arg, "--") || !arg[2])
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "unexpected argument \"%.80s\"; settings are --name value, --help lists "
                         "them",
                         arg);
    size_t len = strcspn(arg, "=");
    const struct config_setting *s = find_flag(table, arg + 2, len - 2);
    if (!s)
        return unknown_flag(table, arg, len, err);
    if (arg[len] == '=')
        value = arg + len + 1;
    else if (s->type == CONFIG_BOOL)
        value = "true";
    else if (*i + 1 < argc)
        value = argv[++*i];
    else
        return refuse(s, NULL, "the flag needs a value; --help describes it", err);
    bool apply = use == FLAG_APPLY_ALL || (use == FLAG_APPLY_CONFIG && is_config(s));
    return apply ? assign(s, value, NULL, err) : 0;
}

/* What the command line asks for; the flags before it must be right. */
static int find_request(const struct config_setting *table, int argc, char **argv,
                        enum config_request *request, struct error *err)
{
    static const struct {
        const char *flag;
        enum config_request request;
    } requests[] = {{"-h", CONFIG_HELP},
                    {"--help", CONFIG_HELP},
                    {"--version", CONFIG_VERSION},
                    {"--settings", CONFIG_PRINT}};
    *request = CONFIG_RUN;
    for (int i = 1; i < argc; i++) {
        for (size_t r = 0; r < ARRAY_LEN(requests); r++)
            if (!strcmp(argv[i], requests[r].flag)) {
                *request = requests[r].request;
                return 0;
            }
        if (load_flag(table, argc, argv, &i, FLAG_CHECK, err))
            return -1;
    }
    return 0;
}

static int load_flags(const struct config_setting *table, int argc, char **argv, enum flag_use use,
                      struct error *err)
{
    for (int i = 1; i < argc; i++)
        if (load_flag(table, argc, argv, &i, use, err))
            return -1;
    return 0;
}

/* ---- what the complete settings must fulfil ---- */

static int check_file(const struct config_setting *s, struct error *err)
{
    const char *path = *(char **)s->target;
    char what[VALUE_SHOWN_MAX + 160];
    struct stat st;
    if (!path)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int why = fd < 0 ? errno : fstat(fd, &st) ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
    if (fd >= 0)
        close(fd);
    if (!why)
        return 0;
    snprintf(what, sizeof what, "\"%.*s\" cannot be read: %s; give the path of a readable file",
             VALUE_SHOWN_MAX, path, strerror(why));
    return refuse(s, NULL, what, err);
}

static int check_files(const struct config_setting *table, struct error *err)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (s->type == CONFIG_FILE && check_file(s, err))
            return -1;
    return 0;
}

static int load_defaults(const struct config_setting *table, struct error *err)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (s->initial && assign(s, s->initial, NULL, err))
            return -1;
    return 0;
}

/* Flag and variable say where the file is; then it is read, as the weaker of the three. */
static int load_config(const struct config_setting *table, int argc, char **argv, struct error *err)
{
    for (const struct config_setting *s = table; s->flag; s++) {
        if (!is_config(s))
            continue;
        if (load_variable(s, err) || load_flags(table, argc, argv, FLAG_APPLY_CONFIG, err))
            return -1;
        const char *path = *(char **)s->target;
        if (path && (check_file(s, err) || load_file(table, path, err)))
            return -1;
    }
    return 0;
}

int config_load(const struct config_setting *table, int argc, char **argv,
                enum config_request *request, struct error *err)
{
    if (find_request(table, argc, argv, request, err))
        return -1;
    if (*request != CONFIG_RUN)
        return 0;
    if (load_defaults(table, err) || load_config(table, argc, argv, err) ||
        load_environment(table, err) || load_flags(table, argc, argv, FLAG_APPLY_ALL, err))
        return -1;
    return check_files(table, err);
}

void config_unload(const struct config_setting *table)
{
    for (const struct config_setting *s = table; s->flag; s++)
        if (is_text(s->type)) {
            char **target = s->target;
            secret_free(*target);
            *target = NULL;
        }
}
