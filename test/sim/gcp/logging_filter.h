/* SPDX-License-Identifier: Apache-2.0
 *
 * The Logging query language as far as clients of container logs use it: comparisons (= != < <= >
 * >= :), AND (also implied), OR, NOT, parentheses, field=("a" OR "b"), log_id("…"). OR binds
 * tighter than AND, as in the original.
 */
#ifndef SOCKERLESS_SIM_GCP_LOGGING_FILTER_H
#define SOCKERLESS_SIM_GCP_LOGGING_FILTER_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOGGING_FILTER_MAX = 20000 };

/* Members of an entry: first those that all entries of a log have alike. */
enum logging_field {
    LOGGING_LOG_NAME,
    LOGGING_TYPE,
    LOGGING_PROJECT,
    LOGGING_LOCATION,
    LOGGING_JOB,
    LOGGING_EXECUTION,
    LOGGING_SERVICE,
    LOGGING_REVISION,
    LOGGING_INSTANCE,
    LOGGING_ALIKE, /* how many these are */
    LOGGING_LOG_ID,
    LOGGING_TIMESTAMP,
    LOGGING_RECEIVED,
    LOGGING_OTHER
};
struct logging_source {
    const char *text[LOGGING_ALIKE]; /* NULL: its entries have no such member */
};

/* Timestamps [from_ns, to_ns]; nothing when from_ns > to_ns. */
struct logging_span {
    int64_t from_ns, to_ns;
    bool exact; /* every entry in it matches; else it has to be looked at */
};

struct logging_filter;
/* text "": everything. ERROR_INVALID_PARAMETER. */
struct logging_filter *logging_filter_parse(const char *text, struct error *err) MUST_CHECK;
void logging_filter_free(struct logging_filter *filter);
/* entry: a LogEntry. */
bool logging_filter_matches(const struct logging_filter *filter, const json_t *entry);
/* What of a log can match. */
struct logging_span logging_filter_span(const struct logging_filter *filter,
                                        const struct logging_source *source);
/* No entry before this time (ns) can match; INT64_MIN when there is no such bound. */
int64_t logging_filter_since(const struct logging_filter *filter);

#endif
