/* SPDX-License-Identifier: Apache-2.0
 * Platforms; see platform.h. */
#include "oci/name/platform.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Other people's names for the architectures, and their variants. */
static const struct alias {
    const char *architecture, *variant;       /* variant NULL: any */
    const char *is_architecture, *is_variant; /* is_variant NULL: unchanged */
} aliases[] = {
    {"x86_64", NULL, "amd64", NULL}, {"x86-64", NULL, "amd64", NULL}, {"amd64", "v1", "amd64", ""},
    {"i386", NULL, "386", ""},       {"aarch64", "", "arm64", ""},    {"aarch64", "8", "arm64", ""},
    {"aarch64", "v8", "arm64", ""},  {"arm64", "8", "arm64", ""},     {"arm64", "v8", "arm64", ""},
    {"armhf", NULL, "arm", "v7"},    {"armel", NULL, "arm", "v6"},    {"arm", "", "arm", "v7"},
    {"arm", "5", "arm", "v5"},       {"arm", "6", "arm", "v6"},       {"arm", "7", "arm", "v7"},
    {"arm", "8", "arm", "v8"},
};

static void copy_lower(char *out, const char *text)
{
    text = str_or_empty(text);
    if (strlen(text) >= PLATFORM_PART_MAX)
        text = "?";
    size_t i = 0;
    for (; text[i]; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[i] = '\0';
}

void platform_set(struct platform *out, const char *os, const char *architecture,
                  const char *variant)
{
    copy_lower(out->os, os);
    copy_lower(out->architecture, architecture);
    copy_lower(out->variant, variant);
    if (strcmp(out->os, "macos") == 0)
        copy_lower(out->os, "darwin");
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        if (strcmp(out->architecture, a->architecture) != 0 ||
            (a->variant && strcmp(out->variant, a->variant) != 0))
            continue;
        copy_lower(out->architecture, a->is_architecture);
        if (a->is_variant)
            copy_lower(out->variant, a->is_variant);
        return;
    }
}

/* ---- parsing, with the words of containerd's platforms package ---- */

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static bool is_system(const char *word)
{
    static const char *const known[] = {
        "aix",   "android", "darwin", "dragonfly", "freebsd", "hurd",    "illumos", "ios", "js",
        "linux", "nacl",    "netbsd", "openbsd",   "plan9",   "solaris", "windows", "zos"};
    return is_one_of(word, known, ARRAY_LEN(known));
}

static bool is_architecture(const char *word)
{
    static const char *const known[] = {"386",    "amd64",    "amd64p32",  "arm",         "armbe",
                                        "arm64",  "arm64be",  "loong64",   "mips",        "mipsle",
                                        "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc",
                                        "ppc64",  "ppc64le",  "riscv",     "riscv64",     "s390",
                                        "s390x",  "sparc",    "sparc64",   "wasm"};
    return is_one_of(word, known, ARRAY_LEN(known));
}

static int check_part(const char *part, size_t len, const char *text, struct error *err)
{
    bool valid = len > 0;
    for (size_t i = 0; i < len; i++)
        valid = valid && (isalnum((unsigned char)part[i]) || part[i] == '_' || part[i] == '-');
    if (!valid)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "\"%.*s\" is an invalid component of \"%.100s\": platform specifier "
                         "component must match \"^[A-Za-z0-9_-]+$\": invalid argument",
                         (int)(len < 100 ? len : 100), part, text);
    if (len < PLATFORM_PART_MAX)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "\"%.100s\": a component is longer than %d characters", text,
                     PLATFORM_PART_MAX - 1);
}

/* Returns how many parts there are, -1 on failure. */
static int split(const char *text, char parts[3][PLATFORM_PART_MAX], struct error *err)
{
    int count = 0;
    for (const char *at = text;; count++) {
        size_t len = strcspn(at, "/");
        if (check_part(at, len, text, err))
            return -1;
        if (count < 3)
            snprintf(parts[count], PLATFORM_PART_MAX, "%.*s", (int)len, at);
        if (!at[len])
            break;
        at += len + 1;
    }
    if (++count <= 3)
        return count;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "\"%.100s\": cannot parse platform specifier: invalid argument", text);
}

/* One word alone is an operating system if it is a known one, else an architecture. */
static int from_word(const char *word, const char *text, struct platform *out, struct error *err)
{
    platform_set(out, word, "amd64", "");
    if (is_system(out->os))
        return 0;
    platform_set(out, "linux", word, "");
    if (is_architecture(out->architecture))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "\"%.100s\": unknown operating system or architecture: invalid argument",
                     text);
}

int platform_parse(const char *text, struct platform *out, struct error *err)
{
    char parts[3][PLATFORM_PART_MAX] = {"", "", ""};
    if (strchr(text, '*'))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "\"%.100s\": wildcards not yet supported: invalid argument", text);
    int count = split(text, parts, err);
    if (count < 0)
        return -1;
    if (count == 1)
        return from_word(parts[0], text, out, err);
    platform_set(out, parts[0], parts[1], parts[2]);
    return 0;
}

/* containerd shows arm's variant only when it was asked for, and arm64's always then. */
char *platform_asked_text(const char *asked, const struct platform *p, char out[PLATFORM_TEXT_MAX])
{
    const char *first = strchr(asked, '/');
    bool has_variant = first && strchr(first + 1, '/');
    struct platform shown = *p;
    if (strcmp(p->architecture, "arm") == 0 && !has_variant && strcmp(p->variant, "v7") == 0)
        shown.variant[0] = '\0';
    if (strcmp(p->architecture, "arm64") == 0 && has_variant && !p->variant[0])
        copy_lower(shown.variant, "v8");
    return platform_text(&shown, out);
}

int platform_rank(const struct platform *want, const struct platform *have)
{
    if (strcmp(want->os, have->os) != 0 || strcmp(want->architecture, have->architecture) != 0)
        return 0;
    if (strcmp(want->variant, have->variant) == 0)
        return 100;
    int wanted = 0, had = 0;
    if (strcmp(want->architecture, "arm") == 0) { /* an older variant runs on a newer machine */
        bool numbered =
            sscanf(want->variant, "v%d", &wanted) == 1 && sscanf(have->variant, "v%d", &had) == 1;
        return numbered && had > 0 && had < wanted && had < 50 ? had : 0;
    }
    return have->variant[0] == '\0' ? 1 : 0; /* the architecture's baseline */
}

char *platform_text(const struct platform *p, char out[PLATFORM_TEXT_MAX])
{
    snprintf(out, PLATFORM_TEXT_MAX, "%s/%s%s%s", p->os, p->architecture, p->variant[0] ? "/" : "",
             p->variant);
    return out;
}
