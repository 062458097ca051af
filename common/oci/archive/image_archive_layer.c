/* SPDX-License-Identifier: Apache-2.0
 * One layer on its way; see image_archive_layer.h. */
#include "oci/archive/image_archive_layer.h"

#include "base/alloc.h"
#include "oci/archive/image_archive_hash.h"
#include "oci/archive/layer_gzip.h"
#include "oci/archive/tar_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { UNPACK_SIZE = 256 * 1024, TAR_BLOCK = 512 };

static const char type_gzip[] = "application/vnd.oci.image.layer.v1.tar+gzip";
static const char type_zstd[] = "application/vnd.oci.image.layer.v1.tar+zstd";

/* ---- what it is ---- */

static const struct {
    enum layer_form form;
    const char *magic;
    size_t len;
} magics[] = {
    {LAYER_GZIP, "\x1f\x8b\x08", 3},
    {LAYER_ZSTD, "\x28\xb5\x2f\xfd", 4},
    {LAYER_PACKED, "\xfd\x37zXZ\0", 6},
    {LAYER_PACKED, "BZh", 3},
};

static bool is_zero(const unsigned char *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Any tar, also from before POSIX: the sum of the header's bytes, signed or not, with the sum's own
 * field as spaces. */
static bool is_tar_header(const unsigned char head[TAR_BLOCK])
{
    enum { SUM_AT = 148, SUM_LEN = 8 };
    char field[SUM_LEN + 1] = {0};
    unsigned long said;
    long plain = 0, as_signed = 0;
    memcpy(field, head + SUM_AT, SUM_LEN);
    if (sscanf(field, "%lo", &said) != 1)
        return false;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char c = i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : head[i];
        plain += c;
        as_signed += (signed char)c;
    }
    return (long)said == plain || (long)said == as_signed;
}

enum layer_form layer_form_of(const unsigned char *head, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (len > magics[i].len && memcmp(head, magics[i].magic, magics[i].len) == 0)
            return magics[i].form;
    if (len >= TAR_BLOCK && !is_zero(head, TAR_BLOCK) && is_tar_header(head))
        return LAYER_PLAIN;
    return len >= LAYER_HEAD && is_zero(head, LAYER_HEAD) ? LAYER_PLAIN : LAYER_NONE;
}

/* ---- unpacking ---- */

struct layer_copy {
    struct layer_origin from;
    struct archive_hash *packed, *plain; /* digest and diff id */
    int64_t size, diff_size;
    bool ended;

    struct archive_pull *pull; /* LAYER_PACKED */
    struct layer_gzip *gzip;   /* LAYER_PLAIN, LAYER_PACKED */

    z_stream zlib;
    bool has_zlib;
    ZSTD_DStream *zstd;
    const unsigned char *in; /* compressed bytes at hand */
    size_t in_len;
    bool between;       /* of gzip members or zstd frames: the stream may end here */
    bool more;          /* the decompressor may have output without new input */
    unsigned char *out; /* UNPACK_SIZE */
};

/* Compressed bytes, ours or the archive's own. */
static int hand_on(void *arg, const void *bytes, size_t len, struct error *err)
{
    struct layer_copy *c = arg;
    archive_hash_add(c->packed, bytes, len);
    c->size += (int64_t)len;
    return c->from.io->layer_write(c->from.io->arg, bytes, len, err);
}

static int broken(const struct layer_copy *c, const char *what, const char *why, struct error *err)
{
    char quoted[TAR_QUOTED_MAX];
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid archive: layer %s: %s: %s",
                     tar_name_quote(c->from.name, quoted), what, why ? why : "invalid data");
}

/* One step over the input at hand; the output's length. */
static ssize_t inflate_step(struct layer_copy *c, struct error *err)
{
    if (c->between && c->in_len) {
        c->between = false;
        if (inflateReset(&c->zlib) != Z_OK)
            return broken(c, "gzip", c->zlib.msg, err);
    }
    c->zlib.next_in = (z_const Bytef *)c->in;
    c->zlib.avail_in = (uInt)c->in_len;
    c->zlib.next_out = c->out;
    c->zlib.avail_out = UNPACK_SIZE;
    int rc = inflate(&c->zlib, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return broken(c, "gzip", c->zlib.msg, err);
    c->in += c->in_len - c->zlib.avail_in;
    c->in_len = c->zlib.avail_in;
    c->between = rc == Z_STREAM_END;
    c->more = c->zlib.avail_out == 0;
    return UNPACK_SIZE - (ssize_t)c->zlib.avail_out;
}

static ssize_t zstd_step(struct layer_copy *c, struct error *err)
{
    ZSTD_inBuffer in = {c->in, c->in_len, 0};
    ZSTD_outBuffer out = {c->out, UNPACK_SIZE, 0};
    size_t rc = ZSTD_decompressStream(c->zstd, &out, &in);
    if (ZSTD_isError(rc))
        return broken(c, "zstd", ZSTD_getErrorName(rc), err);
    c->in += in.pos;
    c->in_len -= in.pos;
    c->between = rc == 0;
    c->more = out.pos == UNPACK_SIZE && rc != 0;
    return (ssize_t)out.pos;
}

static const unsigned char no_input[1];

/* More input, handed on as it is; sets ended. */
static int take_verbatim(struct layer_copy *c, struct error *err)
{
    const void *bytes = no_input;
    ssize_t n = c->from.source.read(c->from.source.arg, &bytes, err);
    if (n < 0)
        return -1;
    c->in = bytes;
    c->in_len = (size_t)n;
    c->ended = n == 0;
    if (c->ended)
        return c->between ? 0
                          : error_set(err, ERROR_INVALID_PARAMETER,
                                      "Error processing tar file(exit status 1): unexpected EOF");
    return hand_on(c, bytes, c->in_len, err);
}

/* Between two reads of the source a decompressor is fed no more than 1 GiB: zlib counts in 32 bits;
 * sources give far less. */
static ssize_t unpack_verbatim(struct layer_copy *c, struct error *err)
{
    for (;;) {
        if (!c->more && c->in_len == 0) {
            if (take_verbatim(c, err))
                return -1;
            if (c->ended)
                return 0;
        }
        ssize_t n = c->from.form == LAYER_GZIP ? inflate_step(c, err) : zstd_step(c, err);
        if (n)
            return n;
        c->more = false;
    }
}

static ssize_t take_plain(struct layer_copy *c, const void **bytes, struct error *err)
{
    ssize_t n = c->pull ? archive_pull_data(c->pull, bytes, err)
                        : c->from.source.read(c->from.source.arg, bytes, err);
    if (n > 0 && layer_gzip_write(c->gzip, *bytes, (size_t)n, err))
        return -1;
    if (n == 0 && layer_gzip_finish(c->gzip, err))
        return -1;
    c->ended = n == 0;
    return n;
}

ssize_t layer_copy_next(void *copy, const void **bytes, struct error *err)
{
    struct layer_copy *c = copy;
    if (c->ended)
        return 0;
    ssize_t n;
    if (c->gzip) {
        n = take_plain(c, bytes, err);
    } else {
        n = unpack_verbatim(c, err);
        *bytes = c->out;
    }
    if (n <= 0)
        return n;
    archive_hash_add(c->plain, *bytes, (size_t)n);
    c->diff_size += n;
    if (c->from.form == LAYER_PLAIN)
        return n;
    c->from.meter->layers += n;
    return archive_meter_check(c->from.meter, err) ? -1 : n;
}

/* ---- start and end ---- */

static int start_unpacking(struct layer_copy *c, struct error *err)
{
    struct pulled_entry ignored;
    switch (c->from.form) {
    case LAYER_GZIP:
        if (inflateInit2(&c->zlib, 15 + 16) != Z_OK) /* the largest window, gzip only */
            abort();                                 /* fails only without memory */
        c->has_zlib = true;
        break;
    case LAYER_ZSTD:
        c->zstd = ZSTD_createDStream();
        if (!c->zstd)
            abort();
        break;
    case LAYER_PACKED:
        c->pull = archive_pull_open(PULL_UNPACK, c->from.source, err);
        if (!c->pull || archive_pull_next(c->pull, &ignored, err) < 0)
            return -1;
        break;
    case LAYER_PLAIN:
    case LAYER_NONE: break;
    }
    if (c->from.form == LAYER_GZIP || c->from.form == LAYER_ZSTD)
        c->out = xmalloc(UNPACK_SIZE);
    else
        c->gzip = layer_gzip_new(hand_on, c);
    return 0;
}

struct layer_copy *layer_copy_open(const struct layer_origin *from, struct error *err)
{
    struct layer_copy *c = NEW(struct layer_copy);
    c->from = *from;
    c->packed = archive_hash_new("sha256");
    c->plain = archive_hash_new("sha256");
    if (from->io->layer_open(from->io->arg, err) || start_unpacking(c, err)) {
        layer_copy_free(c);
        return NULL;
    }
    return c;
}

int layer_copy_finish(struct layer_copy *c, struct archive_layer *out, struct error *err)
{
    *out = (struct archive_layer){
        .size = c->size,
        .diff_size = c->diff_size,
        .media_type = c->from.form == LAYER_ZSTD ? type_zstd : type_gzip,
    };
    archive_hash_take(c->packed, out->digest);
    archive_hash_take(c->plain, out->diff_id);
    return c->from.io->layer_close(c->from.io->arg, out, err);
}

void layer_copy_free(struct layer_copy *c)
{
    if (!c)
        return;
    layer_gzip_free(c->gzip);
    archive_pull_close(c->pull);
    if (c->has_zlib)
        inflateEnd(&c->zlib);
    ZSTD_freeDStream(c->zstd);
    archive_hash_free(c->packed);
    archive_hash_free(c->plain);
    free(c->out);
    free(c);
}
