/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena: allocations of one request or operation, released together. Also serves as allocator for
 * protobuf-c, so unpacking a message costs a bump, not a malloc per field.
 */
#ifndef SOCKERLESS_BASE_ARENA_H
#define SOCKERLESS_BASE_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *head;
    ProtobufCAllocator protobuf; /* pass &arena->protobuf to …__unpack; never call free_unpacked */
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a); /* releases everything; a may be initialised again */
void *arena_alloc(struct arena *a, size_t size); /* 16-byte aligned, not zeroed */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* Room for one more item in an array of the arena, which it doubles: the array, that may have
 * moved. *room: 0 at first, with items NULL. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t item_size);
char *arena_strdup(struct arena *a, const char *text); /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void auto_release_arena(struct arena *a)
{
    arena_fini(a);
}

#endif
