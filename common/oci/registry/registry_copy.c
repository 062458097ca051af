/* SPDX-License-Identifier: Apache-2.0
 *
 * Blobs from one repository to another, without more of them in memory than a piece; see
 * registry_repo.h.
 */
#include "base/alloc.h"
#include "oci/registry/registry_internal.h"

enum { COPY_TRIES = 3 };

struct copy {
    struct registry_repo *to;
    struct registry_blob *from;
    void (*progress)(void *arg, int64_t current);
    void *arg;
    int64_t done;
};

/* A whole piece, or what is left. */
static int co_fill(struct registry_blob *from, char *piece, size_t *len, struct error *err)
{
    size_t got = 1;
    for (*len = 0; *len < REGISTRY_CHUNK && got; *len += got)
        if (co_registry_blob_read(from, piece + *len, REGISTRY_CHUNK - *len, &got, err))
            return -1;
    return 0;
}

static int co_pump(struct copy *c, struct registry_upload *u, struct error *err)
{
    char *piece AUTO_FREE = xmalloc(REGISTRY_CHUNK);
    size_t len = REGISTRY_CHUNK;
    while (len == REGISTRY_CHUNK) {
        if (co_fill(c->from, piece, &len, err) || co_registry_upload_write(u, piece, len, err))
            return -1;
        c->done += (int64_t)len;
        if (c->progress)
            c->progress(c->arg, c->done);
    }
    return 0;
}

static int co_upload_all(struct copy *c, const char *digest, bool *lost, struct error *err)
{
    struct registry_upload *u;
    if (co_registry_upload_open(c->to, &u, err))
        return -1;
    int rc = co_pump(c, u, err);
    if (rc == 0)
        rc = co_registry_upload_finish(u, digest, err);
    *lost = rc && registry_upload_is_lost(u);
    co_registry_upload_close(u);
    return rc;
}

/* An upload that the registry lost can begin again here: the source still has everything. */
static int co_copy(struct copy *c, struct registry_repo *from, const char *digest, int64_t size,
                   struct error *err)
{
    for (int tries = 1;; tries++) {
        bool lost = false;
        if (co_registry_blob_open(from, digest, size, &c->from, err))
            return -1;
        c->done = 0;
        int rc = co_upload_all(c, digest, &lost, err);
        registry_blob_close(c->from);
        if (rc == 0 || !lost || tries >= COPY_TRIES)
            return rc;
    }
}

int co_registry_blob_copy(struct registry_repo *from, struct registry_repo *to, const char *digest,
                          int64_t size, void (*progress)(void *arg, int64_t current), void *arg,
                          enum blob_copy_result *result, struct error *err)
{
    bool there;
    *result = BLOB_EXISTED;
    if (co_registry_blob_exists(to, digest, &there, err))
        return -1;
    if (there)
        return 0;
    *result = BLOB_MOUNTED;
    if (registry_repo_same_registry(from, to)) {
        if (co_registry_blob_mount(to, digest, from->ref.path, &there, err))
            return -1;
        if (there)
            return 0;
    }
    *result = BLOB_COPIED;
    struct copy c = {.to = to, .progress = progress, .arg = arg};
    return co_copy(&c, from, digest, size, err);
}
