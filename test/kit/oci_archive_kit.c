/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/oci_archive_kit.h"

#include "test/kit/test.h"

#include <stdint.h>

/* ---- making ---- */

static la_ssize_t kit_on_write(struct archive *lib, void *arg, const void *bytes, size_t len)
{
    (void)lib;
    buf_append(arg, bytes, len);
    return (la_ssize_t)len;
}

struct archive *kit_open(struct buf *out, const char *format, const char *filter)
{
    struct archive *lib = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(lib, format), ARCHIVE_OK);
    if (filter)
        assert_int_equal(archive_write_add_filter_by_name(lib, filter), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(lib, 1);
    assert_int_equal(archive_write_open(lib, out, NULL, kit_on_write, NULL), ARCHIVE_OK);
    return lib;
}

void kit_close(struct archive *lib)
{
    assert_int_equal(archive_write_close(lib), ARCHIVE_OK);
    archive_write_free(lib);
}

void kit_entry(struct archive *lib, const char *name, unsigned type, const char *target,
               const void *bytes, size_t len)
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

void kit_file(struct archive *lib, const char *name, const void *bytes, size_t len)
{
    kit_entry(lib, name, AE_IFREG, NULL, bytes, len);
}

void kit_text(struct archive *lib, const char *name, const char *text)
{
    kit_file(lib, name, text, strlen(text));
}

struct buf kit_pack(const struct buf *in, const char *filter)
{
    struct buf out = BUF_INIT;
    struct archive *lib = kit_open(&out, "raw", filter);
    kit_file(lib, "x", in->data, in->len);
    kit_close(lib);
    return out;
}

struct buf kit_layer(const char *name, const char *content)
{
    struct buf out = BUF_INIT;
    struct archive *lib = kit_open(&out, "ustar", NULL);
    kit_text(lib, name, content);
    kit_close(lib);
    return out;
}

struct buf kit_unpack(const void *bytes, size_t len)
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

static ssize_t kit_read(void *arg, const void **bytes, struct error *err)
{
    struct kit_sink *s = arg;
    size_t n = s->len - s->at < s->step ? s->len - s->at : s->step;
    if (s->fail_at && s->at >= s->fail_at)
        return error_set(err, ERROR_CANCELLED, "client went away");
    *bytes = s->bytes + s->at;
    s->at += n;
    return (ssize_t)n;
}

static int kit_layer_open(void *arg, struct error *err)
{
    struct kit_sink *s = arg;
    assert_false(s->open);
    if (s->refuse_layers)
        return error_set(err, ERROR_UNAVAILABLE, "registry is full");
    s->open = true;
    buf_clear(&s->layer);
    return 0;
}

static int kit_layer_write(void *arg, const void *bytes, size_t len, struct error *err)
{
    struct kit_sink *s = arg;
    (void)err;
    assert_true(s->open);
    buf_append(&s->layer, bytes, len);
    return 0;
}

/* What was said of the layer is true. */
static int kit_layer_close(void *arg, const struct archive_layer *layer, struct error *err)
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

struct image_archive_io kit_io(struct kit_sink *s)
{
    return (struct image_archive_io){s, kit_read, kit_layer_open, kit_layer_write, kit_layer_close};
}

int kit_load_sized(struct kit_sink *s, int64_t size_max, struct arena *arena,
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

int kit_load(const struct buf *archive, struct arena *arena, struct image_archive *out,
             struct error *err)
{
    struct kit_sink sink = {.bytes = archive->data, .len = archive->len};
    return kit_load_sized(&sink, KIT_SIZE_MAX, arena, out, err);
}

void kit_image_make(struct kit_image *k, const char *content, const char *filter)
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

void kit_image_free(struct kit_image *k)
{
    buf_free(&k->layer);
    buf_free(&k->packed);
}

void kit_blob(struct archive *lib, const char *digest, const void *bytes, size_t len)
{
    char name[DIGEST_MAX + 16];
    snprintf(name, sizeof name, "blobs/sha256/%s", digest + 7);
    kit_file(lib, name, bytes, len);
}

void kit_image_blobs(struct archive *lib, const struct kit_image *k)
{
    kit_blob(lib, k->blob, k->packed.data, k->packed.len);
    kit_blob(lib, k->config_digest, k->config, strlen(k->config));
    kit_blob(lib, k->manifest_digest, k->manifest, strlen(k->manifest));
}

void kit_index(struct archive *lib, const char *digest, size_t size, const char *annotations)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
             "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu%s%s}]}",
             digest, size, *annotations ? ",\"annotations\":" : "", annotations);
    kit_text(lib, "index.json", text);
}

struct kit_image kit_image_of(const char *content, const char *filter)
{
    struct kit_image k;
    kit_image_make(&k, content, filter);
    return k;
}

void auto_release_kit_image(struct kit_image *k)
{
    kit_image_free(k);
}
