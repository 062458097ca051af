/* SPDX-License-Identifier: Apache-2.0
 * The rules of a Job (Cloud Run Admin API v2, projects.locations.jobs, and the pages on CPU,
 * memory, task timeout and labels), its defaults, and overrides; see run.h. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "test/sim/gcp/run.h"
#include "test/sim/gcp/vpc_access.h"
#include "test/sim/host/runner.h"
#include "test/sim/http/members.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    LABELS_MAX = 64,
    LABEL_MAX = 63,
    ANNOTATIONS_BYTES_MAX = 256 * 1024,
    RETRIES_MAX = 10,
    TIMEOUT_MAX_S = 168 * 3600,
    ENV_MAX = 1000
};
static const int64_t MIB = 1024 * 1024;

bool job_id_valid(const char *id)
{
    size_t len = strlen(id);
    if (len == 0 || len > JOB_ID_MAX || !islower((unsigned char)id[0]) || id[len - 1] == '-')
        return false;
    for (; *id; id++)
        if (!islower((unsigned char)*id) && !isdigit((unsigned char)*id) && *id != '-')
            return false;
    return true;
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
    {"container", "name image command args env:env resources:resources ports volumeMounts:mount "
                  "workingDir livenessProbe startupProbe readinessProbe dependsOn baseImageUri "
                  "buildInfo sourceCode sandboxLauncher"},
    {"vpc", "connector egress networkInterfaces:interface"},
    {"interface", "network subnetwork tags"},
    {"env", "name value valueSource"},
    {"resources", "limits cpuIdle startupCpuBoost"},
    {"mount", "name mountPath subPath"},
    {"volume", "name secret cloudSqlInstance emptyDir nfs gcs"},
    {"overrides", "containerOverrides:override taskCount timeout delayExecution"},
    {"override", "name args env:env clearArgs"},
    {0}};

static int check_members(const json_t *object, const char *schema, struct error *err)
{
    struct member_problem problem;
    if (members_check(schemas, object, schema, false, &problem))
        return 0;
    if (!*problem.name)
        return error_set(err, ERROR_INVALID_PARAMETER, "Invalid value at '%s': expected an object",
                         problem.path);
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find "
                     "field.",
                     problem.name, problem.path);
}

/* ---- labels and annotations ---- */

static bool reserved(const char *key)
{
    static const char *const prefixes[] = {"run.googleapis.com", "cloud.googleapis.com",
                                           "serving.knative.dev", "autoscaling.knative.dev"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(key, prefixes[i]))
            return true;
    return false;
}

static bool label_text(const char *text, bool is_key)
{
    if (strlen(text) > LABEL_MAX || (is_key && !islower((unsigned char)*text)))
        return false;
    for (; *text; text++)
        if (isupper((unsigned char)*text) ||
            (!isalnum((unsigned char)*text) && !strchr("_-", *text)))
            return false;
    return true;
}

static int check_labels(const json_t *labels, struct error *err)
{
    const char *key;
    json_t *value;
    if (json_object_size(labels) > LABELS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "too many labels: at most %d", LABELS_MAX);
    json_object_foreach((json_t *)labels, key, value)
    {
        if (reserved(key))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "labels: the namespace of %s is reserved", key);
        if (!json_is_string(value) || !label_text(key, true) ||
            !label_text(json_string_value(value), false))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "labels: key %s or its value is not made of at most %d lowercase "
                             "letters, digits, underscores and dashes",
                             key, LABEL_MAX);
    }
    return 0;
}

static int check_annotations(const json_t *annotations, struct error *err)
{
    const char *key;
    json_t *value;
    size_t bytes = 0;
    json_object_foreach((json_t *)annotations, key, value)
    {
        const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;
        if (reserved(key))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "annotations: the namespace of %s is reserved", key);
        if (!json_is_string(value) || !*name || strlen(name) > LABEL_MAX ||
            !value_only(name, "._-") || (slash && !value_only(key, "./_-")))
            return error_set(err, ERROR_INVALID_PARAMETER, "annotations: invalid key %s", key);
        bytes += strlen(key) + json_string_length(value);
    }
    if (bytes > ANNOTATIONS_BYTES_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "annotations: total size must not exceed 256 KiB");
    return 0;
}

/* ---- containers ---- */

bool job_quantity_bytes(const char *text, int64_t *out)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}, {"G", 1000000000},
                 {"M", 1000000},  {"k", 1000},     {"", 1}};
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *number = xstrndup(text, digits);
    if (digits > 12 || !str_to_i64(number, out))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (!strcmp(text + digits, units[i].suffix)) {
            *out *= units[i].factor;
            return true;
        }
    return false;
}

bool job_quantity_millis(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *number = xstrndup(text, digits);
    if (digits > 6 || !str_to_i64(number, out))
        return false;
    if (!text[digits])
        *out *= 1000;
    return !text[digits] || !strcmp(text + digits, "m");
}

/* CPU and the memory that goes with it. */
static int check_limits(const json_t *limits, struct error *err)
{
    static const struct {
        int64_t cpu, memory_min_mib, memory_max_mib;
    } sizes[] = {
        {1, 512, 4096}, {2, 512, 8192}, {4, 2048, 16384}, {6, 4096, 24576}, {8, 4096, 32768}};
    const char *cpu = value_string(limits, "cpu"), *memory = value_string(limits, "memory");
    int64_t millis, bytes;
    if (!job_quantity_millis(cpu, &millis) || !job_quantity_bytes(memory, &bytes))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.template.containers[0].resources.limits: cpu %s or memory %s is "
                         "no quantity",
                         cpu, memory);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (millis != sizes[i].cpu * 1000)
            continue;
        if (bytes < sizes[i].memory_min_mib * MIB || bytes > sizes[i].memory_max_mib * MIB)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Invalid value specified for container memory. For %s CPU, memory "
                             "must be between %lldMi and %lldMi inclusive.",
                             cpu, (long long)sizes[i].memory_min_mib,
                             (long long)sizes[i].memory_max_mib);
        return 0;
    }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid value specified for cpu: %s. Must be one of 1, 2, 4, 6, 8.", cpu);
}

static int check_env(const json_t *env, struct error *err)
{
    size_t i;
    json_t *item;
    if (json_array_size(env) > ENV_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "env: at most %d variables", ENV_MAX);
    json_array_foreach(env, i, item)
    {
        const char *name = value_string(item, "name");
        if (!*name || strchr(name, '=') || str_starts(name, "CLOUD_RUN_"))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "env[%zu].name: '%s' is empty, invalid or reserved", i, name);
    }
    return 0;
}

static int check_container(json_t *c, struct error *err)
{
    json_t *resources = json_object_get(c, "resources");
    if (!*value_string(c, "image"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.template.containers[0].image: must be set");
    if (!resources)
        json_object_set_new(c, "resources", resources = json_object());
    if (!json_object_get(resources, "limits"))
        json_object_set_new(resources, "limits", json_object());
    json_t *limits = json_object_get(resources, "limits");
    if (!json_object_get(limits, "cpu"))
        value_set_text(limits, "cpu", "1000m");
    if (!json_object_get(limits, "memory"))
        value_set_text(limits, "memory", "512Mi");
    return check_limits(limits, err) || check_env(json_object_get(c, "env"), err) ? -1 : 0;
}

static int check_mounts(const json_t *task, struct error *err)
{
    size_t i, k;
    json_t *mount, *volume;
    json_t *container = json_array_get(json_object_get(task, "containers"), 0);
    json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
    {
        bool found = false;
        json_array_foreach(json_object_get(task, "volumes"), k, volume) found =
            found || !strcmp(value_string(volume, "name"), value_string(mount, "name"));
        if (!found || *value_string(mount, "mountPath") != '/')
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "volumeMounts[%zu]: no volume '%s', or mountPath is not absolute", i,
                             value_string(mount, "name"));
    }
    return 0;
}

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
    return check_container(json_array_get(containers, 0), err) || check_mounts(task, err) ||
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
    if (check_members(job, "job", err))
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
    return check_labels(json_object_get(job, "labels"), err) ||
                   check_labels(json_object_get(template, "labels"), err) ||
                   check_annotations(json_object_get(job, "annotations"), err) ||
                   check_annotations(json_object_get(template, "annotations"), err) ||
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
    if (check_members(overrides, "overrides", err))
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
        if (check_env(json_object_get(override, "env"), err))
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
