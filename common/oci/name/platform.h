/* SPDX-License-Identifier: Apache-2.0
 *
 * Platforms, "os[/architecture[/variant]]", normalised as containerd's platforms package does
 * (x86_64 is amd64, aarch64 is arm64 whose default variant is v8, arm's is v7).
 */
#ifndef SOCKERLESS_OCI_PLATFORM_H
#define SOCKERLESS_OCI_PLATFORM_H

#include "base/error.h"

#include <stdbool.h>

enum { PLATFORM_PART_MAX = 32, PLATFORM_TEXT_MAX = 3 * PLATFORM_PART_MAX };

struct platform {
    char os[PLATFORM_PART_MAX], architecture[PLATFORM_PART_MAX];
    char variant[PLATFORM_PART_MAX]; /* "" when it is the architecture's default or none */
};

/* ERROR_INVALID_PARAMETER with Docker's text. */
int platform_parse(const char *text, struct platform *out, struct error *err) MUST_CHECK;
/* From a manifest's or config's fields, any of which may be NULL. Overlong ones match nothing. */
void platform_set(struct platform *out, const char *os, const char *architecture,
                  const char *variant);
/* How well `have` serves where `want` is requested: 0 not at all, else more is better. */
int platform_rank(const struct platform *want, const struct platform *have);
char *platform_text(const struct platform *p, char out[PLATFORM_TEXT_MAX]);
/* The same, as Docker's errors show what was asked for: p was parsed from it. */
char *platform_asked_text(const char *asked, const struct platform *p, char out[PLATFORM_TEXT_MAX]);

#endif
