/* SPDX-License-Identifier: Apache-2.0
 * Arena allocation; see arena.h. */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_FIRST_BLOCK = 2048, ARENA_MAX_BLOCK = 256 * 1024, ARENA_ALIGN = 16, ROOM_FIRST = 16 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* of bytes */
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

static void *protobuf_alloc(void *data, size_t size)
{
    return arena_alloc(data, size);
}

static void protobuf_free(void *data, void *ptr)
{
    (void)data;
    (void)ptr;
}

void arena_init(struct arena *a)
{
    a->head = NULL;
    a->protobuf = (ProtobufCAllocator){protobuf_alloc, protobuf_free, a};
}

void arena_fini(struct arena *a)
{
    while (a->head) {
        struct arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
}

void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (size == 0)
        size = ARENA_ALIGN;
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < size) {
        size_t want = b ? b->size * 2 : ARENA_FIRST_BLOCK;
        if (want > ARENA_MAX_BLOCK)
            want = ARENA_MAX_BLOCK;
        if (want < size)
            want = size;
        struct arena_block *fresh = xmalloc(sizeof *fresh + want);
        fresh->next = b;
        fresh->used = 0;
        fresh->size = want;
        a->head = b = fresh;
    }
    void *out = b->bytes + b->used;
    b->used += size;
    return out;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    void *out = arena_alloc(a, count * size);
    memset(out, 0, count * size);
    return out;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *out = arena_alloc(a, len + 1);
    memcpy(out, text, len);
    out[len] = '\0';
    return out;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t item_size)
{
    if (count < *room)
        return items;
    *room = *room ? *room * 2 : ROOM_FIRST;
    void *more = arena_calloc(a, *room, item_size);
    if (count)
        memcpy(more, items, count * item_size);
    return more;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return text ? arena_strndup(a, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *out = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    vsnprintf(out, (size_t)(n < 0 ? 0 : n) + 1, fmt, again);
    va_end(again);
    va_end(args);
    return out;
}
