/* SPDX-License-Identifier: Apache-2.0
 * Log groups and streams; see cloud_logs.h. One lock for the names, one per stream for held events;
 * the events themselves lock in event_log. */
#include "test/sim/aws/cloud_logs.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/host/files.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

/* An event that arrives late, on purpose. */
struct held_event {
    struct held_event *next, *prev;
    int64_t due_ms;
    struct log_event event; /* message owned */
};

struct log_stream {
    struct log_stream *next;
    struct cloud_logs *logs;
    char *group, *name;
    uint64_t serial;
    unsigned refs; /* under logs->lock */
    int64_t created_ms;
    atomic_llong read_ms;
    struct event_log *events;
    pthread_mutex_t lock;
    struct held_event *held;
};

struct log_group {
    struct log_group *next;
    char *name;
    int64_t created_ms, retention_days;
    struct log_stream *streams;
};

struct cloud_logs {
    pthread_mutex_t lock;
    char *dir, *region, *account;
    struct aws_tuning *tuning;
    struct log_group *groups;
    uint64_t next_serial;
};

struct cloud_logs *cloud_logs_open(const char *state_dir, const char *region, const char *account,
                                   struct aws_tuning *tuning, struct error *err)
{
    struct cloud_logs *logs = NEW(struct cloud_logs);
    pthread_mutex_init(&logs->lock, NULL);
    logs->dir = xasprintf("%s/logs", state_dir);
    logs->region = xstrdup(region);
    logs->account = xstrdup(account);
    logs->tuning = tuning;
    if (files_remove_tree(logs->dir, err) || directory_make(logs->dir, 0700, err)) {
        cloud_logs_close(logs);
        return NULL;
    }
    return logs;
}

static void stream_free(struct log_stream *stream)
{
    struct held_event *held, *next;
    DL_FOREACH_SAFE(stream->held, held, next)
    {
        free((char *)held->event.message);
        free(held);
    }
    event_log_free(stream->events);
    pthread_mutex_destroy(&stream->lock);
    free(stream->group);
    free(stream->name);
    free(stream);
}

static void unref_locked(struct log_stream *stream)
{
    if (--stream->refs == 0)
        stream_free(stream);
}

void log_stream_unref(struct log_stream *stream)
{
    struct cloud_logs *logs = stream->logs;
    pthread_mutex_lock(&logs->lock);
    unref_locked(stream);
    pthread_mutex_unlock(&logs->lock);
}

static void group_free_locked(struct log_group *group)
{
    struct log_stream *stream, *next;
    LL_FOREACH_SAFE(group->streams, stream, next)
    {
        unref_locked(stream);
    }
    free(group->name);
    free(group);
}

void cloud_logs_close(struct cloud_logs *logs)
{
    if (!logs)
        return;
    struct log_group *group, *next;
    LL_FOREACH_SAFE(logs->groups, group, next)
    {
        group_free_locked(group);
    }
    struct error ignored;
    (void)!files_remove_tree(logs->dir, &ignored);
    pthread_mutex_destroy(&logs->lock);
    free(logs->dir);
    free(logs->region);
    free(logs->account);
    free(logs);
}

static struct log_group *find_group(struct cloud_logs *logs, const char *name)
{
    struct log_group *g = logs->groups;
    while (g && strcmp(g->name, name))
        g = g->next;
    return g;
}

static int by_name(const struct log_group *a, const struct log_group *b)
{
    return strcmp(a->name, b->name);
}

static struct log_stream *find_stream(struct log_group *group, const char *name)
{
    struct log_stream *s = group->streams;
    while (s && strcmp(s->name, name))
        s = s->next;
    return s;
}

static struct log_group *need_group(struct cloud_logs *logs, const char *name, struct error *err)
{
    struct log_group *g = find_group(logs, name);
    if (!g)
        error_set(err, ERROR_NOT_FOUND, "The specified log group does not exist.");
    return g;
}

int cloud_logs_create_group(struct cloud_logs *logs, const char *name, struct error *err)
{
    int rc = 0;
    pthread_mutex_lock(&logs->lock);
    if (find_group(logs, name)) {
        rc = error_set(err, ERROR_CONFLICT, "The specified log group already exists");
    } else {
        struct log_group *g = NEW(struct log_group);
        g->name = xstrdup(name);
        g->created_ms = value_now_ms();
        LL_INSERT_INORDER(logs->groups, g, by_name);
    }
    pthread_mutex_unlock(&logs->lock);
    return rc;
}

static struct log_stream *stream_new(struct cloud_logs *logs, const char *group, const char *name,
                                     struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%llu", logs->dir, (unsigned long long)++logs->next_serial);
    struct event_log *events = event_log_open(path, err);
    if (!events)
        return NULL;
    struct log_stream *s = NEW(struct log_stream);
    s->logs = logs;
    s->group = xstrdup(group);
    s->name = xstrdup(name);
    s->serial = logs->next_serial;
    s->refs = 1;
    s->created_ms = value_now_ms();
    s->events = events;
    pthread_mutex_init(&s->lock, NULL);
    event_log_idle(events);
    return s;
}

int cloud_logs_create_stream(struct cloud_logs *logs, const char *group, const char *name,
                             struct error *err)
{
    int rc = -1;
    pthread_mutex_lock(&logs->lock);
    struct log_group *g = need_group(logs, group, err);
    if (g && find_stream(g, name)) {
        error_set(err, ERROR_CONFLICT, "The specified log stream already exists");
    } else if (g) {
        struct log_stream *s = stream_new(logs, group, name, err);
        if (s) {
            LL_PREPEND(g->streams, s);
            rc = 0;
        }
    }
    pthread_mutex_unlock(&logs->lock);
    return rc;
}

static void remove_stream(struct log_group *g, struct log_stream *gone)
{
    LL_DELETE(g->streams, gone);
    unref_locked(gone);
}

static void remove_group(struct cloud_logs *logs, struct log_group *gone)
{
    LL_DELETE(logs->groups, gone);
    group_free_locked(gone);
}

int cloud_logs_delete(struct cloud_logs *logs, const char *group, const char *stream,
                      struct error *err)
{
    int rc = -1;
    pthread_mutex_lock(&logs->lock);
    struct log_group *g = need_group(logs, group, err);
    struct log_stream *s = g && stream ? find_stream(g, stream) : NULL;
    if (g && stream && !s) {
        error_set(err, ERROR_NOT_FOUND, "The specified log stream does not exist.");
    } else if (g) {
        if (s)
            remove_stream(g, s);
        else
            remove_group(logs, g);
        rc = 0;
    }
    pthread_mutex_unlock(&logs->lock);
    return rc;
}

int cloud_logs_set_retention(struct cloud_logs *logs, const char *group, int64_t days,
                             struct error *err)
{
    pthread_mutex_lock(&logs->lock);
    struct log_group *g = need_group(logs, group, err);
    if (g)
        g->retention_days = days;
    pthread_mutex_unlock(&logs->lock);
    return g ? 0 : -1;
}

struct log_stream *cloud_logs_find(struct cloud_logs *logs, const char *group, const char *stream,
                                   struct error *err)
{
    pthread_mutex_lock(&logs->lock);
    struct log_group *g = need_group(logs, group, err);
    struct log_stream *s = g ? find_stream(g, stream) : NULL;
    if (g && !s)
        error_set(err, ERROR_NOT_FOUND, "The specified log stream does not exist.");
    if (s)
        s->refs++;
    pthread_mutex_unlock(&logs->lock);
    return s;
}

static int compare_streams(const void *a, const void *b)
{
    return strcmp((*(struct log_stream *const *)a)->name, (*(struct log_stream *const *)b)->name);
}

int cloud_logs_list(struct cloud_logs *logs, const char *group, const char *prefix,
                    struct log_stream ***streams, size_t *count, struct error *err)
{
    size_t cap = 0;
    *streams = NULL;
    *count = 0;
    pthread_mutex_lock(&logs->lock);
    struct log_group *g = need_group(logs, group, err);
    for (struct log_stream *s = g ? g->streams : NULL; s; s = s->next) {
        if (!str_starts(s->name, prefix))
            continue;
        if (*count == cap) {
            cap = cap ? cap * 2 : 16;
            *streams = xrealloc(*streams, cap * sizeof **streams);
        }
        s->refs++;
        (*streams)[(*count)++] = s;
    }
    pthread_mutex_unlock(&logs->lock);
    if (*count)
        qsort(*streams, *count, sizeof **streams, compare_streams);
    return g ? 0 : -1;
}

json_t *cloud_logs_groups(struct cloud_logs *logs, const char *prefix)
{
    json_t *out = json_array();
    pthread_mutex_lock(&logs->lock);
    for (struct log_group *g = logs->groups; g; g = g->next) {
        if (!str_starts(g->name, prefix))
            continue;
        AUTO_FREE char *arn =
            xasprintf("arn:aws:logs:%s:%s:log-group:%s", logs->region, logs->account, g->name);
        json_t *o =
            json_pack("{s:s, s:I, s:i, s:s+, s:s, s:i, s:s}", "logGroupName", g->name,
                      "creationTime", (json_int_t)g->created_ms, "metricFilterCount", 0, "arn", arn,
                      ":*", "logGroupArn", arn, "storedBytes", 0, "logGroupClass", "STANDARD");
        if (g->retention_days)
            json_object_set_new(o, "retentionInDays", json_integer(g->retention_days));
        json_array_append_new(out, o);
    }
    pthread_mutex_unlock(&logs->lock);
    return out;
}

size_t cloud_logs_stream_count(struct cloud_logs *logs)
{
    return cloud_logs_reader_count(logs, INT64_MAX);
}

size_t cloud_logs_reader_count(struct cloud_logs *logs, int64_t ms)
{
    size_t count = 0;
    int64_t now = value_now_ms();
    pthread_mutex_lock(&logs->lock);
    for (struct log_group *g = logs->groups; g; g = g->next)
        for (struct log_stream *s = g->streams; s; s = s->next)
            count += ms == INT64_MAX || now - s->read_ms <= ms;
    pthread_mutex_unlock(&logs->lock);
    return count;
}

const char *log_stream_name(const struct log_stream *stream)
{
    return stream->name;
}

uint64_t log_stream_serial(const struct log_stream *stream)
{
    return stream->serial;
}

struct event_log *log_stream_events(struct log_stream *stream)
{
    return stream->events;
}

json_t *log_stream_json(struct log_stream *s)
{
    struct event_log_info info;
    event_log_info(s->events, &info);
    AUTO_FREE char *arn = xasprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:%s",
                                    s->logs->region, s->logs->account, s->group, s->name);
    json_t *o = json_pack("{s:s, s:I, s:s, s:i, s:s}", "logStreamName", s->name, "creationTime",
                          (json_int_t)s->created_ms, "arn", arn, "storedBytes", 0,
                          "uploadSequenceToken", "0");
    if (info.count) {
        json_object_set_new(o, "firstEventTimestamp", json_integer(info.first_timestamp_ms));
        json_object_set_new(o, "lastEventTimestamp", json_integer(info.last_timestamp_ms));
        json_object_set_new(o, "lastIngestionTime", json_integer(info.last_ingested_ms));
    }
    return o;
}

static void append(struct log_stream *s, const struct log_event *events, size_t count)
{
    struct error err;
    if (event_log_append(s->events, events, count, value_now_ms(), &err))
        log_error("log events lost", LOG_STR("stream", s->name), LOG_STR("error", err.message));
}

static void hold(struct log_stream *s, const struct log_event *event)
{
    struct held_event *h = NEW(struct held_event);
    h->due_ms = value_now_ms() + s->logs->tuning->log_late_ms;
    h->event = *event;
    h->event.message = memcpy(xmalloc(event->len + 1), event->message, event->len);
    DL_APPEND(s->held, h);
}

static void release_due(struct log_stream *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->held && s->held->due_ms <= value_now_ms()) {
        struct held_event *h = s->held;
        DL_DELETE(s->held, h);
        append(s, &h->event, 1);
        free((char *)h->event.message);
        free(h);
    }
    pthread_mutex_unlock(&s->lock);
}

void log_stream_write(struct log_stream *s, const struct log_event *events, size_t count)
{
    size_t begin = 0;
    for (size_t i = 0; i < count && s->logs->tuning->log_late > 0; i++) {
        if (!value_take_one(&s->logs->tuning->log_late))
            break;
        append(s, events + begin, i - begin);
        begin = i + 1;
        pthread_mutex_lock(&s->lock);
        hold(s, &events[i]);
        pthread_mutex_unlock(&s->lock);
    }
    append(s, events + begin, count - begin);
}

void log_stream_idle(struct log_stream *s)
{
    event_log_idle(s->events);
}

uint64_t log_stream_visible(struct log_stream *s)
{
    int64_t now = value_now_ms();
    s->read_ms = now;
    release_due(s);
    return event_log_ingested_by(s->events, now - s->logs->tuning->log_delay_ms);
}
