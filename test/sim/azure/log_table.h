/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines behind Log Analytics, and the table of console logs that they are shown as. In memory
 * and bounded: when there is too much, the older half is forgotten. The caller locks.
 */
#ifndef SOCKERLESS_SIM_AZURE_LOG_TABLE_H
#define SOCKERLESS_SIM_AZURE_LOG_TABLE_H

#include "test/sim/azure/kql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all lines of one container have alike. */
struct log_source {
    const char *job, *group, *container, *image;
};

struct log_table;
/* environment, tenant: borrowed. */
struct log_table *log_table_new(const char *environment, const char *tenant, size_t bytes_max);
void log_table_free(struct log_table *t);

struct log_table_line {
    int64_t time_ns;    /* when it was printed */
    int64_t visible_ms; /* by the wall clock: not found earlier */
    bool is_stderr;
    const char *text;
    size_t len;
};
void log_table_add(struct log_table *t, const struct log_source *source,
                   const struct log_table_line *line);
size_t log_table_count(const struct log_table *t); /* lines */

enum { LOG_TABLE_PLAIN = 1, LOG_TABLE_NO_STREAM = 2 };
struct log_table_view {
    unsigned shape;
    int64_t now_ms;         /* what becomes visible later is not there */
    int64_t step_ns;        /* TimeGenerated is cut to this */
    int64_t from_ns, to_ns; /* TimeGenerated within [from, to] */
};
/* The table as a query's source, until log_table_view_fini. False: it does not exist, since no line
 * has become visible yet. */
struct log_table_rows;
struct log_table_rows *log_table_open(const struct log_table *t, const struct log_table_view *view,
                                      struct kql_source *out);
void log_table_close(struct log_table_rows *rows);
/* "ContainerAppConsoleLogs_CL" */
const char *log_table_name(unsigned shape);

#endif
