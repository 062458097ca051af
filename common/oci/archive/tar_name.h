/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of archive entries are untrusted. Cleaned they are relative, without "." parts, and
 * stay inside of the archive.
 */
#ifndef SOCKERLESS_OCI_TAR_NAME_H
#define SOCKERLESS_OCI_TAR_NAME_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { TAR_NAME_MAX = 1024, TAR_QUOTED_MAX = 256 };

/* "./a//b/" is "a/b", "." is "". ERROR_INVALID_PARAMETER: absolute, with a ".." part, empty or over
 * TAR_NAME_MAX - 1 bytes. */
int tar_name_clean(const char *name, char out[TAR_NAME_MAX], struct error *err) MUST_CHECK;
/* The name that the link at `name` (clean) leads to: a symbolic link's target is relative to its
 * folder and may go up as long as it stays inside; a hard link's is a name of the archive. */
int tar_name_resolve(const char *name, const char *target, bool symbolic, char out[TAR_NAME_MAX],
                     struct error *err) MUST_CHECK;
/* A name within a layer leads outside of it: more ".." than folders before them. */
bool tar_name_escapes(const char *name);
/* In double quotes, for a message: printable ASCII as it is, other bytes as \xNN, cut when long.
 * Returns out. */
char *tar_name_quote(const char *name, char out[TAR_QUOTED_MAX]);

#endif
