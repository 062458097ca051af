/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of the Kusto query language that clients of container logs use, parsed strictly and
 * evaluated over rows:
 *
 *   TABLE | where … | project a, b = c | extend x = … | order by k desc nulls last, l
 *         | top 5 by k | take 5 | count
 *
 * with == != =~ !~ < <= > >=, in, !in, in~, between, startswith, endswith, contains, has (and
 * their _cs and negated forms), and, or, not(), datetime(), ago(), now(), timespans,
 * isempty(), isnotempty(), isnull(), isnotnull(), tostring(), iff(), coalesce(),
 * column_ifexists(), names in brackets, comments. Anything else is an error, as is what Kusto
 * refuses: unknown columns, comparisons of different types, unknown escapes in strings.
 */
#ifndef SOCKERLESS_SIM_AZURE_KQL_H
#define SOCKERLESS_SIM_AZURE_KQL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KQL_COLUMNS_MAX = 64, KQL_NAME_MAX = 128, KQL_STAGES_MAX = 16 };

enum kql_type {
    KQL_BOOL,
    KQL_LONG,
    KQL_REAL,
    KQL_DATETIME, /* ns since the epoch, in steps of 100 */
    KQL_TIMESPAN, /* ns */
    KQL_STRING,
    KQL_GUID
};
const char *kql_type_name(enum kql_type type);

struct kql_value {
    enum kql_type type;
    bool null; /* never of strings: they have no null in Kusto */
    int64_t integer;
    double real;
    const char *text; /* borrowed, not ended by a NUL */
    size_t len;
};

struct kql_column {
    const char *name;
    enum kql_type type;
};

struct kql_problem {
    char code[16]; /* "SYN0002", "SEM0100" */
    char message[512];
    int line, position;
    char token[64];
};

/* The rows that a query is about. cell: text is borrowed as long as the source lives. */
struct kql_source {
    const char *table;
    const struct kql_column *columns;
    size_t column_count;
    size_t row_count;
    void (*cell)(const void *ctx, size_t row, size_t column, struct kql_value *out);
    const void *ctx;
};

struct kql_result {
    struct kql_column columns[KQL_COLUMNS_MAX]; /* names borrowed from query or source */
    size_t column_count;
    struct kql_value *cells; /* row after row */
    size_t row_count;
};

struct kql_query;
/* NULL: *problem says why. text: borrowed as long as the query lives. */
struct kql_query *kql_parse(const char *text, struct kql_problem *problem);
void kql_free(struct kql_query *query);
/* The table that the query begins with. */
const char *kql_table(const struct kql_query *query);
/* Between which times (of a datetime column) the rows must be that the query can find: [from, to],
 * INT64_MIN and INT64_MAX where there is no bound. */
void kql_bounds(const struct kql_query *query, const char *column, int64_t *from_ns,
                int64_t *to_ns);
/* source NULL: there is no such table. now_ns: of now() and ago(). *result: released by
 * kql_result_fini. -1: *problem says why. */
int kql_run(struct kql_query *query, const struct kql_source *source, int64_t now_ns,
            struct kql_result *result, struct kql_problem *problem) MUST_CHECK;
void kql_result_fini(struct kql_result *result);

/* "2026-01-02T03:04:05.1234567Z", parts may be missing at its end; at most seven digits of a
 * second's fraction. */
bool kql_parse_datetime(const char *text, size_t len, int64_t *ns);

#endif
