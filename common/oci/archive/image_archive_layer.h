/* SPDX-License-Identifier: Apache-2.0
 *
 * One layer on its way through: taken from a source in whatever form, handed on compressed, its
 * digests computed in passing.
 *
 *     gzip, zstd     handed on as they are; unpacked for the diff id
 *     plain          through layer_gzip
 *     xz, bzip2      unpacked, then through layer_gzip
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_LAYER_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_LAYER_H

#include "base/error.h"
#include "oci/archive/image_archive.h"
#include "oci/archive/image_archive_meter.h"
#include "oci/archive/image_archive_pull.h"

#include <stdint.h>
#include <sys/types.h>

enum layer_form { LAYER_NONE, LAYER_PLAIN, LAYER_GZIP, LAYER_ZSTD, LAYER_PACKED };
enum { LAYER_HEAD = 1024 }; /* bytes that tell */

/* What bytes of this beginning are; LAYER_NONE when no layer. len < LAYER_HEAD: that is all. */
enum layer_form layer_form_of(const unsigned char *head, size_t len);

struct layer_copy;

struct layer_origin { /* borrowed */
    const char *name; /* for messages */
    enum layer_form form;
    struct byte_source source; /* of all its bytes */
    const struct image_archive_io *io;
    struct archive_meter *meter; /* the whole archive's; counts what compressed layers come to */
};

/* Opens the layer in io. */
struct layer_copy *layer_copy_open(const struct layer_origin *from, struct error *err) MUST_CHECK;
/* Moves the layer on and shows its next bytes, uncompressed; 0: the end. As a byte_source. */
ssize_t layer_copy_next(void *copy, const void **bytes, struct error *err) MUST_CHECK;
/* After the end: closes the layer in io. */
int layer_copy_finish(struct layer_copy *copy, struct archive_layer *out,
                      struct error *err) MUST_CHECK;
void layer_copy_free(struct layer_copy *copy); /* NULL allowed */

#endif
