/* SPDX-License-Identifier: Apache-2.0
 * Beginning a run: the job, its execution, and their state; see aca_run.h.
 *
 * A job is made for one run and named by the run's token, so putting it twice changes nothing. A
 * start has no idempotency token: whether a run began is told by the job's executions, which are
 * asked for before starting and when an answer was lost. */
#include "aca_run.h"

#include "aca_call.h"
#include "aca_job.h"
#include "aca_names.h"
#include "aca_status.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "loop/co.h"

#include <stdio.h>
#include <string.h>

enum {
    PUT_LONGEST_MS = 120000,
    START_LONGEST_MS = 20000, /* for the execution's name; the run itself is the core's to watch */
    JOB_RESERVE = 64 * 1024,
    LOST_LOOKS = 3, /* for an execution after a lost answer */
    LOST_PAUSE_MS = 500,
};

/* ---- job ---- */

static int co_put_job(struct aca_api *api, const struct workload_spec *spec, const char *id,
                      struct azure_reply *reply, struct cloud_error *why, struct error *err)
{
    AUTO(secret_buf) struct buf body = BUF_INIT;
    AUTO_FREE char *path = aca_path(api->config, id, "");
    buf_reserve(&body, JOB_RESERVE);
    if (aca_job_build(api->config, spec, &body, err))
        return -1;
    const struct azure_call call = {
        .service = "aca",
        .what = "put job",
        .method = "PUT",
        .path = path,
        .body = &body,
        .bucket = &api->writes,
        .repeatable = true,
    };
    return co_azure_call(api->client, &call, reply, why, err);
}

int co_aca_prepare(struct aca_api *api, const struct workload_spec *spec, struct workload *w,
                   struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    struct cloud_error why;
    char name[ACA_JOB_NAME_MAX + 1];
    aca_job_name(spec->container_id, spec->run_token, name);
    AUTO_FREE char *id = aca_resource_id(api->config, "jobs", name);
    /* Before the call: what is undone after a failure may exist all the same. */
    snprintf(w->definition, sizeof w->definition, "%s", id);
    if (co_put_job(api, spec, id, &reply, &why, err))
        return -1;
    return co_aca_wait(api, "put job", id, PUT_LONGEST_MS, &reply, &why, err);
}

/* ---- execution ---- */

static int name_execution(const char *definition, const char *name, char *out, size_t size)
{
    if (!aca_name_valid(name))
        return -1;
    int n = snprintf(out, size, "%s/executions/%s", definition, name);
    if (n > 0 && (size_t)n < size)
        return 0;
    *out = '\0';
    return -1;
}

struct newest {
    char name[128];
    int64_t started_ns;
};

/* Without a start time it waits to be started: that is as new as can be. */
static bool take_execution(void *arg, const json_t *item)
{
    struct newest *newest = arg;
    const char *name = json_doc_text(item, "name");
    int64_t ns = INT64_MAX;
    (void)!timefmt_parse_rfc3339(json_doc_text(json_object_get(item, "properties"), "startTime"),
                                 &ns);
    if (aca_name_valid(name) && (!*newest->name || ns > newest->started_ns)) {
        snprintf(newest->name, sizeof newest->name, "%s", name);
        newest->started_ns = ns;
    }
    return true;
}

int co_aca_find_execution(struct aca_api *api, const char *definition, char *resource, size_t size,
                          struct cloud_error *why, struct error *err)
{
    struct newest newest = {0};
    AUTO_FREE char *id = xasprintf("%s/executions", definition);
    *resource = '\0';
    if (co_aca_list_items(api, "list executions", id, take_execution, &newest, why, err))
        return -1;
    if (*newest.name)
        (void)!name_execution(definition, newest.name, resource, size);
    return 0;
}

static int co_find(struct aca_api *api, struct workload *w, struct error *err)
{
    struct cloud_error why;
    if (co_aca_find_execution(api, w->definition, w->resource, sizeof w->resource, &why, err))
        return -1;
    memcpy(w->log_ref, w->resource, sizeof w->log_ref);
    return 0;
}

static int co_start(struct aca_api *api, struct workload *w, struct cloud_error *why,
                    struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    const struct aca_action start = {
        .what = "start job", .method = "POST", .id = w->definition, .suffix = "/start"};
    if (co_aca_act(api, &start, &reply, why, err))
        return -1;
    if (reply.status == 202 &&
        co_aca_wait(api, "start job", NULL, START_LONGEST_MS, &reply, why, err)) {
        why->ambiguous = err->code != ERROR_CANCELLED;
        return -1;
    }
    if (name_execution(w->definition, json_doc_text(reply.doc, "name"), w->resource,
                       sizeof w->resource) == 0) {
        memcpy(w->log_ref, w->resource, sizeof w->log_ref);
        return 0;
    }
    why->ambiguous = true;
    return error_set(err, ERROR_SYSTEM, "aca: start job: the answer names no execution");
}

/* The answer was lost: did the run begin? Starting again unseen could run the container twice. */
static int co_find_lost(struct aca_api *api, struct workload *w, struct error *err)
{
    for (int look = 0; look < LOST_LOOKS && !*w->resource; look++) {
        struct error trouble; /* *err goes on saying why the start failed */
        if (co_sleep(LOST_PAUSE_MS << look, &trouble)) {
            *err = trouble;
            return -1;
        }
        if (co_find(api, w, &trouble))
            log_info("looking for a lost execution", LOG_STR("error", trouble.message));
    }
    return *w->resource ? 0 : -1;
}

int co_aca_run(struct aca_api *api, const struct workload_spec *spec, struct workload *w,
               struct error *err)
{
    struct cloud_error why = {0};
    (void)spec;
    if (co_find(api, w, err))
        return -1;
    if (*w->resource || co_start(api, w, &why, err) == 0)
        return 0;
    if (!why.ambiguous)
        return -1;
    if (co_find_lost(api, w, err) == 0)
        return 0;
    /* The service itself said that it could not, and nothing began. */
    return why.http >= 500 && !co_cancelled() ? co_start(api, w, &why, err) : -1;
}

/* ---- state ---- */

int co_aca_describe(struct aca_api *api, const struct workload *w, struct workload_status *out,
                    struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    struct cloud_error why;
    *out = (struct workload_status){.phase = WORKLOAD_MISSING};
    if (!*w->resource)
        return 0;
    if (co_aca_get(api, "get execution", w->resource, "", &reply, &why, err))
        return aca_not_found(&why) ? 0 : -1;
    aca_status_read(api->config, reply.doc, out);
    return 0;
}
