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

static bool part_valid(const char *part)
{
    size_t n = strlen(part);
    if (n == 0 || n >= PLATFORM_PART_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)part[i]) && !strchr("_-.", part[i]))
            return false;
    return true;
}

int platform_parse(const char *text, struct platform *out, struct error *err)
{
    char copy[PLATFORM_TEXT_MAX];
    char *parts[3] = {NULL, NULL, NULL};
    size_t count = 0;
    bool good = strlen(text) < sizeof copy;
    if (good) {
        snprintf(copy, sizeof copy, "%s", text);
        for (char *rest = copy, *part; good && (part = strsep(&rest, "/"));) {
            good = count < 3 && part_valid(part);
            if (good)
                parts[count++] = part;
        }
    }
    if (!good)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "\"%.100s\": cannot parse platform specifier: invalid argument", text);
    /* One word alone is an operating system if it is a known one, else an architecture. */
    if (count == 1 && strcmp(parts[0], "linux") != 0 && strcmp(parts[0], "windows") != 0)
        platform_set(out, "linux", parts[0], "");
    else
        platform_set(out, parts[0], parts[1] ? parts[1] : "amd64", parts[2]);
    return 0;
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
