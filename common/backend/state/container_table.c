/* SPDX-License-Identifier: Apache-2.0
 *
 * All containers of a backend: hashes by id, name and create request, a sorted array for unique
 * prefixes, and a list by age; see container.h.
 */
#include "backend/state/container.h"

#include "base/alloc.h"

#include <string.h>
#include <utlist.h>

void container_table_init(struct container_table *t)
{
    *t = (struct container_table){0};
}

void container_table_fini(struct container_table *t)
{
    while (t->newest) {
        struct container *c = t->newest;
        container_table_remove(t, c);
        container_unref(c);
    }
    while (t->recent) {
        struct container *c = t->recent;
        DL_DELETE2(t->recent, c, recent_prev, recent_next);
        container_unref(c);
    }
    free(t->sorted);
}

/* Index of the first entry whose id is not below `prefix`. */
static size_t lower_bound(const struct container_table *t, const char *prefix, size_t len)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strncmp(t->sorted[mid]->id, prefix, len) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct container *container_find_prefix(const struct container_table *t, const char *prefix,
                                        bool *ambiguous)
{
    size_t len = strlen(prefix);
    size_t at = len && len <= ID_HEX_LEN ? lower_bound(t, prefix, len) : t->count;
    *ambiguous = false;
    if (at == t->count || strncmp(t->sorted[at]->id, prefix, len) != 0)
        return NULL;
    *ambiguous = at + 1 < t->count && strncmp(t->sorted[at + 1]->id, prefix, len) == 0;
    return *ambiguous ? NULL : t->sorted[at];
}

struct container *container_find(const struct container_table *t, const char *ref,
                                 struct error *err)
{
    struct container *c = NULL;
    size_t len = strlen(ref);
    HASH_FIND(by_id, t->by_id, ref, len, c);
    if (!c) {
        const char *name = ref[0] == '/' ? ref + 1 : ref;
        HASH_FIND(by_name, t->by_name, name, strlen(name), c);
    }
    if (c)
        return c;
    bool ambiguous;
    c = container_find_prefix(t, ref, &ambiguous);
    if (ambiguous)
        error_set(err, ERROR_SYSTEM, "Multiple IDs found with provided prefix: %s", ref);
    else if (!c)
        error_set(err, ERROR_NOT_FOUND, "No such container: %s", ref);
    return c;
}

struct container *container_find_request(const struct container_table *t, const void *request_id,
                                         size_t len)
{
    struct container *c = NULL;
    if (len == CONTAINER_REQUEST_ID_LEN)
        HASH_FIND(by_request, t->by_request, request_id, CONTAINER_REQUEST_ID_LEN, c);
    return c;
}

static bool has_request(const struct container *c)
{
    static const unsigned char none[CONTAINER_REQUEST_ID_LEN];
    return memcmp(c->request_id, none, sizeof none) != 0;
}

static void add_name(struct container_table *t, struct container *c)
{
    HASH_ADD_KEYPTR(by_name, t->by_name, c->name, strlen(c->name), c);
}

void container_table_add(struct container_table *t, struct container *c)
{
    HASH_ADD_KEYPTR(by_id, t->by_id, c->id, ID_HEX_LEN, c);
    add_name(t, c);
    if (has_request(c))
        HASH_ADD(by_request, t->by_request, request_id, CONTAINER_REQUEST_ID_LEN, c);
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->sorted = xrealloc(t->sorted, t->cap * sizeof *t->sorted);
    }
    size_t at = lower_bound(t, c->id, ID_HEX_LEN);
    memmove(t->sorted + at + 1, t->sorted + at, (t->count - at) * sizeof *t->sorted);
    t->sorted[at] = c;
    t->count++;
    c->older = t->newest;
    c->newer = NULL;
    if (t->newest)
        t->newest->newer = c;
    else
        t->oldest = c;
    t->newest = c;
    t->state_counts[c->view->state]++;
}

void container_table_remove(struct container_table *t, struct container *c)
{
    HASH_DELETE(by_id, t->by_id, c);
    HASH_DELETE(by_name, t->by_name, c);
    if (has_request(c))
        HASH_DELETE(by_request, t->by_request, c);
    size_t at = lower_bound(t, c->id, ID_HEX_LEN);
    memmove(t->sorted + at, t->sorted + at + 1, (t->count - at - 1) * sizeof *t->sorted);
    t->count--;
    if (c->newer)
        c->newer->older = c->older;
    else
        t->newest = c->older;
    if (c->older)
        c->older->newer = c->newer;
    else
        t->oldest = c->newer;
    c->newer = c->older = NULL;
    t->state_counts[c->view->state]--;
    c->removed = true;
}
