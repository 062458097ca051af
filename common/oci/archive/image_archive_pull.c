/* SPDX-License-Identifier: Apache-2.0
 * Pulling bytes through libarchive; see image_archive_pull.h. */
#include "oci/archive/image_archive_pull.h"

#include "base/alloc.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

enum { ZEROS_SIZE = 64 * 1024 };

struct archive_pull {
    struct archive *lib;
    struct byte_source source;
    struct error *err; /* of the call under way: where the source's error goes */
    bool source_failed, source_ended;
    int64_t taken; /* from the source */

    const void *block; /* data after a hole */
    size_t block_len;
    int64_t hole;   /* bytes of zeros to come before it */
    int64_t offset; /* of the entry's data handed out, block and hole included */
    int64_t size;   /* the entry's, -1 when unknown */
    bool drained;   /* libarchive has no more data of the entry */

    int64_t holes;    /* zeros handed out, of all entries */
    int64_t data_end; /* position in the tar after the last entry */
    bool has_entry, complete;
};

static const unsigned char zeros[ZEROS_SIZE];

static la_ssize_t on_read(struct archive *lib, void *arg, const void **bytes)
{
    struct archive_pull *p = arg;
    if (p->source_failed)
        return -1;
    ssize_t n = p->source_ended ? 0 : p->source.read(p->source.arg, bytes, p->err);
    if (n < 0) {
        p->source_failed = true;
        archive_set_error(lib, EIO, "source failed");
        return -1;
    }
    p->source_ended = n == 0;
    p->taken += n;
    return n;
}

/* libarchive has no code for it, only texts. */
static bool says_truncated(const char *text)
{
    return strstr(text, "runcated") || strstr(text, "No progress is possible") ||
           strstr(text, "nexpected end");
}

enum { TAR_BLOCK = 512 };

/* dockerd's words. */
static int fail(struct archive_pull *p, struct error *err)
{
    const char *text = archive_error_string(p->lib);
    if (p->source_failed)
        return -1; /* the source has set it */
    if (!text)
        text = "unreadable";
    if (p->source_ended && (says_truncated(text) || p->taken < TAR_BLOCK))
        text = "unexpected EOF";
    else if (strstr(text, "Unrecognized archive format") || strstr(text, "Damaged tar"))
        text = "archive/tar: invalid tar header";
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Error processing tar file(exit status 1): %.300s", text);
}

static void support(struct archive *lib, enum pull_mode mode)
{
    if (mode == PULL_IMAGE_TAR) {
        archive_read_support_filter_gzip(lib);
        archive_read_support_filter_zstd(lib);
    }
    if (mode != PULL_LAYER_TAR) {
        archive_read_support_filter_xz(lib);
        archive_read_support_filter_bzip2(lib);
    }
    if (mode == PULL_UNPACK)
        archive_read_support_format_raw(lib);
    else
        archive_read_support_format_tar(lib);
    archive_read_support_format_empty(lib);
}

struct archive_pull *archive_pull_open(enum pull_mode mode, struct byte_source source,
                                       struct error *err)
{
    struct archive_pull *p = NEW(struct archive_pull);
    p->source = source;
    p->err = err;
    p->lib = archive_read_new();
    if (!p->lib)
        abort(); /* fails only without memory */
    support(p->lib, mode);
    archive_read_set_callback_data(p->lib, p);
    archive_read_set_read_callback(p->lib, on_read);
    int failed = archive_read_open1(p->lib) < ARCHIVE_WARN;
    /* Compressions in each other multiply what a few bytes cost before one byte of the tar is seen
     * and counted. The tar's own end of the pipeline is a filter, too. */
    if (failed)
        fail(p, err);
    else if (archive_filter_count(p->lib) > 2)
        failed = error_set(err, ERROR_INVALID_PARAMETER,
                           "Error processing tar file(exit status 1): compressed more than once");
    if (failed) {
        archive_pull_close(p);
        return NULL;
    }
    return p;
}

void archive_pull_close(struct archive_pull *p)
{
    if (!p)
        return;
    archive_read_free(p->lib);
    free(p);
}

int64_t archive_pull_position(const struct archive_pull *p)
{
    int64_t n = archive_filter_bytes(p->lib, 0);
    return (n < 0 ? 0 : n) + p->holes;
}

bool archive_pull_was_complete(const struct archive_pull *p)
{
    return p->complete;
}

/* Names in pax headers are UTF-8; where the locale has no such character libarchive gives only
 * that. No image's names have any. */
static const char *text_or_utf8(const char *text, const char *utf8)
{
    return text ? text : utf8 ? utf8 : "";
}

static void describe(struct archive_entry *e, struct pulled_entry *out)
{
    out->name = text_or_utf8(archive_entry_pathname(e), archive_entry_pathname_utf8(e));
    const char *hard = archive_entry_hardlink(e);
    out->target = NULL;
    if (hard || archive_entry_hardlink_utf8(e)) {
        out->type = ENTRY_HARDLINK;
        out->target = text_or_utf8(hard, archive_entry_hardlink_utf8(e));
    } else if (archive_entry_filetype(e) == AE_IFLNK) {
        out->type = ENTRY_SYMLINK;
        out->target = text_or_utf8(archive_entry_symlink(e), archive_entry_symlink_utf8(e));
    } else {
        out->type = archive_entry_filetype(e) == AE_IFREG ? ENTRY_FILE : ENTRY_OTHER;
    }
}

int archive_pull_next(struct archive_pull *p, struct pulled_entry *out, struct error *err)
{
    struct archive_entry *e;
    p->err = err;
    if (p->has_entry) {
        if (archive_read_data_skip(p->lib) < ARCHIVE_WARN)
            return fail(p, err);
        p->data_end = archive_filter_bytes(p->lib, 0);
    }
    int rc = archive_read_next_header(p->lib, &e);
    if (rc == ARCHIVE_EOF) {
        int64_t padded = (p->data_end + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        p->complete = archive_filter_bytes(p->lib, 0) > padded;
        return 0;
    }
    if (rc < ARCHIVE_WARN)
        return fail(p, err);
    describe(e, out);
    p->block_len = 0;
    p->hole = p->offset = 0;
    p->drained = false;
    p->size = archive_entry_size_is_set(e) ? archive_entry_size(e) : -1;
    p->has_entry = true;
    return 1;
}

/* The next block of libarchive's and the hole before it. */
static int fetch(struct archive_pull *p, struct error *err)
{
    la_int64_t at = 0;
    p->err = err;
    int rc = archive_read_data_block(p->lib, &p->block, &p->block_len, &at);
    if (rc == ARCHIVE_EOF) {
        p->drained = true;
        p->block_len = 0;
        p->hole = p->size > p->offset ? p->size - p->offset : 0;
        return 0;
    }
    if (rc < ARCHIVE_WARN)
        return fail(p, err);
    p->hole = at > p->offset ? at - p->offset : 0;
    return 0;
}

ssize_t archive_pull_data(struct archive_pull *p, const void **bytes, struct error *err)
{
    while (p->hole == 0 && p->block_len == 0) {
        if (p->drained)
            return 0;
        if (fetch(p, err))
            return -1;
    }
    size_t n = p->block_len;
    *bytes = p->block;
    if (p->hole) {
        n = p->hole < ZEROS_SIZE ? (size_t)p->hole : ZEROS_SIZE;
        *bytes = zeros;
        p->hole -= (int64_t)n;
        p->holes += (int64_t)n;
    } else {
        p->block_len = 0;
    }
    p->offset += (int64_t)n;
    return (ssize_t)n;
}
