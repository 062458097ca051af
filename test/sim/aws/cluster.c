/* SPDX-License-Identifier: Apache-2.0
 * ECS clusters: their names and the API calls on them; see ecs.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"

#include <stdio.h>
#include <string.h>

bool cluster_of(const struct aws_call *call, struct aws_reply *reply, char out[256])
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

char *cluster_arn(const struct aws *aws, const char *cluster)
{
    return xasprintf("arn:aws:ecs:%s:%s:cluster/%s", aws->region, aws->account, cluster);
}

static json_t *cluster_json(struct ecs *ecs, const char *name)
{
    int running = 0, pending = 0;
    AUTO_FREE char *arn = cluster_arn(ecs->aws, name);
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
        AUTO_FREE char *arn = cluster_arn(aws, name);
        json_array_append_new(failures, json_pack("{s:s, s:s}", "arn", arn, "reason", "MISSING"));
    }
    aws_reply_json(reply, json_pack("{s:o, s:o}", "clusters", found, "failures", failures));
}

void ecs_list_clusters(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    (void)call;
    AUTO_FREE char *arn = cluster_arn(aws, "default");
    aws_reply_json(reply, json_pack("{s:[s]}", "clusterArns", arn));
}
