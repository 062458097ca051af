/* SPDX-License-Identifier: Apache-2.0
 *
 * Pulling bytes through libarchive: tar entries of a stream, or a stream unpacked.
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_PULL_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_PULL_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes to be pulled, valid until the next call; 0: their end; -1 with *err set. */
struct byte_source {
    void *arg;
    ssize_t (*read)(void *arg, const void **bytes, struct error *err);
};

enum pull_mode {
    PULL_IMAGE_TAR, /* a tar: plain, gzip, zstd, xz or bzip2 */
    PULL_LAYER_TAR, /* a plain tar */
    PULL_UNPACK,    /* anything in xz or bzip2: one entry without a name */
};

struct pulled_entry { /* valid until the next one */
    const char *name;
    enum { ENTRY_FILE, ENTRY_SYMLINK, ENTRY_HARDLINK, ENTRY_OTHER } type;
    const char *target; /* of links */
};

struct archive_pull;

/* The source is copied, what it points to is borrowed. */
struct archive_pull *archive_pull_open(enum pull_mode mode, struct byte_source source,
                                       struct error *err) MUST_CHECK;
void archive_pull_close(struct archive_pull *p); /* NULL allowed */
/* 1: an entry, 0: the end. Data of the entry before is skipped. */
int archive_pull_next(struct archive_pull *p, struct pulled_entry *out,
                      struct error *err) MUST_CHECK;
/* The entry's data; holes of sparse files come as zeros. */
ssize_t archive_pull_data(struct archive_pull *p, const void **bytes, struct error *err) MUST_CHECK;
/* Bytes of the tar taken so far, uncompressed, and zeros that stood for holes. */
int64_t archive_pull_position(const struct archive_pull *p);
/* After the end: was there an end-of-archive marker, or did the bytes just stop? */
bool archive_pull_was_complete(const struct archive_pull *p);

#endif
