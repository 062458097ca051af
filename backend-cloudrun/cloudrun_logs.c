/* SPDX-License-Identifier: Apache-2.0
 * Reading logs; see cloudrun_logs.h.
 *
 * Forward queries share calls: their parts are ORed in one filter, as many as fit, and what comes
 * is handed out by the entries' job and execution. A page that ends before everything was read
 * leaves every part with a good cursor, since entries come in the order of time. */
#include "cloudrun_logs.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "cloudrun_cursor.h"
#include "cloudrun_entry.h"
#include "cloudrun_filter.h"
#include "json/json_doc.h"

#include <string.h>

enum {
    PAGE_SIZE = 1000, /* the API's largest */
    CALLS_MAX = 8,    /* an empty page with a token is not the end; but not for ever */
    CROWD = 512, /* delivered entries of one time that a cursor should not be filled with … */
    CROWD_MAX = 100000, /* … and how many are read on with for that */
    CROWD_BYTES_MAX = 16 * 1024 * 1024,
    TWINS_MAX = 64,
    FILTER_RESERVE = 64,
};

/* One query while it is answered. */
struct slot {
    const struct log_query *query;
    struct log_page *page;
    struct cloudrun_log_part part;
    struct cloudrun_cursor cursor;
    struct cloudrun_mark *marks; /* of what was delivered; arena */
    size_t room;
};

struct batch {
    const struct cloudrun_log_source *source;
    struct slot *slots;
    size_t count;
    bool backward;
    bool more;
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

static bool is_part(const struct cloudrun_part *part, const char *text)
{
    return strlen(text) == part->len && memcmp(part->text, text, part->len) == 0;
}

static struct slot *find_slot(struct batch *b, const struct cloudrun_entry *entry)
{
    for (size_t i = 0; i < b->count; i++)
        if (is_part(&b->slots[i].part.name.execution, entry->execution) &&
            is_part(&b->slots[i].part.name.job, entry->job))
            return &b->slots[i];
    return NULL;
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
    if (s->page->count) {
        memcpy(events, s->page->events, s->page->count * sizeof *events);
        memcpy(marks, s->marks, s->page->count * sizeof *marks);
    }
    s->page->events = events;
    s->marks = marks;
    s->room = room;
}

static void take_entry(struct batch *b, const json_t *json)
{
    struct cloudrun_entry entry;
    if (!cloudrun_entry_read(json, &entry))
        return;
    struct slot *s = find_slot(b, &entry);
    if (!s || entry.mark.ns < s->part.from_ns || cloudrun_cursor_has(&s->cursor, &entry.mark) ||
        was_delivered(s, &entry.mark))
        return;
    if (s->page->count == s->room)
        slot_grow(s);
    s->marks[s->page->count] = entry.mark;
    cloudrun_entry_event(json, &entry.mark, &s->page->arena, &s->page->events[s->page->count++]);
    b->delivered++;
    b->bytes += s->page->events[s->page->count - 1].len;
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

/* A page that ends within many entries of one time: a cursor could not tell them apart. */
static bool ends_in_crowd(const struct slot *s)
{
    size_t n = s->page->count, same = 0;
    int64_t ns = n                 ? s->marks[n - 1].ns
                 : s->cursor.count ? s->cursor.seen[s->cursor.count - 1].ns
                                   : 0;
    while (same < n && s->marks[n - 1 - same].ns == ns)
        same++;
    for (size_t i = 0; i < s->cursor.count; i++)
        same += s->cursor.seen[i].ns == ns;
    return same > CROWD;
}

static bool reads_on(const struct batch *b)
{
    if (b->delivered > CROWD_MAX || b->bytes > CROWD_BYTES_MAX)
        return false;
    for (size_t i = 0; i < b->count; i++)
        if (ends_in_crowd(&b->slots[i]))
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

static void reverse_page(struct slot *s)
{
    for (size_t i = 0, j = s->page->count; i + 1 < j; i++) {
        struct log_event event = s->page->events[i];
        struct cloudrun_mark mark = s->marks[i];
        j--;
        s->page->events[i] = s->page->events[j];
        s->marks[i] = s->marks[j];
        s->page->events[j] = event;
        s->marks[j] = mark;
    }
}

static void finish_backward(const struct batch *b, struct slot *s)
{
    struct arena *arena = &s->page->arena;
    size_t count = s->page->count;
    reverse_page(s);
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
        if (b->more && !b->delivered)
            cloudrun_cursor_narrow(&s->cursor);
        cloudrun_cursor_forward(&s->cursor, s->marks, s->page->count, b->count, &s->page->arena);
        s->page->next_token = cloudrun_cursor_format(&s->cursor, false, &s->page->arena);
    }
}

/* As many of the slots as one filter takes; *used says how many. */
static int co_batch(const struct cloudrun_log_source *source, struct slot *slots, size_t count,
                    size_t *used, struct error *err)
{
    AUTO(buf) struct buf filter = BUF_INIT;
    struct batch b = {.source = source, .slots = slots, .backward = slots[0].query->backward};
    cloudrun_filter_open(&filter, source->config);
    for (; b.count < count && slots[b.count].query->backward == b.backward; b.count++) {
        AUTO(buf) struct buf part = BUF_INIT;
        cloudrun_filter_add(&part, &slots[b.count].part, b.count == 0);
        bool fits = filter.len + part.len + FILTER_RESERVE <= CLOUDRUN_FILTER_MAX;
        if (b.count && (b.backward || !fits))
            break;
        buf_append(&filter, part.data, part.len);
    }
    cloudrun_filter_close(&filter);
    *used = b.count;
    if (co_read(&b, filter.data, err))
        return -1;
    batch_finish(&b);
    return 0;
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
    for (size_t at = 0, used = 0; at < n; at += used)
        if (co_batch(source, slots + at, n - at, &used, err))
            return -1;
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
