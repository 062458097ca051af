/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads of an intake: one coroutine a layer, chunk by chunk as the thread fills them. See
 * intake_internal.h.
 */
#include "backend/transfer/intake_internal.h"

#include "base/alloc.h"

/* Until `count` chunks are there or no more will come. */
static int co_blob_wait(struct blob *b, unsigned count, struct error *err)
{
    struct image_intake *in = b->intake;
    for (;;) {
        unsigned have = 0;
        if (intake_failure(in, err))
            return -1;
        uv_mutex_lock(&in->lock);
        for (struct chunk *c = b->first; c; c = c->next)
            have++;
        bool closed = b->closed;
        uv_mutex_unlock(&in->lock);
        if (closed || have >= count)
            return 0;
        if (co_cond_wait(&in->moved, INT64_MAX, err)) /* as long as the client takes */
            return -1;
    }
}

static struct chunk *blob_take(struct blob *b, bool *is_last)
{
    struct image_intake *in = b->intake;
    uv_mutex_lock(&in->lock);
    struct chunk *chunk = b->first;
    if (chunk)
        b->first = chunk->next;
    if (!b->first)
        b->last = &b->first;
    *is_last = b->closed && !b->first;
    uv_mutex_unlock(&in->lock);
    return chunk;
}

static void chunk_release(struct image_intake *in, struct chunk *chunk)
{
    if (!chunk)
        return;
    uv_mutex_lock(&in->lock);
    chunk->next = in->spare;
    in->spare = chunk;
    uv_cond_signal(&in->changed);
    uv_mutex_unlock(&in->lock);
}

/* *there: found at the last chunk that the registry has the blob already; the upload is void. */
static int co_blob_send(struct blob *b, struct registry_upload *upload, bool *there,
                        struct error *err)
{
    struct image_intake *in = b->intake;
    bool is_last = false;
    *there = false;
    while (!is_last && !*there) {
        if (co_blob_wait(b, 1, err))
            return -1;
        struct chunk *chunk = blob_take(b, &is_last);
        int rc = is_last ? co_registry_blob_exists(in->repo, b->layer.digest, there, err) : 0;
        if (rc == 0 && chunk && !*there)
            rc = co_registry_upload_write(upload, chunk->bytes, chunk->len, err);
        chunk_release(in, chunk);
        if (rc)
            return -1;
    }
    return 0;
}

static int co_blob_stream(struct blob *b, struct error *err)
{
    struct registry_upload *upload;
    bool there;
    if (co_registry_upload_open(b->intake->repo, &upload, err))
        return -1;
    int rc = co_blob_send(b, upload, &there, err);
    if (rc == 0 && !there)
        rc = co_registry_upload_finish(upload, b->layer.digest, err);
    co_registry_upload_close(upload);
    return rc;
}

/* A layer of one chunk is asked for before anything is sent. */
static int co_blob_upload(struct blob *b, struct error *err)
{
    struct image_intake *in = b->intake;
    if (co_blob_wait(b, 2, err))
        return -1;
    if (!in->repo)
        return 0;
    uv_mutex_lock(&in->lock);
    bool small = b->closed && (!b->first || !b->first->next);
    uv_mutex_unlock(&in->lock);
    if (!small)
        return co_blob_stream(b, err);
    bool is_last;
    struct chunk *chunk = blob_take(b, &is_last);
    int rc =
        co_registry_blob_put(in->repo, b->layer.digest, chunk ? (const void *)chunk->bytes : "",
                             chunk ? chunk->len : 0, err);
    chunk_release(in, chunk);
    return rc;
}

/* A blob that failed stays where it is: the thread may be filling it. */
static void blob_over(struct blob *b, bool failed)
{
    struct image_intake *in = b->intake;
    uv_mutex_lock(&in->lock);
    b->finished = true;
    for (unsigned i = 0; i < INTAKE_BLOBS && !failed; i++)
        if (in->open[i] == b) {
            in->open[i] = NULL;
            free(b);
        }
    uv_cond_signal(&in->changed);
    uv_mutex_unlock(&in->lock);
    co_cond_broadcast(&in->moved);
}

static void co_blob(void *arg)
{
    struct blob *b = arg;
    struct image_intake *in = b->intake;
    struct error err;
    bool failed = co_blob_upload(b, &err);
    if (failed)
        intake_fail_here(in, &err);
    else if (in->options.layer_done && !in->cancelled)
        in->options.layer_done(in->options.owner, &b->layer);
    blob_over(b, failed);
}

void intake_blob_start(struct blob *b)
{
    struct error err;
    if (co_spawn(b->intake->backend->loop, co_blob, b, &err) == 0)
        return;
    intake_fail_here(b->intake, &err);
    blob_over(b, true);
}
