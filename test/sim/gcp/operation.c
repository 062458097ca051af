/* SPDX-License-Identifier: Apache-2.0
 * Long-running operations. What those of jobs and executions are about is looked up when they are
 * asked for; what has been deleted by then, from the copy taken last. Those of services and
 * functions are told by the thread that carries them out. See run.h. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/run.h"
#include "test/sim/host/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

enum { WAIT_MAX_MS = 30000 };

struct operation {
    UT_hash_handle hh; /* oldest first */
    char id[OPERATION_ID_MAX];
    enum operation_kind kind;
    char job_id[JOB_ID_MAX + 1], execution_id[EXECUTION_ID_MAX + 1], uid[37];
    int64_t due_ms;
    json_t *last; /* of the resource */
    bool done, failed;
    json_t *response;   /* of an operation that was told */
    const char *status; /* why that has failed; static */
    char *message;
};

static void operation_free(struct operation *o)
{
    json_decref(o->last);
    json_decref(o->response);
    free(o->message);
    free(o);
}

void operation_free_all(struct run *run)
{
    struct operation *o, *next;
    HASH_ITER(hh, run->operations, o, next)
    {
        HASH_DEL(run->operations, o);
        operation_free(o);
    }
}

static const char *type_of(enum operation_kind kind)
{
    return kind <= OPERATION_JOB_DELETE ? "type.googleapis.com/google.cloud.run.v2.Job"
           : kind == OPERATION_TOLD     ? "type.googleapis.com/google.cloud.run.v2.Service"
                                        : "type.googleapis.com/google.cloud.run.v2.Execution";
}

static bool is_about_job(const struct operation *o)
{
    return o->kind <= OPERATION_JOB_DELETE;
}

/* Done once, done for ever: its answer does not change any more. */
static void refresh(struct run *run, struct operation *o)
{
    bool gone, due = value_now_ms() >= o->due_ms;
    if (o->done || o->kind == OPERATION_TOLD)
        return;
    struct job *j = run_find_job(run, o->job_id);
    struct execution *e = run_find_execution(run, o->job_id, o->execution_id);
    if (is_about_job(o)) {
        gone = !j || strcmp(j->uid, o->uid) != 0;
        if (!gone) {
            json_decref(o->last);
            o->last = job_json(run, j);
        }
        o->done = due && (o->kind != OPERATION_JOB_DELETE || gone);
        return;
    }
    gone = !e;
    if (!gone) {
        json_decref(o->last);
        o->last = execution_json(e);
    }
    o->done = gone || (execution_is_done(e) && due && o->kind != OPERATION_EXECUTION_DELETE);
    o->failed = o->kind == OPERATION_EXECUTION_RUN && e && e->state > EXECUTION_SUCCEEDED;
}

static json_t *typed(const struct operation *o)
{
    if (o->kind == OPERATION_TOLD)
        return json_incref(o->last);
    json_t *out = json_deep_copy(o->last);
    value_set_text(out, "@type", type_of(o->kind));
    return out;
}

static json_t *operation_json(struct run *run, struct operation *o)
{
    refresh(run, o);
    AUTO_FREE char *name = resource_name(run->gcp, "operations", o->id);
    json_t *out = json_pack("{s:s, s:o}", "name", name, "metadata", typed(o));
    if (!o->done)
        return out;
    json_object_set_new(out, "done", json_true());
    if (o->status) {
        json_object_set_new(
            out, "error",
            json_pack("{s:i, s:s}", "code", gcp_status_code(o->status), "message", o->message));
    } else if (o->kind == OPERATION_TOLD) {
        json_object_set(out, "response", o->response);
    } else if (o->failed) {
        json_t *condition = json_array_get(json_object_get(o->last, "conditions"), 0);
        json_object_set_new(out, "error",
                            json_pack("{s:i, s:s}", "code", gcp_status_code("ABORTED"), "message",
                                      value_string(condition, "message")));
    } else {
        json_object_set_new(out, "response", typed(o));
    }
    return out;
}

/* The oldest ones are forgotten, done or not. */
static void keep(struct run *run, struct operation *o)
{
    HASH_ADD_STR(run->operations, id, o);
    while (HASH_COUNT(run->operations) > OPERATIONS_MAX) {
        struct operation *oldest = run->operations;
        HASH_DEL(run->operations, oldest);
        operation_free(oldest);
    }
}

static struct operation *find(struct run *run, const char *id)
{
    struct operation *o;
    HASH_FIND_STR(run->operations, id, o);
    return o;
}

json_t *operation_start(struct run *run, enum operation_kind kind, const struct job *job,
                        const struct execution *execution)
{
    struct operation *o = NEW(struct operation);
    value_uuid(o->id);
    o->kind = kind;
    o->due_ms = value_now_ms() + run->gcp->tuning.operation_ms;
    if (job) {
        snprintf(o->job_id, sizeof o->job_id, "%s", job->id);
        snprintf(o->uid, sizeof o->uid, "%s", job->uid);
        o->last = job_json(run, job);
    } else {
        snprintf(o->job_id, sizeof o->job_id, "%s", execution->job_id);
        snprintf(o->execution_id, sizeof o->execution_id, "%s", execution->id);
        o->last = execution_json(execution);
    }
    keep(run, o);
    return operation_json(run, o);
}

json_t *operation_open(struct run *run, const char *id, json_t *metadata)
{
    struct operation *o = NEW(struct operation);
    snprintf(o->id, sizeof o->id, "%s", id);
    o->kind = OPERATION_TOLD;
    o->last = metadata;
    keep(run, o);
    return operation_json(run, o);
}

void operation_tell(struct run *run, const char *id, json_t *metadata)
{
    struct operation *o = find(run, id);
    if (o) {
        json_decref(o->last);
        o->last = json_incref(metadata);
    }
    json_decref(metadata);
}

void operation_end(struct run *run, const char *id, json_t *response, const struct fate *fate)
{
    struct operation *o = find(run, id);
    if (o && !o->done) {
        o->done = true;
        o->response = json_incref(response);
        o->status = fate->status;
        o->message = fate->status ? xstrdup(fate->message) : NULL;
        pthread_cond_broadcast(&run->changed);
    }
    json_decref(response);
}

json_t *operation_checked(struct run *run, enum operation_kind kind, json_t *resource)
{
    char id[37];
    value_uuid(id);
    AUTO_FREE char *name = resource_name(run->gcp, "operations", id);
    value_set_text(resource, "@type", type_of(kind));
    return json_pack("{s:s, s:b, s:O, s:o}", "name", name, "done", 1, "metadata", resource,
                     "response", resource);
}

/* ---- methods ---- */

static struct operation *find_operation(struct run *run, const char *id, struct gcp_reply *reply)
{
    run_sweep(run);
    struct operation *o = find(run, id);
    if (!o)
        gcp_reply_error(reply, "NOT_FOUND", "Operation '%s' not found.", id);
    return o;
}

void operation_answer(struct gcp *gcp, const char *id, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    struct operation *o = find_operation(gcp->run, id, reply);
    if (o)
        gcp_reply_json(reply, operation_json(gcp->run, o));
    pthread_mutex_unlock(&gcp->run->lock);
}

static void operations_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    operation_answer(gcp, call->part[2], reply);
}

static void operations_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count;
    if (!gcp_page(call, 100, &begin, &count, reply))
        return;
    json_t *all = json_array();
    pthread_mutex_lock(&gcp->run->lock);
    run_sweep(gcp->run);
    for (struct operation *o = gcp->run->operations; o; o = o->hh.next)
        json_array_insert_new(all, 0, operation_json(gcp->run, o)); /* newest first */
    pthread_mutex_unlock(&gcp->run->lock);
    gcp_reply_json(reply, gcp_page_json("operations", all, begin, count));
    json_decref(all);
}

static void operations_delete(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    struct operation *o = find_operation(gcp->run, call->part[2], reply);
    if (o) {
        HASH_DEL(gcp->run->operations, o);
        operation_free(o);
    }
    pthread_mutex_unlock(&gcp->run->lock);
}

static long wait_ms(const json_t *body)
{
    int64_t ns;
    if (!duration_parse_seconds(value_string(body, "timeout"), &ns) || ns / 1000000 > WAIT_MAX_MS)
        return WAIT_MAX_MS;
    return ns / 1000000;
}

/* In slices: an operation may become due without anything having changed. */
static void operations_wait(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    struct run *run = gcp->run;
    int64_t until = value_now_ms() + wait_ms(call->body);
    pthread_mutex_lock(&run->lock);
    for (;;) {
        struct operation *o = find_operation(run, call->part[2], reply);
        if (!o)
            break;
        refresh(run, o);
        if (o->done || gcp->closing || value_now_ms() >= until) {
            gcp_reply_json(reply, operation_json(run, o));
            break;
        }
        struct timespec slice = runner_deadline(50);
        pthread_cond_timedwait(&run->changed, &run->lock, &slice);
    }
    pthread_mutex_unlock(&run->lock);
}

#define OPERATIONS "/v2/projects/*/locations/*/operations"
const struct gcp_method operation_methods[] = {
    {"run", "projects.locations.operations.get", "GET", OPERATIONS "/*", operations_get, false},
    {"run", "projects.locations.operations.list", "GET", OPERATIONS, operations_list, false},
    {"run", "projects.locations.operations.delete", "DELETE", OPERATIONS "/*", operations_delete,
     false},
    {"run", "projects.locations.operations.wait", "POST", OPERATIONS "/*:wait", operations_wait,
     false},
    {0}};
