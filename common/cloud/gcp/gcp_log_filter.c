/* SPDX-License-Identifier: Apache-2.0
 * Filters for entries.list; see gcp_log_filter.h. */
#include "cloud/gcp/gcp_log_filter.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/query_quote.h"
#include "loop/http_url.h"

#include <string.h>

static void put_log_name(struct buf *out, const struct gcp_log_source *source, const char *id)
{
    AUTO_FREE char *encoded = http_url_encode(id);
    AUTO_FREE char *name = xasprintf("projects/%s/logs/%s", source->project, encoded);
    buf_puts(out, "logName=");
    query_quote(out, name, strlen(name));
}

/* The logs are named: else the audit log's entries would come along. */
void gcp_log_filter_open(struct buf *out, const struct gcp_log_source *source)
{
    buf_puts(out, "resource.type=");
    query_quote(out, source->kind->resource_type, strlen(source->kind->resource_type));
    buf_puts(out, " AND resource.labels.location=");
    query_quote(out, source->region, strlen(source->region));
    buf_puts(out, " AND (");
    put_log_name(out, source, "run.googleapis.com/stdout");
    buf_puts(out, " OR ");
    put_log_name(out, source, "run.googleapis.com/stderr");
    if (!str_empty(source->log_id)) {
        buf_puts(out, " OR ");
        put_log_name(out, source, source->log_id);
    }
    buf_puts(out, ") AND (");
}

static void put_time(struct buf *out, const char *comparison, int64_t ns)
{
    char when[TIMEFMT_RFC3339_MAX];
    timefmt_rfc3339nano_fixed(ns, when);
    buf_puts(out, " AND timestamp");
    buf_puts(out, comparison);
    query_quote(out, when, strlen(when));
}

void gcp_log_filter_add(struct buf *out, const struct gcp_log_source *source,
                        const struct log_part *part, bool first)
{
    buf_puts(out, first ? "(" : " OR (");
    source->kind->condition(part->ref, out);
    put_time(out, ">=", part->from_ns);
    if (part->to_ns)
        put_time(out, "<=", part->to_ns);
    buf_putc(out, ')');
}

void gcp_log_filter_close(struct buf *out)
{
    buf_putc(out, ')');
}
