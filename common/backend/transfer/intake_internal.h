/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of an intake share: image_intake.c and intake_upload.c on the loop,
 * intake_thread.c on its thread, intake_state.c below them all. The reading thread
 * (intake_thread.c) and the loop share what is under `lock`; the thread tells the loop of news by
 * posting one task (poke), the loop tells the thread through `changed`. A layer on its way is a
 * blob: the thread fills chunks, a coroutine a blob (intake_upload.c) uploads them. The first
 * failure, whoever's, ends everything and is the result.
 */
#ifndef SOCKERLESS_BACKEND_INTAKE_INTERNAL_H
#define SOCKERLESS_BACKEND_INTAKE_INTERNAL_H

#include "backend/transfer/byte_pipe.h"
#include "backend/transfer/image_intake.h"
#include "loop/co.h"
#include "oci/registry/registry_repo.h"

#include <stdbool.h>
#include <uv.h>

enum { INTAKE_BLOBS = 2 }; /* open at once in one intake */

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
    unsigned chunks; /* allocated */
    struct blob *open[INTAKE_BLOBS];
    bool failed, over; /* over: the thread does nothing any more */
    bool resume;       /* the client may send again */
    bool poked;
    struct error failure;
    struct loop_task poke;

    struct blob *filling; /* the thread's own, as the next three */
    struct chunk *chunk;
    struct image_archive archive;
    struct archive_layer layer;
    int64_t bytes_read;
};

/* ---- intake_state.c ---- */

/* Any thread. True: the intake has failed, and how. */
bool intake_failure(struct image_intake *in, struct error *err);
/* Any thread. True: the client had stopped sending and should go on, into the void. */
bool intake_set_failure(struct image_intake *in, const struct error *err);
/* On the loop: and wakes all that wait for the intake. */
void intake_fail_here(struct image_intake *in, const struct error *err);
/* Mapped, not from the heap: it goes back whole, and pages that are not used cost nothing. */
struct chunk *intake_chunk_new(void);
void intake_chunks_free(struct chunk *first);

/* ---- intake_thread.c, intake_upload.c ---- */

void intake_thread(void *intake); /* entry of the reading thread */
/* Starts the upload. Frees b when it went well. */
void intake_blob_start(struct blob *b);

#endif
