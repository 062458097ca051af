/* SPDX-License-Identifier: Apache-2.0
 * Long-running operations of Azure Resource Manager ("Track asynchronous Azure operations"): PUT
 * names a status URL in Azure-AsyncOperation, the others a Location. The URLs are to be followed
 * as they are; without their last parameter they are not found. See job.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/azure/job.h"
#include "test/sim/http/form.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

struct operation {
    struct operation *next; /* newest first */
    enum operation_kind kind;
    char id[37], seal[33];
    char job[JOB_NAME_MAX + 1], execution[EXECUTION_NAME_MAX + 1];
    int64_t began_ns, ended_ns, due_ms;
    bool fails_late;
    char error_code[64];
    char *error_message; /* of one that has failed */
};

static void operation_free(struct operation *o)
{
    free(o->error_message);
    free(o);
}

void operation_free_all(struct job_service *s)
{
    while (s && s->operations) {
        struct operation *o = s->operations;
        LL_DELETE(s->operations, o);
        operation_free(o);
    }
}

static void fail(struct operation *o)
{
    const char *code = o->kind == OPERATION_JOB_PUT ? "ManagedEnvironmentCapacityExceeded"
                       : o->kind == OPERATION_START ? "JobExecutionStartFailed"
                                                    : "InternalServerError";
    snprintf(o->error_code, sizeof o->error_code, "%s", code);
    free(o->error_message);
    o->error_message = xasprintf(
        "The operation on '%s' was accepted and could not be completed: the environment has not "
        "enough capacity. Tracking Id: '%s'",
        o->job, o->id);
}

/* Done once, done for ever: its answer does not change any more. */
static bool refresh(struct job_service *s, struct operation *o)
{
    const struct job *job = job_find(s, o->job);
    const struct execution *e = *o->execution ? execution_find(s, o->job, o->execution) : NULL;
    if (o->ended_ns)
        return true;
    bool due = value_now_ms() >= o->due_ms;
    switch (o->kind) {
    case OPERATION_JOB_PUT: due = due && (!job || job->state != JOB_IN_PROGRESS); break;
    case OPERATION_JOB_DELETE: due = due && (!job || job->state != JOB_DELETING); break;
    case OPERATION_STOP: due = due && (!e || execution_is_done(e)); break;
    case OPERATION_START: break;
    }
    if (!due)
        return false;
    if (o->fails_late)
        fail(o);
    o->ended_ns = time_now_ns();
    return true;
}

/* The oldest ones are forgotten, done or not. */
static void trim(struct job_service *s)
{
    struct operation *o, *next;
    size_t n = 0;
    LL_FOREACH_SAFE(s->operations, o, next)
    {
        if (++n > OPERATIONS_MAX) {
            LL_DELETE(s->operations, o);
            operation_free(o);
        }
    }
}

static void set_url(const struct azure *azure, const struct azure_call *call,
                    const struct operation *o, const char *what, char url[AZURE_URL_MAX])
{
    snprintf(url, AZURE_URL_MAX,
             "http://%s/subscriptions/%s" AZURE_APP "/locations/%s/containerappsjobOperation%s/"
             "%s?api-version=%s&azureAsyncOperation=true&h=%s",
             call->host, azure->subscription, azure->location, what, o->id, call->api_version,
             o->seal);
}

static struct operation *operation_new(struct job_service *s, const struct azure_call *call,
                                       enum operation_kind kind)
{
    struct operation *o = NEW(struct operation);
    o->kind = kind;
    value_uuid(o->id);
    value_random_hex(o->seal, 32);
    o->began_ns = time_now_ns();
    o->due_ms = value_now_ms() + s->azure->tuning.operation_ms;
    o->fails_late = call->fails_late;
    LL_PREPEND(s->operations, o);
    trim(s);
    return o;
}

void operation_start(struct job_service *s, const struct azure_call *call, enum operation_kind kind,
                     const struct job *job, const struct execution *execution,
                     struct azure_reply *reply)
{
    struct operation *o = operation_new(s, call, kind);
    snprintf(o->job, sizeof o->job, "%s", job->name);
    if (job->ready_ms > o->due_ms)
        o->due_ms = job->ready_ms;
    if (execution)
        snprintf(o->execution, sizeof o->execution, "%s", execution->name);
    reply->retry_after_s = (int)s->azure->tuning.retry_after_s;
    if (kind == OPERATION_JOB_PUT) {
        set_url(s->azure, call, o, "Statuses", reply->async_operation);
    } else {
        set_url(s->azure, call, o, "Results", reply->location);
        azure_reply_json(reply, 202, NULL);
    }
}

/* ---- methods ---- */

static struct operation *need_operation(struct job_service *s, const struct azure_call *call,
                                        struct azure_reply *reply)
{
    AUTO_FREE char *seal = form_parameter(call->request, "h");
    struct operation *o = s->operations;
    while (o && strcmp(o->id, call->part[2]) != 0)
        o = o->next;
    if (!azure_same_location(call->part[1], s->azure->location) ||
        (o && strcmp(str_or_empty(seal), o->seal) != 0))
        o = NULL;
    if (!o)
        azure_reply_error(reply, 404, "OperationNotFound", "The operation '%s' was not found.",
                          call->part[2]);
    return o;
}

static void status_get(struct azure *azure, const struct azure_call *call,
                       struct azure_reply *reply)
{
    struct job_service *s = azure->jobs;
    job_service_lock(s);
    struct operation *o = need_operation(s, call, reply);
    if (o) {
        bool done = refresh(s, o);
        AUTO_FREE char *id = xstrdup(call->request->path);
        json_t *out = json_pack("{s:s, s:s, s:s}", "id", id, "name", o->id, "status",
                                !done              ? "InProgress"
                                : o->error_message ? "Failed"
                                                   : "Succeeded");
        azure_set_time(out, "startTime", o->began_ns);
        azure_set_time(out, "endTime", o->ended_ns);
        if (o->error_message)
            json_object_set_new(
                out, "error",
                json_pack("{s:s, s:s}", "code", o->error_code, "message", o->error_message));
        azure_reply_json(reply, 200, out);
        if (!done)
            reply->retry_after_s = (int)azure->tuning.retry_after_s;
    }
    job_service_unlock(s);
}

static void answer_done(struct job_service *s, const struct operation *o, struct azure_reply *reply)
{
    const struct execution *e = *o->execution ? execution_find(s, o->job, o->execution) : NULL;
    if (o->error_message) {
        azure_reply_error(reply, 500, o->error_code, "%s", o->error_message);
    } else if (o->kind == OPERATION_START && e) {
        AUTO_FREE char *id = execution_id(e);
        azure_reply_json(reply, 200, json_pack("{s:s, s:s}", "name", e->name, "id", id));
    } else {
        azure_reply_json(reply, o->kind == OPERATION_JOB_DELETE ? 204 : 200, NULL);
    }
}

static void result_get(struct azure *azure, const struct azure_call *call,
                       struct azure_reply *reply)
{
    struct job_service *s = azure->jobs;
    job_service_lock(s);
    struct operation *o = need_operation(s, call, reply);
    if (o && refresh(s, o)) {
        answer_done(s, o, reply);
    } else if (o) {
        azure_reply_json(reply, 202, NULL);
        set_url(azure, call, o, "Results", reply->location);
        reply->retry_after_s = (int)azure->tuning.retry_after_s;
    }
    job_service_unlock(s);
}

#define LOCATION "/subscriptions/*" AZURE_APP "/locations/*"
const struct azure_method operation_methods[] = {
    {"OperationStatuses_Get", "operations.status", "GET",
     LOCATION "/containerappsjobOperationStatuses/*",
     "Microsoft.App/locations/containerappsjobOperationStatuses/read", status_get, false},
    {"OperationResults_Get", "operations.result", "GET",
     LOCATION "/containerappsjobOperationResults/*",
     "Microsoft.App/locations/containerappsjobOperationResults/read", result_get, false},
    {0}};
