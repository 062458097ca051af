/* SPDX-License-Identifier: Apache-2.0
 *
 * Small helpers on files and mounts.
 */
#ifndef SOCKERLESS_SIM_HOST_FILES_H
#define SOCKERLESS_SIM_HOST_FILES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

int files_write(const char *path, const void *data, size_t len, struct error *err) MUST_CHECK;
/* At most max bytes; more is an error. */
int files_read(const char *path, size_t max, struct buf *out, struct error *err) MUST_CHECK;
/* Removes a tree without following symlinks or crossing into other file systems; absent is fine. */
int files_remove_tree(const char *path, struct error *err) MUST_CHECK;
/* Copies a tree with owners, modes and times (cp -a). */
int files_copy_tree(const char *from, const char *to, struct error *err) MUST_CHECK;
bool files_exists(const char *path);
/* Detaches every mount at or below the directory, deepest first. Returns how many. */
int files_unmount_below(const char *dir);
/* The path with symlinks resolved by the kernel inside root, opened; -1 with errno. */
int files_open_in_root(int root_fd, const char *path, int flags);

#endif
