/* SPDX-License-Identifier: Apache-2.0
 * Beginning a run: the job, its execution, and their state; see cloudrun_run.h.
 *
 * A job is made for one run and named by the run's token, so making it twice finds the first one.
 * jobs.run has no idempotency token: whether a run began is told by the job's latest execution,
 * which is asked for before running again and when an answer was lost. */
#include "cloudrun_run.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloudrun_call.h"
#include "cloudrun_job.h"
#include "cloudrun_names.h"
#include "cloudrun_status.h"
#include "cloud/gcp/gcp_settle.h"
#include "loop/co.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    CREATE_LONGEST_MS = 120000,
    JOB_RESERVE = 64 * 1024,
    READY_PAUSE_MS = 500,
    LOST_LOOKS = 3, /* for an execution after a lost answer */
    LOST_PAUSE_MS = 500,
};

static bool is_reconciling(const json_t *job)
{
    return json_is_true(json_object_get(job, "reconciling"));
}

/* ---- job ---- */

/* The job that was just made. */
static int co_get_job(struct cloudrun_api *api, const char *name, json_t **job, struct error *err)
{
    struct gcp_settle settle;
    struct cloud_error why;
    gcp_settle_begin(&settle);
    while (co_cloudrun_get(api, "get job", name, job, &why, err))
        if (!gcp_error_is(&why, "NOT_FOUND") || co_gcp_settle(&settle, err))
            return -1;
    return 0;
}

/* The name is taken: by an earlier try of this very run, whose answer was lost, or by no run. */
static int co_adopt_job(struct cloudrun_api *api, const struct workload_spec *spec,
                        const char *name, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + CREATE_LONGEST_MS;
    for (;;) {
        json_t *job AUTO(json) = NULL;
        if (co_get_job(api, name, &job, err))
            return -1;
        const json_t *notes = json_object_get(job, "annotations");
        if (strcmp(str_or_empty(json_doc_string(notes, CLOUDRUN_NOTE_RUN)), spec->run_token) != 0)
            return error_set(err, ERROR_CONFLICT, "run: create job: %s exists and is not ours",
                             name);
        if (!is_reconciling(job))
            return 0;
        if (time_mono_ms() >= deadline_ms)
            return error_set(err, ERROR_DEADLINE, "run: create job: %s does not get ready", name);
        if (co_sleep(READY_PAUSE_MS, err))
            return -1;
    }
}

int co_cloudrun_prepare(struct cloudrun_api *api, const struct workload_spec *spec,
                        struct workload *w, struct error *err)
{
    AUTO(secret_buf) struct buf body = BUF_INIT;
    json_t *operation AUTO(json) = NULL;
    struct cloud_error why;
    char id[CLOUDRUN_JOB_ID_MAX + 1];
    buf_reserve(&body, JOB_RESERVE);
    if (cloudrun_job_build(api->config, spec, &body, err))
        return -1;
    cloudrun_job_id(spec->container_id, spec->run_token, id);
    AUTO_FREE char *target = xasprintf("projects/%s/locations/%s/jobs?jobId=%s",
                                       api->config->project, api->config->region, id);
    /* Before the call: what is undone after a failure may exist all the same. */
    snprintf(w->definition, sizeof w->definition, "projects/%s/locations/%s/jobs/%s",
             api->config->project, api->config->region, id);
    if (co_cloudrun_change(api, "create job", "POST", target, &body, &operation, &why, err)) {
        if (!gcp_error_is(&why, "ALREADY_EXISTS"))
            return -1;
        return co_adopt_job(api, spec, w->definition, err);
    }
    return co_cloudrun_wait(api, "create job", CREATE_LONGEST_MS, &operation, &why, err);
}

/* ---- execution ---- */

static int take_execution(struct cloudrun_api *api, const char *name, struct workload *w,
                          struct error *err)
{
    if (!cloudrun_name_usable(api, name) || !strstr(name, "/executions/") ||
        !cloudrun_name_copy(w->resource, sizeof w->resource, name) ||
        !cloudrun_name_copy(w->log_ref, sizeof w->log_ref, name))
        return error_set(err, ERROR_SYSTEM, "run: run job: \"%.100s\" is not an execution name",
                         name);
    return 0;
}

/* The execution that the job has; none: w->resource stays "". */
static int co_find_execution(struct cloudrun_api *api, struct workload *w, struct error *err)
{
    json_t *job AUTO(json) = NULL;
    if (co_get_job(api, w->definition, &job, err))
        return -1;
    cloudrun_latest_execution(api, job, w->definition, w->resource, sizeof w->resource);
    memcpy(w->log_ref, w->resource, sizeof w->log_ref);
    return 0;
}

static int co_run_once(struct cloudrun_api *api, struct workload *w, struct cloud_error *why,
                       struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO_FREE char *path = xasprintf("v2/%s:run", w->definition);
    json_t *operation AUTO(json) = NULL;
    buf_puts(&body, "{}");
    const struct gcp_call call = {
        .service = "run",
        .what = "run job",
        .method = "POST",
        .path = path,
        .body = &body,
        .bucket = &api->runs,
    };
    if (co_gcp_call(api->client, &call, &operation, why, err))
        return -1;
    const json_t *failure = json_object_get(operation, "error");
    const char *name = json_doc_string(json_object_get(operation, "metadata"), "name");
    if (!str_empty(name)) /* the operation itself lasts as long as the execution */
        return take_execution(api, name, w, err);
    if (json_is_object(failure)) {
        gcp_error_from_status(failure, why);
        return cloud_error_fill(why, "run", "run job", err);
    }
    why->ambiguous = true;
    return error_set(err, ERROR_SYSTEM, "run: run job: the answer names no execution");
}

/* The job says that it will never be ready: *err gets its own words. */
static bool co_has_failed(struct cloudrun_api *api, const struct workload *w, struct error *err)
{
    json_t *job AUTO(json) = NULL;
    struct cloud_error why;
    struct error unknown; /* then it may get ready */
    if (co_cloudrun_get(api, "get job", w->definition, &job, &why, &unknown) || is_reconciling(job))
        return false;
    const json_t *condition = json_object_get(job, "terminalCondition");
    const char *message = str_or_empty(json_doc_string(condition, "message"));
    if (strcmp(str_or_empty(json_doc_string(condition, "state")), "CONDITION_FAILED") != 0)
        return false;
    char refusal[ERROR_MESSAGE_MAX];
    snprintf(refusal, sizeof refusal, "%s", err->message);
    error_set(err, err->code, "%s%s%s", refusal, *message ? ": " : "", message);
    return true;
}

/* The job may not be ready, or not known, where it is to be run. */
static int co_run_job(struct cloudrun_api *api, struct workload *w, struct cloud_error *why,
                      struct error *err)
{
    struct gcp_settle settle;
    gcp_settle_begin(&settle);
    while (co_run_once(api, w, why, err)) {
        bool unready = gcp_error_is(why, "FAILED_PRECONDITION");
        if (why->ambiguous || (!unready && !gcp_error_is(why, "NOT_FOUND")))
            return -1;
        if ((unready && co_has_failed(api, w, err)) || co_gcp_settle(&settle, err))
            return -1;
    }
    return 0;
}

/* The answer was lost: did the run begin? Running again unseen could run the container twice. */
static int co_find_lost(struct cloudrun_api *api, struct workload *w, struct error *err)
{
    for (int look = 0; look < LOST_LOOKS && !*w->resource; look++) {
        struct error trouble; /* *err goes on saying why the run failed */
        if (co_sleep(LOST_PAUSE_MS << look, &trouble)) {
            *err = trouble;
            return -1;
        }
        if (co_find_execution(api, w, &trouble))
            log_info("looking for a lost execution", LOG_STR("error", trouble.message));
    }
    return *w->resource ? 0 : -1;
}

int co_cloudrun_run(struct cloudrun_api *api, const struct workload_spec *spec, struct workload *w,
                    struct error *err)
{
    struct cloud_error why;
    if (!spec->never_run && co_find_execution(api, w, err))
        return -1;
    if (*w->resource || co_run_job(api, w, &why, err) == 0)
        return 0;
    if (!why.ambiguous)
        return -1;
    if (co_find_lost(api, w, err) == 0)
        return 0;
    /* The service itself said that it could not, and nothing began. */
    bool refused = why.http == 503 && gcp_error_is(&why, "UNAVAILABLE");
    return refused && !co_cancelled() ? co_run_once(api, w, &why, err) : -1;
}

/* ---- state ---- */

/* One container, one task. */
static int co_add_task(struct cloudrun_api *api, const struct workload *w,
                       struct workload_status *out, struct error *err)
{
    AUTO_FREE char *tasks = xasprintf("%s/tasks?pageSize=1", w->resource);
    json_t *reply AUTO(json) = NULL;
    struct cloud_error why;
    if (co_cloudrun_get(api, "list tasks", tasks, &reply, &why, err) &&
        !gcp_error_is(&why, "NOT_FOUND"))
        return -1;
    cloudrun_status_add_task(api->config, json_array_get(json_object_get(reply, "tasks"), 0), out);
    return 0;
}

int co_cloudrun_describe(struct cloudrun_api *api, const struct workload *w,
                         struct workload_status *out, struct error *err)
{
    json_t *execution AUTO(json) = NULL;
    struct cloud_error why;
    *out = (struct workload_status){.phase = WORKLOAD_MISSING};
    if (!*w->resource)
        return 0;
    if (co_cloudrun_get(api, "get execution", w->resource, &execution, &why, err))
        return gcp_error_is(&why, "NOT_FOUND") ? 0 : -1;
    cloudrun_status_read(api->config, execution, out);
    return out->phase == WORKLOAD_STOPPED ? co_add_task(api, w, out, err) : 0;
}
