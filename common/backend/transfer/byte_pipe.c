/* SPDX-License-Identifier: Apache-2.0
 *
 * Pipe from the loop to a reading thread; see byte_pipe.h. What is queued stays below BYTE_PIPE_MAX
 * plus one write as long as the writer stops when it is told to.
 */
#include "backend/transfer/byte_pipe.h"

#include "base/alloc.h"

#include <string.h>

void byte_pipe_init(struct byte_pipe *p)
{
    *p = (struct byte_pipe){0};
    p->last = &p->first;
    if (uv_mutex_init(&p->lock) || uv_cond_init(&p->changed))
        abort(); /* only without memory */
}

/* With the lock held, or when no other thread is left. */
static void drop_queue(struct byte_pipe *p)
{
    while (p->first) {
        struct byte_block *block = p->first;
        p->first = block->next;
        free(block);
    }
    p->last = &p->first;
    p->queued = 0;
}

void byte_pipe_fini(struct byte_pipe *p)
{
    drop_queue(p);
    free(p->lent);
    uv_cond_destroy(&p->changed);
    uv_mutex_destroy(&p->lock);
}

bool byte_pipe_write(struct byte_pipe *p, const void *bytes, size_t len)
{
    bool room = true;
    uv_mutex_lock(&p->lock);
    if (len && !p->failed && !p->closed && !p->ended) {
        struct byte_block *block = xmalloc(sizeof *block + len);
        block->next = NULL;
        block->len = len;
        memcpy(block->bytes, bytes, len);
        *p->last = block;
        p->last = &block->next;
        p->queued += len;
        room = p->queued < BYTE_PIPE_MAX;
        p->writer_stopped = !room;
        uv_cond_signal(&p->changed);
    }
    uv_mutex_unlock(&p->lock);
    return room;
}

void byte_pipe_end(struct byte_pipe *p)
{
    uv_mutex_lock(&p->lock);
    p->ended = true;
    uv_cond_signal(&p->changed);
    uv_mutex_unlock(&p->lock);
}

/* Lock held. */
static bool writer_released(struct byte_pipe *p)
{
    bool stopped = p->writer_stopped;
    p->writer_stopped = false;
    return stopped;
}

bool byte_pipe_fail(struct byte_pipe *p, const struct error *err)
{
    uv_mutex_lock(&p->lock);
    if (!p->failed) {
        p->failed = true;
        p->failure = *err;
    }
    drop_queue(p);
    bool resume = writer_released(p);
    uv_cond_signal(&p->changed);
    uv_mutex_unlock(&p->lock);
    return resume;
}

bool byte_pipe_close(struct byte_pipe *p)
{
    uv_mutex_lock(&p->lock);
    p->closed = true;
    drop_queue(p);
    bool resume = writer_released(p);
    uv_mutex_unlock(&p->lock);
    return resume;
}

ssize_t byte_pipe_read(struct byte_pipe *p, const void **bytes, bool *resume, struct error *err)
{
    ssize_t got = 0;
    free(p->lent);
    p->lent = NULL;
    *resume = false;
    uv_mutex_lock(&p->lock);
    while (!p->failed && !p->first && !p->ended)
        uv_cond_wait(&p->changed, &p->lock);
    if (p->failed) {
        *err = p->failure;
        got = -1;
    } else if (p->first) {
        struct byte_block *block = p->lent = p->first;
        p->first = block->next;
        if (!p->first)
            p->last = &p->first;
        p->queued -= block->len;
        *bytes = block->bytes;
        got = (ssize_t)block->len;
        if (p->queued < BYTE_PIPE_MAX / 2)
            *resume = writer_released(p);
    }
    uv_mutex_unlock(&p->lock);
    return got;
}
