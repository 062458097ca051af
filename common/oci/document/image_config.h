/* SPDX-License-Identifier: Apache-2.0
 *
 * An image's configuration document (OCI image-spec config.md; Docker's image.spec v1.2) into the
 * typed Image that everything else works with.
 */
#ifndef SOCKERLESS_OCI_IMAGE_CONFIG_H
#define SOCKERLESS_OCI_IMAGE_CONFIG_H

#include "base/arena.h"
#include "base/error.h"

#include "proto/sockerless.pb-c.h"

#include <stddef.h>

/* A new Image in the arena with what the document says: config (never NULL), architecture,
 * variant, os, author, comment, created, diff_ids, docker_version. Maps (ports, volumes, labels)
 * are sorted by key, as Docker shows them. ERROR_INVALID_PARAMETER names the field that is wrong.
 */
int image_config_parse(const void *bytes, size_t len, struct arena *arena, Sockerless__Image **out,
                       struct error *err) MUST_CHECK;

#endif
