/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Run Admin API v2: jobs, executions, tasks; see run.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/image_host.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/run.h"
#include "test/sim/http/form.h"

#include <string.h>

enum { PAGE_MAX = 100 };

static void lock(struct gcp *gcp)
{
    pthread_mutex_lock(&gcp->run->lock);
    run_sweep(gcp->run);
}

static void unlock(struct gcp *gcp)
{
    pthread_mutex_unlock(&gcp->run->lock);
}

static const json_t *task_template(const json_t *job)
{
    return json_object_get(json_object_get(job, "template"), "template");
}

static struct job *need_job(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    struct job *j =
        resource_location_fits(gcp, call, reply) ? run_find_job(gcp->run, call->part[2]) : NULL;
    if (!j && !reply->status)
        gcp_reply_error(reply, "NOT_FOUND",
                        "Resource '%s' of kind 'JOB' in region '%s' in project "
                        "'%s' does not exist.",
                        call->part[2], gcp->region, gcp->project);
    return j;
}

static struct execution *need_execution(struct gcp *gcp, const struct gcp_call *call,
                                        struct gcp_reply *reply)
{
    struct execution *e = resource_location_fits(gcp, call, reply)
                              ? run_find_execution(gcp->run, call->part[2], call->part[3])
                              : NULL;
    if (!e && !reply->status)
        gcp_reply_error(reply, "NOT_FOUND",
                        "Resource '%s' of kind 'EXECUTION' in region '%s' in "
                        "project '%s' does not exist.",
                        call->part[3], gcp->region, gcp->project);
    return e;
}

/* Parameter validateOnly, or the member of a body. */
static bool is_dry_run(const struct gcp_call *call)
{
    AUTO_FREE char *text = form_parameter(call->request, "validateOnly");
    return (text && !strcmp(text, "true")) || value_bool(call->body, "validateOnly", false);
}

/* True when the call only validates: it is answered, with the resource as it is. */
static bool answer_dry_run(struct gcp *gcp, const struct gcp_call *call, enum operation_kind kind,
                           json_t *resource, struct gcp_reply *reply)
{
    bool dry = is_dry_run(call);
    if (dry)
        gcp_reply_json(reply, operation_checked(gcp->run, kind, json_incref(resource)));
    json_decref(resource);
    return dry;
}

/* ---- jobs ---- */

static void create_job(struct gcp *gcp, const struct gcp_call *call, const char *id,
                       struct gcp_reply *reply)
{
    struct error err;
    struct run *run = gcp->run;
    json_t *json = json_deep_copy(call->body);
    if (job_check(json, &err) ||
        image_host_check(gcp, task_template(json), "template.template", &err)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
    } else if (run_find_job(run, id)) {
        gcp_reply_error(reply, "ALREADY_EXISTS", "Resource '%s' already exists.", id);
    } else if (run->job_count >= JOBS_MAX) {
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED",
                        "Quota exceeded: at most %d jobs per project "
                        "and region.",
                        JOBS_MAX);
    } else if (!answer_dry_run(gcp, call, OPERATION_JOB_CREATE, json_incref(json), reply)) {
        const struct job *j = job_new(run, id, STEAL(json), call->principal);
        gcp_reply_json(reply, operation_start(run, OPERATION_JOB_CREATE, j, NULL));
    }
    json_decref(json);
}

static void jobs_create(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    char generated[20] = "job-";
    AUTO_FREE char *id = form_parameter(call->request, "jobId");
    value_random_hex(generated + 4, 12);
    if (!str_empty(id) && !job_id_valid(id)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT",
                        "job_id: must use only lowercase alphanumeric characters and dashes, "
                        "cannot begin or end with a dash, must begin with a letter, and cannot be "
                        "longer than %d characters",
                        JOB_ID_MAX);
        return;
    }
    if (!resource_location_fits(gcp, call, reply))
        return;
    lock(gcp);
    create_job(gcp, call, str_empty(id) ? generated : id, reply);
    unlock(gcp);
}

static void jobs_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    const struct job *j = need_job(gcp, call, reply);
    if (j)
        gcp_reply_json(reply, job_json(gcp->run, j));
    unlock(gcp);
}

static void jobs_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count;
    if (!resource_location_fits(gcp, call, reply) ||
        !gcp_page(call, PAGE_MAX, &begin, &count, reply))
        return;
    AUTO_FREE char *deleted = form_parameter(call->request, "showDeleted");
    json_t *all = json_array();
    lock(gcp);
    for (const struct job *j = gcp->run->jobs; j; j = j->next)
        if (!j->deleted_ns || (deleted && !strcmp(deleted, "true")))
            json_array_append_new(all, job_json(gcp->run, j));
    unlock(gcp);
    gcp_reply_json(reply, gcp_page_json("jobs", all, begin, count));
    json_decref(all);
}

static void replace_job(struct gcp *gcp, const struct gcp_call *call, struct job *job,
                        struct gcp_reply *reply)
{
    struct error err;
    json_t *json = json_deep_copy(call->body);
    if (!resource_etag_fits(call, job->id, job->json, reply)) {
        json_decref(json);
        return;
    }
    if (job_check(json, &err) ||
        image_host_check(gcp, task_template(json), "template.template", &err)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
        json_decref(json);
        return;
    }
    if (answer_dry_run(gcp, call, OPERATION_JOB_PATCH, json_incref(json), reply)) {
        json_decref(json);
        return;
    }
    job_replace(job, json, call->principal);
    job->ready_ms = value_now_ms() + gcp->tuning.operation_ms;
    gcp_reply_json(reply, operation_start(gcp->run, OPERATION_JOB_PATCH, job, NULL));
}

static void jobs_patch(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    AUTO_FREE char *missing = form_parameter(call->request, "allowMissing");
    lock(gcp);
    struct job *j = run_find_job(gcp->run, call->part[2]);
    if (j)
        replace_job(gcp, call, j, reply);
    else if (missing && !strcmp(missing, "true") && job_id_valid(call->part[2]))
        create_job(gcp, call, call->part[2], reply);
    else
        (void)need_job(gcp, call, reply);
    unlock(gcp);
}

static void jobs_delete(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    struct job *j = need_job(gcp, call, reply);
    if (j && resource_etag_fits(call, j->id, j->json, reply) &&
        !answer_dry_run(gcp, call, OPERATION_JOB_DELETE, job_json(gcp->run, j), reply)) {
        if (!j->deleted_ns) {
            j->deleted_ns = time_now_ns();
            j->ready_ms = value_now_ms() + gcp->tuning.operation_ms;
        }
        for (struct execution *e = gcp->run->executions; e; e = e->next)
            if (!strcmp(e->job_id, j->id)) {
                execution_cancel(e);
                e->deleted = true;
            }
        gcp_reply_json(reply, operation_start(gcp->run, OPERATION_JOB_DELETE, j, NULL));
    }
    unlock(gcp);
}

static void run_job(struct gcp *gcp, const struct gcp_call *call, struct job *job,
                    struct gcp_reply *reply)
{
    struct error err;
    json_t *task = json_deep_copy(task_template(job->json));
    if (job_override(task, json_object_get(call->body, "overrides"), &err)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
        json_decref(task);
        return;
    }
    if (answer_dry_run(gcp, call, OPERATION_EXECUTION_RUN,
                       json_pack("{s:s, s:O}", "job", job->id, "template", task), reply)) {
        json_decref(task);
        return;
    }
    struct execution *e = execution_new(gcp->run, job, task);
    if (execution_runner_start(e, &err)) {
        e->deleted = true;
        gcp_reply_error(reply, "INTERNAL", "%s", err.message);
        return;
    }
    gcp_reply_json(reply, operation_start(gcp->run, OPERATION_EXECUTION_RUN, NULL, e));
}

static void jobs_run(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    struct job *j = need_job(gcp, call, reply);
    if (j && (j->deleted_ns || j->ready_ms > value_now_ms()))
        gcp_reply_error(reply, "FAILED_PRECONDITION", "Job '%s' is not ready.", j->id);
    else if (j && j->execution_count >= EXECUTIONS_PER_JOB_MAX)
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED", "Too many executions of job '%s'.", j->id);
    else if (j && resource_etag_fits(call, j->id, j->json, reply))
        run_job(gcp, call, j, reply);
    unlock(gcp);
}

/* ---- executions and tasks ---- */

static void executions_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    const struct execution *e = need_execution(gcp, call, reply);
    if (e)
        gcp_reply_json(reply, execution_json(e));
    unlock(gcp);
}

static void executions_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count;
    bool any = !strcmp(call->part[2], "-");
    if (!gcp_page(call, PAGE_MAX, &begin, &count, reply))
        return;
    json_t *all = json_array();
    lock(gcp);
    if (any ? resource_location_fits(gcp, call, reply) : need_job(gcp, call, reply) != NULL) {
        for (const struct execution *e = gcp->run->executions; e; e = e->next)
            if (!e->deleted && (any || !strcmp(e->job_id, call->part[2])))
                json_array_append_new(all, execution_json(e));
        gcp_reply_json(reply, gcp_page_json("executions", all, begin, count));
    }
    unlock(gcp);
    json_decref(all);
}

static void executions_cancel(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    struct execution *e = need_execution(gcp, call, reply);
    if (e && execution_is_done(e)) {
        gcp_reply_error(reply, "FAILED_PRECONDITION",
                        "Execution '%s' cannot be cancelled: it has completed.", e->id);
    } else if (e &&
               !answer_dry_run(gcp, call, OPERATION_EXECUTION_CANCEL, execution_json(e), reply)) {
        execution_cancel(e);
        gcp_reply_json(reply, operation_start(gcp->run, OPERATION_EXECUTION_CANCEL, NULL, e));
    }
    unlock(gcp);
}

static void executions_delete(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    struct execution *e = need_execution(gcp, call, reply);
    if (e && !answer_dry_run(gcp, call, OPERATION_EXECUTION_DELETE, execution_json(e), reply)) {
        execution_cancel(e);
        e->deleted = true;
        gcp_reply_json(reply, operation_start(gcp->run, OPERATION_EXECUTION_DELETE, NULL, e));
    }
    unlock(gcp);
}

static void tasks_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    const struct execution *e = need_execution(gcp, call, reply);
    AUTO_FREE char *id = xasprintf("%s-task0", e ? e->id : "");
    if (e && strcmp(id, call->part[4]) != 0)
        gcp_reply_error(reply, "NOT_FOUND", "Resource '%s' of kind 'TASK' does not exist.",
                        call->part[4]);
    else if (e)
        gcp_reply_json(reply, execution_task_json(e));
    unlock(gcp);
}

static void tasks_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    lock(gcp);
    const struct execution *e = need_execution(gcp, call, reply);
    if (e)
        gcp_reply_json(reply, json_pack("{s:[o]}", "tasks", execution_task_json(e)));
    unlock(gcp);
}

#define JOBS "/v2/projects/*/locations/*/jobs"
#define EXECUTIONS JOBS "/*/executions"
#define ID "projects.locations.jobs."
const struct gcp_method run_methods[] = {
    {"run", ID "create", "POST", JOBS, jobs_create, false},
    {"run", ID "list", "GET", JOBS, jobs_list, false},
    {"run", ID "get", "GET", JOBS "/*", jobs_get, false},
    {"run", ID "patch", "PATCH", JOBS "/*", jobs_patch, false},
    {"run", ID "delete", "DELETE", JOBS "/*", jobs_delete, false},
    {"run", ID "run", "POST", JOBS "/*:run", jobs_run, false},
    {"run", ID "executions.list", "GET", EXECUTIONS, executions_list, false},
    {"run", ID "executions.get", "GET", EXECUTIONS "/*", executions_get, false},
    {"run", ID "executions.cancel", "POST", EXECUTIONS "/*:cancel", executions_cancel, false},
    {"run", ID "executions.delete", "DELETE", EXECUTIONS "/*", executions_delete, false},
    {"run", ID "executions.tasks.list", "GET", EXECUTIONS "/*/tasks", tasks_list, false},
    {"run", ID "executions.tasks.get", "GET", EXECUTIONS "/*/tasks/*", tasks_get, false},
    {0}};
