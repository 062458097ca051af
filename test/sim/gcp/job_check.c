/* SPDX-License-Identifier: Apache-2.0
 * The rules of a Job (Cloud Run Admin API v2, projects.locations.jobs, and the pages on CPU,
 * memory, task timeout and labels), its defaults, and overrides; see run.h. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "test/sim/gcp/container_check.h"
#include "test/sim/gcp/run.h"
#include "test/sim/gcp/vpc_access.h"

#include <string.h>

enum { RETRIES_MAX = 10, TIMEOUT_MAX_S = 168 * 3600 };

bool job_id_valid(const char *id)
{
    return container_check_id(id, JOB_ID_MAX);
}

/* ---- unknown members ---- */

static const struct member_schema schemas[] = {
    {"job", "name uid generation labels annotations createTime updateTime deleteTime expireTime "
            "creator lastModifier client clientVersion launchStage binaryAuthorization "
            "template:execution observedGeneration terminalCondition conditions executionCount "
            "latestCreatedExecution reconciling satisfiesPzs etag startExecutionToken "
            "runExecutionToken functionalType"},
    {"execution", "labels annotations parallelism taskCount template:task client clientVersion "
                  "delayExecution"},
    {"task", "containers:container volumes:volume maxRetries timeout serviceAccount "
             "executionEnvironment encryptionKey vpcAccess:vpc nodeSelector "
             "gpuZonalRedundancyDisabled workloadIdentityConfig"},
    CONTAINER_SCHEMAS,
    {"overrides", "containerOverrides:override taskCount timeout delayExecution"},
    {"override", "name args env:env clearArgs"},
    {0}};

static const struct container_rules rules = {.where = "template.template.containers[0]",
                                             .reserved = "CLOUD_RUN_"};

/* "600s", fractions allowed; 1 s … 168 h. */
static bool timeout_valid(const char *text)
{
    static const int64_t second = 1000000000;
    int64_t ns;
    return duration_parse_seconds(text, &ns) && ns >= second && ns <= TIMEOUT_MAX_S * second;
}

static int check_task(json_t *task, struct error *err)
{
    json_t *containers = json_object_get(task, "containers");
    if (!json_object_get(task, "maxRetries"))
        json_object_set_new(task, "maxRetries", json_integer(3));
    if (!json_object_get(task, "timeout"))
        value_set_text(task, "timeout", "600s");
    if (!json_object_get(task, "executionEnvironment"))
        value_set_text(task, "executionEnvironment", "EXECUTION_ENVIRONMENT_GEN2");
    int64_t retries = value_int(task, "maxRetries", -1);
    if (retries < 0 || retries > RETRIES_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.template.max_retries: must be between 0 and %d", RETRIES_MAX);
    if (!timeout_valid(value_string(task, "timeout")))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.template.timeout: must be between 1s and %ds", TIMEOUT_MAX_S);
    if (json_array_size(containers) != 1)
        return error_set(err, ERROR_INVALID_PARAMETER, "template.template.containers: %s",
                         json_array_size(containers) ? "the simulator runs one container a task"
                                                     : "must be set");
    return container_check(json_array_get(containers, 0), &rules, err) ||
                   container_check_mounts(task, err) ||
                   vpc_access_check(json_object_get(task, "vpcAccess"), err)
               ? -1
               : 0;
}

int job_check(json_t *job, struct error *err)
{
    static const char *const output_only[] = {"uid",
                                              "generation",
                                              "createTime",
                                              "updateTime",
                                              "deleteTime",
                                              "expireTime",
                                              "creator",
                                              "lastModifier",
                                              "observedGeneration",
                                              "terminalCondition",
                                              "conditions",
                                              "executionCount",
                                              "latestCreatedExecution",
                                              "reconciling",
                                              "satisfiesPzs",
                                              "etag"};
    if (container_check_members(schemas, job, "job", err))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(output_only); i++)
        json_object_del(job, output_only[i]);
    json_t *template = json_object_get(job, "template"),
           *task = json_object_get(template, "template");
    if (!task)
        return error_set(err, ERROR_INVALID_PARAMETER, "template.template: must be set");
    if (!json_object_get(template, "taskCount"))
        json_object_set_new(template, "taskCount", json_integer(1));
    if (value_int(template, "taskCount", 0) != 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.task_count: the simulator runs one task an execution");
    if (!json_object_get(job, "launchStage"))
        value_set_text(job, "launchStage", "GA");
    return container_check_labels(json_object_get(job, "labels"), err) ||
                   container_check_labels(json_object_get(template, "labels"), err) ||
                   container_check_annotations(json_object_get(job, "annotations"), err) ||
                   container_check_annotations(json_object_get(template, "annotations"), err) ||
                   check_task(task, err)
               ? -1
               : 0;
}

/* ---- overrides ---- */

static void merge_env(json_t *container, const json_t *more)
{
    size_t i, k;
    json_t *item, *old;
    json_t *env = json_object_get(container, "env");
    if (!env)
        json_object_set_new(container, "env", env = json_array());
    json_array_foreach(more, i, item)
    {
        json_array_foreach(env, k,
                           old) if (!strcmp(value_string(old, "name"), value_string(item, "name")))
        {
            json_array_remove(env, k);
            break;
        }
        json_array_append_new(env, json_deep_copy(item));
    }
}

int job_override(json_t *task, const json_t *overrides, struct error *err)
{
    size_t i;
    json_t *override;
    if (!overrides)
        return 0;
    if (container_check_members(schemas, overrides, "overrides", err))
        return -1;
    const char *timeout = value_string(overrides, "timeout");
    if (*timeout && !timeout_valid(timeout))
        return error_set(err, ERROR_INVALID_PARAMETER, "overrides.timeout: out of range");
    if (*timeout)
        value_set_text(task, "timeout", timeout);
    json_t *container = json_array_get(json_object_get(task, "containers"), 0);
    json_array_foreach(json_object_get(overrides, "containerOverrides"), i, override)
    {
        const char *name = value_string(override, "name");
        json_t *args = json_object_get(override, "args");
        if (*name && strcmp(name, value_string(container, "name")) != 0)
            return error_set(err, ERROR_INVALID_PARAMETER, "overrides: no container '%s'", name);
        if (container_check_env(json_object_get(override, "env"), &rules, err))
            return -1;
        if (value_bool(override, "clearArgs", false))
            json_object_del(container, "args");
        if (json_array_size(args))
            json_object_set_new(container, "args", json_deep_copy(args));
        if (json_array_size(json_object_get(override, "env")))
            merge_env(container, json_object_get(override, "env"));
    }
    return 0;
}
