/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's file packed as an image layer, for images that get the agent in them.
 */
#ifndef SOCKERLESS_OCI_AGENT_LAYER_H
#define SOCKERLESS_OCI_AGENT_LAYER_H

#include "base/error.h"
#include "oci/archive/image_archive.h"

#include <stddef.h>

/* A gzip tar holding one executable file, owned by root, time 0, so that the same agent always
 * gives the same digest. bytes: heap, released by the caller. ERROR_NOT_FOUND when the file cannot
 * be read. */
int agent_layer_make(const char *agent_file, const char *path_in_image, struct archive_layer *out,
                     void **bytes, size_t *len, struct error *err) MUST_CHECK;

#endif
