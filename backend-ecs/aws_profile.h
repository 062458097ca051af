/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's shared config and credentials files: the INI dialect and the lookup of a profile's values.
 * Reading is synchronous (two small local files); nothing here suspends.
 */
#ifndef SOCKERLESS_AWS_PROFILE_H
#define SOCKERLESS_AWS_PROFILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct aws_profile_entry;
struct aws_profiles {
    struct aws_profile_entry *entries;
    size_t count, cap;
};

enum aws_profile_file {
    AWS_PROFILE_CONFIG,      /* sections are [default] and [profile NAME] */
    AWS_PROFILE_CREDENTIALS, /* sections are [NAME]; its values win over the config file's */
};

/* Add a file's text; it is cut in place, text[len] is its NUL. Lines that make no sense are
 * skipped, as AWS's tools do; bounded to a few thousand entries. */
void aws_profiles_parse(struct aws_profiles *p, enum aws_profile_file file, char *text, size_t len);
/* Add both files from their usual places; absent files are fine, unreadable ones are not. */
int aws_profiles_load(struct aws_profiles *p, struct error *err) MUST_CHECK;
void aws_profiles_free(struct aws_profiles *p);
static inline void auto_release_aws_profiles(struct aws_profiles *p)
{
    aws_profiles_free(p);
}

bool aws_profiles_has(const struct aws_profiles *p, const char *profile);
/* Borrowed; NULL when absent or empty. Keys are lower-case. */
const char *aws_profiles_get(const struct aws_profiles *p, const char *profile, const char *key);
/* AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". */
const char *aws_profile_name(void);

#endif
