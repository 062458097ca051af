/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory: allocation that aborts when there is none, cleanup attributes, hand-over.
 * Sizes that come from outside are bounded before they get here.
 */
#ifndef SOCKERLESS_BASE_ALLOC_H
#define SOCKERLESS_BASE_ALLOC_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
/* printf into fresh memory. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define NEW(type) ((type *)xcalloc(1, sizeof(type)))

/* AUTO(name): the variable is released by auto_release_<name>() when it leaves scope. */
#define AUTO(name) __attribute__((cleanup(auto_release_##name)))

static inline void auto_release_free(void *slot)
{
    free(*(void **)slot);
}
#define AUTO_FREE AUTO(free)

/* Take the value out of an AUTO variable: the caller now owns it. */
#define STEAL(ptr)                                                                                 \
    __extension__({                                                                                \
        __typeof__(ptr) stolen_ = (ptr);                                                           \
        (ptr) = NULL;                                                                              \
        stolen_;                                                                                   \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
