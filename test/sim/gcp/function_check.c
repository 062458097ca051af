/* SPDX-License-Identifier: Apache-2.0
 * The rules of a Function (Cloud Functions API v2, projects.locations.functions, and the page on
 * limits) and its defaults; see function.h. */
#include "test/sim/gcp/function.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/container_check.h"
#include "test/sim/gcp/resource.h"

#include <string.h>

enum { TIMEOUT_MAX_S = 3600, TIMEOUT_DEFAULT_S = 60, CONCURRENCY_MAX = 1000, MEMORY_MIN = 128 };

#define FUNCTION_MEMBERS                                                                           \
    "name description environment state stateMessages updateTime labels kmsKeyName url "           \
    "createTime satisfiesPzs satisfiesPzi upgradeInfo eventTrigger "
const char function_members[] = FUNCTION_MEMBERS "buildConfig serviceConfig";

static const struct member_schema schemas[] = {
    {"function", FUNCTION_MEMBERS "buildConfig:build serviceConfig:config"},
    {"build", "automaticUpdatePolicy onDeployUpdatePolicy build runtime entryPoint source:source "
              "sourceProvenance workerPool environmentVariables dockerRegistry dockerRepository "
              "serviceAccount sourceToken"},
    {"source", "storageSource:storage repoSource gitUri"},
    {"storage", "bucket object generation sourceUploadUrl"},
    {"config", "service timeoutSeconds availableMemory availableCpu environmentVariables "
               "maxInstanceCount minInstanceCount vpcConnector vpcConnectorEgressSettings "
               "ingressSettings uri serviceAccountEmail allTrafficOnLatestRevision "
               "secretEnvironmentVariables secretVolumes revision maxInstanceRequestConcurrency "
               "securityLevel binaryAuthorizationPolicy directVpcNetworkInterface directVpcEgress"},
    {0}};

static void set_default(json_t *object, const char *key, json_t *value)
{
    if (!json_object_get(object, key))
        json_object_set(object, key, value);
    json_decref(value);
}

/* ---- build ---- */

static int check_build(json_t *function, struct error *err)
{
    json_t *build = json_object_get(function, "buildConfig");
    const json_t *storage = json_object_get(json_object_get(build, "source"), "storageSource");
    static const char *const families[] = {"go1",    "nodejs", "python3", "java",
                                           "dotnet", "ruby",   "php"};
    const char *runtime = value_string(build, "runtime");
    bool known = false;
    if (!*runtime)
        return error_set(err, ERROR_INVALID_PARAMETER, "Runtime must be specified.");
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        known = known || str_starts(runtime, families[i]);
    if (!known)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Runtime validation errors: Invalid runtime: %s", runtime);
    if (!*value_string(storage, "bucket") || !*value_string(storage, "object"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Source must be specified: build_config.source.storage_source needs "
                         "bucket and object");
    value_set_text(build, "dockerRegistry", "ARTIFACT_REGISTRY");
    json_object_del(build, "build");
    json_object_del(build, "sourceProvenance");
    return 0;
}

/* ---- service ---- */

static int check_range(const json_t *config, const char *member, int64_t least, int64_t most,
                       struct error *err)
{
    const json_t *value = json_object_get(config, member);
    int64_t n = value_int(config, member, least);
    if (!value || (json_is_integer(value) && n >= least && n <= most))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "service_config.%s must be between %lld and %lld", member, (long long)least,
                     (long long)most);
}

static int check_environment(const json_t *config, struct error *err)
{
    static const char *const reserved[] = {
        "PORT",       "FUNCTION_TARGET",         "K_SERVICE",
        "K_REVISION", "FUNCTION_SIGNATURE_TYPE", "LOG_EXECUTION_ID"};
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(config, "environmentVariables"), name, value)
    {
        bool bad = !*name || !json_is_string(value) || str_starts(name, "X_GOOGLE_");
        for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
            bad = bad || !strcmp(name, reserved[i]);
        if (bad)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "environment variable name %s is reserved by the system: it cannot be "
                             "set by users",
                             name);
    }
    return 0;
}

static int check_size(const json_t *config, struct error *err)
{
    const char *memory = value_string(config, "availableMemory"),
               *cpu = value_string(config, "availableCpu");
    int64_t bytes, millis;
    if (!container_check_bytes(memory, &bytes) || bytes < (int64_t)MEMORY_MIN * 1000000)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "service_config.available_memory: invalid value %s: at least 128M",
                         memory);
    if (!container_check_millis(cpu, &millis) || millis < 80)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "service_config.available_cpu: invalid value %s", cpu);
    if (millis < 1000 && value_int(config, "maxInstanceRequestConcurrency", 1) > 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Invalid value specified for max_instance_request_concurrency: must be 1 "
                         "with less than 1 CPU");
    return 0;
}

static int check_service(json_t *function, struct error *err)
{
    static const char *const output_only[] = {"service", "uri", "revision"};
    json_t *config = json_object_get(function, "serviceConfig");
    if (!config)
        json_object_set_new(function, "serviceConfig", config = json_object());
    resource_remove_members(config, output_only, ARRAY_LEN(output_only));
    set_default(config, "availableMemory", value_text("256M"));
    set_default(config, "availableCpu", value_text("0.1666"));
    set_default(config, "timeoutSeconds", json_integer(TIMEOUT_DEFAULT_S));
    set_default(config, "maxInstanceCount", json_integer(INSTANCES_MAX));
    set_default(config, "maxInstanceRequestConcurrency", json_integer(1));
    set_default(config, "ingressSettings", value_text("ALLOW_ALL"));
    set_default(config, "allTrafficOnLatestRevision", json_true());
    set_default(config, "serviceAccountEmail",
                value_text(GCP_PROJECT_NUMBER "-compute@developer.gserviceaccount.com"));
    return check_range(config, "timeoutSeconds", 1, TIMEOUT_MAX_S, err) ||
                   check_range(config, "maxInstanceCount", 1, 1000, err) ||
                   check_range(config, "minInstanceCount", 0,
                               value_int(config, "maxInstanceCount", 1), err) ||
                   check_range(config, "maxInstanceRequestConcurrency", 1, CONCURRENCY_MAX, err) ||
                   check_environment(config, err) || check_size(config, err)
               ? -1
               : 0;
}

static int check_enums(json_t *function, struct error *err)
{
    static const char *const environments[] = {"ENVIRONMENT_UNSPECIFIED", "GEN_1", "GEN_2"};
    static const char *const ingress[] = {"INGRESS_SETTINGS_UNSPECIFIED", "ALLOW_ALL",
                                          "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"};
    if (members_take_enum(function, "environment", environments, ARRAY_LEN(environments)) &&
        members_take_enum(json_object_get(function, "serviceConfig"), "ingressSettings", ingress,
                          ARRAY_LEN(ingress)))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid value at 'function.environment' or "
                     "'function.service_config.ingress_settings'");
}

int function_check(json_t *function, struct error *err)
{
    static const char *const output_only[] = {"createTime",    "updateTime",   "state",
                                              "stateMessages", "satisfiesPzs", "satisfiesPzi",
                                              "upgradeInfo",   "url"};
    if (container_check_members(schemas, function, "function", err))
        return -1;
    resource_remove_members(function, output_only, ARRAY_LEN(output_only));
    if (check_enums(function, err))
        return -1;
    const char *environment = value_string(function, "environment");
    if (*environment && strcmp(environment, "GEN_2") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "environment: only GEN_2 functions can be made by this version of the "
                         "API");
    value_set_text(function, "environment", "GEN_2");
    if (json_object_get(function, "eventTrigger"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "event_trigger: the simulator has functions with an HTTP trigger only");
    return container_check_labels(json_object_get(function, "labels"), err) ||
                   check_build(function, err) || check_service(function, err)
               ? -1
               : 0;
}
