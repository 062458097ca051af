/* SPDX-License-Identifier: Apache-2.0
 * Admin endpoint; see admin.h. */
#include "test/sim/azure/admin.h"

#include "base/alloc.h"
#include "test/sim/azure/directory.h"
#include "test/sim/azure/environment.h"
#include "test/sim/azure/job.h"
#include "test/sim/azure/log_analytics.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/call_counts.h"

#include <string.h>

static json_t *execution_alive_json(const struct execution *e)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", e->name, "job", e->job_name, "state",
                     execution_state_name(e->state), "ip", e->attached ? e->endpoint.address : "",
                     "pid", e->pid);
}

void admin_resources(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    struct job_service *s = azure->jobs;
    json_t *jobs = json_array(), *alive = json_array();
    int ended = 0;
    (void)request;
    job_service_lock(s);
    for (const struct job *j = s->jobs; j; j = j->next)
        json_array_append_new(jobs, value_text(j->name));
    for (const struct execution *e = s->executions; e; e = e->next) {
        if (e->alive)
            json_array_append_new(alive, execution_alive_json(e));
        ended += !e->alive;
    }
    job_service_unlock(s);
    admin_reply_json(reply, 200,
                     json_pack("{s:o, s:o, s:i, s:o, s:I, s:o}", "jobs", jobs, "executions", alive,
                               "endedExecutions", ended, "storages",
                               environment_storages(azure->environment), "logLines",
                               (json_int_t)log_analytics_count(azure->logs), "calls",
                               call_counts_json(azure->counts)));
}

static bool set_tuning(void *tuning, const char *key, const json_t *value)
{
    struct azure_tuning *t = tuning;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
#define X(name)                                                                                    \
    if (!strcmp(key, #name)) {                                                                     \
        t->name = (long)json_integer_value(value);                                                 \
        return true;                                                                               \
    }
    AZURE_TUNING(X)
#undef X
    return false;
}

static json_t *tuning_json(const struct azure_tuning *t)
{
    json_t *out = json_object();
#define X(name) json_object_set_new(out, #name, json_integer(t->name));
    AZURE_TUNING(X)
#undef X
    return out;
}

void admin_config(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    if (admin_take_settings(request, reply, set_tuning, &azure->tuning))
        admin_reply_json(reply, 200, tuning_json(&azure->tuning));
}

void admin_tokens(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    if (!strcmp(request->method, "DELETE")) {
        directory_expire_all(azure->directory);
        admin_reply_json(reply, 200, json_object());
        return;
    }
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    const char *audience = value_string(body, "audience");
    AUTO_FREE char *token =
        directory_issue(azure->directory, *audience ? audience : DIRECTORY_ARM,
                        directory_client_id(azure->directory), azure->tuning.token_ttl_s, NULL);
    json_decref(body);
    admin_reply_json(reply, 200, json_pack("{s:s}", "token", token));
}
