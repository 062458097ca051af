/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are configuration: small, text, read whole.
 */
#ifndef SOCKERLESS_BASE_SMALL_FILE_H
#define SOCKERLESS_BASE_SMALL_FILE_H

#include "base/error.h"

#include <stddef.h>

enum { SMALL_FILE_MAX = 64 * 1024 };

/* The text without trailing white space, on the heap (it may be a secret: see secret.h). NULL: it
 * cannot be read or is larger than SMALL_FILE_MAX; *err names it, with `code`. */
char *small_file_read(const char *path, enum error_code code, struct error *err);

#endif
