/* SPDX-License-Identifier: Apache-2.0
 * Queries; see aca_query.h. (Kusto query language: "String literals", "top operator"; tables
 * ContainerAppConsoleLogs_CL and ContainerAppConsoleLogs in the Azure Monitor reference.)
 *
 * A replica's group name begins with its execution's name. That one may begin with another
 * execution's, too: whoever reads the rows decides (log_batch.c). */
#include "aca_query.h"

#include "aca_names.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "cloud/query_quote.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TICK_NS = 100 }; /* of the language's datetime */

static const struct {
    const char *name, *job, *group, *container, *log, *stream;
} tables[ACA_LOG_TABLES] = {
    [ACA_LOG_CUSTOM] = {"ContainerAppConsoleLogs_CL", "ContainerJobName_s", "ContainerGroupName_s",
                        "ContainerName_s", "Log_s", "Stream_s"},
    [ACA_LOG_MONITOR] = {"ContainerAppConsoleLogs", "JobName", "ContainerGroupName",
                         "ContainerName", "Log", "Stream"},
};

const char *aca_log_table_name(enum aca_log_table table)
{
    return tables[table].name;
}

/* datetime(2026-01-02T03:04:05.1234567Z); up: not before ns. */
static void put_time(struct buf *out, const char *comparison, int64_t ns, bool up)
{
    int64_t ticks = ns / TICK_NS + (up && ns % TICK_NS);
    time_t seconds = (time_t)(ticks / (1000000000 / TICK_NS));
    struct tm tm;
    char text[40];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(out, "TimeGenerated %s datetime(%s.%07dZ)", comparison, text,
               (int)(ticks % (1000000000 / TICK_NS)));
}

void aca_query_open(struct buf *out)
{
    buf_puts(out, "Container == ");
    query_quote(out, ACA_MAIN_CONTAINER, strlen(ACA_MAIN_CONTAINER));
    buf_puts(out, " and (");
}

void aca_query_add(struct buf *out, const struct log_part *part, bool first)
{
    struct aca_execution execution;
    if (!aca_execution_parse(part->ref, &execution))
        return;
    buf_puts(out, first ? "(Job == " : " or (Job == ");
    query_quote(out, execution.job, strlen(execution.job));
    buf_puts(out, " and Group startswith_cs ");
    query_quote(out, execution.name, strlen(execution.name));
    buf_puts(out, " and ");
    put_time(out, ">=", part->from_ns, false);
    if (part->to_ns) {
        buf_puts(out, " and ");
        put_time(out, "<=", part->to_ns, true);
    }
    buf_putc(out, ')');
}

void aca_query_close(struct buf *out)
{
    buf_putc(out, ')');
}

void aca_query_write(struct buf *out, const struct aca_query *query)
{
    const char *stream = tables[query->table].stream;
    buf_printf(out,
               "%s\n| project TimeGenerated, Job = %s, Group = %s, Container = %s, Log = %s, "
               "Stream = column_ifexists(\"%s\", \"\")\n| where %s\n",
               tables[query->table].name, tables[query->table].job, tables[query->table].group,
               tables[query->table].container, tables[query->table].log, stream, query->condition);
    if (query->from_ns) {
        buf_puts(out, "| where ");
        put_time(out, query->newest_first ? "<=" : ">=", query->from_ns, query->newest_first);
        buf_putc(out, '\n');
    }
    buf_printf(out, "| top %d by TimeGenerated %s\n", query->limit,
               query->newest_first ? "desc" : "asc");
}
