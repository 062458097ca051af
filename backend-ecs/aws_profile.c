/* SPDX-License-Identifier: Apache-2.0
 * AWS's shared config and credentials files; see aws_profile.h. */
#include "aws_profile.h"

#include "base/alloc.h"
#include "base/line_reader.h"
#include "base/str.h"
#include "credentials_source.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ENTRIES_MAX = 4096 };

struct aws_profile_entry {
    enum aws_profile_file file;
    char *profile;
    char *key; /* NULL: the section's own header */
    char *value;
};

static void add(struct aws_profiles *p, enum aws_profile_file file, const char *profile, char *key,
                char *value)
{
    if (p->count == ENTRIES_MAX) {
        free(key);
        free(value);
        return;
    }
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->entries = xrealloc(p->entries, p->cap * sizeof *p->entries);
    }
    p->entries[p->count++] = (struct aws_profile_entry){file, xstrdup(profile), key, value};
}

void aws_profiles_free(struct aws_profiles *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct aws_profile_entry *e = &p->entries[i];
        if (e->value)
            explicit_bzero(e->value, strlen(e->value));
        free(e->profile);
        free(e->key);
        free(e->value);
    }
    free(p->entries);
    *p = (struct aws_profiles){0};
}

static char *unquote(char *text)
{
    size_t len = strlen(text);
    if (len < 2 || (*text != '"' && *text != '\'') || text[len - 1] != *text)
        return text;
    text[len - 1] = '\0';
    return text + 1;
}

/* "profile my name" → "my name"; NULL for sections that are not profiles (sso-session …). */
static char *section_profile(enum aws_profile_file file, char *section)
{
    static const char word[] = "profile";
    if (file == AWS_PROFILE_CONFIG && strcmp(section, "default") != 0) {
        if (!str_starts(section, word) || !isspace((unsigned char)section[sizeof word - 1]))
            return NULL;
        section = str_trim(section + sizeof word - 1);
    }
    section = unquote(section);
    return *section ? section : NULL;
}

/* A comment inside a value starts with white space and # or ;. The character before the value is
 * the line's, too: white space, or what was the '='. */
static void cut_comment(char *value)
{
    for (char *c = value; *c; c++)
        if ((*c == '#' || *c == ';') && isspace((unsigned char)c[-1]))
            *c = '\0';
}

static void add_setting(struct aws_profiles *p, enum aws_profile_file file, const char *profile,
                        const struct line_setting *line)
{
    if (!*line->name)
        return;
    char *lower = xstrdup(line->name);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    cut_comment(line->value);
    add(p, file, profile, lower, xstrdup(unquote(str_trim(line->value))));
}

void aws_profiles_parse(struct aws_profiles *p, enum aws_profile_file file, char *text, size_t len)
{
    const char *profile = NULL;
    struct line_reader lines = line_reader_of(text, len);
    struct line_setting line;
    while (line_reader_setting(&lines, "#;", &line)) {
        if (line.section) {
            profile = section_profile(file, line.section);
            if (profile)
                add(p, file, profile, NULL, NULL);
        } else if (profile && line.value && !line.indented) { /* "s3 =\n  max_queue_size = 10" */
            add_setting(p, file, profile, &line);
        }
    }
}

static const char *home_directory(void)
{
    const char *home = getenv("HOME");
    if (!str_empty(home))
        return home;
    const struct passwd *pw = getpwuid(getuid());
    return pw ? pw->pw_dir : NULL;
}

static int load_file(struct aws_profiles *p, enum aws_profile_file file, const char *variable,
                     const char *name, struct error *err)
{
    const char *set = getenv(variable), *home = home_directory();
    char path[4096];
    if (str_empty(set) && !home)
        return 0;
    if (str_empty(set))
        snprintf(path, sizeof path, "%s/.aws/%s", home, name);
    else
        snprintf(path, sizeof path, "%s", set);
    if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return 0;
    AUTO_FREE char *text = credentials_read_file(path, err);
    if (!text)
        return -1;
    aws_profiles_parse(p, file, text, strlen(text));
    explicit_bzero(text, strlen(text));
    return 0;
}

int aws_profiles_load(struct aws_profiles *p, struct error *err)
{
    if (load_file(p, AWS_PROFILE_CONFIG, "AWS_CONFIG_FILE", "config", err))
        return -1;
    return load_file(p, AWS_PROFILE_CREDENTIALS, "AWS_SHARED_CREDENTIALS_FILE", "credentials", err);
}

bool aws_profiles_has(const struct aws_profiles *p, const char *profile)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->entries[i].profile, profile) == 0)
            return true;
    return false;
}

const char *aws_profiles_get(const struct aws_profiles *p, const char *profile, const char *key)
{
    const struct aws_profile_entry *best = NULL;
    for (size_t i = 0; i < p->count; i++) {
        const struct aws_profile_entry *e = &p->entries[i];
        if (e->key && strcmp(e->profile, profile) == 0 && strcmp(e->key, key) == 0 &&
            (!best || e->file >= best->file)) /* the last one of the stronger file */
            best = e;
    }
    return best && *best->value ? best->value : NULL;
}

const char *aws_profile_name(void)
{
    const char *name = getenv("AWS_PROFILE");
    if (str_empty(name))
        name = getenv("AWS_DEFAULT_PROFILE");
    return str_empty(name) ? "default" : name;
}
