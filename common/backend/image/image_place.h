/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the cloud can get an image: what is known of that beside the image's record, in the store.
 * An image is private when its registry gives it only to users with a login. `rec` is
 * identified by its manifest.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_PLACE_H
#define SOCKERLESS_BACKEND_IMAGE_PLACE_H

#include "backend/state/backend_internal.h"
#include "oci/name/digest.h"

#include <stdbool.h>

/* The kind of staged_image.h under which a copy is kept. */
#define IMAGE_COPY_KIND "image-copy"

/* The digest of the platform's manifest, what copies are known by. Returns out. */
char *image_place_key(const Sockerless__ImageRecord *rec, char out[DIGEST_MAX]);

bool image_place_is_private(const struct backend *b, const Sockerless__ImageRecord *rec);
int image_place_set_private(struct backend *b, const Sockerless__ImageRecord *rec,
                            struct error *err) MUST_CHECK;
/* The repository of the copy of a private image, "host/path"; heap, NULL when there is none. */
char *image_place_copy(const struct backend *b, const Sockerless__ImageRecord *rec);

#endif
