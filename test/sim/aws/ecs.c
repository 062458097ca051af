/* SPDX-License-Identifier: Apache-2.0
 * ECS: its state, lookups, the small operations, and the table of all; see ecs.h. */
#include "test/sim/aws/ecs.h"

#include "base/alloc.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

struct ecs *ecs_open(struct aws *aws)
{
    struct ecs *ecs = NEW(struct ecs);
    ecs->aws = aws;
    ecs->revisions = json_object();
    pthread_mutex_init(&ecs->lock, NULL);
    pthread_cond_init(&ecs->idle, NULL);
    return ecs;
}

static void definition_free(struct task_definition *d)
{
    json_decref(d->json);
    json_decref(d->tags);
    free(d->family);
    free(d->arn);
    free(d);
}

void ecs_close(struct ecs *ecs)
{
    if (!ecs)
        return;
    pthread_mutex_lock(&ecs->lock);
    ecs->closing = true;
    for (struct task *t = ecs->tasks; t; t = t->next) {
        if (t->state < TASK_STOPPED)
            task_stop(t, "TerminationNotice", "The simulator is shutting down");
        pthread_cond_broadcast(&t->changed);
    }
    while (ecs->runners)
        pthread_cond_wait(&ecs->idle, &ecs->lock);
    pthread_mutex_unlock(&ecs->lock);
    struct task *task, *next_task;
    LL_FOREACH_SAFE(ecs->tasks, task, next_task)
    {
        task_free(task);
    }
    struct task_definition *definition, *next_definition;
    LL_FOREACH_SAFE(ecs->definitions, definition, next_definition)
    {
        definition_free(definition);
    }
    json_decref(ecs->revisions);
    pthread_cond_destroy(&ecs->idle);
    pthread_mutex_destroy(&ecs->lock);
    free(ecs);
}

struct task_definition *ecs_find_definition(struct ecs *ecs, const char *name)
{
    struct task_definition *latest = NULL;
    const char *slash = strrchr(name, '/');
    if (str_starts(name, "arn:") && slash)
        name = slash + 1;
    for (struct task_definition *d = ecs->definitions; d; d = d->next) {
        AUTO_FREE char *full = xasprintf("%s:%d", d->family, d->revision);
        if (!strcmp(full, name))
            return d;
        if (!strcmp(d->family, name) && !strcmp(d->status, "ACTIVE") &&
            (!latest || d->revision > latest->revision))
            latest = d;
    }
    return latest;
}

struct task *ecs_find_task(struct ecs *ecs, const char *cluster, const char *id_or_arn)
{
    const char *slash = strrchr(id_or_arn, '/');
    const char *id = slash ? slash + 1 : id_or_arn;
    for (struct task *t = ecs->tasks; t; t = t->next)
        if (!strcmp(t->id, id) && (!cluster || !strcmp(t->cluster, cluster)))
            return t;
    return NULL;
}

bool ecs_cluster_of(const struct aws_call *call, struct aws_reply *reply, char out[256])
{
    const char *name = value_string(call->input, "cluster");
    const char *slash = strrchr(name, '/');
    if (str_starts(name, "arn:") && slash)
        name = slash + 1;
    snprintf(out, 256, "%s", *name ? name : "default");
    if (str_starts(out, "missing")) {
        aws_reply_error(reply, 400, "ClusterNotFoundException", "Cluster not found.");
        return false;
    }
    if (strlen(name) > 255 || !value_only(out, "-_")) {
        aws_reply_error(reply, 400, "InvalidParameterException",
                        "Identifier contains invalid characters or is too long: cluster");
        return false;
    }
    return true;
}

char *ecs_cluster_arn(const struct aws *aws, const char *cluster)
{
    return xasprintf("arn:aws:ecs:%s:%s:cluster/%s", aws->region, aws->account, cluster);
}

char *page_token_encode(const char *last)
{
    return base64_encode(last, strlen(last));
}

char *page_token_decode(const char *token)
{
    size_t len;
    return (char *)base64_decode(token, strlen(token), &len);
}

static json_t *cluster_json(struct ecs *ecs, const char *name)
{
    int running = 0, pending = 0;
    AUTO_FREE char *arn = ecs_cluster_arn(ecs->aws, name);
    pthread_mutex_lock(&ecs->lock);
    for (struct task *t = ecs->tasks; t; t = t->next)
        if (!strcmp(t->cluster, name)) {
            running += t->state == TASK_RUNNING;
            pending += t->state < TASK_RUNNING;
        }
    pthread_mutex_unlock(&ecs->lock);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:[], s:[], s:[], s:[ss], s:[]}",
                     "clusterArn", arn, "clusterName", name, "status", "ACTIVE",
                     "registeredContainerInstancesCount", 0, "runningTasksCount", running,
                     "pendingTasksCount", pending, "activeServicesCount", 0, "statistics", "tags",
                     "settings", "capacityProviders", "FARGATE", "FARGATE_SPOT",
                     "defaultCapacityProviderStrategy");
}

void ecs_describe_clusters(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    json_t *found = json_array(), *failures = json_array();
    json_t *names = json_object_get(call->input, "clusters");
    size_t count = json_array_size(names);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        const char *name =
            count ? str_or_empty(json_string_value(json_array_get(names, i))) : "default";
        const char *slash = strrchr(name, '/');
        name = slash ? slash + 1 : name;
        if (!str_starts(name, "missing")) {
            json_array_append_new(found, cluster_json(aws->ecs, name));
            continue;
        }
        AUTO_FREE char *arn = ecs_cluster_arn(aws, name);
        json_array_append_new(failures, json_pack("{s:s, s:s}", "arn", arn, "reason", "MISSING"));
    }
    aws_reply_json(reply, json_pack("{s:o, s:o}", "clusters", found, "failures", failures));
}

void ecs_list_clusters(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    (void)call;
    AUTO_FREE char *arn = ecs_cluster_arn(aws, "default");
    aws_reply_json(reply, json_pack("{s:[s]}", "clusterArns", arn));
}

/* ---- tags ---- */

/* The tag list of a task or definition by ARN; with the lock held. */
static json_t *tags_of(struct ecs *ecs, const char *arn)
{
    if (strstr(arn, ":task-definition/")) {
        struct task_definition *d = ecs_find_definition(ecs, arn);
        return d && !strcmp(d->arn, arn) ? d->tags : NULL;
    }
    struct task *t = ecs_find_task(ecs, NULL, arn);
    return t && t->state < TASK_STOPPED && !strcmp(t->arn, arn) ? t->tags : NULL;
}

static void no_such_resource(const struct aws_call *call, struct aws_reply *reply)
{
    aws_reply_error(reply, 400, "InvalidParameterException",
                    "The specified resource is not found: %s",
                    value_string(call->input, "resourceArn"));
}

static void remove_tag(json_t *tags, const char *key)
{
    for (size_t i = json_array_size(tags); i > 0; i--)
        if (!strcmp(value_string(json_array_get(tags, i - 1), "key"), key))
            json_array_remove(tags, i - 1);
}

void ecs_tag_resource(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    const json_t *given = json_object_get(call->input, "tags");
    struct error err;
    size_t i;
    json_t *tag;
    if (tags_check(given, &err)) {
        aws_reply_error(reply, 400, "InvalidParameterException", "%s", err.message);
        return;
    }
    pthread_mutex_lock(&aws->ecs->lock);
    json_t *tags = tags_of(aws->ecs, value_string(call->input, "resourceArn"));
    if (tags) {
        json_array_foreach(given, i, tag)
        {
            remove_tag(tags, value_string(tag, "key"));
            json_array_append_new(tags, json_deep_copy(tag));
        }
        aws_reply_json(reply, json_object());
    } else {
        no_such_resource(call, reply);
    }
    pthread_mutex_unlock(&aws->ecs->lock);
}

void ecs_untag_resource(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    size_t i;
    json_t *key;
    pthread_mutex_lock(&aws->ecs->lock);
    json_t *tags = tags_of(aws->ecs, value_string(call->input, "resourceArn"));
    json_array_foreach(json_object_get(call->input, "tagKeys"), i, key)
        remove_tag(tags, str_or_empty(json_string_value(key)));
    if (tags)
        aws_reply_json(reply, json_object());
    else
        no_such_resource(call, reply);
    pthread_mutex_unlock(&aws->ecs->lock);
}

void ecs_list_tags_for_resource(struct aws *aws, const struct aws_call *call,
                                struct aws_reply *reply)
{
    pthread_mutex_lock(&aws->ecs->lock);
    json_t *tags = tags_of(aws->ecs, value_string(call->input, "resourceArn"));
    if (tags)
        aws_reply_json(reply, json_pack("{s:o}", "tags", json_deep_copy(tags)));
    else
        no_such_resource(call, reply);
    pthread_mutex_unlock(&aws->ecs->lock);
}

const struct aws_operation ecs_operations[] = {
    {"ecs", "RegisterTaskDefinition", ecs_register_task_definition, false},
    {"ecs", "DeregisterTaskDefinition", ecs_deregister_task_definition, false},
    {"ecs", "DeleteTaskDefinitions", ecs_delete_task_definitions, false},
    {"ecs", "DescribeTaskDefinition", ecs_describe_task_definition, false},
    {"ecs", "ListTaskDefinitions", ecs_list_task_definitions, false},
    {"ecs", "RunTask", ecs_run_task, false},
    {"ecs", "DescribeTasks", ecs_describe_tasks, false},
    {"ecs", "ListTasks", ecs_list_tasks, false},
    {"ecs", "StopTask", ecs_stop_task, false},
    {"ecs", "DescribeClusters", ecs_describe_clusters, false},
    {"ecs", "ListClusters", ecs_list_clusters, false},
    {"ecs", "TagResource", ecs_tag_resource, false},
    {"ecs", "UntagResource", ecs_untag_resource, false},
    {"ecs", "ListTagsForResource", ecs_list_tags_for_resource, false},
    {0}};
