/* SPDX-License-Identifier: Apache-2.0
 *
 * Intake of image archives; see image_intake.h. The reading thread and the loop share what is under
 * `lock`; the thread tells the loop of news by posting one task (poke), the loop tells the thread
 * through `changed`. A layer on its way is a blob: the thread fills chunks, a coroutine a blob
 * uploads them. The first failure, whoever's, ends everything and is the result.
 */
#include "backend/image_intake.h"

#include "backend/byte_pipe.h"
#include "backend/staging.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <string.h>

enum {
    INTAKE_BLOBS = 2, /* open at once in one intake */
    INTAKE_WAIT_MS = 1800 * 1000,
};

/* ---- places ---- */

struct image_intake_pool {
    unsigned running;
    struct co_cond freed;
};

struct image_intake_pool *image_intake_pool_new(void)
{
    return NEW(struct image_intake_pool);
}

void image_intake_pool_free(struct image_intake_pool *p)
{
    free(p);
}

/* ---- the intake ---- */

struct chunk {
    struct chunk *next;
    size_t len;
    unsigned char bytes[REGISTRY_CHUNK];
};

struct blob {
    struct blob *next;
    struct image_intake *intake;
    struct chunk *first, **last; /* filled, not taken by the upload yet */
    bool started, finished;      /* its coroutine */
    bool closed;                 /* no chunk will follow, and layer is known */
    struct archive_layer layer;
};

struct image_intake {
    struct backend *backend;
    struct image_intake_options options;
    struct image_archive_options limits;
    struct arena arena;
    struct byte_pipe pipe;
    struct image_ref staging;
    struct registry_repo *repo; /* NULL: no staging registry */
    bool has_place, cancelled;
    uv_thread_t thread;
    struct co_cond moved; /* on the loop: news from the thread or from an upload */

    uv_mutex_t lock;
    uv_cond_t changed; /* for the thread */
    struct chunk *spare;
    unsigned chunks;           /* allocated */
    struct blob *open[INTAKE_BLOBS];
    bool failed, over;         /* over: the thread does nothing any more */
    bool resume;               /* the client may send again */
    bool poked;
    struct error failure;
    struct loop_task poke;

    struct blob *filling; /* the thread's own, as the next three */
    struct chunk *chunk;
    struct image_archive archive;
    struct archive_layer layer;
    int64_t bytes_read;
};

static bool failure_of(struct image_intake *in, struct error *err)
{
    uv_mutex_lock(&in->lock);
    bool failed = in->failed;
    if (failed)
        *err = in->failure;
    uv_mutex_unlock(&in->lock);
    return failed;
}

/* Any thread. True: the client had stopped sending and should go on, into the void. */
static bool fail(struct image_intake *in, const struct error *err)
{
    uv_mutex_lock(&in->lock);
    if (!in->failed) {
        in->failed = true;
        in->failure = *err;
    }
    uv_cond_signal(&in->changed);
    uv_mutex_unlock(&in->lock);
    return byte_pipe_fail(&in->pipe, err);
}

/* On the loop. */
static void fail_here(struct image_intake *in, const struct error *err)
{
    if (fail(in, err) && in->options.wants_more && !in->cancelled)
        in->options.wants_more(in->options.owner);
    co_cond_broadcast(&in->moved);
}

/* ---- the thread ---- */

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
        chunk = xmalloc(sizeof *chunk); /* untouched pages cost nothing */
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
    if (failure_of(in, err))
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
    if (failure_of(in, err))
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

static void reading_thread(void *arg)
{
    struct image_intake *in = arg;
    struct image_archive_io io = {in, read_archive, open_layer, write_layer, close_layer};
    struct error err;
    int rc = in->options.is_layer
                 ? layer_archive_read(&io, &in->limits, &in->layer, &err)
                 : image_archive_read(&io, &in->limits, &in->arena, &in->archive, &err);
    bool resume = false;
    if (rc || read_rest(in, &err))
        resume = fail(in, &err);
    resume |= byte_pipe_close(&in->pipe);
    uv_mutex_lock(&in->lock);
    in->resume |= resume;
    in->over = true;
    poke(in);
    uv_mutex_unlock(&in->lock);
}

/* ---- uploads, one coroutine a blob ---- */

/* Until `count` chunks lie there or no more will come. */
static int co_blob_wait(struct blob *b, unsigned count, struct error *err)
{
    struct image_intake *in = b->intake;
    for (;;) {
        unsigned have = 0;
        if (failure_of(in, err))
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

static void chunks_free(struct chunk *first)
{
    while (first) {
        struct chunk *chunk = first;
        first = chunk->next;
        free(chunk);
    }
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
    int rc = co_registry_blob_put(in->repo, b->layer.digest, chunk ? (const void *)chunk->bytes : "",
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
        fail_here(in, &err);
    else if (in->options.layer_done && !in->cancelled)
        in->options.layer_done(in->options.owner, &b->layer);
    blob_over(b, failed);
}

static void blob_start(struct blob *b)
{
    struct error err;
    if (co_spawn(b->intake->backend->loop, co_blob, b, &err) == 0)
        return;
    fail_here(b->intake, &err);
    blob_over(b, true);
}

/* News from the thread. */
static void on_poke(struct loop_task *task)
{
    struct image_intake *in = CONTAINER_OF(task, struct image_intake, poke);
    struct blob *fresh[INTAKE_BLOBS];
    unsigned count = 0;
    uv_mutex_lock(&in->lock);
    in->poked = false;
    bool resume = in->resume && !in->cancelled;
    in->resume = false;
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (in->open[i] && !in->open[i]->started) {
            fresh[count] = in->open[i];
            fresh[count++]->started = true;
        }
    uv_mutex_unlock(&in->lock);
    for (unsigned i = 0; i < count; i++)
        blob_start(fresh[i]);
    co_cond_broadcast(&in->moved);
    if (resume && in->options.wants_more)
        in->options.wants_more(in->options.owner);
}

/* ---- from the session ---- */

static int limits_set(struct image_intake *in, struct error *err)
{
    const struct backend_config *config = in->backend->config;
    in->limits.size_max = config->image_max_gib << 30;
    return platform_parse(config->platform, &in->limits.platform, err);
}

int image_intake_open(struct backend *b, const struct image_intake_options *options,
                      struct image_intake **out, struct error *err)
{
    struct image_intake *in = NEW(struct image_intake);
    in->backend = b;
    in->options = *options;
    in->poke.run = on_poke;
    arena_init(&in->arena);
    byte_pipe_init(&in->pipe);
    if (uv_mutex_init(&in->lock) || uv_cond_init(&in->changed))
        abort(); /* only without memory */
    *out = in;
    if (limits_set(in, err) == 0 &&
        (!staging_configured(b) || staging_ref(b, &in->staging, err) == 0))
        return 0;
    image_intake_close(in);
    *out = NULL;
    return -1;
}

bool image_intake_feed(struct image_intake *in, const void *bytes, size_t len)
{
    return byte_pipe_write(&in->pipe, bytes, len);
}

void image_intake_feed_end(struct image_intake *in)
{
    byte_pipe_end(&in->pipe);
}

void image_intake_fail(struct image_intake *in, const struct error *err)
{
    fail_here(in, err);
    co_cond_broadcast(&in->backend->intakes->freed);
}

/* What a registry is being sent is left to end by itself: its upload can then be cancelled there. */
void image_intake_cancel(struct image_intake *in)
{
    struct error err;
    error_set(&err, ERROR_CANCELLED, "the client is gone");
    in->cancelled = true;
    image_intake_fail(in, &err);
}

void image_intake_close(struct image_intake *in)
{
    struct image_intake_pool *pool = in->backend->intakes;
    if (in->has_place) {
        pool->running--;
        co_cond_broadcast(&pool->freed);
    }
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (in->open[i]) {
            chunks_free(in->open[i]->first);
            free(in->open[i]);
        }
    chunks_free(in->spare);
    chunks_free(in->chunk);
    registry_repo_close(in->repo);
    byte_pipe_fini(&in->pipe);
    uv_cond_destroy(&in->changed);
    uv_mutex_destroy(&in->lock);
    arena_fini(&in->arena);
    free(in);
}

/* ---- the run ---- */

static int co_place_take(struct image_intake *in, struct error *err)
{
    struct image_intake_pool *pool = in->backend->intakes;
    int64_t deadline_ms = time_mono_ms() + INTAKE_WAIT_MS;
    while (!failure_of(in, err)) {
        if (pool->running < INTAKES_MAX) {
            pool->running++;
            in->has_place = true;
            return 0;
        }
        if (co_cond_wait(&pool->freed, deadline_ms, err) == 0)
            continue;
        return err->code == ERROR_DEADLINE
                   ? error_set(err, ERROR_UNAVAILABLE,
                               "%d images are being loaded already; try again later", INTAKES_MAX)
                   : -1;
    }
    return -1;
}

static bool is_over(struct image_intake *in)
{
    uv_mutex_lock(&in->lock);
    bool over = in->over && !in->poked;
    for (unsigned i = 0; i < INTAKE_BLOBS; i++)
        if (in->open[i] && !in->open[i]->finished)
            over = false;
    uv_mutex_unlock(&in->lock);
    return over;
}

/* Returns when the thread and all uploads are over. */
static int co_read(struct image_intake *in, struct error *err)
{
    bool told = false;
    if (co_place_take(in, err))
        return -1;
    if (staging_configured(in->backend) &&
        staging_open(in->backend, &in->staging, NULL, &in->repo, err))
        return -1;
    if (uv_thread_create(&in->thread, reading_thread, in))
        return error_set(err, ERROR_UNAVAILABLE, "no thread to read the archive with");
    while (!is_over(in)) {
        if (told) {
            co_cond_join(&in->moved);
        } else if (co_cond_wait(&in->moved, INT64_MAX, err)) { /* as long as the client takes */
            fail_here(in, err);
            told = true;
        }
    }
    uv_thread_join(&in->thread);
    return failure_of(in, err) ? -1 : 0;
}

int co_image_intake_run(struct image_intake *in, struct image_archive *out, struct error *err)
{
    if (co_read(in, err))
        return -1;
    for (size_t i = 0; i < in->archive.count; i++)
        if (co_image_intake_push(in, &in->archive.images[i], err))
            return -1;
    *out = in->archive;
    return 0;
}

int co_image_intake_run_layer(struct image_intake *in, struct archive_layer *out, struct error *err)
{
    if (co_read(in, err))
        return -1;
    *out = in->layer;
    return 0;
}

int co_image_intake_push(struct image_intake *in, const struct archived_image *image,
                         struct error *err)
{
    char tag[STAGING_TAG_MAX];
    if (!in->repo)
        return 0;
    if (failure_of(in, err) || /* the client went meanwhile */
        co_registry_blob_put(in->repo, image->config_digest, image->config, image->config_len, err))
        return -1;
    return co_registry_manifest_put(in->repo, staging_tag("sha256-", image->config_digest, tag),
                                    image->manifest_type, image->manifest, image->manifest_len,
                                    err);
}
