/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives made in memory, and somebody who receives the layers and checks every one.
 */
#ifndef SOCKERLESS_TEST_KIT_OCI_ARCHIVE_KIT_H
#define SOCKERLESS_TEST_KIT_OCI_ARCHIVE_KIT_H

#include "base/alloc.h"
#include "base/buf.h"
#include "oci/archive/image_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* filter: "gzip", "zstd", "xz", "bzip2" or NULL */
struct archive *kit_open(struct buf *out, const char *format, const char *filter);
void kit_close(struct archive *lib);
void kit_entry(struct archive *lib, const char *name, unsigned type, const char *target,
               const void *bytes, size_t len);
void kit_file(struct archive *lib, const char *name, const void *bytes, size_t len);
void kit_text(struct archive *lib, const char *name, const char *text);
struct buf kit_pack(const struct buf *in, const char *filter);

/* A layer with one file of that content. */
struct buf kit_layer(const char *name, const char *content);
struct buf kit_unpack(const void *bytes, size_t len);

/* ---- receiving ---- */

struct kit_sink {
    const char *bytes; /* the archive; read in steps */
    size_t len, at, step;
    size_t fail_at; /* the stream breaks there; 0: never */
    bool refuse_layers;
    bool open;
    struct buf layer; /* the one under way, or the last */
    size_t layers;    /* closed */
    struct archive_layer last;
};

#define KIT_SIZE_MAX ((int64_t)1 << 30)
struct image_archive_io kit_io(struct kit_sink *s);
int kit_load_sized(struct kit_sink *s, int64_t size_max, struct arena *arena,
                   struct image_archive *out, struct error *err);
int kit_load(const struct buf *archive, struct arena *arena, struct image_archive *out,
             struct error *err);

/* ---- documents ---- */

struct kit_image { /* one layer; text in static buffers of the caller's struct */
    struct buf layer, packed;
    char diff_id[DIGEST_MAX], blob[DIGEST_MAX]; /* blob: of packed */
    char config[1024], config_digest[DIGEST_MAX];
    char manifest[1024], manifest_digest[DIGEST_MAX];
};

/* filter: of the layer in the layout; NULL: plain */
void kit_image_make(struct kit_image *k, const char *content, const char *filter);
void kit_image_free(struct kit_image *k);
struct kit_image kit_image_of(const char *content, const char *filter);
void auto_release_kit_image(struct kit_image *k);
void kit_blob(struct archive *lib, const char *digest, const void *bytes, size_t len);

/* Its blobs of an OCI layout. */
void kit_image_blobs(struct archive *lib, const struct kit_image *k);

/* index.json with the descriptor of that document and these annotations (may be "") */
void kit_index(struct archive *lib, const char *digest, size_t size, const char *annotations);

#endif
