/* SPDX-License-Identifier: Apache-2.0
 * Admin endpoint; see admin.h. */
#include "test/sim/gcp/admin.h"

#include "base/alloc.h"
#include "test/sim/gcp/cloud_logging.h"
#include "test/sim/gcp/function.h"
#include "test/sim/gcp/id_token.h"
#include "test/sim/gcp/token_store.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/call_counts.h"

#include <string.h>

static json_t *execution_alive_json(const struct execution *e)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", e->id, "job", e->job_id, "state",
                     execution_state_name(e->state), "ip", e->attached ? e->endpoint.address : "",
                     "pid", process_pid(&e->process));
}

static json_t *instances_json(const struct service *s)
{
    static const char *const states[] = {"STARTING", "READY", "ENDING"};
    json_t *out = json_array();
    for (const struct revision *r = s->revisions; r; r = r->next)
        for (const struct instance *i = r->instances; i; i = i->next)
            json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:i, s:s, s:i}", "id", i->id,
                                                 "revision", r->id, "state", states[i->state],
                                                 "requests", i->in_flight, "ip",
                                                 i->attached ? i->endpoint.address : "", "pid",
                                                 process_pid(&i->process)));
    return out;
}

static json_t *services_json(const struct run *run, json_t *instances)
{
    json_t *out = json_array();
    for (const struct service *s = run->services; s; s = s->hh.next) {
        json_t *of_service = instances_json(s);
        json_array_extend(instances, of_service);
        json_decref(of_service);
        json_array_append_new(
            out, json_pack("{s:s, s:i}", "name", s->id, "revisions", (int)s->revision_count));
    }
    return out;
}

static json_t *functions_json(const struct run *run)
{
    json_t *out = json_array();
    for (const struct function *f = run->functions; f; f = f->hh.next) {
        json_t *one = function_json(f, false);
        json_array_append_new(out, json_pack("{s:s, s:O, s:O*}", "name", f->id, "state",
                                             json_object_get(one, "state"), "labels",
                                             json_object_get(one, "labels")));
        json_decref(one);
    }
    return out;
}

/* Of Cloud Functions and what they consist of; with the lock. */
static json_t *serving_json(const struct run *run)
{
    json_t *instances = json_array();
    return json_pack("{s:o, s:o, s:o, s:i, s:o}", "functions", functions_json(run), "services",
                     services_json(run, instances), "instances", instances, "instanceCount",
                     run->instance_count, "invocations", invocation_list_json(run));
}

void admin_resources(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    struct run *run = gcp->run;
    json_t *jobs = json_array(), *alive = json_array();
    int ended = 0;
    (void)request;
    pthread_mutex_lock(&run->lock);
    run_sweep(run);
    for (const struct job *j = run->jobs; j; j = j->next)
        json_array_append_new(jobs, value_text(j->id));
    for (const struct execution *e = run->executions; e; e = e->next) {
        if (e->running)
            json_array_append_new(alive, execution_alive_json(e));
        ended += !e->running;
    }
    json_t *out = serving_json(run);
    pthread_mutex_unlock(&run->lock);
    json_t *more =
        json_pack("{s:o, s:o, s:i, s:I, s:o}", "jobs", jobs, "executions", alive, "endedExecutions",
                  ended, "logEntries", (json_int_t)cloud_logging_count(gcp->logging), "calls",
                  call_counts_json(gcp->counts));
    json_object_update(out, more);
    json_decref(more);
    admin_reply_json(reply, 200, out);
}

static bool set_tuning(void *tuning, const char *key, const json_t *value)
{
    struct gcp_tuning *t = tuning;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
#define X(name)                                                                                    \
    if (!strcmp(key, #name)) {                                                                     \
        t->name = (long)json_integer_value(value);                                                 \
        return true;                                                                               \
    }
    GCP_TUNING(X)
#undef X
    return false;
}

static json_t *tuning_json(const struct gcp_tuning *t)
{
    json_t *out = json_object();
#define X(name) json_object_set_new(out, #name, json_integer(t->name));
    GCP_TUNING(X)
#undef X
    return out;
}

void admin_config(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    if (admin_take_settings(request, reply, set_tuning, &gcp->tuning))
        admin_reply_json(reply, 200, tuning_json(&gcp->tuning));
}

void admin_tokens(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    char token[ACCESS_TOKEN_MAX];
    if (!strcmp(request->method, "DELETE")) {
        token_store_expire_all(gcp->tokens);
        id_token_forget(gcp->id_tokens);
        admin_reply_json(reply, 200, json_object());
        return;
    }
    token_store_issue(gcp->tokens, token_store_email(gcp->tokens), gcp->tuning.token_ttl_s, token);
    admin_reply_json(reply, 200, json_pack("{s:s}", "token", token));
}
