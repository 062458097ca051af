/* SPDX-License-Identifier: Apache-2.0
 * Single calls of run.v2; see cloudrun_call.h. */
#include "cloudrun_call.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloudrun_names.h"
#include "cloud/gcp/gcp_operation.h"
#include "json/json_doc.h"

#include <string.h>

static struct gcp_service service_of(struct cloudrun_api *api)
{
    return (struct gcp_service){.client = api->client,
                                .name = "run",
                                .version = "v2",
                                .reads = &api->reads,
                                .writes = &api->writes};
}

int co_cloudrun_get(struct cloudrun_api *api, const char *what, const char *name, json_t **reply,
                    struct cloud_error *why, struct error *err)
{
    const struct gcp_service run = service_of(api);
    return co_gcp_get(&run, what, name, reply, why, err);
}

int co_cloudrun_change(struct cloudrun_api *api, const char *what, const char *method,
                       const char *target, const struct buf *body, json_t **operation,
                       struct cloud_error *why, struct error *err)
{
    const struct gcp_service run = service_of(api);
    return co_gcp_change(&run, what, method, target, body, operation, why, err);
}

int co_cloudrun_each_job(struct cloudrun_api *api, void (*take)(void *arg, const json_t *job),
                         void *arg, struct error *err)
{
    const struct gcp_service run = service_of(api);
    AUTO_FREE char *jobs =
        xasprintf("projects/%s/locations/%s/jobs", api->config->project, api->config->region);
    return co_gcp_list(&run, "list jobs", jobs, "jobs", take, arg, err);
}

int co_cloudrun_wait(struct cloudrun_api *api, const char *what, int64_t longest_ms,
                     json_t **operation, struct cloud_error *why, struct error *err)
{
    const struct gcp_service run = service_of(api);
    return co_gcp_operation_wait(&run, what, longest_ms, operation, why, err);
}

/* Google may name a project by its number. */
bool cloudrun_name_usable(const struct cloudrun_api *api, const char *name)
{
    struct cloudrun_name parts;
    size_t len = strlen(api->config->region);
    return cloudrun_name_parse(name, &parts) && parts.location.len == len &&
           memcmp(parts.location.text, api->config->region, len) == 0;
}

void cloudrun_latest_execution(const struct cloudrun_api *api, const json_t *job,
                               const char *job_name, char *out, size_t size)
{
    const char *name = json_doc_string(json_object_get(job, "latestCreatedExecution"), "name");
    *out = '\0';
    if (str_empty(name))
        return;
    AUTO_FREE char *full =
        strchr(name, '/') ? xstrdup(name) : xasprintf("%s/executions/%s", job_name, name);
    if (!cloudrun_name_usable(api, full) || !strstr(full, "/executions/") ||
        !cloudrun_name_copy(out, size, full))
        *out = '\0';
}

bool cloudrun_name_copy(char *out, size_t size, const char *name)
{
    if (strlen(name) >= size)
        return false;
    strcpy(out, name);
    return true;
}
