/* SPDX-License-Identifier: Apache-2.0
 * Jobs, and the lists of jobs and executions; see job.h. */
#include "test/sim/azure/job.h"

#include "base/alloc.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

struct job *job_find(struct job_service *s, const char *name)
{
    struct job *j = s->jobs;
    while (j && strcasecmp(j->name, name) != 0)
        j = j->next;
    return j;
}

struct execution *execution_find(struct job_service *s, const char *job, const char *name)
{
    for (struct execution *e = s->executions; e; e = e->next)
        if (!e->deleted && !strcasecmp(e->name, name) && !strcasecmp(e->job_name, job))
            return e;
    return NULL;
}

static bool is_idle(const struct job_service *s, const struct job *job)
{
    for (const struct execution *e = s->executions; e; e = e->next)
        if (e->alive && !strcmp(e->job_name, job->name))
            return false;
    return true;
}

void job_sweep(struct job_service *s)
{
    struct execution *e, *next_execution;
    LL_FOREACH_SAFE(s->executions, e, next_execution)
    {
        if (e->deleted && !e->alive) {
            LL_DELETE(s->executions, e);
            execution_free(e);
        }
    }
    struct job *j, *next_job;
    LL_FOREACH_SAFE(s->jobs, j, next_job)
    {
        if (j->ready_ms > value_now_ms())
            continue;
        if (j->fails_late)
            j->state = JOB_FAILED;
        else if (j->state == JOB_IN_PROGRESS)
            j->state = JOB_SUCCEEDED;
        if (j->state == JOB_DELETING && is_idle(s, j)) {
            LL_DELETE(s->jobs, j);
            s->job_count--;
            job_free(j);
        }
    }
}

/* ---- one job ---- */

struct job *job_new(struct job_service *s, const char *name, json_t *json)
{
    struct job *j = NEW(struct job);
    snprintf(j->name, sizeof j->name, "%s", name);
    j->json = json;
    j->created_ns = j->changed_ns = time_now_ns();
    LL_PREPEND(s->jobs, j);
    s->job_count++;
    return j;
}

void job_replace(struct job *job, json_t *json)
{
    json_decref(job->json);
    job->json = json;
    job->changed_ns = time_now_ns();
}

void job_begin_change(struct job_service *s, struct job *job, enum job_state state, bool fails_late)
{
    struct azure_tuning *t = &s->azure->tuning;
    job->state = state;
    job->fails_late = fails_late;
    job->ready_ms = value_now_ms() + t->operation_ms +
                    (value_take_one(&t->operations_late) ? t->operations_late_ms : 0);
}

void job_free(struct job *job)
{
    json_decref(job->json);
    free(job);
}

/* Values of secrets come back from listSecrets only. */
static void hide_secrets(json_t *out)
{
    size_t i;
    json_t *secret;
    json_t *configuration = json_object_get(json_object_get(out, "properties"), "configuration");
    json_array_foreach(json_object_get(configuration, "secrets"), i, secret)
        json_object_del(secret, "value");
}

static json_t *system_data(const struct job *job)
{
    json_t *out = json_pack("{s:s, s:s}", "createdByType", "Application", "lastModifiedByType",
                            "Application");
    azure_set_time(out, "createdAt", job->created_ns);
    azure_set_time(out, "lastModifiedAt", job->changed_ns);
    return out;
}

json_t *job_json(const struct job_service *s, const struct job *job)
{
#define X(name, text) text,
    static const char *const states[] = {JOB_STATES(X)};
#undef X
    json_t *out = json_deep_copy(job->json), *properties = json_object_get(out, "properties");
    AUTO_FREE char *id = azure_job_id(s->azure, job->name);
    AUTO_FREE char *events =
        xasprintf("https://%s.azurecontainerapps.dev%s/eventstream", s->azure->location, id);
    value_set_text(out, "id", id);
    value_set_text(out, "name", job->name);
    value_set_text(out, "type", "Microsoft.App/jobs");
    json_object_set_new(out, "systemData", system_data(job));
    value_set_text(properties, "provisioningState", states[job->state]);
    value_set_text(properties, "eventStreamEndpoint", events);
    json_object_set_new(properties, "outboundIpAddresses", json_array());
    hide_secrets(out);
    return out;
}

/* ---- the lock ---- */

void job_service_lock(struct job_service *s)
{
    pthread_mutex_lock(&s->lock);
    job_sweep(s);
}

void job_service_unlock(struct job_service *s)
{
    pthread_mutex_unlock(&s->lock);
}
