/* SPDX-License-Identifier: Apache-2.0
 *
 * One log stream on disk: numbered events in the order of their ingestion, appended to a file, with
 * an index entry in memory for every 64 KiB. Any page is found without reading what is before it.
 * Thread-safe.
 */
#ifndef SOCKERLESS_SIM_HOST_EVENT_LOG_H
#define SOCKERLESS_SIM_HOST_EVENT_LOG_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_log;

struct log_event {
    int64_t timestamp_ms; /* of the event, as its producer says */
    const char *message;
    size_t len;
};

/* Makes an empty log at path. */
struct event_log *event_log_open(const char *path, struct error *err) MUST_CHECK;
/* Frees and removes the file. */
void event_log_free(struct event_log *log);
/* The producer is gone: the file is kept closed between reads. */
void event_log_idle(struct event_log *log);
int event_log_append(struct event_log *log, const struct log_event *events, size_t count,
                     int64_t ingested_ms, struct error *err) MUST_CHECK;

struct event_log_info {
    uint64_t count;                                                  /* events */
    uint64_t bytes;                                                  /* of messages */
    int64_t first_timestamp_ms, last_timestamp_ms, last_ingested_ms; /* 0 when empty */
};
void event_log_info(struct event_log *log, struct event_log_info *out);
/* How many events had been ingested at that time: the numbers [0, result). */
uint64_t event_log_ingested_by(struct event_log *log, int64_t ms);

struct event_range {
    uint64_t from, to;        /* event numbers [from, to) */
    int64_t start_ms, end_ms; /* timestamps [start, end) */
    bool backward;            /* newest number first */
};
/* Calls visit for each event of the range until it returns false. message is borrowed for the call.
 * Returns -1 on a read error. */
typedef bool (*event_visitor)(void *ctx, uint64_t number, int64_t ingested_ms,
                              const struct log_event *event);
int event_log_scan(struct event_log *log, const struct event_range *range, event_visitor visit,
                   void *ctx, struct error *err) MUST_CHECK;

#endif
