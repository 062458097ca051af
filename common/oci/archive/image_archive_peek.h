/* SPDX-License-Identifier: Apache-2.0
 *
 * A byte source whose beginning can be looked at before it is read.
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_PEEK_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_PEEK_H

#include "base/error.h"
#include "oci/archive/image_archive_layer.h"

#include <stddef.h>

struct archive_peek {
    struct byte_source from;
    unsigned char head[LAYER_HEAD];
    size_t head_len;
    struct {
        const unsigned char *bytes;
        size_t len;
    } ahead[2]; /* to be read first: the head, then the rest of the block that filled it */
};

/* Fills the head, as far as there are bytes. */
int archive_peek_open(struct archive_peek *p, struct byte_source from,
                      struct error *err) MUST_CHECK;
/* All bytes, the head's too. As a byte_source. */
ssize_t archive_peek_read(void *peek, const void **bytes, struct error *err) MUST_CHECK;

#endif
