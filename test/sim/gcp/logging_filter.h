/* SPDX-License-Identifier: Apache-2.0
 *
 * The Logging query language as far as clients of job logs use it: comparisons (= != < <= > >= :),
 * AND (also implied), OR, NOT, parentheses, field=("a" OR "b"), log_id("…"). OR binds tighter than
 * AND, as in the original.
 */
#ifndef SOCKERLESS_SIM_GCP_LOGGING_FILTER_H
#define SOCKERLESS_SIM_GCP_LOGGING_FILTER_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOGGING_FILTER_MAX = 20000 };

struct logging_filter;
/* text "": everything. ERROR_INVALID_PARAMETER. */
struct logging_filter *logging_filter_parse(const char *text, struct error *err) MUST_CHECK;
void logging_filter_free(struct logging_filter *filter);
/* entry: a LogEntry. */
bool logging_filter_matches(const struct logging_filter *filter, const json_t *entry);
/* No entry before this time (ns) can match; INT64_MIN when there is no such bound. */
int64_t logging_filter_since(const struct logging_filter *filter);

#endif
