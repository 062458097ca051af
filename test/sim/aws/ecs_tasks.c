/* SPDX-License-Identifier: Apache-2.0
 * RunTask, DescribeTasks, ListTasks, StopTask; see ecs.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"
#include "test/sim/aws/page_token.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

/* Stopped tasks are forgotten after an hour. With the lock held. */
static void forget_old_tasks(struct ecs *ecs)
{
    int64_t now = value_now_ms();
    struct task *t, *next;
    LL_FOREACH_SAFE(ecs->tasks, t, next)
    {
        if (t->state == TASK_STOPPED && now - t->stopped_ms > STOPPED_TASK_TTL_MS) {
            LL_DELETE(ecs->tasks, t);
            task_free(t);
        }
    }
}

/* clientToken: the tasks it made before. True when the reply is set. */
static bool answer_repeat(struct ecs *ecs, const struct aws_call *call, struct aws_reply *reply)
{
    const char *token = value_string(call->input, "clientToken");
    json_t *tasks = json_array(), *ids = json_array();
    bool same = true;
    for (struct task *t = ecs->tasks; *token && t; t = t->next) {
        if (strcmp(t->client_token, token))
            continue;
        same = same && json_equal(t->request, call->input);
        json_array_append_new(tasks, task_json(ecs, t, true));
        json_array_append_new(ids, value_text(t->arn));
    }
    bool found = json_array_size(tasks) > 0;
    if (found && same) {
        aws_reply_json(reply, json_pack("{s:O, s:[]}", "tasks", tasks, "failures"));
    } else if (found) {
        aws_reply_error(reply, 400, "ConflictException",
                        "The request conflicts with an earlier one that used the same client "
                        "token with other parameters.");
        reply->error_fields = json_pack("{s:O}", "resourceIds", ids);
    }
    json_decref(tasks);
    json_decref(ids);
    return found;
}

static void start_tasks(struct ecs *ecs, const char *cluster, struct task_definition *definition,
                        const struct aws_call *call, struct aws_reply *reply)
{
    json_t *tasks = json_array(), *failures = json_array();
    int64_t count = value_int(call->input, "count", 1);
    const json_t *strategy = run_task_strategy(cluster_find(ecs, cluster), call->input);
    for (int64_t i = 0; i < count; i++) {
        struct error err;
        struct task *t =
            task_new(ecs, cluster, definition, call->input, capacity_provider_pick(strategy, i));
        if (ecs->closing || task_runner_start(ecs, t, &err)) {
            json_array_append_new(failures,
                                  json_pack("{s:s}", "reason",
                                            "Capacity is unavailable at this "
                                            "time. Please try again later or in a different "
                                            "availability zone"));
            task_free(t);
            continue;
        }
        LL_PREPEND(ecs->tasks, t);
        json_array_append_new(tasks, task_json(ecs, t, true));
    }
    aws_reply_json(reply, json_pack("{s:o, s:o}", "tasks", tasks, "failures", failures));
}

void ecs_run_task(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    struct ecs *ecs = aws->ecs;
    char cluster[256];
    if (!cluster_of(aws->ecs, call, reply, cluster))
        return;
    pthread_mutex_lock(&ecs->lock);
    forget_old_tasks(ecs);
    if (!answer_repeat(ecs, call, reply)) {
        struct task_definition *d =
            task_definition_find(ecs, value_string(call->input, "taskDefinition"));
        if (run_task_check(cluster_find(ecs, cluster), call, d, reply))
            start_tasks(ecs, cluster, d, call, reply);
    }
    pthread_mutex_unlock(&ecs->lock);
}

static bool wants_tags(const json_t *input)
{
    const json_t *include = json_object_get(input, "include");
    for (size_t i = 0; i < json_array_size(include); i++)
        if (!strcmp(str_or_empty(json_string_value(json_array_get(include, i))), "TAGS"))
            return true;
    return false;
}

static void describe_one(struct ecs *ecs, const char *cluster, const char *name, bool tags,
                         json_t *tasks, json_t *failures)
{
    struct task *t = task_find(ecs, cluster, name);
    if (t && t->unseen > 0) { /* eventual consistency, on demand */
        t->unseen--;
        t = NULL;
    }
    if (t) {
        json_array_append_new(tasks, task_json(ecs, t, tags));
        return;
    }
    AUTO_FREE char *arn = str_starts(name, "arn:")
                              ? xstrdup(name)
                              : xasprintf("arn:aws:ecs:%s:%s:task/%s/%s", ecs->aws->region,
                                          ecs->aws->account, cluster, name);
    json_array_append_new(failures, json_pack("{s:s, s:s}", "arn", arn, "reason", "MISSING"));
}

void ecs_describe_tasks(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    const json_t *names = json_object_get(call->input, "tasks");
    char cluster[256];
    if (!cluster_of(aws->ecs, call, reply, cluster))
        return;
    if (json_array_size(names) == 0 || json_array_size(names) > 100) {
        aws_reply_error(reply, 400, "InvalidParameterException",
                        json_array_size(names) ? "Tasks cannot have more than 100 items."
                                               : "Tasks cannot be empty.");
        return;
    }
    json_t *tasks = json_array(), *failures = json_array();
    pthread_mutex_lock(&aws->ecs->lock);
    forget_old_tasks(aws->ecs);
    for (size_t i = 0; i < json_array_size(names); i++)
        describe_one(aws->ecs, cluster, str_or_empty(json_string_value(json_array_get(names, i))),
                     wants_tags(call->input), tasks, failures);
    pthread_mutex_unlock(&aws->ecs->lock);
    aws_reply_json(reply, json_pack("{s:o, s:o}", "tasks", tasks, "failures", failures));
}

static bool list_matches(const struct task *t, const char *cluster, const json_t *input)
{
    const char *family = value_string(input, "family"), *by = value_string(input, "startedBy");
    const char *desired = value_string(input, "desiredStatus");
    bool stopping = t->stop_requested || t->state >= TASK_DEACTIVATING;
    if (strcmp(t->cluster, cluster) || (*family && strcmp(t->family, family)) ||
        (*by && strcmp(t->started_by, by)))
        return false;
    return !strcmp(*desired ? desired : "RUNNING", stopping ? "STOPPED" : "RUNNING");
}

static bool list_check(const json_t *input, struct aws_reply *reply)
{
    const char *desired = value_string(input, "desiredStatus");
    int64_t max = value_int(input, "maxResults", 100);
    if (*value_string(input, "startedBy") &&
        (*value_string(input, "family") || *value_string(input, "serviceName") ||
         *value_string(input, "containerInstance")))
        aws_reply_error(reply, 400, "InvalidParameterException",
                        "startedBy must be the only filter specified in a ListTasks request.");
    else if (*desired && strcmp(desired, "RUNNING") && strcmp(desired, "PENDING") &&
             strcmp(desired, "STOPPED"))
        aws_reply_error(reply, 400, "InvalidParameterException", "Invalid desiredStatus: %s",
                        desired);
    else if (max < 1 || max > 100)
        aws_reply_error(reply, 400, "InvalidParameterException",
                        "maxResults should be between 1 and 100");
    else
        return true;
    return false;
}

/* Newest first; a cursor is the ARN of the last one given, so that new tasks shift nothing. */
void ecs_list_tasks(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char cluster[256];
    if (!cluster_of(aws->ecs, call, reply, cluster) || !list_check(call->input, reply))
        return;
    int64_t max = value_int(call->input, "maxResults", 100);
    const char *token = value_string(call->input, "nextToken");
    AUTO_FREE char *after = *token ? page_token_decode(token) : NULL;
    json_t *arns = json_array(), *out = json_pack("{s:o}", "taskArns", arns);
    const char *last = NULL;
    pthread_mutex_lock(&aws->ecs->lock);
    struct task *t = aws->ecs->tasks;
    while (*token && t && strcmp(t->arn, str_or_empty(after)))
        t = t->next;
    if (*token && !t)
        aws_reply_error(reply, 400, "InvalidParameterException", "Invalid token");
    for (t = *token && t ? t->next : t; t; t = t->next) {
        if (!list_matches(t, cluster, call->input))
            continue;
        if ((int64_t)json_array_size(arns) == max) {
            AUTO_FREE char *next = page_token_encode(last);
            value_set_text(out, "nextToken", next);
            break;
        }
        last = t->arn;
        json_array_append_new(arns, value_text(t->arn));
    }
    pthread_mutex_unlock(&aws->ecs->lock);
    if (*reply->error_code)
        json_decref(out);
    else
        aws_reply_json(reply, out);
}

void ecs_stop_task(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    const char *reason = value_string(call->input, "reason");
    char cluster[256];
    if (!cluster_of(aws->ecs, call, reply, cluster))
        return;
    pthread_mutex_lock(&aws->ecs->lock);
    struct task *t = task_find(aws->ecs, cluster, value_string(call->input, "task"));
    if (!t) {
        aws_reply_error(reply, 400, "InvalidParameterException",
                        "The referenced task was not found.");
    } else {
        if (t->state < TASK_DEACTIVATING)
            task_stop(t, "UserInitiated", *reason ? reason : "Task stopped by user");
        json_decref(t->tags); /* the real service drops them with this call */
        t->tags = json_array();
        aws_reply_json(reply, json_pack("{s:o}", "task", task_json(aws->ecs, t, true)));
    }
    pthread_mutex_unlock(&aws->ecs->lock);
}
