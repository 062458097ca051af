/* SPDX-License-Identifier: Apache-2.0
 * Logs of runs; see gcf_logs.h. */
#include "gcf_logs.h"

#include "base/log_label.h"
#include "cloud/query_quote.h"
#include "gcf_names.h"

#include <string.h>

static bool log_key(const char *log_ref, char out[LOG_KEY_SIZE])
{
    char function[GCF_NAME_MAX + 1], token[GCF_TOKEN_MAX + 1];
    if (!gcf_run_parse(log_ref, function, token))
        return false;
    strcpy(out, token);
    return true;
}

/* The service has its function's id. */
static void condition(const char *log_ref, struct buf *out)
{
    char function[GCF_NAME_MAX + 1] = "", token[GCF_TOKEN_MAX + 1] = "";
    (void)!gcf_run_parse(log_ref, function, token);
    const char *slash = strrchr(function, '/');
    const char *id = slash ? slash + 1 : function;
    buf_puts(out, "resource.labels.service_name=");
    query_quote(out, id, strlen(id));
    buf_puts(out, " AND labels.\"" LOG_LABEL_RUN "\"=");
    query_quote(out, token, strlen(token));
}

const struct gcp_log_kind gcf_log_kind = {
    .resource_type = "cloud_run_revision",
    .run_label = LOG_LABEL_RUN,
    .key = log_key,
    .condition = condition,
};
