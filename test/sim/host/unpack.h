/* SPDX-License-Identifier: Apache-2.0
 *
 * Unpacking of image layers into one root directory: whiteouts, hard links, device nodes, owners,
 * modes, times, extended attributes. Every path is resolved by the kernel inside the root, so no
 * entry and no symlink can lead out of it.
 */
#ifndef SOCKERLESS_SIM_HOST_UNPACK_H
#define SOCKERLESS_SIM_HOST_UNPACK_H

#include "base/error.h"

/* Apply one layer (tar, optionally gzip or zstd) over what earlier layers left in root. */
int unpack_layer(const char *layer_path, const char *root, struct error *err) MUST_CHECK;

/* "./a//b/" -> "a/b", "" for the root itself; NULL for a path with "..". Heap. */
char *unpack_clean_path(const char *path);

/* What an entry's name asks for. */
enum whiteout { WHITEOUT_NONE, WHITEOUT_FILE, WHITEOUT_OPAQUE, WHITEOUT_IGNORE };
/* base: last component. For WHITEOUT_FILE *target points to the name to remove, in base. */
enum whiteout unpack_whiteout(const char *base, const char **target);

#endif
