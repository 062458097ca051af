/* SPDX-License-Identifier: Apache-2.0
 *
 * A file system as a tar, in any compression, for `docker import`: it becomes a layer, and is
 * walked through on the way: nothing else vouches for it.
 */
#include "oci/archive/image_archive.h"

#include "base/alloc.h"
#include "oci/archive/image_archive_layer.h"
#include "oci/archive/image_archive_meter.h"
#include "oci/archive/image_archive_peek.h"
#include "oci/archive/image_archive_pull.h"
#include "oci/archive/tar_name.h"

struct import {
    const struct image_archive_io *io;
    struct archive_meter meter;
    struct archive_peek peek;
};

static ssize_t stream_read(void *arg, const void **bytes, struct error *err)
{
    struct import *in = arg;
    ssize_t n = in->io->read(in->io->arg, bytes, err);
    if (n <= 0)
        return n;
    in->meter.received += n;
    in->meter.container += n;
    return archive_meter_check(&in->meter, err) ? -1 : n;
}

static int walk(struct layer_copy *copy, struct error *err)
{
    struct archive_pull *pull =
        archive_pull_open(PULL_LAYER_TAR, (struct byte_source){copy, layer_copy_next}, err);
    struct pulled_entry entry;
    char quoted[TAR_QUOTED_MAX];
    int rc = pull ? 1 : -1;
    while (rc > 0) {
        rc = archive_pull_next(pull, &entry, err);
        if (rc > 0 && tar_name_escapes(entry.name))
            rc = error_set(err, ERROR_INVALID_PARAMETER,
                           "invalid archive: entry %s is outside of the file system",
                           tar_name_quote(entry.name, quoted));
    }
    archive_pull_close(pull);
    return rc;
}

/* What follows the end of the archive is part of the layer nevertheless. */
static int take_rest(struct layer_copy *copy, struct error *err)
{
    const void *bytes;
    ssize_t n;
    while ((n = layer_copy_next(copy, &bytes, err)) > 0)
        ;
    return (int)n;
}

int layer_archive_read(const struct image_archive_io *io,
                       const struct image_archive_options *options, struct archive_layer *out,
                       struct error *err)
{
    struct import *in AUTO_FREE = NEW(struct import);
    in->io = io;
    in->meter.size_max = options->size_max;
    if (archive_peek_open(&in->peek, (struct byte_source){in, stream_read}, err))
        return -1;
    /* What looks like nothing is for the walk to judge; no bytes at all are an empty layer */
    enum layer_form form = layer_form_of(in->peek.head, in->peek.head_len);
    const struct layer_origin origin = {.name = "(import)",
                                        .form = form == LAYER_NONE ? LAYER_PLAIN : form,
                                        .source = {&in->peek, archive_peek_read},
                                        .io = io,
                                        .meter = &in->meter};
    struct layer_copy *copy = layer_copy_open(&origin, err);
    if (!copy)
        return -1;
    int rc = walk(copy, err) || take_rest(copy, err) ? -1 : layer_copy_finish(copy, out, err);
    layer_copy_free(copy);
    return rc;
}
