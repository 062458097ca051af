/* SPDX-License-Identifier: Apache-2.0
 * ECS clusters: those that exist, and the API calls on them; see ecs.h. A cluster is kept as
 * {"capacityProviders": [...], "defaultCapacityProviderStrategy": [...]} under its name. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"
#include "test/sim/aws/page_token.h"

#include <stdio.h>
#include <string.h>

enum { CLUSTERS_MAX = 100, LIST_MAX = 100 };
#define PROVIDERS "capacityProviders"
#define STRATEGY "defaultCapacityProviderStrategy"

json_t *cluster_default(void)
{
    return json_pack("{s:{s:[ss], s:[]}}", "default", PROVIDERS, "FARGATE", "FARGATE_SPOT",
                     STRATEGY);
}

const json_t *cluster_find(struct ecs *ecs, const char *name)
{
    return json_object_get(ecs->clusters, name);
}

/* The name in a name or an ARN. */
static const char *plain_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return str_starts(name, "arn:") && slash ? slash + 1 : name;
}

static bool name_ok(const char *name, const char *parameter, struct aws_reply *reply)
{
    if (strlen(name) <= 255 && value_only(name, "-_"))
        return true;
    aws_reply_error(reply, 400, "InvalidParameterException",
                    "Identifier contains invalid characters or is too long: %s", parameter);
    return false;
}

bool cluster_of(struct ecs *ecs, const struct aws_call *call, struct aws_reply *reply,
                char out[256])
{
    const char *name = plain_name(value_string(call->input, "cluster"));
    name = *name ? name : "default";
    if (!name_ok(name, "cluster", reply))
        return false;
    snprintf(out, 256, "%s", name);
    pthread_mutex_lock(&ecs->lock);
    bool found = cluster_find(ecs, out) != NULL;
    pthread_mutex_unlock(&ecs->lock);
    if (!found)
        aws_reply_error(reply, 400, "ClusterNotFoundException", "Cluster not found.");
    return found;
}

char *cluster_arn(const struct aws *aws, const char *cluster)
{
    return xasprintf("arn:aws:ecs:%s:%s:cluster/%s", aws->region, aws->account, cluster);
}

/* With the lock held. */
static void count_tasks(const struct ecs *ecs, const char *name, int *running, int *pending)
{
    *running = *pending = 0;
    for (const struct task *t = ecs->tasks; t; t = t->next)
        if (!strcmp(t->cluster, name)) {
            *running += t->state >= TASK_RUNNING && t->state < TASK_STOPPED;
            *pending += t->state < TASK_RUNNING;
        }
}

/* With the lock held. */
static json_t *cluster_json(struct ecs *ecs, const char *name, const json_t *cluster,
                            const char *status)
{
    int running, pending;
    AUTO_FREE char *arn = cluster_arn(ecs->aws, name);
    count_tasks(ecs, name, &running, &pending);
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:[], s:[], s:[]}", "clusterArn", arn,
                  "clusterName", name, "status", status, "registeredContainerInstancesCount", 0,
                  "runningTasksCount", running, "pendingTasksCount", pending, "activeServicesCount",
                  0, "statistics", "tags", "settings");
    json_object_update(out, (json_t *)cluster);
    return out;
}

void ecs_describe_clusters(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    json_t *found = json_array(), *failures = json_array();
    json_t *names = json_object_get(call->input, "clusters");
    size_t count = json_array_size(names);
    pthread_mutex_lock(&aws->ecs->lock);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        const char *name = plain_name(
            count ? str_or_empty(json_string_value(json_array_get(names, i))) : "default");
        const json_t *cluster = cluster_find(aws->ecs, name);
        AUTO_FREE char *arn = cluster_arn(aws, name);
        if (cluster)
            json_array_append_new(found, cluster_json(aws->ecs, name, cluster, "ACTIVE"));
        else
            json_array_append_new(failures,
                                  json_pack("{s:s, s:s}", "arn", arn, "reason", "MISSING"));
    }
    pthread_mutex_unlock(&aws->ecs->lock);
    aws_reply_json(reply, json_pack("{s:o, s:o}", "clusters", found, "failures", failures));
}

/* In the order in which they were made; a cursor is the last name given. */
void ecs_list_clusters(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    int64_t max = value_int(call->input, "maxResults", LIST_MAX);
    const char *token = value_string(call->input, "nextToken"), *name, *last = "";
    AUTO_FREE char *after = *token ? page_token_decode(token) : NULL;
    json_t *cluster, *arns = json_array(), *out = json_pack("{s:o}", "clusterArns", arns);
    bool begun = !*token;
    pthread_mutex_lock(&aws->ecs->lock);
    json_object_foreach(aws->ecs->clusters, name, cluster)
    {
        if (begun && (int64_t)json_array_size(arns) == max) {
            AUTO_FREE char *next = page_token_encode(last);
            value_set_text(out, "nextToken", next);
            break;
        }
        if (begun) {
            AUTO_FREE char *arn = cluster_arn(aws, last = name);
            json_array_append_new(arns, value_text(arn));
        }
        begun = begun || !strcmp(name, str_or_empty(after));
    }
    pthread_mutex_unlock(&aws->ecs->lock);
    if (max >= 1 && max <= LIST_MAX && begun) {
        aws_reply_json(reply, out);
        return;
    }
    json_decref(out);
    aws_reply_error(reply, 400, "InvalidParameterException",
                    begun ? "maxResults should be between 1 and 100" : "Invalid token");
}

/* The members of a call that a cluster keeps; NULL with the reply set. New reference. */
static json_t *read_cluster(const json_t *input, struct aws_reply *reply)
{
    const json_t *providers = json_object_get(input, PROVIDERS),
                 *strategy = json_object_get(input, STRATEGY);
    json_t *out =
        json_pack("{s:o, s:o}", PROVIDERS, providers ? json_deep_copy(providers) : json_array(),
                  STRATEGY, strategy ? json_deep_copy(strategy) : json_array());
    char text[256];
    const char *message = capacity_providers_problem(json_object_get(out, PROVIDERS), text);
    if (!message && json_array_size(strategy))
        message = capacity_strategy_problem(strategy, out, text);
    if (!message)
        return out;
    aws_reply_error(reply, 400, "InvalidParameterException", "%s", message);
    json_decref(out);
    return NULL;
}

void ecs_create_cluster(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    struct ecs *ecs = aws->ecs;
    const char *name = value_string(call->input, "clusterName");
    name = *name ? name : "default";
    json_t *cluster = name_ok(name, "clusterName", reply) ? read_cluster(call->input, reply) : NULL;
    if (!cluster)
        return;
    pthread_mutex_lock(&ecs->lock);
    if (!cluster_find(ecs, name) && json_object_size(ecs->clusters) < CLUSTERS_MAX)
        json_object_set(ecs->clusters, name, cluster);
    const json_t *kept = cluster_find(ecs, name); /* an earlier one stays as it is */
    if (kept)
        aws_reply_json(reply,
                       json_pack("{s:o}", "cluster", cluster_json(ecs, name, kept, "ACTIVE")));
    else
        aws_reply_error(reply, 400, "ClientException", "Too many clusters.");
    pthread_mutex_unlock(&ecs->lock);
    json_decref(cluster);
}

void ecs_put_cluster_capacity_providers(struct aws *aws, const struct aws_call *call,
                                        struct aws_reply *reply)
{
    char name[256];
    json_t *cluster =
        cluster_of(aws->ecs, call, reply, name) ? read_cluster(call->input, reply) : NULL;
    if (!cluster)
        return;
    pthread_mutex_lock(&aws->ecs->lock);
    json_object_set(aws->ecs->clusters, name, cluster);
    aws_reply_json(reply,
                   json_pack("{s:o}", "cluster", cluster_json(aws->ecs, name, cluster, "ACTIVE")));
    pthread_mutex_unlock(&aws->ecs->lock);
    json_decref(cluster);
}

void ecs_delete_cluster(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    char name[256];
    int running, pending;
    if (!cluster_of(aws->ecs, call, reply, name))
        return;
    pthread_mutex_lock(&aws->ecs->lock);
    count_tasks(aws->ecs, name, &running, &pending);
    const json_t *cluster = cluster_find(aws->ecs, name);
    if (running || pending) {
        aws_reply_error(reply, 400, "ClusterContainsTasksException",
                        "The Cluster cannot be deleted while Tasks are active.");
    } else if (cluster) {
        json_t *last = cluster_json(aws->ecs, name, cluster, "INACTIVE");
        aws_reply_json(reply, json_pack("{s:o}", "cluster", last));
        json_object_del(aws->ecs->clusters, name);
    }
    pthread_mutex_unlock(&aws->ecs->lock);
}
