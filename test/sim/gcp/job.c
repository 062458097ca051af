/* SPDX-License-Identifier: Apache-2.0
 * Jobs, and the lists of jobs and executions; see run.h. */
#include "base/alloc.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/run.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

struct job *run_find_job(struct run *run, const char *id)
{
    struct job *j = run->jobs;
    while (j && strcmp(j->id, id) != 0)
        j = j->next;
    return j;
}

struct execution *run_find_execution(struct run *run, const char *job, const char *id)
{
    for (struct execution *e = run->executions; e; e = e->next)
        if (!strcmp(e->id, id) && (!strcmp(job, "-") || !strcmp(e->job_id, job)))
            return e;
    return NULL;
}

bool run_job_is_idle(const struct run *run, const char *job_id)
{
    for (const struct execution *e = run->executions; e; e = e->next)
        if (e->running && !strcmp(e->job_id, job_id))
            return false;
    return true;
}

void run_sweep(struct run *run)
{
    struct execution *e, *next_execution;
    LL_FOREACH_SAFE(run->executions, e, next_execution)
    {
        if (e->deleted && !e->running) {
            LL_DELETE(run->executions, e);
            execution_free(e);
        }
    }
    struct job *j, *next_job;
    LL_FOREACH_SAFE(run->jobs, j, next_job)
    {
        if (j->deleted_ns && j->ready_ms <= value_now_ms() && run_job_is_idle(run, j->id)) {
            LL_DELETE(run->jobs, j);
            run->job_count--;
            job_free(j);
        }
    }
}

/* ---- one job ---- */

struct job *job_new(struct run *run, const char *id, json_t *json, const char *creator)
{
    struct job *j = NEW(struct job);
    AUTO_FREE char *name = resource_name(run->gcp, "jobs", id);
    snprintf(j->id, sizeof j->id, "%s", id);
    value_uuid(j->uid);
    j->json = json;
    resource_begin(json, name, j->uid, creator);
    resource_stamp(json, &j->generation, creator);
    j->ready_ms = value_now_ms() + run->gcp->tuning.operation_ms;
    LL_PREPEND(run->jobs, j);
    run->job_count++;
    return j;
}

void job_replace(struct job *job, json_t *json, const char *modifier)
{
    resource_keep(json, job->json);
    json_decref(job->json);
    job->json = json;
    resource_stamp(json, &job->generation, modifier);
}

void job_free(struct job *job)
{
    json_decref(job->json);
    free(job);
}

static json_t *latest_execution_json(const struct execution *e)
{
    static const char *const statuses[] = {"EXECUTION_PENDING", "EXECUTION_RUNNING",
                                           "EXECUTION_SUCCEEDED", "EXECUTION_FAILED",
                                           "EXECUTION_CANCELLED"};
    json_t *out = json_pack("{s:s, s:s}", "name", e->id, "completionStatus", statuses[e->state]);
    gcp_set_time(out, "createTime", e->created_ns);
    gcp_set_time(out, "completionTime", e->completed_ns);
    return out;
}

json_t *job_json(const struct run *run, const struct job *job)
{
    json_t *out = json_deep_copy(job->json);
    bool reconciling = job->ready_ms > value_now_ms();
    json_t *ready = json_pack("{s:s, s:s}", "type", "Ready", "state",
                              reconciling ? "CONDITION_RECONCILING" : "CONDITION_SUCCEEDED");
    json_object_set(ready, "lastTransitionTime", json_object_get(job->json, "updateTime"));
    json_object_set_new(out, "terminalCondition", ready);
    if (reconciling)
        json_object_set_new(out, "reconciling", json_true());
    else
        json_object_set(out, "observedGeneration", json_object_get(job->json, "generation"));
    gcp_set_int(out, "executionCount", job->execution_count);
    gcp_set_time(out, "deleteTime", job->deleted_ns);
    for (const struct execution *e = run->executions; e; e = e->next)
        if (!strcmp(e->job_id, job->id)) {
            json_object_set_new(out, "latestCreatedExecution", latest_execution_json(e));
            break;
        }
    return out;
}
