/* SPDX-License-Identifier: Apache-2.0
 * CloudWatch Logs: groups, streams, PutLogEvents, and the table; see logs.h. */
#include "test/sim/aws/logs.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/cloud_logs.h"
#include "test/sim/aws/log_page.h"
#include "test/sim/aws/page_token.h"

#include <stdio.h>
#include <string.h>

enum { PUT_EVENTS_MAX = 10000, PUT_BYTES_MAX = 1048576 };
static const int64_t DAY_MS = 24 * 3600 * 1000LL, HOUR_MS = 3600 * 1000LL;

static bool stream_name_ok(const char *name, struct aws_reply *reply)
{
    if (*name && strlen(name) <= LOGS_NAME_MAX && !strpbrk(name, ":*"))
        return true;
    return logs_invalid(reply, "logStreamName must have 1 to 512 characters without ':' and '*'.");
}

static void reply_store_error(struct aws_reply *reply, const struct error *err)
{
    const char *code = err->code == ERROR_CONFLICT    ? "ResourceAlreadyExistsException"
                       : err->code == ERROR_NOT_FOUND ? "ResourceNotFoundException"
                                                      : "ServiceUnavailableException";
    aws_reply_error(reply, err->code == ERROR_SYSTEM ? 500 : 400, code, "%s", err->message);
}

static void create_group(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    if (!logs_group_of(call, group, reply))
        return;
    if (cloud_logs_create_group(aws->logs, group, &err))
        reply_store_error(reply, &err);
}

static void delete_group(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    if (logs_group_of(call, group, reply) && cloud_logs_delete(aws->logs, group, NULL, &err))
        reply_store_error(reply, &err);
}

static void create_stream(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    const char *name = value_string(call->input, "logStreamName");
    if (logs_group_of(call, group, reply) && stream_name_ok(name, reply) &&
        cloud_logs_create_stream(aws->logs, group, name, &err))
        reply_store_error(reply, &err);
}

static void delete_stream(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    const char *name = value_string(call->input, "logStreamName");
    if (logs_group_of(call, group, reply) && stream_name_ok(name, reply) &&
        cloud_logs_delete(aws->logs, group, name, &err))
        reply_store_error(reply, &err);
}

/* "Possible values" of retentionInDays in PutRetentionPolicy's reference. */
static bool retention_ok(int64_t days, struct aws_reply *reply)
{
    static const int allowed[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                  365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (allowed[i] == days)
            return true;
    return logs_invalid(reply,
                        "1 validation error detected: Value at 'retentionInDays' failed to satisfy "
                        "constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, "
                        "90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, "
                        "3288, 3653]");
}

static void put_retention(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    int64_t days = value_int(call->input, "retentionInDays", 0);
    if (logs_group_of(call, group, reply) && retention_ok(days, reply) &&
        cloud_logs_set_retention(aws->logs, group, days, &err))
        reply_store_error(reply, &err);
}

static void delete_retention(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    if (logs_group_of(call, group, reply) && cloud_logs_set_retention(aws->logs, group, 0, &err))
        reply_store_error(reply, &err);
}

/* Cuts a sorted list of objects to the page after nextToken; false with the reply set. */
static bool cut_page(const json_t *input, json_t *list, const char *key, json_t *out,
                     struct aws_reply *reply)
{
    int64_t limit = value_int(input, "limit", 50);
    const char *token = value_string(input, "nextToken");
    AUTO_FREE char *after = *token ? page_token_decode(token) : NULL;
    if (limit < 1 || limit > 50)
        return logs_invalid(reply, "limit must be between 1 and 50.");
    if (*token && !after)
        return logs_invalid(reply, "The specified nextToken is invalid.");
    while (after && json_array_size(list)) {
        bool last = !strcmp(value_string(json_array_get(list, 0), key), after);
        json_array_remove(list, 0);
        if (last)
            break;
    }
    if (json_array_size(list) <= (size_t)limit)
        return true;
    while (json_array_size(list) > (size_t)limit)
        json_array_remove(list, json_array_size(list) - 1);
    AUTO_FREE char *next =
        page_token_encode(value_string(json_array_get(list, json_array_size(list) - 1), key));
    value_set_text(out, "nextToken", next);
    return true;
}

static void describe_groups(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    json_t *list = cloud_logs_groups(aws->logs, value_string(call->input, "logGroupNamePrefix"));
    json_t *out = json_pack("{s:o}", "logGroups", list);
    if (cut_page(call->input, list, "logGroupName", out, reply))
        aws_reply_json(reply, out);
    else
        json_decref(out);
}

static int compare_last_event(const void *a, const void *b)
{
    int64_t x = value_int(*(json_t *const *)a, "lastEventTimestamp", 0);
    int64_t y = value_int(*(json_t *const *)b, "lastEventTimestamp", 0);
    return x < y ? -1 : x > y;
}

/* The group's streams in the order that was asked for. */
static json_t *ordered_streams(struct log_stream **streams, size_t count, const json_t *input)
{
    json_t **objects = xcalloc(count + 1, sizeof *objects), *list = json_array();
    for (size_t i = 0; i < count; i++) {
        objects[i] = log_stream_json(streams[i]);
        log_stream_unref(streams[i]);
    }
    if (!strcmp(value_string(input, "orderBy"), "LastEventTime"))
        qsort(objects, count, sizeof *objects, compare_last_event);
    bool descending = value_bool(input, "descending", false);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, objects[descending ? count - 1 - i : i]);
    free(objects);
    return list;
}

static void describe_streams(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char group[LOGS_NAME_MAX + 1];
    const char *prefix = value_string(call->input, "logStreamNamePrefix");
    struct log_stream **streams;
    size_t count;
    struct error err;
    if (!logs_group_of(call, group, reply))
        return;
    if (*prefix && !strcmp(value_string(call->input, "orderBy"), "LastEventTime")) {
        logs_invalid(reply, "Cannot order by LastEventTime with a logStreamNamePrefix.");
        return;
    }
    if (cloud_logs_list(aws->logs, group, prefix, &streams, &count, &err)) {
        reply_store_error(reply, &err);
        return;
    }
    json_t *list = ordered_streams(streams, count, call->input);
    json_t *out = json_pack("{s:o}", "logStreams", list);
    free(streams);
    if (cut_page(call->input, list, "logStreamName", out, reply))
        aws_reply_json(reply, out);
    else
        json_decref(out);
}

/* Which of the events are refused by age; they are dropped with HTTP 200. */
static json_t *rejected_info(const json_t *events, size_t *from, size_t *to)
{
    int64_t now = value_now_ms();
    size_t n = json_array_size(events);
    json_t *info = json_object();
    *from = 0;
    *to = n;
    while (*from < n &&
           value_int(json_array_get(events, *from), "timestamp", 0) < now - 14 * DAY_MS)
        ++*from;
    while (*to > *from &&
           value_int(json_array_get(events, *to - 1), "timestamp", 0) > now + 2 * HOUR_MS)
        --*to;
    if (*from)
        json_object_set_new(info, "tooOldLogEventEndIndex", json_integer((json_int_t)*from));
    if (*to < n)
        json_object_set_new(info, "tooNewLogEventStartIndex", json_integer((json_int_t)*to));
    return info;
}

static const char *check_events(const json_t *events)
{
    size_t i, bytes = 0, n = json_array_size(events);
    json_t *event;
    int64_t last = 0, first = value_int(json_array_get(events, 0), "timestamp", 0);
    if (n == 0 || n > PUT_EVENTS_MAX)
        return "logEvents must have between 1 and 10000 items.";
    json_array_foreach(events, i, event)
    {
        int64_t at = value_int(event, "timestamp", -1);
        size_t len = json_string_length(json_object_get(event, "message"));
        if (at < 0 || len == 0)
            return "Every log event needs a timestamp and a message of at least one character.";
        if (at < last)
            return "Log events in a single PutLogEvents request must be in chronological order.";
        last = at;
        bytes += len + LOG_EVENT_OVERHEAD;
    }
    if (bytes > PUT_BYTES_MAX)
        return "Upload too large: the batch is larger than 1048576 bytes.";
    if (last - first > DAY_MS)
        return "The batch of log events in a single PutLogEvents request cannot span more than 24 "
               "hours.";
    return NULL;
}

static void put_events(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    const json_t *events = json_object_get(call->input, "logEvents");
    const char *message = check_events(events);
    char group[LOGS_NAME_MAX + 1];
    struct error err;
    if (!logs_group_of(call, group, reply) || (message && !logs_invalid(reply, message)))
        return;
    struct log_stream *stream =
        cloud_logs_find(aws->logs, group, value_string(call->input, "logStreamName"), &err);
    if (!stream) {
        reply_store_error(reply, &err);
        return;
    }
    size_t from, to;
    json_t *rejected = rejected_info(events, &from, &to);
    struct log_event *batch = xcalloc(to - from + 1, sizeof *batch);
    for (size_t i = from; i < to; i++) {
        const json_t *e = json_array_get(events, i), *text = json_object_get(e, "message");
        batch[i - from] = (struct log_event){value_int(e, "timestamp", 0), json_string_value(text),
                                             json_string_length(text)};
    }
    log_stream_write(stream, batch, to - from);
    log_stream_idle(stream);
    log_stream_unref(stream);
    free(batch);
    json_t *out = json_pack("{s:s}", "nextSequenceToken", "0");
    if (json_object_size(rejected))
        json_object_set(out, "rejectedLogEventsInfo", rejected);
    json_decref(rejected);
    aws_reply_json(reply, out);
}

const struct aws_operation logs_operations[] = {
    {"logs", "CreateLogGroup", create_group, false},
    {"logs", "DeleteLogGroup", delete_group, false},
    {"logs", "DescribeLogGroups", describe_groups, false},
    {"logs", "CreateLogStream", create_stream, false},
    {"logs", "DeleteLogStream", delete_stream, false},
    {"logs", "DescribeLogStreams", describe_streams, false},
    {"logs", "PutRetentionPolicy", put_retention, false},
    {"logs", "DeleteRetentionPolicy", delete_retention, false},
    {"logs", "PutLogEvents", put_events, false},
    {"logs", "GetLogEvents", logs_get_log_events, false},
    {"logs", "FilterLogEvents", logs_filter_log_events, false},
    {0}};
