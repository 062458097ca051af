/* SPDX-License-Identifier: Apache-2.0
 *
 * Gzip for layers; see layer_gzip.h. A ring of blocks: the caller fills them in order, helper
 * threads (and the caller, when it would only wait) compress whichever comes next, the caller
 * writes them out in order. A block is owned by whoever its state names, so only the states are
 * under the lock.
 */
#include "oci/archive/layer_gzip.h"

#include "base/alloc.h"

#include <libdeflate.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_SIZE = 512 * 1024,
    BLOCKS = 4, /* in flight */
    HELPERS_MAX = 2,
    LEVEL = 1,
    SAMPLES = 4, /* pieces of a block that tell whether it is worth compressing */
    SAMPLE_SIZE = 4096,
    SAMPLE_GAIN = 32, /* worth it: a sample shrinks by more than one part in so many */
};

enum block_state {
    BLOCK_FREE,   /* the caller's, to be filled */
    BLOCK_FULL,   /* waits for a compressor */
    BLOCK_TAKEN,  /* a compressor's */
    BLOCK_PACKED, /* the caller's, to be written */
};

struct block {
    enum block_state state;
    size_t len, packed_len;
    unsigned char *bytes, *packed;
};

/* Each thread that compresses has its own. */
struct packer {
    struct libdeflate_compressor *fast, *stored;
};

struct layer_gzip {
    int (*write)(void *arg, const void *bytes, size_t len, struct error *err);
    void *arg;
    struct block blocks[BLOCKS];
    size_t packed_max;
    size_t filling, writing; /* block numbers, ever growing; blocks[n % BLOCKS] */
    struct packer own;

    pthread_mutex_t lock;
    pthread_cond_t filled, packed;
    size_t taking; /* the next block to compress; under the lock, as are the states and `stop` */
    bool stop;
    pthread_t helpers[HELPERS_MAX];
    size_t helper_count;
};

static void packer_init(struct packer *p)
{
    p->fast = libdeflate_alloc_compressor(LEVEL);
    p->stored = libdeflate_alloc_compressor(0);
    if (!p->fast || !p->stored)
        abort(); /* fails only without memory */
}

static void packer_fini(struct packer *p)
{
    libdeflate_free_compressor(p->fast);
    libdeflate_free_compressor(p->stored);
}

/* Compressed or encrypted files make much of an image; trying in vain costs five times as much. */
static bool is_worth(struct packer *p, const struct block *b)
{
    unsigned char sample[SAMPLES * SAMPLE_SIZE], out[sizeof sample];
    if (b->len < 2 * sizeof sample)
        return true;
    for (size_t i = 0; i < SAMPLES; i++)
        memcpy(sample + i * SAMPLE_SIZE, b->bytes + i * ((b->len - SAMPLE_SIZE) / (SAMPLES - 1)),
               SAMPLE_SIZE);
    return libdeflate_deflate_compress(p->fast, sample, sizeof sample, out,
                                       sizeof out - sizeof out / SAMPLE_GAIN) != 0;
}

static void block_pack(struct packer *p, struct block *b, size_t packed_max)
{
    struct libdeflate_compressor *c = is_worth(p, b) ? p->fast : p->stored;
    b->packed_len = libdeflate_gzip_compress(c, b->bytes, b->len, b->packed, packed_max);
    if (b->packed_len == 0)
        abort(); /* packed_max is the library's own bound */
}

/* The lock is held, and held again on return. */
static void take_one(struct layer_gzip *g, struct packer *p)
{
    struct block *b = &g->blocks[g->taking++ % BLOCKS];
    b->state = BLOCK_TAKEN;
    pthread_mutex_unlock(&g->lock);
    block_pack(p, b, g->packed_max);
    pthread_mutex_lock(&g->lock);
    b->state = BLOCK_PACKED;
    pthread_cond_signal(&g->packed);
}

static bool has_full(const struct layer_gzip *g)
{
    return g->blocks[g->taking % BLOCKS].state == BLOCK_FULL;
}

static void *helper_main(void *arg)
{
    struct layer_gzip *g = arg;
    struct packer p;
    packer_init(&p);
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        if (has_full(g))
            take_one(g, &p);
        else
            pthread_cond_wait(&g->filled, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
    packer_fini(&p);
    return NULL;
}

/* A machine that grants no thread only makes it slower: the caller compresses too. */
static void helpers_start(struct layer_gzip *g)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t want = cpus > HELPERS_MAX ? HELPERS_MAX : 1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    while (g->helper_count < want &&
           pthread_create(&g->helpers[g->helper_count], NULL, helper_main, g) == 0)
        g->helper_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct layer_gzip *layer_gzip_new(int (*write)(void *arg, const void *bytes, size_t len,
                                               struct error *err),
                                  void *arg)
{
    struct layer_gzip *g = NEW(struct layer_gzip);
    g->write = write;
    g->arg = arg;
    packer_init(&g->own);
    g->packed_max = libdeflate_gzip_compress_bound(g->own.fast, BLOCK_SIZE);
    size_t stored_max = libdeflate_gzip_compress_bound(g->own.stored, BLOCK_SIZE);
    if (stored_max > g->packed_max)
        g->packed_max = stored_max;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->filled, NULL);
    pthread_cond_init(&g->packed, NULL);
    return g;
}

static void fill_done(struct layer_gzip *g)
{
    pthread_mutex_lock(&g->lock);
    g->blocks[g->filling++ % BLOCKS].state = BLOCK_FULL;
    pthread_cond_signal(&g->filled);
    pthread_mutex_unlock(&g->lock);
    if (g->helper_count == 0) /* small layers, which end within one block, cost no thread */
        helpers_start(g);
}

/* The oldest block, compressed and written; it is free then. */
static int write_oldest(struct layer_gzip *g, struct error *err)
{
    struct block *b = &g->blocks[g->writing % BLOCKS];
    pthread_mutex_lock(&g->lock);
    while (b->state != BLOCK_PACKED) {
        if (has_full(g))
            take_one(g, &g->own);
        else
            pthread_cond_wait(&g->packed, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
    if (g->write(g->arg, b->packed, b->packed_len, err))
        return -1;
    pthread_mutex_lock(&g->lock);
    b->state = BLOCK_FREE;
    pthread_mutex_unlock(&g->lock);
    b->len = 0;
    g->writing++;
    return 0;
}

static struct block *block_to_fill(struct layer_gzip *g, struct error *err)
{
    if (g->filling - g->writing == BLOCKS && write_oldest(g, err))
        return NULL;
    struct block *b = &g->blocks[g->filling % BLOCKS];
    if (!b->bytes) {
        b->bytes = xmalloc(BLOCK_SIZE);
        b->packed = xmalloc(g->packed_max);
    }
    return b;
}

int layer_gzip_write(struct layer_gzip *g, const void *bytes, size_t len, struct error *err)
{
    const unsigned char *from = bytes;
    while (len) {
        struct block *b = block_to_fill(g, err);
        if (!b)
            return -1;
        size_t n = BLOCK_SIZE - b->len < len ? BLOCK_SIZE - b->len : len;
        memcpy(b->bytes + b->len, from, n);
        b->len += n;
        from += n;
        len -= n;
        if (b->len == BLOCK_SIZE)
            fill_done(g);
    }
    return 0;
}

static void last_block_done(struct layer_gzip *g)
{
    pthread_mutex_lock(&g->lock);
    g->blocks[g->filling++ % BLOCKS].state = BLOCK_FULL;
    pthread_mutex_unlock(&g->lock);
}

int layer_gzip_finish(struct layer_gzip *g, struct error *err)
{
    struct block *b = block_to_fill(g, err);
    if (!b)
        return -1;
    if (b->len || g->filling == 0) /* nothing at all is one empty member */
        last_block_done(g);
    while (g->writing < g->filling)
        if (write_oldest(g, err))
            return -1;
    return 0;
}

void layer_gzip_free(struct layer_gzip *g)
{
    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_broadcast(&g->filled);
    pthread_mutex_unlock(&g->lock);
    for (size_t i = 0; i < g->helper_count; i++)
        pthread_join(g->helpers[i], NULL);
    for (size_t i = 0; i < BLOCKS; i++) {
        free(g->blocks[i].bytes);
        free(g->blocks[i].packed);
    }
    packer_fini(&g->own);
    pthread_cond_destroy(&g->filled);
    pthread_cond_destroy(&g->packed);
    pthread_mutex_destroy(&g->lock);
    free(g);
}
