/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives made in memory, and somebody who receives the layers and checks every one.
 */
#ifndef TEST_UNIT_OCI_ARCHIVE_KIT_H
#define TEST_UNIT_OCI_ARCHIVE_KIT_H

#include "base/alloc.h"
#include "base/buf.h"
#include "oci/archive/image_archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

/* ---- making ---- */

static la_ssize_t kit_on_write(struct archive *lib, void *arg, const void *bytes, size_t len)
{
    (void)lib;
    buf_append(arg, bytes, len);
    return (la_ssize_t)len;
}

/* filter: "gzip", "zstd", "xz", "bzip2" or NULL */
static inline struct archive *kit_open(struct buf *out, const char *format, const char *filter)
{
    struct archive *lib = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(lib, format), ARCHIVE_OK);
    if (filter)
        assert_int_equal(archive_write_add_filter_by_name(lib, filter), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(lib, 1);
    assert_int_equal(archive_write_open(lib, out, NULL, kit_on_write, NULL), ARCHIVE_OK);
    return lib;
}

static inline void kit_close(struct archive *lib)
{
    assert_int_equal(archive_write_close(lib), ARCHIVE_OK);
    archive_write_free(lib);
}

static inline void kit_entry(struct archive *lib, const char *name, unsigned type,
                             const char *target, const void *bytes, size_t len)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, type ? type : AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)len);
    if (target && type == AE_IFLNK)
        archive_entry_set_symlink(e, target);
    else if (target)
        archive_entry_set_hardlink(e, target);
    assert_int_equal(archive_write_header(lib, e), ARCHIVE_OK);
    if (len)
        assert_int_equal(archive_write_data(lib, bytes, len), len);
    archive_entry_free(e);
}

static inline void kit_file(struct archive *lib, const char *name, const void *bytes, size_t len)
{
    kit_entry(lib, name, AE_IFREG, NULL, bytes, len);
}

static inline void kit_text(struct archive *lib, const char *name, const char *text)
{
    kit_file(lib, name, text, strlen(text));
}

static inline struct buf kit_pack(const struct buf *in, const char *filter)
{
    struct buf out = BUF_INIT;
    struct archive *lib = kit_open(&out, "raw", filter);
    kit_file(lib, "x", in->data, in->len);
    kit_close(lib);
    return out;
}

/* A layer with one file of that content. */
static inline struct buf kit_layer(const char *name, const char *content)
{
    struct buf out = BUF_INIT;
    struct archive *lib = kit_open(&out, "ustar", NULL);
    kit_text(lib, name, content);
    kit_close(lib);
    return out;
}

static inline struct buf kit_unpack(const void *bytes, size_t len)
{
    struct buf out = BUF_INIT;
    struct archive *lib = archive_read_new();
    struct archive_entry *e;
    char chunk[16384];
    la_ssize_t n;
    archive_read_support_filter_gzip(lib);
    archive_read_support_filter_zstd(lib);
    archive_read_support_format_raw(lib);
    archive_read_support_format_empty(lib);
    assert_int_equal(archive_read_open_memory(lib, bytes, len), ARCHIVE_OK);
    if (archive_read_next_header(lib, &e) == ARCHIVE_OK)
        while ((n = archive_read_data(lib, chunk, sizeof chunk)) > 0)
            buf_append(&out, chunk, (size_t)n);
    archive_read_free(lib);
    return out;
}

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

static inline ssize_t kit_read(void *arg, const void **bytes, struct error *err)
{
    struct kit_sink *s = arg;
    size_t n = s->len - s->at < s->step ? s->len - s->at : s->step;
    if (s->fail_at && s->at >= s->fail_at)
        return error_set(err, ERROR_CANCELLED, "client went away");
    *bytes = s->bytes + s->at;
    s->at += n;
    return (ssize_t)n;
}

static inline int kit_layer_open(void *arg, struct error *err)
{
    struct kit_sink *s = arg;
    assert_false(s->open);
    if (s->refuse_layers)
        return error_set(err, ERROR_UNAVAILABLE, "registry is full");
    s->open = true;
    buf_clear(&s->layer);
    return 0;
}

static inline int kit_layer_write(void *arg, const void *bytes, size_t len, struct error *err)
{
    struct kit_sink *s = arg;
    (void)err;
    assert_true(s->open);
    buf_append(&s->layer, bytes, len);
    return 0;
}

/* What was said of the layer is true. */
static inline int kit_layer_close(void *arg, const struct archive_layer *layer, struct error *err)
{
    struct kit_sink *s = arg;
    char digest[DIGEST_MAX];
    (void)err;
    assert_true(s->open);
    s->open = false;
    s->layers++;
    s->last = *layer;
    assert_int_equal(layer->size, s->layer.len);
    digest_sha256(s->layer.data, s->layer.len, digest);
    assert_string_equal(layer->digest, digest);
    struct buf plain = kit_unpack(s->layer.data, s->layer.len);
    digest_sha256(plain.data, plain.len, digest);
    assert_int_equal(layer->diff_size, plain.len);
    assert_string_equal(layer->diff_id, digest);
    buf_free(&plain);
    return 0;
}

#define KIT_SIZE_MAX ((int64_t)1 << 30)

static inline struct image_archive_io kit_io(struct kit_sink *s)
{
    return (struct image_archive_io){s, kit_read, kit_layer_open, kit_layer_write, kit_layer_close};
}

static inline int kit_load_sized(struct kit_sink *s, int64_t size_max, struct arena *arena,
                                 struct image_archive *out, struct error *err)
{
    const struct image_archive_io io = kit_io(s);
    const struct image_archive_options options = {
        .size_max = size_max, .platform = {.os = "linux", .architecture = "amd64"}};
    if (!s->step)
        s->step = 65536;
    int rc = image_archive_read(&io, &options, arena, out, err);
    buf_free(&s->layer);
    return rc;
}

static inline int kit_load(const struct buf *archive, struct arena *arena,
                           struct image_archive *out, struct error *err)
{
    struct kit_sink sink = {.bytes = archive->data, .len = archive->len};
    return kit_load_sized(&sink, KIT_SIZE_MAX, arena, out, err);
}

/* ---- documents ---- */

struct kit_image { /* one layer; text in static buffers of the caller's struct */
    struct buf layer, packed;
    char diff_id[DIGEST_MAX], blob[DIGEST_MAX]; /* blob: of packed */
    char config[1024], config_digest[DIGEST_MAX];
    char manifest[1024], manifest_digest[DIGEST_MAX];
};

/* filter: of the layer in the layout; NULL: plain */
static inline void kit_image_make(struct kit_image *k, const char *content, const char *filter)
{
    k->layer = kit_layer("file", content);
    if (filter) {
        k->packed = kit_pack(&k->layer, filter);
    } else {
        k->packed = BUF_INIT;
        buf_append(&k->packed, k->layer.data, k->layer.len);
    }
    digest_sha256(k->layer.data, k->layer.len, k->diff_id);
    digest_sha256(k->packed.data, k->packed.len, k->blob);
    snprintf(
        k->config, sizeof k->config,
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"]},\"rootfs\":"
        "{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
        k->diff_id);
    digest_sha256(k->config, strlen(k->config), k->config_digest);
    snprintf(k->manifest, sizeof k->manifest,
             "{\"schemaVersion\":2, \"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
             "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
             "\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
             "\"application/vnd.oci.image.layer.v1.tar%s%s\",\"digest\":\"%s\",\"size\":%zu}]}",
             k->config_digest, strlen(k->config), filter ? "+" : "", filter ? filter : "", k->blob,
             k->packed.len);
    digest_sha256(k->manifest, strlen(k->manifest), k->manifest_digest);
}

static inline void kit_image_free(struct kit_image *k)
{
    buf_free(&k->layer);
    buf_free(&k->packed);
}

static inline void kit_blob(struct archive *lib, const char *digest, const void *bytes, size_t len)
{
    char name[DIGEST_MAX + 16];
    snprintf(name, sizeof name, "blobs/sha256/%s", digest + 7);
    kit_file(lib, name, bytes, len);
}

/* Its blobs of an OCI layout. */
static inline void kit_image_blobs(struct archive *lib, const struct kit_image *k)
{
    kit_blob(lib, k->blob, k->packed.data, k->packed.len);
    kit_blob(lib, k->config_digest, k->config, strlen(k->config));
    kit_blob(lib, k->manifest_digest, k->manifest, strlen(k->manifest));
}

/* index.json with the descriptor of that document and these annotations (may be "") */
static inline void kit_index(struct archive *lib, const char *digest, size_t size,
                             const char *annotations)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
             "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu%s%s}]}",
             digest, size, *annotations ? ",\"annotations\":" : "", annotations);
    kit_text(lib, "index.json", text);
}

#endif
