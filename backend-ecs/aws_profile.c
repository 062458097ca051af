/* SPDX-License-Identifier: Apache-2.0
 * AWS's shared config and credentials files; see aws_profile.h. */
#include "aws_profile.h"

#include "base/alloc.h"
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

static void trim(const char **text, size_t *len)
{
    while (*len && isspace((unsigned char)**text)) {
        (*text)++;
        (*len)--;
    }
    while (*len && isspace((unsigned char)(*text)[*len - 1]))
        (*len)--;
}

static void unquote(const char **text, size_t *len)
{
    if (*len >= 2 && (**text == '"' || **text == '\'') && (*text)[*len - 1] == **text) {
        (*text)++;
        *len -= 2;
    }
}

/* "[profile my name]" → "my name"; NULL for sections that are no profiles (sso-session …). */
static char *section_profile(enum aws_profile_file file, const char *text, size_t len)
{
    const char *close = memchr(text, ']', len);
    if (!close)
        return NULL;
    const char *name = text + 1;
    size_t n = (size_t)(close - name);
    static const char word[] = "profile";
    trim(&name, &n);
    if (file == AWS_PROFILE_CONFIG) {
        bool is_profile = n > sizeof word && strncmp(name, word, sizeof word - 1) == 0 &&
                          isspace((unsigned char)name[sizeof word - 1]);
        if (is_profile) {
            name += sizeof word - 1;
            n -= sizeof word - 1;
        } else if (n != 7 || memcmp(name, "default", 7) != 0) {
            return NULL;
        }
        trim(&name, &n);
    }
    unquote(&name, &n);
    return n && !memchr(name, '\0', n) ? xstrndup(name, n) : NULL;
}

/* A comment inside a value starts with white space and # or ;. */
static size_t value_end(const char *text, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if ((text[i] == '#' || text[i] == ';') && isspace((unsigned char)text[i - 1]))
            return i;
    return len;
}

static void parse_setting(struct aws_profiles *p, enum aws_profile_file file, const char *profile,
                          const char *line, size_t len)
{
    const char *equals = memchr(line, '=', len);
    if (!equals || memchr(line, '\0', len))
        return;
    const char *key = line, *value = equals + 1;
    size_t key_len = (size_t)(equals - line), value_len = len - key_len - 1;
    value_len = value_end(value, value_len);
    trim(&key, &key_len);
    trim(&value, &value_len);
    unquote(&value, &value_len);
    if (!key_len)
        return;
    char *lower = xstrndup(key, key_len);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    add(p, file, profile, lower, xstrndup(value, value_len));
}

void aws_profiles_parse(struct aws_profiles *p, enum aws_profile_file file, const char *text,
                        size_t len)
{
    AUTO_FREE char *profile = NULL;
    const char *end = text + len;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t n = newline ? (size_t)(newline - line) : (size_t)(end - line);
        const char *at = line;
        bool nested = n && isspace((unsigned char)*line); /* "s3 =\n  max_queue_size = 10" */
        trim(&at, &n);
        if (n && *at == '[') {
            free(profile);
            profile = section_profile(file, at, n);
            if (profile)
                add(p, file, profile, NULL, NULL);
        } else if (n && *at != '#' && *at != ';' && profile && !nested) {
            parse_setting(p, file, profile, at, n);
        }
        line = newline ? newline + 1 : end;
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
