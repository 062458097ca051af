/* SPDX-License-Identifier: Apache-2.0
 *
 * The store behind CloudWatch Logs: groups, streams, their events on disk, and the delay after
 * which an event can be seen.
 */
#ifndef SOCKERLESS_SIM_AWS_CLOUD_LOGS_H
#define SOCKERLESS_SIM_AWS_CLOUD_LOGS_H

#include "test/sim/aws/aws.h"
#include "test/sim/host/event_log.h"

struct cloud_logs;
struct log_stream;

/* tuning: borrowed. */
struct cloud_logs *cloud_logs_open(const char *state_dir, const char *region, const char *account,
                                   struct aws_tuning *tuning, struct error *err) MUST_CHECK;
void cloud_logs_close(struct cloud_logs *logs);

/* ERROR_CONFLICT when it exists. */
int cloud_logs_create_group(struct cloud_logs *logs, const char *group,
                            struct error *err) MUST_CHECK;
int cloud_logs_create_stream(struct cloud_logs *logs, const char *group, const char *stream,
                             struct error *err) MUST_CHECK;
/* ERROR_NOT_FOUND. stream NULL: the group with all its streams. */
int cloud_logs_delete(struct cloud_logs *logs, const char *group, const char *stream,
                      struct error *err) MUST_CHECK;
int cloud_logs_set_retention(struct cloud_logs *logs, const char *group, int64_t days,
                             struct error *err) MUST_CHECK;
/* A reference, to be given back with log_stream_unref(). NULL: ERROR_NOT_FOUND. */
struct log_stream *cloud_logs_find(struct cloud_logs *logs, const char *group, const char *stream,
                                   struct error *err) MUST_CHECK;
/* References to the group's streams whose name begins with prefix, by name; heap array. -1: no such
 * group. */
int cloud_logs_list(struct cloud_logs *logs, const char *group, const char *prefix,
                    struct log_stream ***streams, size_t *count, struct error *err) MUST_CHECK;
/* The model's LogGroup objects whose name begins with prefix, by name. New reference. */
json_t *cloud_logs_groups(struct cloud_logs *logs, const char *prefix);
size_t cloud_logs_stream_count(struct cloud_logs *logs);
/* Streams read by an API call within the last `ms`. */
size_t cloud_logs_reader_count(struct cloud_logs *logs, int64_t ms);

void log_stream_unref(struct log_stream *stream);
const char *log_stream_name(const struct log_stream *stream);
uint64_t log_stream_serial(const struct log_stream *stream);
struct event_log *log_stream_events(struct log_stream *stream);
/* The model's LogStream object. New reference. */
json_t *log_stream_json(struct log_stream *stream);
/* Accepts events now; they show after the configured delay. */
void log_stream_write(struct log_stream *stream, const struct log_event *events, size_t count);
/* The producer is gone. */
void log_stream_idle(struct log_stream *stream);
/* For a reader: events [0, result) can be seen now. Marks the stream as read. */
uint64_t log_stream_visible(struct log_stream *stream);

#endif
