/* SPDX-License-Identifier: Apache-2.0
 *
 * What was met in an archive, by name, and the images that its documents make of it.
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_TABLE_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_TABLE_H

#include "base/arena.h"
#include "base/error.h"
#include "oci/archive/image_archive.h"

#include <stdbool.h>
#include <stddef.h>

struct archive_item;
struct archive_table {
    struct archive_item *items; /* uthash by name; items are in the arena */
    struct arena *arena;
    size_t cost; /* of documents, names and links: what ARCHIVE_DOCUMENTS_MAX bounds */
    size_t layer_count;
    size_t spent; /* bytes of documents parsed, what is named twice counted twice */
};

enum { ARCHIVE_LAYERS_MAX = 16384, ARCHIVE_SPENT_MAX = 2 * ARCHIVE_DOCUMENTS_MAX };

void archive_table_init(struct archive_table *t, struct arena *arena);
void archive_table_fini(struct archive_table *t);

/* A later entry takes the place of an earlier one of its name, as when unpacking. Names are clean.
 * ERROR_TOO_LARGE over the bounds. */
int archive_table_add_layer(struct archive_table *t, const char *name,
                            const struct archive_layer *layer, struct error *err) MUST_CHECK;
/* bytes: in the arena already. */
int archive_table_add_document(struct archive_table *t, const char *name, const void *bytes,
                               size_t len, struct error *err) MUST_CHECK;
int archive_table_add_link(struct archive_table *t, const char *name, const char *target,
                           struct error *err) MUST_CHECK;
/* Room for a document of that size? */
int archive_table_check_room(const struct archive_table *t, const char *name, size_t len,
                             struct error *err) MUST_CHECK;

/* Before a document of that size is parsed: few bytes can name a large one very often. */
int archive_table_spend(struct archive_table *t, size_t len, struct error *err) MUST_CHECK;

struct archive_document {
    const void *bytes;
    size_t len;
};
/* By any spelling of the name, through links; NULL when there is no such. */
const struct archive_layer *archive_table_layer(const struct archive_table *t, const char *name);
bool archive_table_document(const struct archive_table *t, const char *name,
                            struct archive_document *out);
/* The blob of that (valid) digest. */
const struct archive_layer *archive_table_blob_layer(const struct archive_table *t,
                                                     const char *digest);
bool archive_table_blob(const struct archive_table *t, const char *digest,
                        struct archive_document *out);

/* ---- the images; 1: there are some, 0: it is no archive of that kind ---- */

int image_archive_docker_resolve(struct archive_table *t, struct image_archive *out,
                                 struct error *err) MUST_CHECK;
int image_archive_oci_resolve(struct archive_table *t, const struct platform *platform,
                              struct image_archive *out, struct error *err) MUST_CHECK;
/* For a Docker archive that is an OCI layout too: images whose layers are the layout's as they were
 * keep the layout's manifest. */
int image_archive_oci_adopt(struct archive_table *t, const struct platform *platform,
                            struct image_archive *images, struct error *err) MUST_CHECK;

/* config and layers: set; checks the diff ids, computes the digest, makes the manifest. */
int archived_image_complete(struct archived_image *image, struct archive_table *t,
                            struct error *err) MUST_CHECK;
/* Adds a complete reference, once. -1 when `tag` is none (err says why, in Docker's words). */
int archived_image_add_tag(struct archived_image *image, const char *tag, struct arena *arena,
                           struct error *err) MUST_CHECK;

#endif
