/* SPDX-License-Identifier: Apache-2.0
 * Filters for entries.list; see cloudrun_filter.h. */
#include "cloudrun_filter.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/query_quote.h"
#include "loop/http_url.h"

#include <string.h>

static void put_log_name(struct buf *out, const struct cloudrun_config *config, const char *id)
{
    AUTO_FREE char *encoded = http_url_encode(id);
    AUTO_FREE char *name = xasprintf("projects/%s/logs/%s", config->project, encoded);
    buf_puts(out, "logName=");
    query_quote(out, name, strlen(name));
}

/* The logs are named: else the audit log's entries would come along. */
void cloudrun_filter_open(struct buf *out, const struct cloudrun_config *config)
{
    buf_puts(out, "resource.type=\"cloud_run_job\" AND resource.labels.location=");
    query_quote(out, config->region, strlen(config->region));
    buf_puts(out, " AND (");
    put_log_name(out, config, "run.googleapis.com/stdout");
    buf_puts(out, " OR ");
    put_log_name(out, config, "run.googleapis.com/stderr");
    if (!str_empty(config->log_id)) {
        buf_puts(out, " OR ");
        put_log_name(out, config, config->log_id);
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

void cloudrun_filter_add(struct buf *out, const struct log_part *part, bool first)
{
    struct cloudrun_name name;
    (void)!cloudrun_name_parse(part->ref, &name);
    buf_puts(out, first ? "(" : " OR (");
    buf_puts(out, "resource.labels.job_name=");
    query_quote(out, name.job.text, name.job.len);
    buf_puts(out, " AND labels.\"run.googleapis.com/execution_name\"=");
    query_quote(out, name.execution.text, name.execution.len);
    put_time(out, ">=", part->from_ns);
    if (part->to_ns)
        put_time(out, "<=", part->to_ns);
    buf_putc(out, ')');
}

void cloudrun_filter_close(struct buf *out)
{
    buf_putc(out, ')');
}
