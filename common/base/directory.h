/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories that a program keeps its files in.
 */
#ifndef SOCKERLESS_BASE_DIRECTORY_H
#define SOCKERLESS_BASE_DIRECTORY_H

#include "base/error.h"

#include <sys/types.h>

/* Make the directory and those above it that are missing; one that exists must be writable. */
int directory_make(const char *path, mode_t mode, struct error *err) MUST_CHECK;

#endif
