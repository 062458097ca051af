/* SPDX-License-Identifier: Apache-2.0
 * Containers that were removed lately; see container_recent.h. */
#include "backend/state/container_recent.h"

#include "base/timefmt.h"

#include <string.h>
#include <utlist.h>

void container_recent_forget(struct container_table *t, struct container *c)
{
    if (!c->recent_until_ms)
        return;
    c->recent_until_ms = 0;
    DL_DELETE2(t->recent, c, recent_prev, recent_next);
    t->recent_count--;
    container_unref(c);
}

bool container_is_recent(const struct container *c)
{
    return c->recent_until_ms > time_mono_ms();
}

/* The list is in the order of removal, oldest first. */
void container_recent_purge(struct container_table *t)
{
    while (t->recent && !container_is_recent(t->recent))
        container_recent_forget(t, t->recent);
}

void container_recent_keep(struct container_table *t, struct container *c)
{
    container_recent_purge(t);
    if (t->recent_count == CONTAINER_RECENT_MAX)
        container_recent_forget(t, t->recent);
    c->recent_until_ms = time_mono_ms() + CONTAINER_RECENT_MS;
    container_ref(c);
    DL_APPEND2(t->recent, c, recent_prev, recent_next);
    t->recent_count++;
}

static struct container *find_by_name(const struct container_table *t, const char *name)
{
    struct container *found = NULL;
    for (struct container *c = t->recent; c; c = c->recent_next)
        if (strcmp(c->name, name) == 0)
            found = c;
    return found;
}

/* NULL: none; *many: more than one. */
static struct container *find_by_prefix(const struct container_table *t, const char *prefix,
                                        bool *many)
{
    struct container *found = NULL;
    size_t len = strlen(prefix);
    for (struct container *c = t->recent; c && len; c = c->recent_next) {
        if (strncmp(c->id, prefix, len) != 0)
            continue;
        *many = found != NULL;
        found = c;
        if (*many)
            break;
    }
    return found;
}

struct container *container_find_recent(struct container_table *t, const char *ref,
                                        struct error *err)
{
    struct container *c = container_find(t, ref, err);
    if (c || err->code != ERROR_NOT_FOUND)
        return c;
    bool many = false;
    container_recent_purge(t);
    c = find_by_name(t, ref[0] == '/' ? ref + 1 : ref);
    if (!c)
        c = find_by_prefix(t, ref, &many);
    if (!many)
        return c;
    error_set(err, ERROR_SYSTEM, "Multiple IDs found with provided prefix: %s", ref);
    return NULL;
}
