/* SPDX-License-Identifier: Apache-2.0
 * The calls of Microsoft.App/jobs/executions; see job.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/job.h"
#include "test/sim/http/form.h"

#include <string.h>

static bool has_job(struct azure *azure, const struct azure_call *call, struct azure_reply *reply)
{
    if (job_find(azure->jobs, call->part[2]))
        return true;
    azure_reply_error(reply, 404, "ResourceNotFound",
                      "The Resource 'Microsoft.App/jobs/%s' under resource group '%s' was not "
                      "found. For more details please go to "
                      "https://aka.ms/ARMResourceNotFoundFix",
                      call->part[2], azure->group);
    return false;
}

static struct execution *need_execution(struct azure *azure, const struct azure_call *call,
                                        struct azure_reply *reply)
{
    if (!has_job(azure, call, reply))
        return NULL;
    struct execution *e = execution_find(azure->jobs, call->part[2], call->part[3]);
    if (!e)
        azure_reply_error(reply, 404, "JobExecutionNotFound",
                          "Job execution '%s' of job '%s' was not found.", call->part[3],
                          call->part[2]);
    return e;
}

static void execution_get(struct azure *azure, const struct azure_call *call,
                          struct azure_reply *reply)
{
    job_service_lock(azure->jobs);
    struct execution *e = need_execution(azure, call, reply);
    if (e)
        azure_reply_json(reply, 200, execution_json(e, call->api_version));
    job_service_unlock(azure->jobs);
}

static void execution_list(struct azure *azure, const struct azure_call *call,
                           struct azure_reply *reply)
{
    AUTO_FREE char *filter = form_parameter(call->request, "$filter");
    if (!str_empty(filter)) {
        azure_reply_error(reply, 400, "InvalidFilter",
                          "The simulator does not evaluate $filter: '%s'.", filter);
        return;
    }
    json_t *all = json_array();
    job_service_lock(azure->jobs);
    bool found = has_job(azure, call, reply);
    for (struct execution *e = azure->jobs->executions; found && e; e = e->next)
        if (!e->deleted && !strcasecmp(e->job_name, call->part[2]))
            json_array_append_new(all, execution_json(e, call->api_version));
    job_service_unlock(azure->jobs);
    if (found)
        azure_reply_page(azure, call, all, reply);
    json_decref(all);
}

static void execution_stop_one(struct azure *azure, const struct azure_call *call,
                               struct azure_reply *reply)
{
    job_service_lock(azure->jobs);
    struct execution *e = need_execution(azure, call, reply);
    if (e && execution_is_done(e)) {
        azure_reply_error(reply, 400, "JobExecutionNotRunning",
                          "Job execution '%s' cannot be stopped: it is in state '%s'.", e->name,
                          execution_state_name(e->state));
    } else if (e) {
        if (!call->fails_late)
            execution_stop(e);
        operation_start(azure->jobs, call, OPERATION_STOP, job_find(azure->jobs, e->job_name), e,
                        reply);
    }
    job_service_unlock(azure->jobs);
}

#define EXECUTIONS AZURE_GROUP_PATH AZURE_APP "/jobs/*/executions"
#define ACTION "Microsoft.App/jobs/"
const struct azure_method execution_methods[] = {
    {"JobsExecutions_List", "executions.list", "GET", EXECUTIONS, ACTION "executions/read",
     execution_list, false},
    {"JobExecution", "executions.get", "GET", EXECUTIONS "/*", ACTION "execution/read",
     execution_get, false},
    {"Jobs_StopExecution", "executions.stop", "POST", EXECUTIONS "/*/stop",
     ACTION "stop/execution/action", execution_stop_one, true},
    {0}};
