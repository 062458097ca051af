/* SPDX-License-Identifier: Apache-2.0
 * Admin endpoint; see admin.h. */
#include "test/sim/gcp/admin.h"

#include "base/alloc.h"
#include "test/sim/gcp/cloud_logging.h"
#include "test/sim/gcp/id_token.h"
#include "test/sim/gcp/run.h"
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
    pthread_mutex_unlock(&run->lock);
    admin_reply_json(reply, 200,
                     json_pack("{s:o, s:o, s:i, s:I, s:o}", "jobs", jobs, "executions", alive,
                               "endedExecutions", ended, "logEntries",
                               (json_int_t)cloud_logging_count(gcp->logging), "calls",
                               call_counts_json(gcp->counts)));
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
