/* SPDX-License-Identifier: Apache-2.0
 *
 * What the image store keeps of an image that came as an archive (load, import).
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_RECORD_H
#define SOCKERLESS_BACKEND_IMAGE_RECORD_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"
#include "oci/archive/image_archive.h"

#include <stdbool.h>

/* out: in the arena or borrowed from `archived`. Where the layers are follows from the staging
 * registry; without one, what is known of the same image already stays. */
int image_record_of(struct backend *b, const struct archived_image *archived, struct arena *arena,
                    Sockerless__ImageRecord *out, struct error *err) MUST_CHECK;
/* A record of the store to keep over a suspension. */
Sockerless__ImageRecord *image_record_copy(const Sockerless__ImageRecord *rec, struct arena *arena);
/* "name:tag" is one of the (familiar) repository's. */
bool image_tag_is_of(const char *tag, const char *repository);
/* The first 12 digits, as people see ids. */
char *image_short_id(const char *digest, char out[13]);

#endif
