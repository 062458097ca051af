/* SPDX-License-Identifier: Apache-2.0
 * Request rates; see rates.h. Numbers: "Request throttling for the Amazon ECS API" and the
 * CloudWatch Logs quotas page (us-east-1). */
#include "test/sim/aws/rates.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/http/rate_limit.h"

#include <pthread.h>
#include <string.h>

enum bucket {
    TASK_ACTIONS,
    TASK_READS,
    DEFINITION_WRITES,
    DEFINITION_DELETES,
    DEFINITION_READS,
    CLUSTER_READS,
    TAG_READS,
    TAG_WRITES,
    LOG_EVENTS,
    LOG_FILTER,
    LOG_STREAMS,
    LOG_GROUPS,
    LOG_STREAM_CREATE,
    LOG_STREAM_DELETE,
    LOG_GROUP_DELETE,
    BUCKETS
};

static struct rate_limit buckets[BUCKETS] = {
    [TASK_ACTIONS] = {.burst = 100, .per_second = 40},
    [TASK_READS] = {.burst = 100, .per_second = 20},
    [DEFINITION_WRITES] = {.burst = 20, .per_second = 1},
    [DEFINITION_DELETES] = {.burst = 5, .per_second = 1},
    [DEFINITION_READS] = {.burst = 50, .per_second = 20},
    [CLUSTER_READS] = {.burst = 50, .per_second = 20},
    [TAG_READS] = {.burst = 50, .per_second = 20},
    [TAG_WRITES] = {.burst = 20, .per_second = 10},
    [LOG_EVENTS] = {.burst = 25, .per_second = 25},
    [LOG_FILTER] = {.burst = 25, .per_second = 25},
    [LOG_STREAMS] = {.burst = 25, .per_second = 25},
    [LOG_GROUPS] = {.burst = 10, .per_second = 10},
    [LOG_STREAM_CREATE] = {.burst = 50, .per_second = 50},
    [LOG_STREAM_DELETE] = {.burst = 15, .per_second = 15},
    [LOG_GROUP_DELETE] = {.burst = 10, .per_second = 10},
};

static const struct {
    const char *service, *operation;
    enum bucket bucket;
} operations[] = {
    {"ecs", "RunTask", TASK_ACTIONS},
    {"ecs", "StopTask", TASK_ACTIONS},
    {"ecs", "ExecuteCommand", TASK_ACTIONS},
    {"ecs", "DescribeTasks", TASK_READS},
    {"ecs", "ListTasks", TASK_READS},
    {"ecs", "RegisterTaskDefinition", DEFINITION_WRITES},
    {"ecs", "DeregisterTaskDefinition", DEFINITION_WRITES},
    {"ecs", "DeleteTaskDefinitions", DEFINITION_DELETES},
    {"ecs", "DescribeTaskDefinition", DEFINITION_READS},
    {"ecs", "ListTaskDefinitions", DEFINITION_READS},
    {"ecs", "DescribeClusters", CLUSTER_READS},
    {"ecs", "ListTagsForResource", TAG_READS},
    {"ecs", "TagResource", TAG_WRITES},
    {"ecs", "UntagResource", TAG_WRITES},
    {"logs", "GetLogEvents", LOG_EVENTS},
    {"logs", "FilterLogEvents", LOG_FILTER},
    {"logs", "DescribeLogStreams", LOG_STREAMS},
    {"logs", "DescribeLogGroups", LOG_GROUPS},
    {"logs", "CreateLogStream", LOG_STREAM_CREATE},
    {"logs", "DeleteLogStream", LOG_STREAM_DELETE},
    {"logs", "DeleteLogGroup", LOG_GROUP_DELETE},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool rates_take(const char *service, const char *operation)
{
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (strcmp(operations[i].service, service) || strcmp(operations[i].operation, operation))
            continue;
        pthread_mutex_lock(&lock);
        ok = rate_limit_take(&buckets[operations[i].bucket], time_mono_ms());
        pthread_mutex_unlock(&lock);
    }
    return ok;
}
