/* SPDX-License-Identifier: Apache-2.0
 * Reading many logs; see log_batch.h.
 *
 * Forward queries share calls: the parts of the logs they read are ORed in one filter, as many as
 * fit. Queries of the same log have one part, from the earliest of their cursors on; an entry goes
 * to each of them whose own cursor it is behind. A page that ends before everything was read leaves
 * every query with a good cursor, since entries come in the order of time. */
#include "cloud/log_batch.h"

#include "base/alloc.h"
#include "base/timefmt.h"

#include <stdlib.h>
#include <string.h>

enum {
    CALLS_MAX = 8,     /* an empty page with a token is not the end; but not for ever */
    READ_MAX = 100000, /* entries that are read on for one page … */
    READ_BYTES_MAX = 16 * 1024 * 1024,
    PASSES = 3,         /* of one round of queries, see crowded_out() */
    CROWDING_SHARE = 4, /* such a part of a page for one log leaves others too little of it */
    FILTER_RESERVE = 64,
};

struct batch {
    const struct log_protocol *service;
    void *arg;
    struct log_slot *slots; /* those of one log are neighbours */
    size_t count;
    size_t logs; /* different ones */
    bool backward;
    struct log_extent extent;
    size_t taken, bytes;
};

/* ---- entries ---- */

static int by_log(const void *a, const void *b)
{
    const struct log_slot *x = a, *y = b;
    if (x->query->backward != y->query->backward)
        return x->query->backward ? 1 : -1;
    return strcmp(x->part.key, y->part.key);
}

/* The first slot of the log with this key, or b->count. */
static size_t find_slots(const struct batch *b, const char *key)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(b->slots[middle].part.key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->count && strcmp(b->slots[low].part.key, key) == 0 ? low : b->count;
}

/* The longest key that the name is, or begins with. */
static size_t find_log(const struct batch *b, const char *name)
{
    char key[LOG_KEY_SIZE];
    if (strlen(name) >= sizeof key)
        return b->count;
    strcpy(key, name);
    for (;;) {
        size_t found = find_slots(b, key);
        char *end = strrchr(key, '-');
        if (found < b->count || !b->service->names_grow || !end)
            return found;
        *end = '\0';
    }
}

static void take_entry(struct batch *b, const json_t *item)
{
    struct log_entry entry;
    if (!b->service->read(b->arg, item, &entry))
        return;
    b->extent.reached_ns = entry.mark.ns;
    size_t first = find_log(b, entry.log);
    for (size_t i = first;
         i < b->count && strcmp(b->slots[i].part.key, b->slots[first].part.key) == 0; i++) {
        struct log_event *event = log_slot_take(&b->slots[i], &entry);
        if (!event)
            continue;
        b->service->event(b->arg, item, &entry, &b->slots[i].page->arena, event);
        b->taken++;
        b->bytes += event->len;
    }
}

/* ---- calls ---- */

static void answer_free(struct log_answer *a)
{
    json_decref(a->doc);
    free(a->next);
    *a = (struct log_answer){0};
}

static int co_fetch(const struct batch *b, const char *filter, const char *token, int *size,
                    struct log_answer *answer, struct error *err)
{
    for (;;) {
        const struct log_request request = {
            .filter = filter,
            .newest_first = b->backward,
            .page_size = *size,
            .page_token = token,
        };
        *answer = (struct log_answer){0};
        if (b->service->co_fetch(b->arg, &request, answer, err) == 0)
            return 0;
        answer_free(answer); /* what was refused may have been read */
        if (err->code != ERROR_TOO_LARGE || *size == 1)
            return -1;
        *size = *size > 8 ? *size / 8 : 1; /* an entry may have 256 KiB */
    }
}

/* Backward, what was delivered at the edge comes again, and is passed over. Forward queries share
 * calls: their wishes are about one log each. */
static int page_size(const struct batch *b)
{
    const struct log_slot *s = &b->slots[0];
    size_t again = s->cursor.count + (s->cursor.sequence.begin > 0);
    size_t wanted = (size_t)s->query->limit + again;
    size_t most = (size_t)b->service->page_size;
    return (int)(s->query->limit <= 0 || !b->backward || wanted > most ? most : wanted);
}

static bool reads_on(struct batch *b)
{
    bool wanted = false;
    for (size_t i = 0; i < b->count && !wanted; i++)
        wanted = log_slot_reads_on(&b->slots[i], &b->extent);
    b->extent.exhausted = wanted && (b->taken > READ_MAX || b->bytes > READ_BYTES_MAX);
    return wanted && !b->extent.exhausted;
}

/* Entries, and behind them the same page again: it would be read for ever. */
static bool stands_still(const struct log_answer *answer, const char *token)
{
    return token && answer->next && strcmp(answer->next, token) == 0 &&
           json_array_size(answer->items) > 0;
}

static int co_read(struct batch *b, const char *filter, struct error *err)
{
    AUTO_FREE char *token = NULL;
    int size = page_size(b);
    for (int empty = 0; empty < CALLS_MAX;) {
        size_t before = b->taken;
        struct log_answer answer;
        if (co_fetch(b, filter, token, &size, &answer, err))
            return -1;
        if (stands_still(&answer, token)) {
            error_set(err, ERROR_UNAVAILABLE, "logs: a page of the log is followed by itself");
            answer_free(&answer);
            return -1;
        }
        for (size_t i = 0; i < json_array_size(answer.items); i++)
            take_entry(b, json_array_get(answer.items, i));
        free(token);
        token = STEAL(answer.next);
        answer_free(&answer);
        b->extent.more = token != NULL;
        if (!b->extent.more || (b->taken && !reads_on(b)))
            return 0;
        empty += b->taken == before;
    }
    return 0;
}

/* ---- answers ---- */

/* How many slots from number i on are of one log. */
static size_t count_neighbours(const struct log_slot *slots, size_t i, size_t count)
{
    size_t n = 1;
    while (i + n < count && by_log(&slots[i + n], &slots[i]) == 0)
        n++;
    return n;
}

/* A call that ended before it had read everything says little about those whose entries would have
 * come behind those of another log: they are asked for again, without that one. So a log that is
 * far behind, or grows faster than it is read, does not keep others from what is new. Returns how
 * many slots these are; they are the first ones then. The others are finished. */
static size_t crowded_out(struct batch *b, bool last_pass)
{
    size_t again = 0, crowding = (size_t)b->service->page_size / CROWDING_SHARE;
    size_t most = crowding - 1;
    const char *crowd = "";
    for (size_t i = 0, n; i < b->count; i += n) {
        size_t taken = b->slots[i].count;
        n = count_neighbours(b->slots, i, b->count);
        for (size_t k = i; k < i + n; k++)
            taken = b->slots[k].count > taken ? b->slots[k].count : taken;
        if (taken > most) {
            most = taken;
            crowd = b->slots[i].part.key;
        }
    }
    bool split = b->extent.more && !b->backward && !last_pass && most >= crowding;
    for (size_t i = 0; i < b->count; i++) {
        if (split && strcmp(b->slots[i].part.key, crowd) != 0) {
            log_slot_reset(&b->slots[i]);
            struct log_slot swap = b->slots[again];
            b->slots[again++] = b->slots[i];
            b->slots[i] = swap;
        } else {
            log_slot_finish(&b->slots[i], &b->extent, b->extent.more && !b->taken);
        }
    }
    return again;
}

/* The part of a log that the first of these slots and its neighbours want; *used says how many. */
static struct log_part common_part(const struct log_slot *slots, size_t count, size_t *used)
{
    struct log_part all = slots[0].part;
    *used = slots[0].query->backward ? 1 : count_neighbours(slots, 0, count);
    for (size_t n = 1; n < *used; n++) {
        const struct log_part *part = &slots[n].part;
        if (part->from_ns < all.from_ns)
            all.from_ns = part->from_ns;
        if (all.to_ns && (!part->to_ns || part->to_ns > all.to_ns))
            all.to_ns = part->to_ns;
    }
    return all;
}

/* As many of the slots as one filter takes: *used says how many; *again of them, the first ones,
 * are not answered yet. */
static int co_batch(const struct log_protocol *service, void *arg, struct log_slot *slots,
                    size_t count, bool last_pass, size_t *used, size_t *again, struct error *err)
{
    AUTO(buf) struct buf filter = BUF_INIT;
    struct batch b = {
        .service = service,
        .arg = arg,
        .slots = slots,
        .backward = slots[0].query->backward,
        .extent = {.gap_wait_ms = service->gap_wait_ms, .gap_old_ns = service->gap_old_ns}};
    b.extent.now_ns = time_now_ns();
    b.extent.now_ms = time_mono_ms();
    service->filter_open(arg, &filter);
    while (b.count < count && slots[b.count].query->backward == b.backward) {
        AUTO(buf) struct buf text = BUF_INIT;
        size_t same;
        struct log_part part = common_part(slots + b.count, count - b.count, &same);
        service->filter_add(arg, &text, &part, b.count == 0);
        bool fits = filter.len + text.len + FILTER_RESERVE <= service->filter_max;
        if (b.count && (b.backward || !fits))
            break;
        buf_append(&filter, text.data, text.len);
        b.count += same;
        b.logs++;
    }
    service->filter_close(arg, &filter);
    for (size_t i = 0; i < b.count; i++)
        slots[i].logs = b.logs > slots[i].logs ? b.logs : slots[i].logs;
    *used = b.count;
    if (co_read(&b, filter.data, err))
        return -1;
    *again = crowded_out(&b, last_pass);
    return 0;
}

static int init_slot(const struct log_protocol *service, const struct log_query *query,
                     struct log_slot *slot, struct log_page *page, struct error *err)
{
    char key[LOG_KEY_SIZE] = "";
    const char *ref = query->workload->log_ref;
    if (*ref && !service->key(ref, key))
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: bad log reference");
    return log_slot_init(slot, query, key, service->later_ns, page, err);
}

int co_log_batch_pages(const struct log_protocol *service, void *arg,
                       const struct log_query *queries, size_t count, struct log_page *pages,
                       struct error *err)
{
    AUTO_FREE struct log_slot *slots = xcalloc(count + 1, sizeof *slots);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (init_slot(service, &queries[i], &slots[n], &pages[i], err))
            return -1;
        n += !log_slot_idle(&slots[n]);
    }
    for (int pass = 1; pass <= PASSES && n; pass++) {
        size_t left = 0;
        qsort(slots, n, sizeof *slots, by_log);
        for (size_t at = 0, used = 0, again; at < n; at += used) {
            if (co_batch(service, arg, slots + at, n - at, pass == PASSES, &used, &again, err))
                return -1;
            for (size_t i = 0; i < again; i++)
                slots[left++] = slots[at + i];
        }
        n = left;
    }
    return 0;
}
