/* SPDX-License-Identifier: Apache-2.0
 * Log hold; see log_hold.h. */
#include "backend/logs/log_hold.h"

#include "base/alloc.h"

void log_hold_add(struct log_hold *h, struct log_page *page, int64_t asked_ms)
{
    if (h->count == 0) {
        h->asked_ms = asked_ms;
        h->token = page->forward_token ? xstrdup(page->forward_token) : NULL;
    }
    h->pages = xrealloc(h->pages, (h->count + 1) * sizeof *h->pages);
    h->pages[h->count++] = *page;
    *page = (struct log_page){0};
}

bool log_hold_take(struct log_hold *h, struct log_page *page)
{
    if (h->count == 0)
        return false;
    *page = h->pages[--h->count];
    return true;
}

void log_hold_fini(struct log_hold *h)
{
    while (h->count)
        arena_fini(&h->pages[--h->count].arena);
    free(h->pages);
    free(h->token);
    *h = (struct log_hold){0};
}

size_t log_hold_page_bytes(const struct log_page *page)
{
    size_t bytes = page->count * sizeof *page->events;
    for (size_t i = 0; i < page->count; i++)
        bytes += page->events[i].len;
    return bytes;
}
