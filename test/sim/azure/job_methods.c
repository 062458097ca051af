/* SPDX-License-Identifier: Apache-2.0
 * The calls of Microsoft.App/jobs; see job.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/job.h"

#include <string.h>

static struct job *need_job(struct azure *azure, const struct azure_call *call,
                            struct azure_reply *reply)
{
    struct job *j = job_find(azure->jobs, call->part[2]);
    if (!j)
        azure_reply_error(reply, 404, "ResourceNotFound",
                          "The Resource 'Microsoft.App/jobs/%s' under resource group '%s' was not "
                          "found. For more details please go to "
                          "https://aka.ms/ARMResourceNotFoundFix",
                          call->part[2], azure->group);
    return j;
}

/* One change at a time. */
static bool is_free(const struct job *job, struct azure_reply *reply)
{
    if (job->state != JOB_IN_PROGRESS && job->state != JOB_DELETING)
        return true;
    azure_reply_error(reply, 409, "ContainerAppOperationInProgress",
                      "Cannot modify a container app job '%s' because there is an ongoing "
                      "provisioning operation.",
                      job->name);
    return false;
}

/* ---- put ---- */

static void put_locked(struct azure *azure, const struct azure_call *call, json_t *json,
                       struct azure_reply *reply)
{
    struct job_service *s = azure->jobs;
    const char *name = call->part[2];
    struct job *job = job_find(s, name);
    bool is_new = !job;
    if ((job && !is_free(job, reply)) || !job_check(azure, name, json, job, reply)) {
        json_decref(json);
        return;
    }
    if (is_new && s->job_count >= JOBS_MAX) {
        azure_reply_error(reply, 400, "QuotaExceeded", "At most %d jobs per environment.",
                          JOBS_MAX);
        json_decref(json);
        return;
    }
    if (is_new)
        job = job_new(s, name, json);
    else
        job_replace(job, json);
    job_begin_change(s, job, JOB_IN_PROGRESS, call->fails_late);
    operation_start(s, call, OPERATION_JOB_PUT, job, NULL, reply);
    azure_reply_json(reply, is_new ? 201 : 200, job_json(s, job));
}

static void job_put(struct azure *azure, const struct azure_call *call, struct azure_reply *reply)
{
    if (!json_is_object(call->body)) {
        azure_reply_error(reply, 400, "InvalidRequestContent",
                          "The request content was invalid: a JSON object is expected.");
        return;
    }
    json_t *json = json_deep_copy(call->body);
    job_service_lock(azure->jobs);
    put_locked(azure, call, json, reply);
    job_service_unlock(azure->jobs);
}

/* ---- get and list ---- */

static void job_get(struct azure *azure, const struct azure_call *call, struct azure_reply *reply)
{
    job_service_lock(azure->jobs);
    const struct job *j = need_job(azure, call, reply);
    if (j)
        azure_reply_json(reply, 200, job_json(azure->jobs, j));
    job_service_unlock(azure->jobs);
}

static void job_list(struct azure *azure, const struct azure_call *call, struct azure_reply *reply)
{
    json_t *all = json_array();
    job_service_lock(azure->jobs);
    for (const struct job *j = azure->jobs->jobs; j; j = j->next)
        json_array_append_new(all, job_json(azure->jobs, j));
    job_service_unlock(azure->jobs);
    azure_reply_page(azure, call, all, reply);
    json_decref(all);
}

static void job_list_secrets(struct azure *azure, const struct azure_call *call,
                             struct azure_reply *reply)
{
    job_service_lock(azure->jobs);
    const struct job *j = need_job(azure, call, reply);
    if (j) {
        const json_t *configuration =
            json_object_get(json_object_get(j->json, "properties"), "configuration");
        json_t *secrets = json_deep_copy(json_object_get(configuration, "secrets"));
        azure_reply_json(reply, 200, json_pack("{s:o}", "value", secrets ? secrets : json_array()));
    }
    job_service_unlock(azure->jobs);
}

/* ---- delete ---- */

static void job_delete(struct azure *azure, const struct azure_call *call,
                       struct azure_reply *reply)
{
    struct job_service *s = azure->jobs;
    job_service_lock(s);
    struct job *j = job_find(s, call->part[2]);
    if (!j) {
        azure_reply_json(reply, 204, NULL);
    } else if (is_free(j, reply)) {
        for (struct execution *e = s->executions; e && !call->fails_late; e = e->next)
            if (!strcmp(e->job_name, j->name)) {
                execution_stop(e);
                e->deleted = true;
            }
        job_begin_change(s, j, JOB_DELETING, call->fails_late);
        operation_start(s, call, OPERATION_JOB_DELETE, j, NULL, reply);
    }
    job_service_unlock(s);
}

/* ---- start and stop ---- */

/* e NULL: the operation will fail. */
static void answer_start(struct azure *azure, const struct azure_call *call, const struct job *job,
                         const struct execution *e, struct azure_reply *reply)
{
    if (!e || !azure->tuning.start_at_once) {
        operation_start(azure->jobs, call, OPERATION_START, job, e, reply);
        return;
    }
    AUTO_FREE char *id = execution_id(e);
    azure_reply_json(reply, 200, json_pack("{s:s, s:s}", "name", e->name, "id", id));
}

static void start(struct azure *azure, const struct azure_call *call, struct job *job,
                  struct azure_reply *reply)
{
    struct error err;
    json_t *template =
        json_deep_copy(json_object_get(json_object_get(job->json, "properties"), "template"));
    if (!job_override(template, call->body, reply)) {
        json_decref(template);
        return;
    }
    if (call->fails_late) { /* no execution is made */
        json_decref(template);
        answer_start(azure, call, job, NULL, reply);
        return;
    }
    struct execution *e = execution_new(azure->jobs, job, template);
    if (replica_start(e, &err)) {
        e->deleted = true;
        azure_reply_error(reply, 500, "InternalServerError", "%s", err.message);
        return;
    }
    answer_start(azure, call, job, e, reply);
}

static void job_start(struct azure *azure, const struct azure_call *call, struct azure_reply *reply)
{
    job_service_lock(azure->jobs);
    struct job *j = need_job(azure, call, reply);
    if (j && j->state == JOB_FAILED)
        azure_reply_error(reply, 400, "JobProvisioningFailed",
                          "The job '%s' cannot be started: its provisioning has failed.", j->name);
    else if (j && is_free(j, reply)) {
        if (j->execution_count >= EXECUTIONS_PER_JOB_MAX)
            azure_reply_error(reply, 400, "QuotaExceeded", "Too many executions of job '%s'.",
                              j->name);
        else
            start(azure, call, j, reply);
    }
    job_service_unlock(azure->jobs);
}

static void job_stop_all(struct azure *azure, const struct azure_call *call,
                         struct azure_reply *reply)
{
    struct job_service *s = azure->jobs;
    job_service_lock(s);
    struct job *j = need_job(azure, call, reply);
    if (j) {
        for (struct execution *e = s->executions; e; e = e->next)
            if (!e->deleted && !strcmp(e->job_name, j->name))
                execution_stop(e);
        operation_start(s, call, OPERATION_STOP, j, NULL, reply);
    }
    job_service_unlock(s);
}

#define JOBS AZURE_GROUP_PATH AZURE_APP "/jobs"
#define ACTION "Microsoft.App/jobs/"
const struct azure_method job_methods[] = {
    {"Jobs_ListBySubscription", "jobs.list", "GET", "/subscriptions/*" AZURE_APP "/jobs",
     ACTION "read", job_list, false},
    {"Jobs_ListByResourceGroup", "jobs.list", "GET", JOBS, ACTION "read", job_list, false},
    {"Jobs_Get", "jobs.get", "GET", JOBS "/*", ACTION "read", job_get, false},
    {"Jobs_CreateOrUpdate", "jobs.put", "PUT", JOBS "/*", ACTION "write", job_put, true},
    {"Jobs_Delete", "jobs.delete", "DELETE", JOBS "/*", ACTION "delete", job_delete, true},
    {"Jobs_Start", "jobs.start", "POST", JOBS "/*/start", ACTION "start/action", job_start, true},
    {"Jobs_StopMultipleExecutions", "jobs.stopAll", "POST", JOBS "/*/stop", ACTION "stop/action",
     job_stop_all, true},
    {"Jobs_ListSecrets", "jobs.listSecrets", "POST", JOBS "/*/listSecrets",
     ACTION "listSecrets/action", job_list_secrets, false},
    {0}};
