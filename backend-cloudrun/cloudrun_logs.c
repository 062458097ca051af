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
#include "cloudrun_cursor.h"
#include "cloudrun_entry.h"
#include "cloudrun_filter.h"
#include "json/json_doc.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_SIZE = 1000, /* the API's largest */
    CALLS_MAX = 8,    /* an empty page with a token is not the end; but not for ever */
    CROWD = 512, /* delivered entries of one time that a cursor should not be filled with … */
    CROWD_MAX = 100000, /* … and how many are read on with for that */
    CROWD_BYTES_MAX = 16 * 1024 * 1024,
    TWINS_MAX = 64,
    PASSES = 2, /* of one round of queries, see slots_unreached() */
    FILTER_RESERVE = 64,
};

/* One query while it is answered. */
struct slot {
    const struct log_query *query;
    struct log_page *page;
    struct cloudrun_log_part part;
    struct cloudrun_cursor cursor;
    struct cloudrun_mark *marks; /* of what was delivered; arena */
    const char **ids;            /* and the insertIds; arena */
    size_t room;
    bool unreached; /* the call ended before it came to this cursor */
};

struct batch {
    const struct cloudrun_log_source *source;
    struct slot *slots; /* those of one log are neighbours */
    size_t count;
    size_t logs; /* different ones */
    bool backward;
    bool more;
    int64_t reached_ns; /* the last entry that was read */
    size_t delivered, bytes;
};

/* ---- queries ---- */

static int slot_init(struct slot *s, const struct log_query *query, struct log_page *page,
                     struct error *err)
{
    *s = (struct slot){.query = query, .page = page};
    page->events = NULL;
    page->count = 0;
    page->next_token = page->forward_token = NULL;
    page->at_end = true;
    if (!*query->workload->log_ref)
        return 0; /* never ran */
    const char *ref = arena_strdup(&page->arena, query->workload->log_ref);
    if (!cloudrun_name_parse(ref, &s->part.name) || !s->part.name.execution.len)
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: bad log reference");
    s->part.from_ns = query->since_ns > 0 ? query->since_ns : 1; /* 0 is printed as no time */
    s->part.to_ns = query->until_ns > 0 ? query->until_ns : 0;
    s->cursor.edge_ns = query->backward ? s->part.to_ns : s->part.from_ns;
    if (query->token &&
        !cloudrun_cursor_parse(query->token, query->backward, &page->arena, &s->cursor))
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: bad log token");
    if (query->backward)
        s->part.to_ns = s->cursor.edge_ns;
    else
        s->part.from_ns = s->cursor.edge_ns;
    return 0;
}

static bool slot_idle(const struct slot *s)
{
    return !s->part.name.execution.len;
}

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
    const struct slot *x = a, *y = b;
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

/* Twice in one answer: those of one time come by insertId, so they are close together. */
static bool was_delivered(const struct slot *s, const struct cloudrun_mark *mark)
{
    size_t end = s->page->count > TWINS_MAX ? s->page->count - TWINS_MAX : 0;
    for (size_t i = s->page->count; i-- > end && s->marks[i].ns == mark->ns;)
        if (s->marks[i].id == mark->id)
            return true;
    return false;
}

static void slot_grow(struct slot *s)
{
    size_t room = s->room ? s->room * 2 : 32;
    struct log_event *events = arena_calloc(&s->page->arena, room, sizeof *events);
    struct cloudrun_mark *marks = arena_calloc(&s->page->arena, room, sizeof *marks);
    const char **ids = arena_calloc(&s->page->arena, room, sizeof *ids);
    if (s->page->count) {
        memcpy(events, s->page->events, s->page->count * sizeof *events);
        memcpy(marks, s->marks, s->page->count * sizeof *marks);
        memcpy(ids, s->ids, s->page->count * sizeof *ids);
    }
    s->page->events = events;
    s->marks = marks;
    s->ids = ids;
    s->room = room;
}

static bool is_new(const struct slot *s, const struct cloudrun_mark *mark)
{
    return mark->ns >= s->part.from_ns && (!s->part.to_ns || mark->ns <= s->part.to_ns) &&
           !cloudrun_cursor_has(&s->cursor, mark) && !was_delivered(s, mark);
}

static void deliver(struct batch *b, struct slot *s, const json_t *json,
                    const struct cloudrun_entry *entry)
{
    struct arena *arena = &s->page->arena;
    if (s->page->count == s->room)
        slot_grow(s);
    s->marks[s->page->count] = entry->mark;
    s->ids[s->page->count] = b->backward ? arena_strdup(arena, entry->insert_id) : NULL;
    cloudrun_entry_event(json, &entry->mark, arena, &s->page->events[s->page->count++]);
    b->delivered++;
    b->bytes += s->page->events[s->page->count - 1].len;
}

static void take_entry(struct batch *b, const json_t *json)
{
    struct cloudrun_entry entry;
    if (!cloudrun_entry_read(json, &entry))
        return;
    b->reached_ns = entry.mark.ns;
    const struct cloudrun_name name = {.job = {entry.job, strlen(entry.job)},
                                       .execution = {entry.execution, strlen(entry.execution)}};
    for (size_t i = find_slots(b, &name);
         i < b->count && compare_logs(&b->slots[i].part.name, &name) == 0; i++)
        if (is_new(&b->slots[i], &entry.mark))
            deliver(b, &b->slots[i], json, &entry);
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

/* What was delivered at the edge comes again, and is passed over. Forward queries share calls:
 * their wishes are about one log each. */
static int page_size(const struct batch *b)
{
    const struct slot *s = &b->slots[0];
    size_t wanted = (size_t)s->query->limit + s->cursor.count;
    return s->query->limit <= 0 || b->count > 1 || wanted > PAGE_SIZE ? PAGE_SIZE : (int)wanted;
}

/* The time up to which a forward query has read. */
static int64_t slot_newest(const struct slot *s)
{
    return s->cursor.count ? s->cursor.seen[s->cursor.count - 1].ns : s->cursor.edge_ns;
}

/* A page that ends within many entries of one time: a cursor could not tell them apart. */
static bool ends_in_crowd(const struct slot *s)
{
    size_t n = s->page->count, same = 0;
    int64_t ns = n ? s->marks[n - 1].ns : s->cursor.count ? slot_newest(s) : 0;
    while (same < n && s->marks[n - 1 - same].ns == ns)
        same++;
    for (size_t i = 0; i < s->cursor.count; i++)
        same += s->cursor.seen[i].ns == ns;
    return same > CROWD;
}

/* Backward, a page ends with a time of which all was read; see leave_cut_time(). */
static bool has_one_time(const struct slot *s)
{
    return s->page->count && s->marks[0].ns == s->marks[s->page->count - 1].ns;
}

static bool reads_on(const struct batch *b)
{
    if (b->delivered > CROWD_MAX || b->bytes > CROWD_BYTES_MAX)
        return false;
    for (size_t i = 0; i < b->count; i++)
        if (ends_in_crowd(&b->slots[i]) || (b->backward && has_one_time(&b->slots[i])))
            return true;
    return false;
}

static int co_read(struct batch *b, const char *filter, struct error *err)
{
    AUTO_FREE char *token = NULL;
    int size = page_size(b);
    for (int empty = 0; empty < CALLS_MAX;) {
        size_t before = b->delivered;
        json_t *reply AUTO(json) = NULL;
        if (co_fetch(b, filter, token, &size, &reply, err))
            return -1;
        const json_t *entries = json_object_get(reply, "entries");
        for (size_t i = 0; i < json_array_size(entries); i++)
            take_entry(b, json_array_get(entries, i));
        const char *next = json_doc_string(reply, "nextPageToken");
        b->more = !str_empty(next);
        if (!b->more || (b->delivered && !reads_on(b)))
            return 0;
        empty += b->delivered == before;
        free(token);
        token = xstrdup(next);
    }
    return 0;
}

/* ---- answers ---- */

struct delivery {
    struct log_event event;
    struct cloudrun_mark mark;
    const char *id;
    size_t number;
};

static int by_time_and_id(const void *a, const void *b)
{
    const struct delivery *x = a, *y = b;
    int order = (x->mark.ns > y->mark.ns) - (x->mark.ns < y->mark.ns);
    if (!order)
        order = strcmp(x->id, y->id);
    return order ? order : (x->number < y->number) - (x->number > y->number);
}

/* Forward, entries of one time come by insertId. Newest first they do so as well, says
 * ListLogEntriesRequest: turning the page around would exchange them. */
static void order_page(struct slot *s)
{
    size_t count = s->page->count;
    struct delivery *all = arena_calloc(&s->page->arena, count + 1, sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = (struct delivery){s->page->events[i], s->marks[i], s->ids[i], i};
    qsort(all, count, sizeof *all, by_time_and_id);
    for (size_t i = 0; i < count; i++) {
        s->page->events[i] = all[i].event;
        s->marks[i] = all[i].mark;
    }
}

/* Of the oldest time in the page there may be more, and not only such as come before: it is left to
 * the next page. */
static void leave_cut_time(const struct batch *b, struct slot *s)
{
    size_t cut = 0;
    while (cut < s->page->count && s->marks[cut].ns == s->marks[0].ns)
        cut++;
    if (!b->more || cut == s->page->count)
        return;
    s->page->events += cut;
    s->marks += cut;
    s->page->count -= cut;
}

static void finish_backward(const struct batch *b, struct slot *s)
{
    struct arena *arena = &s->page->arena;
    order_page(s);
    leave_cut_time(b, s);
    size_t count = s->page->count;
    if (!s->query->token) {
        struct cloudrun_cursor follow = {.edge_ns = s->part.from_ns};
        if (b->more && count) /* its oldest may have older namesakes */
            follow.edge_ns = s->marks[0].ns + 1;
        size_t skip = 0;
        while (skip < count && s->marks[skip].ns < follow.edge_ns)
            skip++;
        if (skip < count)
            cloudrun_cursor_forward(&follow, s->marks + skip, count - skip, 1, arena);
        s->page->forward_token = cloudrun_cursor_format(&follow, false, arena);
    }
    cloudrun_cursor_backward(&s->cursor, s->marks, count, arena);
    if (count || s->query->token)
        s->page->next_token = cloudrun_cursor_format(&s->cursor, true, arena);
}

static void batch_finish(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct slot *s = &b->slots[i];
        s->page->at_end = !b->more;
        if (b->backward) {
            finish_backward(b, s);
            continue;
        }
        s->unreached = b->more && !s->page->count && slot_newest(s) > b->reached_ns;
        if (b->more && !b->delivered && !s->unreached)
            cloudrun_cursor_narrow(&s->cursor);
        cloudrun_cursor_forward(&s->cursor, s->marks, s->page->count, b->logs, &s->page->arena);
        s->page->next_token = cloudrun_cursor_format(&s->cursor, false, &s->page->arena);
    }
}

/* The part of a log that the first of these slots and its neighbours want; *used says how many. */
static struct cloudrun_log_part common_part(const struct slot *slots, size_t count, size_t *used)
{
    struct cloudrun_log_part all = slots[0].part;
    size_t n = 1;
    for (; n < count && by_log(&slots[n], &slots[0]) == 0 && !slots[0].query->backward; n++) {
        const struct cloudrun_log_part *part = &slots[n].part;
        if (part->from_ns < all.from_ns)
            all.from_ns = part->from_ns;
        if (all.to_ns && (!part->to_ns || part->to_ns > all.to_ns))
            all.to_ns = part->to_ns;
    }
    *used = n;
    return all;
}

/* As many of the slots as one filter takes; *used says how many. */
static int co_batch(const struct cloudrun_log_source *source, struct slot *slots, size_t count,
                    size_t *used, struct error *err)
{
    AUTO(buf) struct buf filter = BUF_INIT;
    struct batch b = {.source = source, .slots = slots, .backward = slots[0].query->backward};
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
    *used = b.count;
    if (co_read(&b, filter.data, err))
        return -1;
    batch_finish(&b);
    return 0;
}

/* A query that is far behind fills its calls with what others have read long ago. Those that it
 * kept from their news are asked for again, without it: then they are at their end and are not
 * asked for with every page that the other one still has to read. */
static size_t slots_unreached(struct slot *slots, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (slots[i].unreached) {
            slots[n] = slots[i];
            slots[n].part.from_ns = slots[n].cursor.edge_ns; /* its window may be smaller now */
            n++;
        }
    return n;
}

int co_cloudrun_log_pages(const struct cloudrun_log_source *source, const struct log_query *queries,
                          size_t count, struct log_page *pages, struct error *err)
{
    AUTO_FREE struct slot *slots = xcalloc(count + 1, sizeof *slots);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (slot_init(&slots[n], &queries[i], &pages[i], err))
            return -1;
        n += !slot_idle(&slots[n]);
    }
    qsort(slots, n, sizeof *slots, by_log);
    for (int pass = 0; pass < PASSES && n; pass++) {
        for (size_t at = 0, used = 0; at < n; at += used)
            if (co_batch(source, slots + at, n - at, &used, err))
                return -1;
        n = slots_unreached(slots, n);
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
