/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries in the Kusto query language for the containers' output in Log Analytics. Pure; used by
 * aca_logs.c. Every value goes through query_quote.
 */
#ifndef SOCKERLESS_ACA_QUERY_H
#define SOCKERLESS_ACA_QUERY_H

#include "base/buf.h"
#include "cloud/log_slot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACA_QUERY_MAX = 64 * 1024 }; /* bytes */

/* Environments that write to a workspace themselves fill a custom table, whose columns have
 * suffixes; those that write by diagnostic settings fill one of Azure Monitor's. */
enum aca_log_table { ACA_LOG_CUSTOM, ACA_LOG_MONITOR, ACA_LOG_TABLES };
const char *aca_log_table_name(enum aca_log_table table);

/* The condition: parts ORed, as many as fit into one query. part->ref is a log_ref of ours. */
void aca_query_open(struct buf *out);
void aca_query_add(struct buf *out, const struct log_part *part, bool first);
void aca_query_close(struct buf *out);

/* The whole query: the first (or last) `limit` rows of the table that meet the condition, at or
 * after (before) from_ns unless that is 0. The columns of the answer are "TimeGenerated", "Group",
 * "Log" and "Stream", which is "" where the table does not have it. */
struct aca_query {
    enum aca_log_table table;
    const char *condition;
    bool newest_first;
    int limit;
    int64_t from_ns;
};
void aca_query_write(struct buf *out, const struct aca_query *query);

#endif
