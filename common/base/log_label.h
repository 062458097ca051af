/* SPDX-License-Identifier: Apache-2.0
 *
 * Log label: what a structured log line says about its record besides the text, as the value of a
 * label. The agent writes it (agent/log_line.c), drivers whose service orders entries by time read
 * it: records belong in the order of their numbers, which begin with 1 and leave none out.
 *
 *     "LETTER NUMBER NANOSECONDS"    LETTER as in log_record.h, the time since 1970
 */
#ifndef SOCKERLESS_BASE_LOG_LABEL_H
#define SOCKERLESS_BASE_LOG_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LABEL_KEY "sockerless/record"
/* Which run has written it, where the log service keeps many in one log; the value is the run's. */
#define LOG_LABEL_RUN "sockerless/run"
/* The special field of Google's collectors whose members become the entry's labels. */
#define LOG_LABEL_FIELD "logging.googleapis.com/labels"

enum { LOG_LABEL_MAX = 48 };

struct log_label {
    char letter;
    uint64_t number;
    int64_t time_ns;
};

char *log_label_format(const struct log_label *label, char out[LOG_LABEL_MAX]);
/* False: something else has written it. */
bool log_label_parse(const char *text, struct log_label *out);

#endif
