/* SPDX-License-Identifier: Apache-2.0
 * Reading logs; see cloudrun_logs.h.
 *
 * Forward queries share calls: the parts of the logs they read are ORed in one filter, as many as
 * fit. Queries of the same log have one part, from the earliest of their cursors on; an entry goes
 * to each of them whose own cursor it is behind. A page that ends before everything was read leaves
 * every query with a good cursor, since entries come in the order of time. */
#include "cloudrun_logs.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloudrun_slot.h"
#include "json/json_doc.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_SIZE = 1000,  /* the API's largest */
    CALLS_MAX = 8,     /* an empty page with a token is not the end; but not for ever */
    READ_MAX = 100000, /* entries that are read on for one page … */
    READ_BYTES_MAX = 16 * 1024 * 1024,
    PASSES = 3,               /* of one round of queries, see crowded_out() */
    CROWDING = PAGE_SIZE / 4, /* so many entries of one log leave others too little of a page */
    FILTER_RESERVE = 64,
};

struct batch {
    const struct cloudrun_log_source *source;
    struct cloudrun_slot *slots; /* those of one log are neighbours */
    size_t count;
    size_t logs; /* different ones */
    bool backward;
    struct log_extent extent;
    size_t taken, bytes;
};

/* ---- entries ---- */

static int compare_text(struct cloudrun_part a, struct cloudrun_part b)
{
    int order = memcmp(a.text, b.text, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_logs(const struct cloudrun_name *a, const struct cloudrun_name *b)
{
    int order = compare_text(a->execution, b->execution);
    return order ? order : compare_text(a->job, b->job);
}

static int by_log(const void *a, const void *b)
{
    const struct cloudrun_slot *x = a, *y = b;
    if (x->query->backward != y->query->backward)
        return x->query->backward ? 1 : -1;
    return compare_logs(&x->part.name, &y->part.name);
}

/* The first slot of the log that an entry belongs to, or b->count. */
static size_t find_slots(const struct batch *b, const struct cloudrun_name *name)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_logs(&b->slots[middle].part.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take_entry(struct batch *b, const json_t *json)
{
    struct cloudrun_entry entry;
    if (!cloudrun_entry_read(json, &entry))
        return;
    b->extent.reached_ns = entry.mark.ns;
    const struct cloudrun_name name = {.job = {entry.job, strlen(entry.job)},
                                       .execution = {entry.execution, strlen(entry.execution)}};
    for (size_t i = find_slots(b, &name);
         i < b->count && compare_logs(&b->slots[i].part.name, &name) == 0; i++) {
        int64_t bytes = cloudrun_slot_take(&b->slots[i], json, &entry);
        if (bytes < 0)
            continue;
        b->taken++;
        b->bytes += (size_t)bytes;
    }
}

/* ---- calls ---- */

static int co_fetch(const struct batch *b, const char *filter, const char *token, int *size,
                    json_t **reply, struct error *err)
{
    for (;;) {
        const struct cloudrun_log_request request = {
            .filter = filter,
            .newest_first = b->backward,
            .page_size = *size,
            .page_token = token,
        };
        if (b->source->co_fetch(b->source->arg, &request, reply, err) == 0)
            return 0;
        if (err->code != ERROR_TOO_LARGE || *size == 1)
            return -1;
        *size = *size > 8 ? *size / 8 : 1; /* an entry may have 256 KiB */
    }
}

/* Backward, what was delivered at the edge comes again, and is passed over. Forward queries share
 * calls: their wishes are about one log each. */
static int page_size(const struct batch *b)
{
    const struct cloudrun_slot *s = &b->slots[0];
    size_t again = s->cursor.count + (s->cursor.sequence.begin > 0);
    size_t wanted = (size_t)s->query->limit + again;
    return s->query->limit <= 0 || !b->backward || wanted > PAGE_SIZE ? PAGE_SIZE : (int)wanted;
}

static bool reads_on(struct batch *b)
{
    bool wanted = false;
    for (size_t i = 0; i < b->count && !wanted; i++)
        wanted = cloudrun_slot_reads_on(&b->slots[i], &b->extent);
    b->extent.exhausted = wanted && (b->taken > READ_MAX || b->bytes > READ_BYTES_MAX);
    return wanted && !b->extent.exhausted;
}

static int co_read(struct batch *b, const char *filter, struct error *err)
{
    AUTO_FREE char *token = NULL;
    int size = page_size(b);
    for (int empty = 0; empty < CALLS_MAX;) {
        size_t before = b->taken;
        json_t *reply AUTO(json) = NULL;
        if (co_fetch(b, filter, token, &size, &reply, err))
            return -1;
        const json_t *entries = json_object_get(reply, "entries");
        for (size_t i = 0; i < json_array_size(entries); i++)
            take_entry(b, json_array_get(entries, i));
        const char *next = json_doc_string(reply, "nextPageToken");
        b->extent.more = !str_empty(next);
        if (!b->extent.more || (b->taken && !reads_on(b)))
            return 0;
        empty += b->taken == before;
        free(token);
        token = xstrdup(next);
    }
    return 0;
}

/* ---- answers ---- */

/* How many slots from number i on are of one log. */
static size_t count_neighbours(const struct cloudrun_slot *slots, size_t i, size_t count)
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
    size_t again = 0, most = CROWDING - 1;
    struct cloudrun_name crowding = {0};
    for (size_t i = 0, n; i < b->count; i += n) {
        size_t taken = b->slots[i].count;
        n = count_neighbours(b->slots, i, b->count);
        for (size_t k = i; k < i + n; k++)
            taken = b->slots[k].count > taken ? b->slots[k].count : taken;
        if (taken > most) {
            most = taken;
            crowding = b->slots[i].part.name;
        }
    }
    bool split = b->extent.more && !b->backward && !last_pass && most >= CROWDING;
    for (size_t i = 0; i < b->count; i++) {
        if (split && compare_logs(&b->slots[i].part.name, &crowding) != 0) {
            cloudrun_slot_reset(&b->slots[i]);
            struct cloudrun_slot swap = b->slots[again];
            b->slots[again++] = b->slots[i];
            b->slots[i] = swap;
        } else {
            cloudrun_slot_finish(&b->slots[i], &b->extent, b->extent.more && !b->taken);
        }
    }
    return again;
}

/* The part of a log that the first of these slots and its neighbours want; *used says how many. */
static struct cloudrun_log_part common_part(const struct cloudrun_slot *slots, size_t count,
                                            size_t *used)
{
    struct cloudrun_log_part all = slots[0].part;
    *used = slots[0].query->backward ? 1 : count_neighbours(slots, 0, count);
    for (size_t n = 1; n < *used; n++) {
        const struct cloudrun_log_part *part = &slots[n].part;
        if (part->from_ns < all.from_ns)
            all.from_ns = part->from_ns;
        if (all.to_ns && (!part->to_ns || part->to_ns > all.to_ns))
            all.to_ns = part->to_ns;
    }
    return all;
}

/* As many of the slots as one filter takes: *used says how many; *again of them, the first ones,
 * are not answered yet. */
static int co_batch(const struct cloudrun_log_source *source, struct cloudrun_slot *slots,
                    size_t count, bool last_pass, size_t *used, size_t *again, struct error *err)
{
    AUTO(buf) struct buf filter = BUF_INIT;
    struct batch b = {.source = source, .slots = slots, .backward = slots[0].query->backward};
    b.extent.now_ns = time_now_ns();
    b.extent.now_ms = time_mono_ms();
    cloudrun_filter_open(&filter, source->config);
    while (b.count < count && slots[b.count].query->backward == b.backward) {
        AUTO(buf) struct buf text = BUF_INIT;
        size_t same;
        struct cloudrun_log_part part = common_part(slots + b.count, count - b.count, &same);
        cloudrun_filter_add(&text, &part, b.count == 0);
        bool fits = filter.len + text.len + FILTER_RESERVE <= CLOUDRUN_FILTER_MAX;
        if (b.count && (b.backward || !fits))
            break;
        buf_append(&filter, text.data, text.len);
        b.count += same;
        b.logs++;
    }
    cloudrun_filter_close(&filter);
    for (size_t i = 0; i < b.count; i++)
        slots[i].logs = b.logs > slots[i].logs ? b.logs : slots[i].logs;
    *used = b.count;
    if (co_read(&b, filter.data, err))
        return -1;
    *again = crowded_out(&b, last_pass);
    return 0;
}

int co_cloudrun_log_pages(const struct cloudrun_log_source *source, const struct log_query *queries,
                          size_t count, struct log_page *pages, struct error *err)
{
    AUTO_FREE struct cloudrun_slot *slots = xcalloc(count + 1, sizeof *slots);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (cloudrun_slot_init(&slots[n], &queries[i], &pages[i], err))
            return -1;
        n += !cloudrun_slot_idle(&slots[n]);
    }
    for (int pass = 1; pass <= PASSES && n; pass++) {
        size_t left = 0;
        qsort(slots, n, sizeof *slots, by_log);
        for (size_t at = 0, used = 0, again; at < n; at += used) {
            if (co_batch(source, slots + at, n - at, pass == PASSES, &used, &again, err))
                return -1;
            for (size_t i = 0; i < again; i++)
                slots[left++] = slots[at + i];
        }
        n = left;
    }
    return 0;
}

/* ---- Cloud Logging ---- */

int co_cloudrun_log_fetch_google(void *arg, const struct cloudrun_log_request *request,
                                 json_t **reply, struct error *err)
{
    struct cloudrun_api *api = arg;
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO_FREE char *project = xasprintf("projects/%s", api->config->project);
    char *const names[] = {project};
    struct json_writer w;
    struct cloud_error why;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_key(&w, "resourceNames");
    json_string_array(&w, names, 1);
    json_member_string(&w, "filter", request->filter);
    json_member_string(&w, "orderBy", request->newest_first ? "timestamp desc" : "timestamp asc");
    json_member_int(&w, "pageSize", request->page_size);
    if (request->page_token)
        json_member_string(&w, "pageToken", request->page_token);
    json_object_close(&w);
    const struct gcp_call call = {
        .service = "logging",
        .what = "list entries",
        .method = "POST",
        .path = "v2/entries:list",
        .body = &body,
        .bucket = &api->log_reads,
        .repeatable = true,
    };
    return co_gcp_call(api->client, &call, reply, &why, err);
}
