/* SPDX-License-Identifier: Apache-2.0
 * Admin endpoint; see admin.h. */
#include "test/sim/aws/admin.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/cloud_logs.h"
#include "test/sim/aws/dispatch.h"
#include "test/sim/aws/ecs.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/admin_reply.h"

#include <dirent.h>
#include <string.h>

enum { READER_WINDOW_MS = 2000 };

static json_t *alive_task_json(const struct task *t)
{
    static const char *const states[] = {"PENDING", "RUNNING", "STOPPED"};
    json_t *containers = json_array();
    for (size_t i = 0; i < t->container_count; i++) {
        const struct task_container *c = &t->containers[i];
        json_array_append_new(
            containers, json_pack("{s:s, s:s, s:i}", "name", value_string(c->definition, "name"),
                                  "lastStatus", states[c->state], "pid",
                                  c->process && !c->has_exit_code ? container_pid(c->process) : 0));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "taskArn", t->arn, "lastStatus",
                     task_state_name(t->state), "startedBy", t->started_by, "containers",
                     containers, "ip", t->attached ? t->endpoint.address : "", "family", t->family);
}

/* Namespaces of the tasks alive here, as far as they are really there. */
static json_t *netns_json(struct ecs *ecs)
{
    json_t *out = json_array();
    DIR *dir = opendir("/run/netns");
    for (struct dirent *e; dir && (e = readdir(dir));)
        for (struct task *t = ecs->tasks; t && str_starts(e->d_name, "skl-"); t = t->next)
            if (!strncmp(e->d_name + 4, t->id, NETWORK_ID_LEN)) {
                json_array_append_new(out, value_text(e->d_name));
                break;
            }
    if (dir)
        closedir(dir);
    return out;
}

static json_t *ecs_resources(struct ecs *ecs)
{
    json_t *alive = json_array(), *active = json_array(), *inactive = json_array();
    int stopped = 0;
    pthread_mutex_lock(&ecs->lock);
    for (struct task *t = ecs->tasks; t; t = t->next) {
        if (t->state < TASK_STOPPED)
            json_array_append_new(alive, alive_task_json(t));
        else
            stopped++;
    }
    for (struct task_definition *d = ecs->definitions; d; d = d->next)
        json_array_append_new(strcmp(d->status, "ACTIVE") ? inactive : active, value_text(d->arn));
    json_t *netns = netns_json(ecs);
    pthread_mutex_unlock(&ecs->lock);
    return json_pack("{s:o, s:i, s:{s:o, s:o}, s:o}", "tasks", alive, "stoppedTasks", stopped,
                     "taskDefinitions", "active", active, "inactive", inactive, "netns", netns);
}

void admin_resources(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct aws *aws = ctx;
    (void)request;
    json_t *out = ecs_resources(aws->ecs);
    json_object_set_new(out, "logStreams",
                        json_integer((json_int_t)cloud_logs_stream_count(aws->logs)));
    json_object_set_new(
        out, "logReadersLast2s",
        json_integer((json_int_t)cloud_logs_reader_count(aws->logs, READER_WINDOW_MS)));
    json_object_set_new(out, "calls", call_counts_json(aws->counts));
    admin_reply_json(reply, 200, out);
}

static bool set_tuning(void *tuning, const char *key, const json_t *value)
{
    struct aws_tuning *t = tuning;
    struct {
        const char *key;
        atomic_long *target;
    } numbers[] = {
        {"provision_ms", &t->provision_ms},         {"stop_ms", &t->stop_ms},
        {"log_delay_ms", &t->log_delay_ms},         {"describe_missing", &t->describe_missing},
        {"credential_ttl_s", &t->credential_ttl_s}, {"ecr_token_ttl_s", &t->ecr_token_ttl_s}};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (!strcmp(numbers[i].key, key) && json_is_integer(value)) {
            *numbers[i].target = (long)json_integer_value(value);
            return true;
        }
    if (!strcmp(key, "throttling") && json_is_boolean(value)) {
        t->throttling = json_boolean_value(value);
        return true;
    }
    return false;
}

static json_t *tuning_json(const struct aws_tuning *t)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "provision_ms",
                     (json_int_t)t->provision_ms, "stop_ms", (json_int_t)t->stop_ms, "log_delay_ms",
                     (json_int_t)t->log_delay_ms, "describe_missing",
                     (json_int_t)t->describe_missing, "credential_ttl_s",
                     (json_int_t)t->credential_ttl_s, "ecr_token_ttl_s",
                     (json_int_t)t->ecr_token_ttl_s, "throttling", (int)t->throttling);
}

void admin_config(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct aws *aws = ctx;
    if (admin_take_settings(request, reply, set_tuning, &aws->tuning))
        admin_reply_json(reply, 200, tuning_json(&aws->tuning));
}

void admin_logs_duplicate(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct aws *aws = ctx;
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    aws->tuning.log_duplicate = (long)value_int(body, "count", 1);
    json_decref(body);
    admin_reply_json(reply, 200, json_object());
}

void admin_logs_late(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct aws *aws = ctx;
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    aws->tuning.log_late_ms = (long)value_int(body, "late_ms", 1000);
    aws->tuning.log_late = (long)value_int(body, "count", 1);
    json_decref(body);
    admin_reply_json(reply, 200, json_object());
}
