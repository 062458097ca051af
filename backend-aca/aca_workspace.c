/* SPDX-License-Identifier: Apache-2.0
 * Log Analytics: which workspace, and the query call; see aca_logs.h. (Azure Monitor Log Analytics
 * API, "Query - Execute".) */
#include "aca_call.h"
#include "aca_logs.h"
#include "aca_names.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { QUERY_TIMEOUT_MS = 200000 };
static const char prefer[] = "wait=180"; /* seconds; then the service gives up */

static int set_workspace(struct aca_workspace *w, const char *destination, const char *id,
                         struct error *err)
{
    if (aca_name_valid(id) && strlen(id) < sizeof w->id) {
        strcpy(w->id, id);
        log_info("Log Analytics workspace of the environment", LOG_STR("workspace", w->id));
        return 0;
    }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "aca: logs: the environment %s has no Log Analytics workspace of its own (its "
                     "logs' destination is \"%.40s\"); set SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE "
                     "to the id of the workspace with its logs",
                     w->api->config->environment, *destination ? destination : "none");
}

/* appLogsConfiguration.logAnalyticsConfiguration.customerId. */
static int co_discover(struct aca_workspace *w, struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    struct cloud_error why;
    const struct aca_config *config = w->api->config;
    if (!str_empty(config->log_workspace)) {
        snprintf(w->id, sizeof w->id, "%s", config->log_workspace);
        return 0;
    }
    if (co_aca_get(w->api, "get environment", config->environment_id, "", &reply, &why, err))
        return -1;
    const json_t *logs =
        json_object_get(json_object_get(reply.doc, "properties"), "appLogsConfiguration");
    return set_workspace(
        w, json_doc_text(logs, "destination"),
        json_doc_text(json_object_get(logs, "logAnalyticsConfiguration"), "customerId"), err);
}

static bool is_missing_table(const struct cloud_error *why)
{
    return why->http == 400 && strcasestr(why->message, "failed to resolve table");
}

int co_aca_log_fetch_azure(void *arg, const char *query, json_t **reply, bool *missing,
                           struct error *err)
{
    struct aca_workspace *w = arg;
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO(azure_reply) struct azure_reply answer = {0};
    struct json_writer writer;
    struct cloud_error why;
    if (!*w->id && co_discover(w, err))
        return -1;
    AUTO_FREE char *path = xasprintf("/v1/workspaces/%s/query", w->id);
    json_writer_init(&writer, &body);
    json_object_open(&writer);
    json_member_string(&writer, "query", query);
    json_object_close(&writer);
    const struct azure_call call = {
        .audience = AZURE_LOG_ANALYTICS,
        .service = "log analytics",
        .what = "query",
        .method = "POST",
        .path = path,
        .body = &body,
        .prefer = prefer,
        .bucket = &w->api->log_queries,
        .repeatable = true,
        .timeout_ms = QUERY_TIMEOUT_MS,
    };
    if (co_azure_call(w->api->client, &call, &answer, &why, err)) {
        *missing = is_missing_table(&why);
        return *missing ? 0 : -1;
    }
    *reply = STEAL(answer.doc);
    return 0;
}
