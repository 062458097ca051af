/* SPDX-License-Identifier: Apache-2.0
 * The rules of a Service (Cloud Run Admin API v2, projects.locations.services, and the pages on
 * CPU, memory, concurrency, request timeout and execution environments) and its defaults; see
 * service.h. */
#include "test/sim/gcp/service.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "test/sim/gcp/container_check.h"
#include "test/sim/gcp/image_host.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/vpc_access.h"

#include <string.h>

enum { CONCURRENCY_MAX = 1000, CONCURRENCY_DEFAULT = 80, TIMEOUT_MAX_S = 3600 };
static const int64_t MIB = 1024 * 1024;

#define SERVICE_MEMBERS                                                                            \
    "name description uid generation labels annotations createTime updateTime deleteTime "         \
    "expireTime creator lastModifier client clientVersion ingress launchStage "                    \
    "binaryAuthorization traffic scaling invokerIamDisabled defaultUriDisabled urls iapEnabled "   \
    "multiRegionSettings customAudiences observedGeneration terminalCondition conditions "         \
    "latestReadyRevision latestCreatedRevision trafficStatuses uri satisfiesPzs "                  \
    "threatDetectionEnabled buildConfig reconciling etag functionalType sshEnabled "
const char service_members[] = SERVICE_MEMBERS "template";

static const struct member_schema schemas[] = {
    {"service", SERVICE_MEMBERS "template:template"},
    {"template", "revision labels annotations scaling:scaling vpcAccess:vpc timeout serviceAccount "
                 "containers:container volumes:volume executionEnvironment encryptionKey "
                 "maxInstanceRequestConcurrency serviceMesh encryptionKeyRevocationAction "
                 "encryptionKeyShutdownDuration sessionAffinity healthCheckDisabled nodeSelector "
                 "gpuZonalRedundancyDisabled workloadIdentityConfig client clientVersion"},
    {"scaling", "minInstanceCount maxInstanceCount concurrencyUtilization cpuUtilization"},
    CONTAINER_SCHEMAS,
    {0}};

static const char *const taken[] = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", NULL};
static const struct container_rules rules = {
    .where = "template.containers[0]", .fractions = true, .taken = taken};

/* ---- the container ---- */

static int check_ports(json_t *container, struct error *err)
{
    json_t *ports = json_object_get(container, "ports"), *port = json_array_get(ports, 0);
    if (!json_array_size(ports)) {
        json_object_set_new(container, "ports",
                            json_pack("[{s:s, s:i}]", "name", "http1", "containerPort", 8080));
        return 0;
    }
    const char *name = value_string(port, "name");
    int64_t number = value_int(port, "containerPort", 8080);
    if (json_array_size(ports) > 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.containers[0].ports: should contain 0 or 1 port");
    if (*name && strcmp(name, "http1") != 0 && strcmp(name, "h2c") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.containers[0].ports.name: should be one of [http1, h2c]");
    if (number < 1 || number > 65535)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.containers[0].ports.container_port: must be between 1 and "
                         "65535");
    json_object_set_new(port, "containerPort", json_integer(number));
    if (!*name)
        value_set_text(port, "name", "http1");
    return 0;
}

/* What goes with less than one CPU, and with the second generation. */
static int check_size(const json_t *template, int64_t concurrency, struct error *err)
{
    const json_t *limits = json_object_get(
        json_object_get(json_array_get(json_object_get(template, "containers"), 0), "resources"),
        "limits");
    const char *environment = value_string(template, "executionEnvironment");
    int64_t millis = 0, bytes = 0;
    (void)!container_check_millis(value_string(limits, "cpu"), &millis);
    (void)!container_check_bytes(value_string(limits, "memory"), &bytes);
    if (millis < 1000 && concurrency > 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.containers[0].resources.limits.cpu: Total cpu < 1 is not "
                         "supported with concurrency > 1.");
    if (strcmp(environment, "EXECUTION_ENVIRONMENT_GEN2") != 0)
        return 0;
    if (millis < 1000)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.containers[0].resources.limits.cpu: Total cpu < 1 is not "
                         "supported with gen2 execution environment.");
    if (bytes < 512 * MIB)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.containers[0].resources.limits.memory: Total memory < 512 Mi is "
                         "not supported with gen2 execution environment.");
    return 0;
}

/* ---- the template ---- */

static int check_scaling(json_t *template, struct error *err)
{
    json_t *scaling = json_object_get(template, "scaling");
    if (!scaling)
        json_object_set_new(template, "scaling", scaling = json_object());
    int64_t least = value_int(scaling, "minInstanceCount", 0),
            most = value_int(scaling, "maxInstanceCount", 0);
    if (!most)
        json_object_set_new(scaling, "maxInstanceCount", json_integer(most = INSTANCES_MAX));
    if (least < 0 || most < 0 || least > most)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.scaling: min_instance_count must not be negative, and not be "
                         "greater than max_instance_count");
    return 0;
}

static int check_timeout(json_t *template, struct error *err)
{
    static const int64_t second = 1000000000;
    int64_t ns;
    if (!json_object_get(template, "timeout"))
        value_set_text(template, "timeout", "300s");
    if (duration_parse_seconds(value_string(template, "timeout"), &ns) && ns >= second &&
        ns <= TIMEOUT_MAX_S * second)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "template.timeout: must be between 1s and %ds (60 minutes)", TIMEOUT_MAX_S);
}

/* Revisions are named SERVICE-something. */
static int check_revision_name(const json_t *template, const char *id, struct error *err)
{
    const char *name = value_string(template, "revision");
    size_t len = strlen(id);
    if (!*name || (container_check_id(name, SERVICE_ID_MAX) && !strncmp(name, id, len) &&
                   name[len] == '-' && name[len + 1]))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "template.revision: must be prefixed by the name of the service and a dash "
                     "(%s-), consist of lowercase letters, digits and dashes, and have at most %d "
                     "characters",
                     id, SERVICE_ID_MAX);
}

static int check_concurrency(json_t *template, struct error *err)
{
    const json_t *limits = json_object_get(
        json_object_get(json_array_get(json_object_get(template, "containers"), 0), "resources"),
        "limits");
    int64_t given = value_int(template, "maxInstanceRequestConcurrency", 0), millis = 0;
    (void)!container_check_millis(value_string(limits, "cpu"), &millis);
    if (given < 0 || given > CONCURRENCY_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "template.max_instance_request_concurrency: must be between 0 and %d",
                         CONCURRENCY_MAX);
    if (!given)
        json_object_set_new(template, "maxInstanceRequestConcurrency",
                            json_integer(given = millis < 1000 ? 1 : CONCURRENCY_DEFAULT));
    return check_size(template, given, err);
}

static int check_template(const struct gcp *gcp, json_t *template, const char *id,
                          struct error *err)
{
    json_t *containers = json_object_get(template, "containers"),
           *container = json_array_get(containers, 0);
    if (json_array_size(containers) != 1)
        return error_set(err, ERROR_INVALID_PARAMETER, "template.containers: %s",
                         json_array_size(containers)
                             ? "the simulator runs one container an instance"
                             : "must be set");
    return container_check_labels(json_object_get(template, "labels"), err) ||
                   container_check_annotations(json_object_get(template, "annotations"), err) ||
                   check_revision_name(template, id, err) || check_scaling(template, err) ||
                   check_timeout(template, err) || container_check(container, &rules, err) ||
                   check_ports(container, err) || container_check_mounts(template, err) ||
                   check_concurrency(template, err) ||
                   vpc_access_check(json_object_get(template, "vpcAccess"), err) ||
                   image_host_check(gcp, template, "template", err)
               ? -1
               : 0;
}

static int check_enums(json_t *service, struct error *err)
{
    static const char *const ingress[] = {
        "INGRESS_TRAFFIC_UNSPECIFIED", "INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY",
        "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "INGRESS_TRAFFIC_NONE"};
    static const char *const stages[] = {
        "LAUNCH_STAGE_UNSPECIFIED", "EARLY_ACCESS", "ALPHA", "BETA", "GA", "DEPRECATED"};
    static const char *const environments[] = {"EXECUTION_ENVIRONMENT_UNSPECIFIED",
                                               "EXECUTION_ENVIRONMENT_GEN1",
                                               "EXECUTION_ENVIRONMENT_GEN2"};
    if (members_take_enum(service, "ingress", ingress, ARRAY_LEN(ingress)) &&
        members_take_enum(service, "launchStage", stages, ARRAY_LEN(stages)) &&
        members_take_enum(json_object_get(service, "template"), "executionEnvironment",
                          environments, ARRAY_LEN(environments)))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid value at 'service.ingress', 'service.launch_stage' or "
                     "'service.template.execution_environment'");
}

int service_check(const struct gcp *gcp, json_t *service, const char *id, struct error *err)
{
    static const char *const output_only[] = {"uid",
                                              "generation",
                                              "createTime",
                                              "updateTime",
                                              "deleteTime",
                                              "expireTime",
                                              "creator",
                                              "lastModifier",
                                              "conditions",
                                              "terminalCondition",
                                              "latestReadyRevision",
                                              "latestCreatedRevision",
                                              "observedGeneration",
                                              "trafficStatuses",
                                              "uri",
                                              "urls",
                                              "satisfiesPzs",
                                              "reconciling",
                                              "etag",
                                              "threatDetectionEnabled"};
    if (container_check_members(schemas, service, "service", err))
        return -1;
    resource_remove_members(service, output_only, ARRAY_LEN(output_only));
    if (!json_object_get(service, "template"))
        return error_set(err, ERROR_INVALID_PARAMETER, "template: must be set");
    if (check_enums(service, err))
        return -1;
    if (!json_object_get(service, "ingress"))
        value_set_text(service, "ingress", "INGRESS_TRAFFIC_ALL");
    if (!json_object_get(service, "launchStage"))
        value_set_text(service, "launchStage", "GA");
    if (!json_array_size(json_object_get(service, "traffic")))
        json_object_set_new(service, "traffic",
                            json_pack("[{s:s, s:i}]", "type",
                                      "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent", 100));
    return container_check_labels(json_object_get(service, "labels"), err) ||
                   container_check_annotations(json_object_get(service, "annotations"), err) ||
                   check_template(gcp, json_object_get(service, "template"), id, err)
               ? -1
               : 0;
}
