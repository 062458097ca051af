/* SPDX-License-Identifier: Apache-2.0
 *
 * The reading thread of an intake: untars, verifies, compresses (oci/image_archive.h), fills chunks
 * and waits when all are on their way. See intake_internal.h.
 */
#include "backend/transfer/intake_internal.h"

#include "base/alloc.h"

#include <string.h>

/* Lock held. */
static void poke(struct image_intake *in)
{
    if (in->poked)
        return;
    in->poked = true;
    loop_post(in->backend->loop, &in->poke);
}

static void ask_for_more(struct image_intake *in)
{
    uv_mutex_lock(&in->lock);
    in->resume = true;
    poke(in);
    uv_mutex_unlock(&in->lock);
}

static ssize_t read_archive(void *arg, const void **bytes, struct error *err)
{
    struct image_intake *in = arg;
    bool resume;
    ssize_t got = byte_pipe_read(&in->pipe, bytes, &resume, err);
    if (resume)
        ask_for_more(in);
    if (got > 0)
        in->bytes_read += got;
    return got;
}

/* Lock held. -1: the intake has failed. */
static int wait_for_change(struct image_intake *in, struct error *err)
{
    if (!in->failed)
        uv_cond_wait(&in->changed, &in->lock);
    if (!in->failed)
        return 0;
    *err = in->failure;
    return -1;
}

static struct blob **free_seat(struct image_intake *in)
{
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (!in->open[i])
            return &in->open[i];
    return NULL;
}

static int open_layer(void *arg, struct error *err)
{
    struct image_intake *in = arg;
    struct blob **seat;
    int rc = 0;
    uv_mutex_lock(&in->lock);
    while (!(seat = free_seat(in)) && rc == 0)
        rc = wait_for_change(in, err);
    if (rc == 0 && in->failed) {
        *err = in->failure;
        rc = -1;
    }
    if (rc == 0) {
        in->filling = *seat = NEW(struct blob);
        in->filling->intake = in;
        in->filling->last = &in->filling->first;
        poke(in);
    }
    uv_mutex_unlock(&in->lock);
    return rc;
}

static struct chunk *chunk_take(struct image_intake *in, struct error *err)
{
    struct chunk *chunk = NULL;
    int rc = 0;
    uv_mutex_lock(&in->lock);
    while (rc == 0 && !in->spare && in->chunks == INTAKE_CHUNKS)
        rc = wait_for_change(in, err);
    if (rc == 0 && in->spare) {
        chunk = in->spare;
        in->spare = chunk->next;
    } else if (rc == 0) {
        chunk = intake_chunk_new();
        in->chunks++;
    }
    if (chunk) {
        chunk->len = 0;
        chunk->next = NULL;
    }
    uv_mutex_unlock(&in->lock);
    return chunk;
}

/* Hands the filled chunk, if there is one, to the upload. Lock held. */
static void chunk_pass(struct image_intake *in)
{
    if (!in->chunk)
        return;
    *in->filling->last = in->chunk;
    in->filling->last = &in->chunk->next;
    in->chunk = NULL;
    poke(in);
}

static int write_layer(void *arg, const void *bytes, size_t len, struct error *err)
{
    struct image_intake *in = arg;
    const unsigned char *p = bytes;
    if (intake_failure(in, err))
        return -1;
    while (in->repo && len) {
        if (!in->chunk && !(in->chunk = chunk_take(in, err)))
            return -1;
        size_t room = REGISTRY_CHUNK - in->chunk->len;
        size_t n = len < room ? len : room;
        memcpy(in->chunk->bytes + in->chunk->len, p, n);
        in->chunk->len += n;
        p += n;
        len -= n;
        if (n < room)
            continue;
        uv_mutex_lock(&in->lock);
        chunk_pass(in);
        uv_mutex_unlock(&in->lock);
    }
    return 0;
}

static int close_layer(void *arg, const struct archive_layer *layer, struct error *err)
{
    struct image_intake *in = arg;
    if (intake_failure(in, err))
        return -1;
    uv_mutex_lock(&in->lock);
    chunk_pass(in);
    in->filling->layer = *layer;
    in->filling->closed = true;
    in->filling = NULL;
    poke(in);
    uv_mutex_unlock(&in->lock);
    return 0;
}

/* An archive ends before the client's stream does; only a stream that ended was complete. */
static int read_rest(struct image_intake *in, struct error *err)
{
    const void *bytes;
    ssize_t got;
    while ((got = read_archive(in, &bytes, err)) > 0)
        if (in->bytes_read > in->limits.size_max)
            return error_set(err, ERROR_TOO_LARGE, "the archive is larger than %lld bytes",
                             (long long)in->limits.size_max);
    return (int)got;
}

void intake_thread(void *arg)
{
    struct image_intake *in = arg;
    struct image_archive_io io = {in, read_archive, open_layer, write_layer, close_layer};
    struct error err;
    int rc = in->options.is_layer
                 ? layer_archive_read(&io, &in->limits, &in->layer, &err)
                 : image_archive_read(&io, &in->limits, &in->arena, &in->archive, &err);
    bool resume = false;
    if (rc || read_rest(in, &err))
        resume = intake_set_failure(in, &err);
    resume |= byte_pipe_close(&in->pipe);
    uv_mutex_lock(&in->lock);
    in->resume |= resume;
    in->over = true;
    poke(in);
    uv_mutex_unlock(&in->lock);
}
