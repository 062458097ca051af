/* SPDX-License-Identifier: Apache-2.0
 * Logs of executions; see cloudrun_logs.h. */
#include "cloudrun_logs.h"

#include "cloud/query_quote.h"
#include "cloudrun_names.h"

#include <string.h>

#define EXECUTION_LABEL "run.googleapis.com/execution_name"

/* An execution's name is its job's with something appended. */
static bool log_key(const char *log_ref, char out[LOG_KEY_SIZE])
{
    struct cloudrun_name name;
    if (!cloudrun_name_parse(log_ref, &name) || !name.execution.len)
        return false;
    memcpy(out, name.execution.text, name.execution.len);
    out[name.execution.len] = '\0';
    return true;
}

static void condition(const char *log_ref, struct buf *out)
{
    struct cloudrun_name name;
    (void)!cloudrun_name_parse(log_ref, &name);
    buf_puts(out, "resource.labels.job_name=");
    query_quote(out, name.job.text, name.job.len);
    buf_puts(out, " AND labels.\"" EXECUTION_LABEL "\"=");
    query_quote(out, name.execution.text, name.execution.len);
}

const struct gcp_log_kind cloudrun_log_kind = {
    .resource_type = "cloud_run_job",
    .run_label = EXECUTION_LABEL,
    .key = log_key,
    .condition = condition,
};
