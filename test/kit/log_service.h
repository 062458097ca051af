/* SPDX-License-Identifier: Apache-2.0
 *
 * A small Cloud Logging for the log reader: entries in the order of their arrival. Of a filter it
 * understands the times and names that the reader's parts have, no more. And readers of it.
 */
#ifndef SOCKERLESS_TEST_KIT_LOG_SERVICE_H
#define SOCKERLESS_TEST_KIT_LOG_SERVICE_H

#include "backend-cloudrun/cloudrun_logs.h"
#include "cloud/gcp/gcp_log_filter.h"

enum { LOG_SERVICE_MAX = 4096 };

static const int64_t log_service_second = 1000000000;
static const int64_t log_service_epoch = 1700000000 * (int64_t)1000000000;

struct log_service_line {
    int64_t ns;
    int id, job;
    const char *text;
};

extern struct log_service {
    struct log_service_line lines[LOG_SERVICE_MAX];
    size_t line_count;
    int calls, page_limit;
    char last_filter[GCP_LOG_FILTER_MAX + 1];
    size_t longest_filter;
    int too_large_above;
    bool ids_ascend; /* newest first, too, those of one time */
} log_service;

extern const struct gcp_log_source log_service_source;

/* Everything is forgotten. */
void log_service_reset(void);
/* A line of that job, ns after the epoch. The text is borrowed. */
void log_service_say(int job, int64_t ns, int id, const char *text);

/* One reader with its token and what it has read. */
struct log_service_reader {
    struct workload workload;
    char *token;
    bool backward, at_end;
    int64_t since_ns, until_ns;
    char got[32768];
};

struct log_service_reader log_service_reader_of(int job);
/* A page for each, in one call. */
void log_service_read_all(struct log_service_reader **readers, size_t count);
void log_service_read(struct log_service_reader *r);
/* It has read this since the last time: texts, each with a blank. */
void log_service_expect(struct log_service_reader *r, const char *text);
void log_service_read_expect(struct log_service_reader *r, const char *text);

#endif
