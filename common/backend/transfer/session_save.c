/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker save`: layers straight from their registry into a tar on its way to the client, each blob
 * once; then the documents that name them (oci/image_archive.h). Everything that can be known to be
 * wrong is an error before the first byte; afterwards a failure breaks the stream off.
 */
#include "backend/api/session.h"
#include "backend/image/image_record.h"
#include "backend/image/image_source.h"
#include "backend/transfer/transfer.h"
#include "base/alloc.h"
#include "base/str.h"
#include "oci/archive/image_archive.h"

#include <string.h>

enum { SAVE_REFS_MAX = 1024, SAVE_PIECE = 256 * 1024 };

struct saved { /* one image */
    const Sockerless__ImageRecord *rec;
    struct strv tags;
    struct image_source source;
};

struct save_session {
    struct transfer transfer;
    char **refs;
    size_t ref_count;
    struct saved *images;
    size_t count, cap;
    struct strv written; /* digests of blobs that are in the tar */
};

/* ---- which images (moby image/tarexport/save.go, parseNames) ---- */

static void add_image(struct save_session *s, const Sockerless__ImageRecord *rec, const char *tag)
{
    size_t i = 0;
    while (i < s->count && strcmp(s->images[i].rec->image->id, rec->image->id) != 0)
        i++;
    if (i == s->count) {
        if (s->count == s->cap) {
            s->cap = s->cap ? 2 * s->cap : 8;
            s->images = xrealloc(s->images, s->cap * sizeof *s->images);
        }
        s->images[s->count++] = (struct saved){.rec = image_record_copy(rec, &s->transfer.arena)};
    }
    struct strv *tags = &s->images[i].tags;
    for (size_t j = 0; tag && j < tags->count; j++)
        if (strcmp(tags->items[j], tag) == 0)
            return;
    if (tag)
        strv_push(tags, tag);
}

/* Every tag of a repository. False: it has none. */
static bool add_repository(struct save_session *s, const struct image_ref *name)
{
    struct transfer *t = &s->transfer;
    char text[IMAGE_REF_TEXT_MAX];
    size_t count, before = s->count;
    bool found = false;
    image_ref_familiar_name(name, text, sizeof text);
    const Sockerless__ImageRecord **all = image_store_all(t->backend->images, &t->arena, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < all[i]->image->n_repo_tags; j++) {
            const char *tag = all[i]->image->repo_tags[j];
            if (image_tag_is_of(tag, text)) {
                add_image(s, all[i], tag);
                found = true;
            }
        }
    return found || s->count != before;
}

static int add_reference(struct save_session *s, const char *text, struct error *err)
{
    struct image_store *images = s->transfer.backend->images;
    struct image_ref ref;
    char familiar[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse_any(text, &ref, err))
        return -1;
    bool by_id = image_ref_is_id(&ref);
    bool name_only = !by_id && !ref.tag[0] && !ref.digest[0];
    if (name_only && add_repository(s, &ref))
        return 0;
    const Sockerless__ImageRecord *rec = image_store_find(images, text, err);
    if (!rec && !by_id && !name_only)
        return error_set(err, ERROR_NOT_FOUND, "reference does not exist");
    if (!rec)
        return error_set(err, ERROR_NOT_FOUND, "No such image: %s", text);
    image_ref_familiar(&ref, familiar, sizeof familiar);
    add_image(s, rec, ref.tag[0] && !ref.digest[0] ? familiar : NULL);
    return 0;
}

static int find_images(struct save_session *s, struct error *err)
{
    if (s->ref_count > SAVE_REFS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "more than %d images at once", SAVE_REFS_MAX);
    for (size_t i = 0; i < s->ref_count; i++)
        if (add_reference(s, s->refs[i], err))
            return -1;
    for (size_t i = 0; i < s->count; i++)
        if (image_source_check(s->images[i].rec, err))
            return -1;
    return 0;
}

/* ---- blobs ---- */

static int co_write_buf(struct save_session *s, struct buf *b, struct error *err)
{
    int rc = b->len ? co_transfer_write(&s->transfer, b->data, b->len, err) : 0;
    buf_clear(b);
    return rc;
}

/* True: it is there already. */
static bool mark_written(struct save_session *s, const char *digest)
{
    for (size_t i = 0; i < s->written.count; i++)
        if (strcmp(s->written.items[i], digest) == 0)
            return true;
    strv_push(&s->written, digest);
    return false;
}

static int co_write_header(struct save_session *s, const char *digest, int64_t size,
                           struct error *err)
{
    struct buf head AUTO(buf) = BUF_INIT;
    AUTO_FREE char *name = xasprintf("blobs/%s", digest);
    *strchr(name, ':') = '/'; /* digests are checked: there is one */
    tar_put_header(&head, name, size, 0, 0644);
    return co_write_buf(s, &head, err);
}

static int co_write_padding(struct save_session *s, int64_t size, struct error *err)
{
    struct buf tail AUTO(buf) = BUF_INIT;
    tar_put_padding(&tail, size);
    return co_write_buf(s, &tail, err);
}

static int co_write_document(struct save_session *s, const char *digest, const void *bytes,
                             size_t len, struct error *err)
{
    if (mark_written(s, digest))
        return 0;
    if (co_write_header(s, digest, (int64_t)len, err) ||
        co_transfer_write(&s->transfer, bytes, len, err))
        return -1;
    return co_write_padding(s, (int64_t)len, err);
}

/* Its size and digest are verified by the reader, so the tar stays in step. */
static int co_write_blob_bytes(struct save_session *s, struct registry_blob *blob,
                               struct error *err)
{
    AUTO_FREE unsigned char *piece = xmalloc(SAVE_PIECE);
    for (;;) {
        size_t got;
        if (co_registry_blob_read(blob, piece, SAVE_PIECE, &got, err))
            return -1;
        if (got == 0)
            return 0;
        if (co_transfer_write(&s->transfer, piece, got, err))
            return -1;
    }
}

static int co_write_layer(struct save_session *s, struct registry_repo *repo,
                          const struct descriptor *layer, struct error *err)
{
    struct registry_blob *blob;
    if (mark_written(s, layer->digest))
        return 0;
    if (co_registry_blob_open(repo, layer->digest, layer->size, &blob, err))
        return -1;
    int rc = co_write_header(s, layer->digest, layer->size, err);
    if (rc == 0)
        rc = co_write_blob_bytes(s, blob, err);
    registry_blob_close(blob);
    return rc ? rc : co_write_padding(s, layer->size, err);
}

static int co_write_image(struct save_session *s, struct saved *saved, struct error *err)
{
    struct image_source *source = &saved->source;
    const Sockerless__ImageRecord *rec = source->rec;
    for (size_t i = 0; i < source->manifest.layer_count; i++)
        if (co_write_layer(s, source->repo, &source->manifest.layers[i], err))
            return -1;
    if (co_write_document(s, source->manifest.config.digest, source->config, source->config_len,
                          err))
        return -1;
    return co_write_document(s, source->manifest_digest, rec->manifest_json.data,
                             rec->manifest_json.len, err);
}

/* ---- the index ---- */

static void describe(struct save_session *s, struct saved *saved, struct saved_image *out)
{
    const struct manifest *manifest = &saved->source.manifest;
    const char **layers =
        arena_alloc(&s->transfer.arena, (manifest->layer_count + 1) * sizeof *layers);
    for (size_t i = 0; i < manifest->layer_count; i++)
        layers[i] = manifest->layers[i].digest;
    *out = (struct saved_image){
        .config_digest = manifest->config.digest,
        .manifest_digest = saved->source.manifest_digest,
        .manifest_type = saved->source.rec->manifest_type,
        .manifest_len = (int64_t)saved->source.rec->manifest_json.len,
        .layer_digests = layers,
        .layer_count = manifest->layer_count,
        .tags = (const char *const *)saved->tags.items,
        .tag_count = saved->tags.count,
    };
}

static int co_write_index(struct save_session *s, struct error *err)
{
    struct buf index AUTO(buf) = BUF_INIT;
    struct saved_image *all = arena_alloc(&s->transfer.arena, (s->count + 1) * sizeof *all);
    for (size_t i = 0; i < s->count; i++)
        describe(s, &s->images[i], &all[i]);
    image_archive_put_index(&index, all, s->count);
    tar_put_end(&index);
    return co_write_buf(s, &index, err);
}

/* ---- the session ---- */

static int co_save(struct transfer *t, struct error *err)
{
    struct save_session *s = CONTAINER_OF(t, struct save_session, transfer);
    if (find_images(s, err))
        return -1;
    for (size_t i = 0; i < s->count; i++)
        if (co_image_source_open(t->backend, s->images[i].rec, NULL, &t->arena,
                                 &s->images[i].source, err))
            return -1;
    transfer_opened(t);
    for (size_t i = 0; i < s->count; i++)
        if (co_write_image(s, &s->images[i], err))
            return -1;
    return co_write_index(s, err);
}

static void release(struct transfer *t)
{
    struct save_session *s = CONTAINER_OF(t, struct save_session, transfer);
    for (size_t i = 0; i < s->count; i++) {
        image_source_close(&s->images[i].source);
        strv_free(&s->images[i].tags);
    }
    free(s->images);
    strv_free(&s->written);
}

static const struct transfer_kind save_kind = {.co_run = co_save, .release = release};

void session_save_open(struct backend *b, struct channel *c, const Sockerless__ImageSaveOpen *open)
{
    struct save_session *s = NEW(struct save_session);
    transfer_init(&s->transfer, b, &save_kind);
    s->ref_count = open->n_refs;
    s->refs = arena_alloc(&s->transfer.arena, (open->n_refs + 1) * sizeof *s->refs);
    for (size_t i = 0; i < open->n_refs; i++)
        s->refs[i] = arena_strdup(&s->transfer.arena, open->refs[i]);
    transfer_start(&s->transfer, c);
}
