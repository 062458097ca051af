/* SPDX-License-Identifier: Apache-2.0
 * An execution, its one task, and their JSON; see run.h. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

const char *execution_state_name(enum execution_state state)
{
#define X(name) #name,
    static const char *const names[] = {EXECUTION_STATES(X)};
#undef X
    return names[state];
}

struct execution *execution_new(struct run *run, struct job *job, json_t *task_template)
{
    struct execution *e = NEW(struct execution);
    const json_t *template = json_object_get(job->json, "template");
    char hex[6];
    e->run = run;
    value_random_hex(hex, 5);
    snprintf(e->id, sizeof e->id, "%s-%s", job->id, hex);
    snprintf(e->job_id, sizeof e->job_id, "%s", job->id);
    value_uuid(e->uid);
    value_random_hex(e->netns_id, NETWORK_ID_LEN);
    e->template = task_template;
    e->labels = json_object();
    e->annotations = json_object();
    json_object_update(e->labels, json_object_get(job->json, "labels"));
    json_object_update(e->labels, json_object_get(template, "labels"));
    json_object_update(e->annotations, json_object_get(template, "annotations"));
    e->created_ns = e->updated_ns = time_now_ns();
    resource_cond_init(&e->changed);
    LL_PREPEND(run->executions, e);
    job->execution_count++;
    return e;
}

void execution_free(struct execution *e)
{
    json_decref(e->template);
    json_decref(e->labels);
    json_decref(e->annotations);
    pthread_cond_destroy(&e->changed);
    free(e->message);
    free(e);
}

bool execution_is_done(const struct execution *e)
{
    return e->state >= EXECUTION_SUCCEEDED;
}

void execution_set_state(struct execution *e, enum execution_state state)
{
    if (execution_is_done(e) || state <= e->state)
        return;
    e->state = state;
    e->updated_ns = time_now_ns();
    if (execution_is_done(e))
        e->completed_ns = e->updated_ns;
    log_debug("execution", LOG_STR("execution", e->id),
              LOG_STR("state", execution_state_name(state)));
    pthread_cond_broadcast(&e->run->changed);
}

void execution_cancel(struct execution *e)
{
    if (execution_is_done(e))
        return;
    e->cancel_requested = true;
    e->updated_ns = time_now_ns();
    pthread_cond_broadcast(&e->changed);
}

/* ---- JSON ---- */

static json_t *condition_json(const struct execution *e)
{
    static const char *const states[] = {"CONDITION_PENDING", "CONDITION_RECONCILING",
                                         "CONDITION_SUCCEEDED", "CONDITION_FAILED",
                                         "CONDITION_FAILED"};
    json_t *out = json_pack("{s:s, s:s}", "type", "Completed", "state", states[e->state]);
    gcp_set_time(out, "lastTransitionTime", e->updated_ns);
    value_set_text(out, "message", e->message);
    if (e->cancel_requested && !execution_is_done(e))
        value_set_text(out, "executionReason", "CANCELLING");
    else if (execution_is_done(e))
        value_set_text(out, "executionReason", e->reason);
    return out;
}

static json_t *conditions_json(const struct execution *e)
{
    json_t *started = json_pack("{s:s, s:s}", "type", "Started", "state",
                                e->started_ns ? "CONDITION_SUCCEEDED" : "CONDITION_PENDING");
    return json_pack("[o, o]", condition_json(e), started);
}

/* Members that execution and task have alike. */
static void set_common(const struct execution *e, json_t *out)
{
    json_object_set_new(out, "conditions", conditions_json(e));
    if (json_object_size(e->labels))
        json_object_set_new(out, "labels", json_deep_copy(e->labels));
    json_t *annotations = json_deep_copy(e->annotations);
    if (e->attached)
        value_set_text(annotations, SIM_ADDRESS_ANNOTATION, e->endpoint.address);
    if (json_object_size(annotations))
        json_object_set(out, "annotations", annotations);
    json_decref(annotations);
    gcp_set_time(out, "createTime", e->created_ns);
    gcp_set_time(out, "startTime", e->started_ns);
    gcp_set_time(out, "completionTime", e->completed_ns);
    gcp_set_time(out, "updateTime", e->updated_ns);
    value_set_text(out, "generation", "1");
    if (execution_is_done(e))
        value_set_text(out, "observedGeneration", "1");
    else
        json_object_set_new(out, "reconciling", json_true());
    AUTO_FREE char *uri =
        xasprintf("https://console.cloud.google.com/logs/viewer?project=%s", e->run->gcp->project);
    value_set_text(out, "logUri", uri);
}

static char *execution_name(const struct execution *e)
{
    const struct gcp *gcp = e->run->gcp;
    return xasprintf("projects/%s/locations/%s/jobs/%s/executions/%s", gcp->project, gcp->region,
                     e->job_id, e->id);
}

json_t *execution_json(const struct execution *e)
{
    AUTO_FREE char *name = execution_name(e);
    json_t *out = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "name", name, "uid", e->uid, "job",
                            e->job_id, "taskCount", 1, "parallelism", 1, "launchStage", "GA");
    json_object_set_new(out, "template", json_deep_copy(e->template));
    set_common(e, out);
    gcp_set_int(out, "runningCount", e->state == EXECUTION_RUNNING);
    gcp_set_int(out, "succeededCount", e->state == EXECUTION_SUCCEEDED);
    gcp_set_int(out, "failedCount", e->state == EXECUTION_FAILED);
    gcp_set_int(out, "cancelledCount", e->state == EXECUTION_CANCELLED);
    gcp_set_int(out, "retriedCount", e->retried);
    return out;
}

static json_t *result_json(const struct execution *e)
{
    json_t *out = json_object(), *status = json_object();
    gcp_set_int(out, "exitCode", e->exit_code);
    gcp_set_int(out, "termSignal", e->term_signal);
    if (e->error_code) {
        gcp_set_int(status, "code", gcp_status_code(e->error_code));
        value_set_text(status, "message", e->message);
    }
    json_object_set_new(out, "status", status);
    return out;
}

json_t *execution_task_json(const struct execution *e)
{
    static const char *const from_template[] = {
        "containers",           "volumes",  "maxRetries", "timeout", "serviceAccount",
        "executionEnvironment", "vpcAccess"};
    AUTO_FREE char *parent = execution_name(e);
    AUTO_FREE char *name = xasprintf("%s/tasks/%s-task0", parent, e->id);
    json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "uid", e->uid, "job", e->job_id,
                            "execution", e->id);
    for (size_t i = 0; i < ARRAY_LEN(from_template); i++) {
        json_t *value = json_object_get(e->template, from_template[i]);
        if (value)
            json_object_set_new(out, from_template[i], json_deep_copy(value));
    }
    set_common(e, out);
    gcp_set_time(out, "scheduledTime", e->created_ns);
    gcp_set_int(out, "retried", e->retried);
    if (e->has_result)
        json_object_set_new(out, "lastAttemptResult", result_json(e));
    return out;
}
