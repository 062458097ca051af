/* SPDX-License-Identifier: Apache-2.0
 * The entries behind Cloud Logging; see log_store.h.
 *
 * A query looks at each log once: what of it can match is a range of its entries, found by
 * bisection. The ranges are merged; an entry's JSON is only needed where the filter asks for more
 * than what the log and the timestamp say. */
#include "test/sim/gcp/log_store.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { LOG_BYTES = 2048 /* of a log without entries, about */, ANSWER_BYTES_MAX = 8 * 1024 * 1024 };

struct entry_log {
    UT_hash_handle hh;
    char *key, *name;
    json_t *alike; /* members that all its entries have alike */
    struct logging_source source;
    struct log_entry **entries; /* by (time_ns, id) */
    size_t count, cap, bytes;
    int64_t newest_ns;
};

struct log_store {
    const char *project, *region;
    struct entry_log *logs; /* by key */
    size_t count, bytes, bytes_max;
};

struct log_store *log_store_new(const char *project, const char *region, size_t bytes_max)
{
    struct log_store *s = NEW(struct log_store);
    *s = (struct log_store){.project = project, .region = region, .bytes_max = bytes_max};
    return s;
}

static void drop_entries(struct log_store *s, struct entry_log *log, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = log_entry_bytes(log->entries[i]);
        log->bytes -= bytes;
        s->bytes -= bytes;
        free(log->entries[i]);
    }
    memmove(log->entries, log->entries + count, (log->count - count) * sizeof(void *));
    log->count -= count;
    s->count -= count;
}

static void drop_log(struct log_store *s, struct entry_log *log)
{
    drop_entries(s, log, log->count);
    s->bytes -= LOG_BYTES;
    HASH_DEL(s->logs, log);
    json_decref(log->alike);
    free(log->entries);
    free(log->key);
    free(log->name);
    free(log);
}

void log_store_free(struct log_store *s)
{
    while (s->logs)
        drop_log(s, s->logs);
    free(s);
}

size_t log_store_count(const struct log_store *s)
{
    return s->count;
}

/* ---- writing ---- */

/* Members that all entries of the source have alike. */
static json_t *alike_json(const struct log_store *s, const struct log_source *source,
                          const char *name)
{
    if (source->service)
        return json_pack("{s:s, s:{s:s, s:{s:s, s:s, s:s, s:s, s:s}}, s:{s:s}}", "logName", name,
                         "resource", "type", "cloud_run_revision", "labels", "project_id",
                         s->project, "service_name", source->service, "revision_name",
                         source->revision, "configuration_name", source->service, "location",
                         s->region, "labels", "instanceId", source->instance);
    return json_pack("{s:s, s:{s:s, s:{s:s, s:s, s:s}}, s:{s:s, s:s, s:s}}", "logName", name,
                     "resource", "type", "cloud_run_job", "labels", "project_id", s->project,
                     "job_name", source->job, "location", s->region, "labels",
                     "run.googleapis.com/execution_name", source->execution,
                     "run.googleapis.com/task_index", "0", "run.googleapis.com/task_attempt", "0");
}

/* The texts are those of `alike`, which lives as long as the log. */
static struct logging_source source_of(const json_t *alike)
{
    const json_t *resource = json_object_get(alike, "resource"),
                 *of = json_object_get(resource, "labels"),
                 *labels = json_object_get(alike, "labels");
#define TEXT(object, name) json_string_value(json_object_get(object, name))
    return (struct logging_source){
        {[LOGGING_LOG_NAME] = TEXT(alike, "logName"),
         [LOGGING_TYPE] = TEXT(resource, "type"),
         [LOGGING_PROJECT] = TEXT(of, "project_id"),
         [LOGGING_LOCATION] = TEXT(of, "location"),
         [LOGGING_JOB] = TEXT(of, "job_name"),
         [LOGGING_EXECUTION] = TEXT(labels, "run.googleapis.com/execution_name"),
         [LOGGING_SERVICE] = TEXT(of, "service_name"),
         [LOGGING_REVISION] = TEXT(of, "revision_name"),
         [LOGGING_INSTANCE] = TEXT(labels, "instanceId")}};
#undef TEXT
}

static struct entry_log *find_or_make(struct log_store *s, const struct log_source *source)
{
    struct entry_log *log;
    AUTO_FREE char *key = xasprintf("%s/%s/%c", source->service ? source->service : source->job,
                                    source->service ? source->instance : source->execution,
                                    source->is_stderr ? 'e' : 'o');
    HASH_FIND_STR(s->logs, key, log);
    if (log)
        return log;
    log = NEW(struct entry_log);
    log->key = STEAL(key);
    log->name = xasprintf("projects/%s/logs/run.googleapis.com%%2F%s", s->project,
                          source->is_stderr ? "stderr" : "stdout");
    log->alike = alike_json(s, source, log->name);
    log->source = source_of(log->alike);
    HASH_ADD_KEYPTR(hh, s->logs, log->key, strlen(log->key), log);
    s->bytes += LOG_BYTES;
    return log;
}

static struct entry_log *written_longest_ago(const struct log_store *s)
{
    struct entry_log *oldest = s->logs;
    for (struct entry_log *log = s->logs; log; log = log->hh.next)
        if (log->newest_ns < oldest->newest_ns)
            oldest = log;
    return oldest;
}

static struct entry_log *largest(const struct log_store *s)
{
    struct entry_log *largest = s->logs;
    for (struct entry_log *log = s->logs; log; log = log->hh.next)
        if (log->bytes > largest->bytes)
            largest = log;
    return largest;
}

/* A log that fills more than half of the store loses its own older half: another one that is still
 * written to, but seldom, stays. */
static void keep_bounds(struct log_store *s)
{
    while (s->bytes > s->bytes_max && s->count > 1) {
        struct entry_log *log = largest(s);
        bool half = log->bytes > s->bytes / 2 && log->count > 1;
        if (!half)
            log = written_longest_ago(s);
        size_t gone = half ? log->count / 2 : log->count;
        log_warn("too many log entries: the oldest are forgotten", LOG_STR("log", log->key),
                 LOG_INT("entries", gone), LOG_INT("limit_bytes", s->bytes_max));
        if (half)
            drop_entries(s, log, gone);
        else
            drop_log(s, log);
    }
}

static bool is_before(const struct log_entry *a, const struct log_entry *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : log_entry_compare(a, b) < 0;
}

void log_store_add(struct log_store *s, const struct log_source *source, struct log_entry *entry)
{
    struct entry_log *log = find_or_make(s, source);
    if (log->count == log->cap) {
        log->cap = log->cap ? log->cap * 2 : 16;
        log->entries = xrealloc(log->entries, log->cap * sizeof(void *));
    }
    size_t at = log->count, bytes = log_entry_bytes(entry);
    while (at > 0 && is_before(entry, log->entries[at - 1]))
        at--;
    memmove(log->entries + at + 1, log->entries + at, (log->count - at) * sizeof(void *));
    log->entries[at] = entry;
    log->count++;
    s->count++;
    log->bytes += bytes;
    s->bytes += bytes;
    if (entry->time_ns > log->newest_ns)
        log->newest_ns = entry->time_ns;
    keep_bounds(s);
}

/* ---- reading ---- */

/* What is left of a log: the entries [low, high). */
struct range {
    const struct entry_log *log;
    size_t low, high;
    bool exact;
};

struct found {
    const struct range *range;
    const struct log_entry *entry;
};

struct search {
    const struct log_store_query *query;
    struct range *ranges;
    size_t range_count;
    struct found *group; /* entries of one timestamp */
    size_t group_count, group_cap;
    struct log_store_page *page;
    size_t page_cap, bytes;
};

/* The first entry at or after a time. */
static size_t lower_bound(const struct entry_log *log, int64_t time_ns)
{
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->entries[middle]->time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool range_of(const struct log_store_query *q, const struct entry_log *log,
                     struct range *out)
{
    struct logging_span span = logging_filter_span(q->filter, &log->source);
    if (q->after && q->descending && q->after_ns < span.to_ns)
        span.to_ns = q->after_ns;
    if (q->after && !q->descending && q->after_ns > span.from_ns)
        span.from_ns = q->after_ns;
    if (span.from_ns > span.to_ns)
        return false;
    *out = (struct range){.log = log,
                          .low = lower_bound(log, span.from_ns),
                          .high = span.to_ns == INT64_MAX ? log->count
                                                          : lower_bound(log, span.to_ns + 1),
                          .exact = span.exact};
    return out->low < out->high;
}

static const struct log_entry *range_next(const struct search *s, const struct range *r)
{
    if (r->low == r->high)
        return NULL;
    return r->log->entries[s->query->descending ? r->high - 1 : r->low];
}

static int by_id(const void *a, const void *b)
{
    return log_entry_compare(((const struct found *)a)->entry, ((const struct found *)b)->entry);
}

static int by_id_falling(const void *a, const void *b)
{
    return by_id(b, a);
}

static void group_take(struct search *s, struct range *r, int64_t time_ns)
{
    const struct log_entry *e;
    while ((e = range_next(s, r)) && e->time_ns == time_ns) {
        if (s->group_count == s->group_cap) {
            s->group_cap = s->group_cap ? s->group_cap * 2 : 16;
            s->group = xrealloc(s->group, s->group_cap * sizeof *s->group);
        }
        s->group[s->group_count++] = (struct found){r, e};
        if (s->query->descending)
            r->high--;
        else
            r->low++;
    }
}

/* The next timestamp's entries of all logs; false: there are none. */
static bool next_group(struct search *s)
{
    bool descending = s->query->descending;
    const struct log_entry *first = NULL, *e;
    for (size_t i = 0; i < s->range_count; i++)
        if ((e = range_next(s, &s->ranges[i])) &&
            (!first || (descending ? e->time_ns > first->time_ns : e->time_ns < first->time_ns)))
            first = e;
    s->group_count = 0;
    for (size_t i = 0; first && i < s->range_count; i++)
        group_take(s, &s->ranges[i], first->time_ns);
    if (s->group_count > 1)
        qsort(s->group, s->group_count, sizeof *s->group,
              s->query->ids_ascend ? by_id : by_id_falling);
    return first;
}

/* Was on the page before. */
static bool is_behind(const struct log_store_query *q, const struct log_entry *e)
{
    if (!q->after || e->time_ns != q->after_ns)
        return false;
    int order = strcmp(e->id, q->after_id);
    return q->ids_ascend ? order <= 0 : order >= 0;
}

static bool matches(const struct search *s, const struct found *f)
{
    if (f->range->exact)
        return true;
    json_t *json = log_entry_json(f->range->log->alike, f->entry);
    bool fits = logging_filter_matches(s->query->filter, json);
    json_decref(json);
    return fits;
}

static void page_add(struct search *s, const struct found *f)
{
    struct log_store_page *page = s->page;
    if (page->count == s->page_cap) {
        s->page_cap = s->page_cap ? s->page_cap * 2 : 64;
        page->items = xrealloc(page->items, s->page_cap * sizeof *page->items);
    }
    page->items[page->count].alike = json_incref(f->range->log->alike);
    page->items[page->count++].entry = log_entry_new(f->entry, f->entry->text, f->entry->len);
    s->bytes += f->entry->len;
}

static bool is_same(const struct log_entry *a, const struct log_entry *b)
{
    return a->time_ns == b->time_ns && log_entry_compare(a, b) == 0;
}

/* False: the page is full, and there is more. A duplicate shares (time, insertId) with its
 * original: a page never ends between the two. */
static bool take(struct search *s, const struct found *f)
{
    struct log_store_page *page = s->page;
    bool full = page->count >= s->query->page_size || s->bytes > ANSWER_BYTES_MAX;
    const struct log_entry *last = page->count ? page->items[page->count - 1].entry : NULL;
    bool twin = last && is_same(last, f->entry);
    if (f->entry->visible_ms > s->query->now_ms || is_behind(s->query, f->entry) ||
        (full && twin) || !matches(s, f))
        return true;
    page->more = full;
    if (!full)
        page_add(s, f);
    return !full;
}

void log_store_find(struct log_store *store, const struct log_store_query *query,
                    struct log_store_page *page)
{
    struct search s = {.query = query, .page = page};
    int64_t since_ns = logging_filter_since(query->filter);
    s.ranges = xcalloc(HASH_COUNT(store->logs) + 1, sizeof *s.ranges);
    for (const struct entry_log *log = store->logs; log; log = log->hh.next)
        if (log->newest_ns >= since_ns && range_of(query, log, &s.ranges[s.range_count]))
            s.range_count++;
    while (!page->more && next_group(&s))
        for (size_t i = 0; i < s.group_count && take(&s, &s.group[i]);)
            i++;
    free(s.group);
    free(s.ranges);
}

void log_store_page_fini(struct log_store_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        json_decref(page->items[i].alike);
        free(page->items[i].entry);
    }
    free(page->items);
    *page = (struct log_store_page){0};
}
