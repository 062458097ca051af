/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing image archives; see image_archive.h: tar headers, manifests, and the documents that make
 * an archive one for `docker load` and an OCI layout in one.
 */
#include "oci/archive/image_archive.h"

#include "base/alloc.h"
#include "base/json.h"
#include "oci/name/image_ref.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TAR_BLOCK = 512 };

static const char config_type[] = "application/vnd.oci.image.config.v1+json";
static const char manifest_type[] = "application/vnd.oci.image.manifest.v1+json";
static const char index_type[] = "application/vnd.oci.image.index.v1+json";

/* ---- tar ---- */

struct header_sink {
    struct buf *out;
    bool whole; /* what comes now is none of it */
};

static la_ssize_t on_write(struct archive *lib, void *arg, const void *bytes, size_t len)
{
    struct header_sink *sink = arg;
    if (sink->whole) {
        archive_set_error(lib, EIO, "the data is not made here");
        return -1;
    }
    buf_append(sink->out, bytes, len);
    return (la_ssize_t)len;
}

/* libarchive makes the header, with pax parts where ustar cannot say it; the data is not its. When
 * it is closed it would write zeros in place of that: the sink takes no more then. */
void tar_put_header(struct buf *out, const char *name, int64_t size, int64_t mtime_s, int mode)
{
    struct header_sink sink = {.out = out};
    struct archive *lib = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    if (!lib || !e)
        abort(); /* fails only without memory */
    archive_write_set_format_pax_restricted(lib);
    archive_write_set_bytes_per_block(lib, 0);
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, size < 0 ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(e, (mode_t)mode);
    archive_entry_set_size(e, size < 0 ? 0 : size);
    archive_entry_set_mtime(e, mtime_s, 0);
    if (archive_write_open(lib, &sink, NULL, on_write, NULL) != ARCHIVE_OK ||
        archive_write_header(lib, e) < ARCHIVE_WARN)
        abort(); /* names and sizes are ours */
    sink.whole = true;
    archive_write_close(lib);
    archive_write_free(lib);
    archive_entry_free(e);
}

static void put_zeros(struct buf *out, size_t len)
{
    memset(buf_reserve(out, len), 0, len);
    buf_commit(out, len);
}

void tar_put_padding(struct buf *out, int64_t size)
{
    size_t over = (size_t)(size % TAR_BLOCK);
    if (over)
        put_zeros(out, TAR_BLOCK - over);
}

void tar_put_end(struct buf *out)
{
    put_zeros(out, 2 * (size_t)TAR_BLOCK);
}

static void put_document(struct buf *out, const char *name, const struct buf *content)
{
    tar_put_header(out, name, (int64_t)content->len, 0, 0644);
    buf_append(out, content->data, content->len);
    tar_put_padding(out, (int64_t)content->len);
}

/* ---- manifests ---- */

static void put_descriptor(struct json_writer *w, const char *type, const char *digest,
                           int64_t size)
{
    json_member_string(w, "mediaType", type);
    json_member_string(w, "digest", digest);
    json_member_int(w, "size", size);
}

void image_manifest_make(const char *config_digest, size_t config_len,
                         const struct archive_layer *const *layers, size_t count,
                         struct arena *arena, char **out, size_t *len)
{
    struct buf text AUTO(buf) = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &text);
    json_object_open(&w);
    json_member_int(&w, "schemaVersion", 2);
    json_member_string(&w, "mediaType", manifest_type);
    json_member_object(&w, "config");
    put_descriptor(&w, config_type, config_digest, (int64_t)config_len);
    json_object_close(&w);
    json_member_array(&w, "layers");
    for (size_t i = 0; i < count; i++) {
        json_object_open(&w);
        put_descriptor(&w, layers[i]->media_type, layers[i]->digest, layers[i]->size);
        json_object_close(&w);
    }
    json_array_close(&w);
    json_object_close(&w);
    *out = arena_strndup(arena, text.data, text.len);
    *len = text.len;
}

/* ---- what docker save appends ---- */

static const char *hex_of(const char *digest)
{
    const char *colon = strchr(digest, ':');
    return colon ? colon + 1 : digest;
}

static void put_blob_name(struct json_writer *w, const char *digest)
{
    char name[DIGEST_MAX + 16];
    snprintf(name, sizeof name, "blobs/%.*s/%s", (int)strcspn(digest, ":"), digest, hex_of(digest));
    json_put_string(w, name);
}

/* One descriptor a tag, as Docker 25 has it; an image without tags has one, too. */
static void put_index_entry(struct json_writer *w, const struct saved_image *image, const char *tag)
{
    struct image_ref ref;
    struct error ignored;
    char full[IMAGE_REF_TEXT_MAX];
    json_object_open(w);
    put_descriptor(w, image->manifest_type, image->manifest_digest, image->manifest_len);
    if (tag && image_ref_parse(tag, &ref, &ignored) == 0) {
        json_member_object(w, "annotations");
        json_member_string(w, "io.containerd.image.name", image_ref_full(&ref, full, sizeof full));
        json_member_string(w, "org.opencontainers.image.ref.name", ref.tag);
        json_object_close(w);
    }
    json_object_close(w);
}

static void make_index(struct buf *out, const struct saved_image *images, size_t count)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_int(&w, "schemaVersion", 2);
    json_member_string(&w, "mediaType", index_type);
    json_member_array(&w, "manifests");
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < images[i].tag_count; t++)
            put_index_entry(&w, &images[i], images[i].tags[t]);
        if (images[i].tag_count == 0)
            put_index_entry(&w, &images[i], NULL);
    }
    json_array_close(&w);
    json_object_close(&w);
}

static void make_manifest(struct buf *out, const struct saved_image *images, size_t count)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_array_open(&w);
    for (size_t i = 0; i < count; i++) {
        json_object_open(&w);
        json_key(&w, "Config");
        put_blob_name(&w, images[i].config_digest);
        json_key(&w, "RepoTags");
        if (images[i].tag_count)
            json_string_array(&w, (char *const *)images[i].tags, images[i].tag_count);
        else
            json_put_null(&w);
        json_member_array(&w, "Layers");
        for (size_t l = 0; l < images[i].layer_count; l++)
            put_blob_name(&w, images[i].layer_digests[l]);
        json_array_close(&w);
        json_object_close(&w);
    }
    json_array_close(&w);
    buf_putc(out, '\n');
}

struct named { /* a tag of an image */
    char repository[IMAGE_REF_NAME_MAX + 1];
    const char *tag, *id;
};

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->repository, ((const struct named *)b)->repository);
}

/* {"busybox":{"1":"id","latest":"id"}} for Docker before 1.10; ours have no id of its kind: the
 * configuration's stands for it. */
static void make_repositories(struct buf *out, const struct saved_image *images, size_t count)
{
    size_t total = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        total += images[i].tag_count;
    struct named *all AUTO_FREE = xcalloc(total + 1, sizeof *all);
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < images[i].tag_count; t++) {
            const char *tag = images[i].tags[t];
            const char *colon = strrchr(tag, ':');
            if (!colon || strchr(colon, '/'))
                continue;
            snprintf(all[n].repository, sizeof all[n].repository, "%.*s", (int)(colon - tag), tag);
            all[n].tag = colon + 1;
            all[n++].id = hex_of(images[i].config_digest);
        }
    qsort(all, n, sizeof *all, compare_named);
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(all[i].repository, all[i - 1].repository) != 0)
            json_member_object(&w, all[i].repository);
        json_member_string(&w, all[i].tag, all[i].id);
        if (i + 1 == n || strcmp(all[i].repository, all[i + 1].repository) != 0)
            json_object_close(&w);
    }
    json_object_close(&w);
    buf_putc(out, '\n');
}

void image_archive_put_index(struct buf *out, const struct saved_image *images, size_t count)
{
    static void (*const makers[])(struct buf *, const struct saved_image *,
                                  size_t) = {make_index, make_manifest, make_repositories};
    static const char *const names[] = {"index.json", "manifest.json", "repositories"};
    struct buf text AUTO(buf) = BUF_INIT;
    buf_puts(&text, "{\"imageLayoutVersion\":\"1.0.0\"}");
    put_document(out, "oci-layout", &text);
    for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
        buf_clear(&text);
        makers[i](&text, images, count);
        put_document(out, names[i], &text);
    }
}
