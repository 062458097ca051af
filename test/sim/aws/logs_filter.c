/* SPDX-License-Identifier: Apache-2.0
 * FilterLogEvents: several streams merged by time. A cursor per stream reads ahead in chunks; the
 * token of a page is kept here with the position of every stream. */
#include "test/sim/aws/logs.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/cloud_logs.h"
#include "test/sim/aws/log_page.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_EVENTS = 512, CHUNK_BYTES = 256 * 1024, SAVED_MAX = 4096, STREAM_NAMES_MAX = 100 };

struct ahead {
    uint64_t number;
    int64_t timestamp_ms, ingested_ms;
    size_t offset, len; /* in cursor.text */
};

struct cursor {
    struct log_stream *stream;
    uint64_t next, end; /* event numbers still to be read from the log */
    struct ahead events[CHUNK_EVENTS];
    size_t count, at;
    struct buf text;
};

struct filter {
    struct aws *aws;
    struct event_range times;
    const char *pattern;
    struct cursor **cursors;
    size_t count;
};

/* ---- tokens ---- */

struct saved {
    char token[41];
    json_t *positions; /* stream name -> number of the next event */
};

static struct {
    pthread_mutex_t lock;
    struct saved entries[SAVED_MAX];
    unsigned next;
} saved = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void save_token(json_t *positions, char token[41])
{
    value_random_hex(token, 40);
    pthread_mutex_lock(&saved.lock);
    struct saved *entry = &saved.entries[saved.next++ % SAVED_MAX];
    json_decref(entry->positions);
    entry->positions = positions;
    memcpy(entry->token, token, 41);
    pthread_mutex_unlock(&saved.lock);
}

static json_t *load_token(const char *token)
{
    json_t *found = NULL;
    pthread_mutex_lock(&saved.lock);
    for (size_t i = 0; i < SAVED_MAX && !found; i++)
        if (saved.entries[i].positions && !strcmp(saved.entries[i].token, token))
            found = json_incref(saved.entries[i].positions);
    pthread_mutex_unlock(&saved.lock);
    return found;
}

/* ---- cursors ---- */

static bool read_ahead(void *ctx, uint64_t number, int64_t ingested_ms,
                       const struct log_event *event)
{
    struct cursor *c = ctx;
    if (c->count == CHUNK_EVENTS || (c->count && c->text.len + event->len > CHUNK_BYTES)) {
        c->next = number;
        return false;
    }
    c->events[c->count++] =
        (struct ahead){number, event->timestamp_ms, ingested_ms, c->text.len, event->len};
    buf_append(&c->text, event->message, event->len);
    return true;
}

/* The cursor's next event, read from the log when the chunk is used up; NULL at its end. */
static struct ahead *peek(const struct filter *f, struct cursor *c)
{
    if (c->at < c->count)
        return &c->events[c->at];
    if (c->next >= c->end)
        return NULL;
    struct event_range range = f->times;
    range.from = c->next;
    range.to = c->end;
    c->next = c->end;
    c->at = c->count = 0;
    buf_clear(&c->text);
    struct error ignored;
    if (event_log_scan(log_stream_events(c->stream), &range, read_ahead, c, &ignored))
        return NULL;
    return c->count ? &c->events[0] : NULL;
}

/* Quoted text or every word must occur. Real patterns are richer; this is what logs need. */
static bool pattern_matches(const char *pattern, const char *text, size_t len)
{
    while (*pattern == ' ')
        pattern++;
    while (*pattern) {
        size_t quote = *pattern == '"';
        size_t n = strcspn(pattern + quote, quote ? "\"" : " ");
        if (n && !memmem(text, len, pattern + quote, n))
            return false;
        pattern += quote + n;
        while (*pattern == '"' || *pattern == ' ')
            pattern++;
    }
    return true;
}

static struct cursor *earliest(const struct filter *f)
{
    struct cursor *best = NULL;
    const struct ahead *best_event = NULL;
    for (size_t i = 0; i < f->count; i++) {
        const struct ahead *e = peek(f, f->cursors[i]);
        if (e && (!best || e->timestamp_ms < best_event->timestamp_ms)) {
            best = f->cursors[i];
            best_event = e;
        }
    }
    return best;
}

static bool take_duplicate(struct aws *aws)
{
    long n = aws->tuning.log_duplicate;
    while (n > 0)
        if (atomic_compare_exchange_weak(&aws->tuning.log_duplicate, &n, n - 1))
            return true;
    return false;
}

/* False when the page is full; the event is then still to come. */
static bool add_event(const struct filter *f, struct cursor *c, struct log_page *page)
{
    const struct ahead *a = &c->events[c->at];
    struct log_event event = {a->timestamp_ms, c->text.data + a->offset, a->len};
    char id[64];
    snprintf(id, sizeof id, "%020lld%016llu%020llu", (long long)a->timestamp_ms,
             (unsigned long long)log_stream_serial(c->stream), (unsigned long long)a->number);
    struct log_page_origin origin = {id, log_stream_name(c->stream)};
    if (pattern_matches(f->pattern, event.message, event.len)) {
        if (!log_page_add(page, a->number, a->ingested_ms, &event, &origin))
            return false;
        if (take_duplicate(f->aws))
            (void)!log_page_add(page, a->number, a->ingested_ms, &event, &origin);
    }
    c->at++;
    return true;
}

/* ---- the call ---- */

static bool names_stream(const json_t *names, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(names, i,
                       item) if (!strcmp(str_or_empty(json_string_value(item)), name)) return true;
    return json_array_size(names) == 0;
}

static int open_cursors(struct filter *f, const char *group, const json_t *input,
                        const json_t *positions, struct error *err)
{
    const json_t *names = json_object_get(input, "logStreamNames");
    struct log_stream **streams;
    size_t count;
    if (cloud_logs_list(f->aws->logs, group, value_string(input, "logStreamNamePrefix"), &streams,
                        &count, err))
        return -1;
    f->cursors = xcalloc(count + 1, sizeof *f->cursors);
    for (size_t i = 0; i < count; i++) {
        if (!names_stream(names, log_stream_name(streams[i]))) {
            log_stream_unref(streams[i]);
            continue;
        }
        struct cursor *c = NEW(struct cursor);
        c->stream = streams[i];
        c->next = (uint64_t)value_int(positions, log_stream_name(streams[i]), 0);
        c->end = log_stream_visible(streams[i]);
        f->cursors[f->count++] = c;
    }
    free(streams);
    return 0;
}

static void close_cursors(struct filter *f)
{
    for (size_t i = 0; i < f->count; i++) {
        log_stream_unref(f->cursors[i]->stream);
        buf_free(&f->cursors[i]->text);
        free(f->cursors[i]);
    }
    free(f->cursors);
}

static json_t *positions_json(const struct filter *f)
{
    json_t *out = json_object();
    for (size_t i = 0; i < f->count; i++) {
        struct cursor *c = f->cursors[i];
        uint64_t next = c->at < c->count ? c->events[c->at].number : c->next;
        json_object_set_new(out, log_stream_name(c->stream), json_integer((json_int_t)next));
    }
    return out;
}

static void fill_page(const struct filter *f, size_t limit, struct buf *out)
{
    struct log_page page;
    struct cursor *c;
    bool full = false;
    log_page_init(&page, limit);
    while (!full && (c = earliest(f)))
        full = !add_event(f, c, &page);
    buf_puts(out, "{\"events\":");
    log_page_write(&page, false, out);
    buf_puts(out, ",\"searchedLogStreams\":[]");
    if (full) {
        char token[41];
        save_token(positions_json(f), token);
        buf_printf(out, ",\"nextToken\":\"%s\"", token);
    }
    buf_putc(out, '}');
    log_page_fini(&page);
}

static const char *check(const json_t *input)
{
    int64_t limit = value_int(input, "limit", LOG_PAGE_EVENTS_MAX);
    const json_t *names = json_object_get(input, "logStreamNames");
    if (limit < 1 || limit > LOG_PAGE_EVENTS_MAX)
        return "limit must be between 1 and 10000.";
    if (json_array_size(names) > STREAM_NAMES_MAX)
        return "logStreamNames can have at most 100 items.";
    if (names && *value_string(input, "logStreamNamePrefix"))
        return "logStreamNames and logStreamNamePrefix cannot be used together.";
    return NULL;
}

void logs_filter_log_events(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    struct filter f = {.aws = aws, .pattern = value_string(call->input, "filterPattern")};
    const char *token = value_string(call->input, "nextToken"), *message = check(call->input);
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    if (!logs_group_of(call, group, reply) || !logs_time_range(call->input, &f.times, reply))
        return;
    json_t *positions = *token ? load_token(token) : json_object();
    if (!positions)
        message = "The specified nextToken is invalid.";
    if (message) {
        aws_reply_error(reply, 400, "InvalidParameterException", "%s", message);
    } else if (open_cursors(&f, group, call->input, positions, &err)) {
        aws_reply_error(reply, 400, "ResourceNotFoundException", "%s", err.message);
    } else {
        fill_page(&f, (size_t)value_int(call->input, "limit", LOG_PAGE_EVENTS_MAX), &reply->text);
        close_cursors(&f);
    }
    json_decref(positions);
}
