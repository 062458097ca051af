/* SPDX-License-Identifier: Apache-2.0
 * What is printed of a table of settings, and the names of settings in messages; see config.h. */
#include "base/config.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void config_print_help(const struct config_setting *table)
{
    for (const struct config_setting *s = table; s->flag; s++)
        printf("  --%-26s %-34s %s%s%s%s\n", s->flag, str_or_empty(s->env), s->help,
               s->initial ? " (default " : "", str_or_empty(s->initial), s->initial ? ")" : "");
}

static void print_row(const struct config_setting *s, struct buf *line)
{
    static const char *const types[] = {
        [CONFIG_STRING] = "string", [CONFIG_INT] = "int",
        [CONFIG_BOOL] = "bool",     [CONFIG_FILE] = "file",
        [CONFIG_LISTEN] = "listen", [CONFIG_GUARD] = "guard",
        [CONFIG_OUTPUT] = "output", [CONFIG_DIRECTORY] = "directory",
        [CONFIG_SECRET] = "secret",
    };
    struct json_writer w;
    json_writer_init(&w, line);
    json_object_open(&w);
    json_member_string(&w, "flag", s->flag);
    if (s->env)
        json_member_string(&w, "variable", s->env);
    json_member_string(&w, "type", types[s->type]);
    if (s->initial)
        json_member_string(&w, "default", s->initial);
    if (s->min || s->max) {
        json_member_int(&w, "min", s->min);
        json_member_int(&w, "max", s->max);
    }
    json_member_string(&w, "help", s->help);
    json_object_close(&w);
}

void config_print_table(const struct config_setting *table)
{
    AUTO(buf) struct buf line = BUF_INIT;
    for (const struct config_setting *s = table; s->flag; s++) {
        buf_clear(&line);
        print_row(s, &line);
        printf("%s\n", line.data);
    }
}

/* The end of `name` as a whole word in the text; NULL: it is not there. */
static char *find_word(char *text, const char *name)
{
    size_t len = strlen(name);
    for (char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
        bool begins = at == text || (!isalnum((unsigned char)at[-1]) && !strchr("_-.", at[-1]));
        char next = at[len];
        if (begins && !isalnum((unsigned char)next) && next != '_' && next != '-')
            return at + len;
    }
    return NULL;
}

static void insert(struct error *err, const char *at, const char *what)
{
    char text[ERROR_MESSAGE_MAX + 1];
    memcpy(text, err->message, sizeof err->message);
    text[ERROR_MESSAGE_MAX] = '\0';
    int before = (int)(at - err->message);
    error_set(err, err->code, "%.*s (%s)%s", before, text, what, text + before);
}

void config_name_settings(const struct config_setting *table, struct error *err)
{
    for (const struct config_setting *s = table; s->flag; s++) {
        char flag[80];
        snprintf(flag, sizeof flag, "--%s", s->flag);
        if (!s->env)
            continue;
        const char *variable = find_word(err->message, s->env),
                   *named = find_word(err->message, flag);
        if (variable && !named)
            insert(err, variable, flag);
        else if (named && !variable)
            insert(err, named, s->env);
    }
}
