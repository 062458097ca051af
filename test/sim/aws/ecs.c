/* SPDX-License-Identifier: Apache-2.0
 * ECS: its life, the operations on tags, and the table of all operations; see ecs.h. */
#include "test/sim/aws/ecs.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>
#include <utlist.h>

struct ecs *ecs_open(struct aws *aws)
{
    struct ecs *ecs = NEW(struct ecs);
    ecs->aws = aws;
    ecs->revisions = json_object();
    ecs->clusters = cluster_default();
    pthread_mutex_init(&ecs->lock, NULL);
    pthread_cond_init(&ecs->idle, NULL);
    return ecs;
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
        task_definition_free(definition);
    }
    json_decref(ecs->revisions);
    json_decref(ecs->clusters);
    pthread_cond_destroy(&ecs->idle);
    pthread_mutex_destroy(&ecs->lock);
    free(ecs);
}

/* ---- tags ---- */

/* The tag list of a task or definition by ARN; with the lock held. */
static json_t *tags_of(struct ecs *ecs, const char *arn)
{
    if (strstr(arn, ":task-definition/")) {
        struct task_definition *d = task_definition_find(ecs, arn);
        return d && !strcmp(d->arn, arn) ? d->tags : NULL;
    }
    struct task *t = task_find(ecs, NULL, arn);
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
    {"ecs", "CreateCluster", ecs_create_cluster, false},
    {"ecs", "DeleteCluster", ecs_delete_cluster, false},
    {"ecs", "PutClusterCapacityProviders", ecs_put_cluster_capacity_providers, false},
    {"ecs", "DescribeCapacityProviders", ecs_describe_capacity_providers, false},
    {"ecs", "TagResource", ecs_tag_resource, false},
    {"ecs", "UntagResource", ecs_untag_resource, false},
    {"ecs", "ListTagsForResource", ecs_list_tags_for_resource, false},
    {0}};
