/* SPDX-License-Identifier: Apache-2.0
 *
 * Image archives as `docker save` and `skopeo copy` write them: docker-archive (manifest.json) and
 * OCI layout (index.json), also both in one, as Docker 25 has it; plain, gzip, zstd or xz.
 *
 * Reading is one pass over a stream, in a thread of its own, with blocking callbacks: layers come
 * before the manifest that names them, so everything that looks like a layer is recompressed (or
 * kept, if it is compressed already) and handed on at once, and documents are kept until the end.
 * Nothing touches the disk. libarchive reads the container formats.
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "oci/name/digest.h"
#include "oci/name/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    ARCHIVE_ENTRIES_MAX = 200000,
    ARCHIVE_DOCUMENT_MAX = 8 * 1024 * 1024,   /* one JSON document */
    ARCHIVE_DOCUMENTS_MAX = 16 * 1024 * 1024, /* all of them together */
    ARCHIVE_IMAGES_MAX = 256,
};

/* A layer as it was handed on. */
struct archive_layer {
    char diff_id[DIGEST_MAX]; /* of the uncompressed tar */
    char digest[DIGEST_MAX];  /* of the bytes that layer_write got */
    int64_t size;             /* of those */
    int64_t diff_size;        /* uncompressed */
    const char *media_type;   /* OCI layer type: …tar+gzip or …tar+zstd; static string */
};

/* All called in the reading thread, all may block; -1 with *err set ends the reading with that
 * error. layer_open … layer_write* … layer_close come strictly one layer after the other. */
struct image_archive_io {
    void *arg;
    /* The next bytes of the archive, valid until the next call; 0: its end. */
    ssize_t (*read)(void *arg, const void **bytes, struct error *err);
    int (*layer_open)(void *arg, struct error *err);
    int (*layer_write)(void *arg, const void *bytes, size_t len, struct error *err);
    int (*layer_close)(void *arg, const struct archive_layer *layer, struct error *err);
};

struct image_archive_options {
    int64_t size_max;         /* uncompressed, of the whole; more: ERROR_TOO_LARGE */
    struct platform platform; /* chosen from an OCI index */
};

struct archived_image { /* in the arena */
    const void *config; /* verbatim */
    size_t config_len;
    char config_digest[DIGEST_MAX];
    const struct archive_layer **layers; /* in order; each diff_id is the config's */
    size_t layer_count;
    char **tags; /* complete references, "docker.io/library/busybox:1"; may be none */
    size_t tag_count;
    /* The manifest to push: an OCI layout's own, verbatim, when its blobs were kept as they are;
     * else made anew (OCI image manifest). */
    const void *manifest;
    size_t manifest_len;
    const char *manifest_type;
    char manifest_digest[DIGEST_MAX];
};
struct image_archive { /* in the arena */
    struct archived_image *images;
    size_t count;
};

/* Reads all. ERROR_INVALID_PARAMETER says what is wrong with the archive and where: no image in it,
 * truncated, a layer whose diff id is not the config's, a digest that is not its name's, names that
 * leave the archive ("../", absolute, links that do), cycles of indexes, too many entries.
 * ERROR_TOO_LARGE: over a bound, compression bombs among them. Entries that are no image's are
 * skipped. Nothing may be taken from *out after an error. */
int image_archive_read(const struct image_archive_io *io,
                       const struct image_archive_options *options, struct arena *arena,
                       struct image_archive *out, struct error *err) MUST_CHECK;

/* The same for `docker import`: the stream is one layer (any compression). Blocking, as above. */
int layer_archive_read(const struct image_archive_io *io,
                       const struct image_archive_options *options, struct archive_layer *out,
                       struct error *err) MUST_CHECK;

/* The manifest (OCI image manifest) of a config and layers; into the arena. */
void image_manifest_make(const char *config_digest, size_t config_len,
                         const struct archive_layer *const *layers, size_t count,
                         struct arena *arena, char **out, size_t *len);

/* ---- writing ---- */

/* One tar header (with pax parts when needed) for a regular file or, with size -1, a directory;
 * then its bytes go into the stream, then tar_put_padding(); at the very end tar_put_end(). */
void tar_put_header(struct buf *out, const char *name, int64_t size, int64_t mtime_s, int mode);
void tar_put_padding(struct buf *out, int64_t size);
void tar_put_end(struct buf *out);

/* What `docker save` appends after the blobs: oci-layout, index.json, manifest.json, repositories.
 * Blobs are at blobs/sha256/HEX. */
struct saved_image {
    const char *config_digest;
    const char *manifest_digest, *manifest_type;
    int64_t manifest_len;
    const char *const *layer_digests;
    size_t layer_count;
    const char *const *tags; /* familiar, "busybox:1" */
    size_t tag_count;
};
void image_archive_put_index(struct buf *out, const struct saved_image *images, size_t count);

#endif
