/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading image archives in one pass; see image_archive.h. Here every entry is looked at and goes
 * where it belongs: layers on, documents into the table, the rest nowhere. What the documents say
 * is the resolvers' business (image_archive_docker.c, image_archive_oci.c).
 */
#include "oci/archive/image_archive.h"

#include "base/alloc.h"
#include "base/str.h"
#include "oci/archive/image_archive_hash.h"
#include "oci/archive/image_archive_layer.h"
#include "oci/archive/image_archive_meter.h"
#include "oci/archive/image_archive_peek.h"
#include "oci/archive/image_archive_pull.h"
#include "oci/archive/image_archive_table.h"
#include "oci/archive/tar_name.h"

#include <stdio.h>
#include <string.h>

enum { TRAILER_MAX = 1024 * 1024 };

struct reader {
    const struct image_archive_io *io;
    struct archive_meter meter;
    struct archive_pull *pull;
    struct archive_table table;
    size_t entries;
    bool ended; /* the stream */

    /* of the entry under way */
    char name[TAR_NAME_MAX];
    struct archive_peek peek;
    char must_be[DIGEST_MAX];  /* a blob's name; "" for others */
    struct archive_hash *hash; /* where no other part computes that digest */
};

static ssize_t stream_read(void *arg, const void **bytes, struct error *err)
{
    struct reader *r = arg;
    ssize_t n = r->ended ? 0 : r->io->read(r->io->arg, bytes, err);
    if (n > 0)
        r->meter.received += n;
    r->ended = n == 0;
    return n;
}

/* The entry's data as it comes, counted. */
static ssize_t entry_pull(void *arg, const void **bytes, struct error *err)
{
    struct reader *r = arg;
    ssize_t n = archive_pull_data(r->pull, bytes, err);
    r->meter.container = archive_pull_position(r->pull);
    return n < 0 || archive_meter_check(&r->meter, err) ? -1 : n;
}

/* The same once its head has been looked at. */
static ssize_t entry_read(void *arg, const void **bytes, struct error *err)
{
    struct reader *r = arg;
    ssize_t n = archive_peek_read(&r->peek, bytes, err);
    if (r->hash && n > 0)
        archive_hash_add(r->hash, *bytes, (size_t)n);
    return n;
}

/* blobs/sha256/HEX must be what it says. */
static void note_blob(struct reader *r)
{
    char algorithm[8], hex[DIGEST_MAX], tail;
    r->must_be[0] = '\0';
    if (sscanf(r->name, "blobs/%7[a-z0-9]/%128[0-9a-f]%c", algorithm, hex, &tail) != 2)
        return;
    snprintf(r->must_be, sizeof r->must_be, "%s:%s", algorithm, hex);
    if (!digest_valid(r->must_be))
        r->must_be[0] = '\0';
}

static int check_blob(const struct reader *r, const char *actual, struct error *err)
{
    if (!r->must_be[0] || strcmp(r->must_be, actual) == 0)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid archive: blob %s has the digest %s",
                     r->must_be, actual);
}

static int take_layer(struct reader *r, enum layer_form form, struct error *err)
{
    const struct layer_origin origin = {
        .name = r->name, .form = form, .source = {r, entry_read}, .io = r->io, .meter = &r->meter};
    struct layer_copy *copy = layer_copy_open(&origin, err);
    struct archive_layer layer;
    const void *bytes;
    ssize_t n;
    if (!copy)
        return -1;
    while ((n = layer_copy_next(copy, &bytes, err)) > 0)
        ;
    int rc = n < 0 ? -1 : layer_copy_finish(copy, &layer, err);
    layer_copy_free(copy);
    if (rc || (!r->hash && check_blob(r, form == LAYER_PLAIN ? layer.diff_id : layer.digest, err)))
        return -1;
    return archive_table_add_layer(&r->table, r->name, &layer, err);
}

/* Attestations come as JSON, too, and may be large; they are not used. */
static bool is_document(const unsigned char *head, size_t len)
{
    static const char attestation[] = "https://in-toto.io/Statement";
    size_t at = 0;
    while (at < len && memchr(" \t\r\n", head[at], 4))
        at++;
    return at < len && (head[at] == '{' || head[at] == '[') &&
           !memmem(head, len < 256 ? len : 256, attestation, sizeof attestation - 1);
}

/* Bytes beyond a document's bound are dropped, and the document with them: whoever needs it will
 * miss it. */
static int take_document(struct reader *r, struct error *err)
{
    struct buf all AUTO(buf) = BUF_INIT;
    const void *bytes;
    ssize_t n;
    bool fits = true;
    while ((n = entry_read(r, &bytes, err)) > 0) {
        fits = fits && all.len + (size_t)n <= ARCHIVE_DOCUMENT_MAX;
        if (fits)
            buf_append(&all, bytes, (size_t)n);
    }
    if (n < 0 || !fits)
        return (int)n;
    if (archive_table_check_room(&r->table, r->name, all.len, err))
        return -1;
    return archive_table_add_document(
        &r->table, r->name, arena_strndup(r->table.arena, all.data, all.len), all.len, err);
}

static int take_nothing(struct reader *r, struct error *err)
{
    const void *bytes;
    ssize_t n;
    while ((n = entry_read(r, &bytes, err)) > 0)
        ;
    return (int)n;
}

static int take_content(struct reader *r, enum layer_form form, struct error *err)
{
    if (form != LAYER_NONE)
        return take_layer(r, form, err);
    if (is_document(r->peek.head, r->peek.head_len))
        return take_document(r, err);
    return take_nothing(r, err);
}

static int take_file(struct reader *r, struct error *err)
{
    char actual[DIGEST_MAX];
    if (archive_peek_open(&r->peek, (struct byte_source){r, entry_pull}, err))
        return -1;
    note_blob(r);
    enum layer_form form = layer_form_of(r->peek.head, r->peek.head_len);
    bool as_layer = form != LAYER_NONE && form != LAYER_PACKED && str_starts(r->must_be, "sha256:");
    if (r->must_be[0] && !as_layer) {
        r->must_be[strcspn(r->must_be, ":")] = '\0';
        r->hash = archive_hash_new(r->must_be);
        r->must_be[strlen(r->must_be)] = ':';
    }
    int rc = take_content(r, form, err);
    if (rc == 0 && r->hash) {
        archive_hash_take(r->hash, actual);
        rc = check_blob(r, actual, err);
    }
    archive_hash_free(r->hash);
    r->hash = NULL;
    return rc;
}

static int skip_data(struct reader *r, struct error *err)
{
    const void *bytes;
    ssize_t n;
    while ((n = entry_pull(r, &bytes, err)) > 0)
        ;
    return (int)n;
}

static int take_entry(struct reader *r, const struct pulled_entry *entry, struct error *err)
{
    char target[TAR_NAME_MAX];
    r->meter.container = archive_pull_position(r->pull);
    if (++r->entries > ARCHIVE_ENTRIES_MAX)
        return error_set(err, ERROR_TOO_LARGE, "archive too large: over %d entries",
                         ARCHIVE_ENTRIES_MAX);
    if (archive_meter_check(&r->meter, err) || tar_name_clean(entry->name, r->name, err))
        return -1;
    switch (entry->type) {
    case ENTRY_FILE: return take_file(r, err);
    case ENTRY_SYMLINK:
    case ENTRY_HARDLINK:
        if (tar_name_resolve(r->name, entry->target, entry->type == ENTRY_SYMLINK, target, err) ||
            archive_table_add_link(&r->table, r->name, target, err))
            return -1;
        break;
    case ENTRY_OTHER: break;
    }
    return skip_data(r, err);
}

/* A client that is still sending has its bytes read, but only so many. */
static int take_trailer(struct reader *r, struct error *err)
{
    const void *bytes;
    ssize_t n = 1;
    for (int64_t until = r->meter.received + TRAILER_MAX; n > 0 && r->meter.received < until;)
        n = stream_read(r, &bytes, err);
    return n < 0 ? -1 : 0;
}

static int take_all(struct reader *r, struct error *err)
{
    struct pulled_entry entry;
    int rc;
    r->pull = archive_pull_open(PULL_IMAGE_TAR, (struct byte_source){r, stream_read}, err);
    if (!r->pull)
        return -1;
    while ((rc = archive_pull_next(r->pull, &entry, err)) > 0)
        if (take_entry(r, &entry, err))
            return -1;
    return rc < 0 ? -1 : take_trailer(r, err);
}

static int resolve(struct archive_table *t, const struct platform *platform,
                   struct image_archive *out, struct error *err)
{
    int rc = image_archive_docker_resolve(t, out, err);
    if (rc > 0)
        return image_archive_oci_adopt(t, platform, out, err);
    if (rc == 0)
        rc = image_archive_oci_resolve(t, platform, out, err);
    if (rc == 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "open manifest.json: no such file or directory: neither a docker save "
                         "archive nor an OCI layout (docker import takes file systems)");
    return rc > 0 ? 0 : -1;
}

int image_archive_read(const struct image_archive_io *io,
                       const struct image_archive_options *options, struct arena *arena,
                       struct image_archive *out, struct error *err)
{
    struct reader *r AUTO_FREE = NEW(struct reader);
    r->io = io;
    r->meter.size_max = options->size_max;
    archive_table_init(&r->table, arena);
    *out = (struct image_archive){0};
    int rc = take_all(r, err);
    if (rc == 0 && resolve(&r->table, &options->platform, out, err)) {
        rc = -1;
        if (err->code == ERROR_INVALID_PARAMETER && !archive_pull_was_complete(r->pull) &&
            r->meter.received)
            error_set(err, ERROR_INVALID_PARAMETER,
                      "Error processing tar file(exit status 1): unexpected EOF");
    }
    archive_pull_close(r->pull);
    archive_table_fini(&r->table);
    return rc;
}
