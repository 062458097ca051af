/* SPDX-License-Identifier: Apache-2.0
 * Paging through a task's log; see ecs_logs.h.
 *
 * Our token is "MS COUNT TOKEN": CloudWatch's own, and where it stands: the time of the last event
 * delivered and how many of that very millisecond were. CloudWatch's tokens live for 24 hours; when
 * a quiet log's token has expired, reading goes on by time and skips those. */
#include "ecs_logs.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_record.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ecs_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALLS_MAX = 8,      /* an empty page is not the end: ask again, but not for ever */
    LIMIT_MOST = 10000, /* GetLogEvents' own */
};
static const int64_t ns_per_ms = 1000000;

struct position {
    int64_t ms;        /* -1: nothing delivered yet */
    int64_t count;     /* events delivered at ms */
    const char *token; /* NULL: none */
};

bool ecs_log_ref(const char *group, const char *task_id, char *out, size_t size)
{
    int n = snprintf(out, size, "%s\n%s/%s/%s", group, ECS_LOG_STREAM_PREFIX, ECS_MAIN_CONTAINER,
                     task_id);
    return n > 0 && (size_t)n < size;
}

/* Split a log_ref in place. */
static bool split_ref(char *ref, struct ecs_log_request *request)
{
    char *newline = strchr(ref, '\n');
    if (!newline || newline == ref || !newline[1])
        return false;
    *newline = '\0';
    request->group = ref;
    request->stream = newline + 1;
    return true;
}

static bool parse_token(const char *text, struct position *out)
{
    char *end;
    *out = (struct position){.ms = -1};
    if (!text)
        return true;
    out->ms = strtoll(text, &end, 10);
    if (end == text || *end != ' ')
        return false;
    const char *count = end + 1;
    out->count = strtoll(count, &end, 10);
    if (end == count || *end != ' ' || !end[1] || out->count < 0)
        return false;
    out->token = end + 1;
    return true;
}

static const char *format_token(struct arena *arena, const struct position *p)
{
    return arena_printf(arena, "%lld %lld %s", (long long)p->ms, (long long)p->count, p->token);
}

static int64_t event_ms(const json_t *event)
{
    return json_integer_value(json_object_get(event, "timestamp"));
}

/* Copy the events from number `skip` on into the page. */
static void take_events(const json_t *list, size_t skip, struct log_page *page)
{
    size_t count = json_array_size(list);
    if (skip >= count)
        return;
    page->events = arena_calloc(&page->arena, count - skip, sizeof *page->events);
    for (size_t i = skip; i < count; i++) {
        const json_t *event = json_array_get(list, i);
        const json_t *message = json_object_get(event, "message");
        const char *text = json_is_string(message) ? json_string_value(message) : "";
        size_t len = json_is_string(message) ? json_string_length(message) : 0;
        while (len && text[len - 1] == '\n')
            len--;
        struct log_event *e = &page->events[page->count++];
        e->timestamp_ns = time_ns_of_ms(event_ms(event));
        char *record = arena_strndup(&page->arena, text, len);
        e->text = record;
        e->len = log_record_decode(record, len);
    }
}

/* Where we stand after these events, reading forward. */
static void advance(struct position *p, const json_t *list)
{
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        int64_t ms = event_ms(json_array_get(list, i));
        if (ms == p->ms) {
            p->count++;
        } else {
            p->ms = ms;
            p->count = 1;
        }
    }
}

/* How many of a page's first events were delivered before, when reading went on by time. */
static size_t count_delivered(const json_t *list, struct position *resume)
{
    size_t skip = 0, count = json_array_size(list);
    while (skip < count && resume->count > 0 &&
           event_ms(json_array_get(list, skip)) == resume->ms) {
        skip++;
        resume->count--;
    }
    return skip;
}

/* The expired token's successor: by time, from the last event delivered on. */
static int resume_by_time(struct ecs_log_request *request, struct position *at,
                          struct position *resume, struct error *err)
{
    if (!request->from_head || !request->token)
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: GetLogEvents refuses its token");
    log_debug("a log token has expired, reading on by time", LOG_STR("stream", request->stream));
    *resume = *at;
    request->token = NULL;
    if (at->ms >= 0)
        request->start_ms = at->ms;
    at->token = NULL;
    at->count = 0; /* counted anew while skipping */
    return 0;
}

static const char *next_token(const json_t *reply, bool forward)
{
    return json_string_value(
        json_object_get(reply, forward ? "nextForwardToken" : "nextBackwardToken"));
}

/* Take one answer in. Returns true when the page is complete. */
static bool take_reply(const json_t *reply, const struct log_query *query,
                       struct ecs_log_request *request, struct position *at,
                       struct position *resume, struct log_page *page)
{
    const json_t *list = json_object_get(reply, "events");
    const char *token = next_token(reply, !query->backward);
    const char *forward = next_token(reply, true);
    bool first = !request->token;
    if (query->backward && first && !query->token && !page->forward_token && forward) {
        struct position follow = {.ms = query->since_ns / ns_per_ms, .token = forward};
        advance(&follow, list);
        page->forward_token = format_token(&page->arena, &follow);
    }
    /* The end is where the token does not move any more. */
    bool moved = token && (!request->token || strcmp(token, request->token) != 0);
    take_events(list, count_delivered(list, resume), page);
    if (!query->backward)
        advance(at, list);
    if (token)
        at->token = arena_strdup(&page->arena, token);
    request->token = at->token;
    page->at_end = !moved;
    return page->count > 0 || !moved;
}

int co_ecs_log_page(co_ecs_log_fetch co_fetch, void *arg, const struct log_query *query,
                    struct log_page *page, struct error *err)
{
    struct ecs_log_request request = {.from_head = !query->backward, .start_ms = -1, .end_ms = -1};
    struct position at, resume = {.ms = -1};
    page->events = NULL;
    page->count = 0;
    page->next_token = page->forward_token = NULL;
    page->at_end = true;
    char *ref = arena_strdup(&page->arena, query->workload->log_ref);
    if (!*ref)
        return 0; /* never ran */
    if (!split_ref(ref, &request) || !parse_token(query->token, &at))
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: bad log reference or token");
    request.token = at.token;
    if (query->since_ns > 0)
        request.start_ms = query->since_ns / ns_per_ms;
    if (query->until_ns > 0)
        request.end_ms = query->until_ns / ns_per_ms + 1;
    if (query->limit > 0)
        request.limit = query->limit < LIMIT_MOST ? query->limit : LIMIT_MOST;
    if (at.ms < 0 && query->since_ns > 0)
        at.ms = query->since_ns / ns_per_ms;
    for (int calls = 0; calls < CALLS_MAX; calls++) {
        json_t *reply = NULL;
        enum ecs_log_result result = ECS_LOG_PAGE;
        if (co_fetch(arg, &request, &reply, &result, err))
            return -1;
        if (result == ECS_LOG_NO_STREAM)
            return 0;
        if (result == ECS_LOG_BAD_TOKEN) {
            if (resume_by_time(&request, &at, &resume, err))
                return -1;
            continue;
        }
        bool complete = take_reply(reply, query, &request, &at, &resume, page);
        json_decref(reply);
        if (complete)
            break;
    }
    if (at.token)
        page->next_token = format_token(&page->arena, &at);
    return 0;
}

static void fetch_body(const struct ecs_log_request *request, struct buf *body)
{
    struct json_writer w;
    json_writer_init(&w, body);
    json_object_open(&w);
    json_member_string(&w, "logGroupName", request->group);
    json_member_string(&w, "logStreamName", request->stream);
    json_member_bool(&w, "startFromHead", request->from_head);
    if (request->start_ms >= 0)
        json_member_int(&w, "startTime", request->start_ms);
    if (request->end_ms >= 0)
        json_member_int(&w, "endTime", request->end_ms);
    if (request->limit)
        json_member_int(&w, "limit", request->limit);
    if (request->token)
        json_member_string(&w, "nextToken", request->token);
    json_object_close(&w);
}

int co_ecs_log_fetch_aws(void *arg, const struct ecs_log_request *request, json_t **reply,
                         enum ecs_log_result *result, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct cloud_error why;
    fetch_body(request, &body);
    const struct aws_call call = {.api = AWS_API_GetLogEvents, .body = &body};
    *result = ECS_LOG_PAGE;
    if (co_aws_call(arg, &call, reply, &why, err) == 0)
        return 0;
    if (cloud_error_is(&why, "ResourceNotFoundException"))
        *result = ECS_LOG_NO_STREAM;
    else if (request->token && cloud_error_is(&why, "InvalidParameterException"))
        *result = ECS_LOG_BAD_TOKEN;
    else
        return -1;
    return 0;
}
