/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop's part of an intake, its reading thread and its uploads use alike: the first
 * failure, and chunks. See intake_internal.h.
 */
#include "backend/transfer/intake_internal.h"

#include <stdlib.h>
#include <sys/mman.h>

/* ---- failing ---- */

bool intake_failure(struct image_intake *in, struct error *err)
{
    uv_mutex_lock(&in->lock);
    bool failed = in->failed;
    if (failed)
        *err = in->failure;
    uv_mutex_unlock(&in->lock);
    return failed;
}

bool intake_set_failure(struct image_intake *in, const struct error *err)
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

void intake_fail_here(struct image_intake *in, const struct error *err)
{
    if (intake_set_failure(in, err) && in->options.wants_more && !in->cancelled)
        in->options.wants_more(in->options.owner);
    co_cond_broadcast(&in->moved);
}

/* ---- chunks ---- */

struct chunk *intake_chunk_new(void)
{
    void *at = mmap(NULL, sizeof(struct chunk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);
    if (at == MAP_FAILED)
        abort(); /* as xmalloc() */
    return at;
}

void intake_chunks_free(struct chunk *first)
{
    while (first) {
        struct chunk *chunk = first;
        first = chunk->next;
        munmap(chunk, sizeof *chunk);
    }
}
