/* SPDX-License-Identifier: Apache-2.0
 * What RunTask refuses; see ecs.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"

#include <stdio.h>
#include <string.h>

enum { OVERRIDES_MAX = 8192 };

/* All return NULL or the message of an InvalidParameterException; out holds composed ones. */

static const char *check_network(const json_t *input, char *out, size_t size)
{
    const json_t *vpc =
        json_object_get(json_object_get(input, "networkConfiguration"), "awsvpcConfiguration");
    const json_t *subnets = json_object_get(vpc, "subnets");
    size_t i;
    json_t *item;
    if (!vpc)
        return "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
    if (json_array_size(subnets) == 0 || json_array_size(subnets) > 16)
        return "subnets must have between 1 and 16 items.";
    json_array_foreach(subnets, i, item)
    {
        const char *id = str_or_empty(json_string_value(item));
        if (!str_starts(id, "subnet-") || str_starts(id, "subnet-missing")) {
            snprintf(out, size,
                     "Error retrieving subnet information for [%.200s]: The subnet ID "
                     "'%.200s' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
                     id, id);
            return out;
        }
    }
    const json_t *groups = json_object_get(vpc, "securityGroups");
    if (json_array_size(groups) > 5)
        return "securityGroups can have at most 5 items.";
    json_array_foreach(groups, i, item)
    {
        const char *id = str_or_empty(json_string_value(item));
        if (!str_starts(id, "sg-") || str_starts(id, "sg-missing")) {
            snprintf(out, size,
                     "Error retrieving security group information for [%.200s]: The "
                     "security group '%.200s' does not exist (ErrorCode: InvalidGroup.NotFound)",
                     id, id);
            return out;
        }
    }
    const char *public_ip = value_string(vpc, "assignPublicIp");
    if (*public_ip && strcmp(public_ip, "ENABLED") && strcmp(public_ip, "DISABLED"))
        return "assignPublicIp must be ENABLED or DISABLED.";
    return NULL;
}

static bool has_container(const json_t *definition, const char *name)
{
    size_t i;
    json_t *container;
    json_array_foreach(json_object_get(definition, "containerDefinitions"), i,
                       container) if (!strcmp(value_string(container, "name"), name)) return true;
    return false;
}

static const char *check_overrides(const json_t *input, const json_t *definition, char *out,
                                   size_t size)
{
    const json_t *overrides = json_object_get(input, "overrides");
    size_t i;
    json_t *item;
    if (!overrides)
        return NULL;
    AUTO_FREE char *text = json_dumps(overrides, JSON_COMPACT);
    if (text && strlen(text) > OVERRIDES_MAX)
        return "Container Overrides length must be at most 8192";
    json_array_foreach(json_object_get(overrides, "containerOverrides"), i, item)
    {
        static const char *const allowed[] = {
            "name", "command", "environment",       "environmentFiles",
            "cpu",  "memory",  "memoryReservation", "resourceRequirements"};
        const char *key;
        json_t *value;
        if (!has_container(definition, value_string(item, "name"))) {
            snprintf(out, size,
                     "Override for container named %.255s is not a container in the "
                     "TaskDefinition.",
                     value_string(item, "name"));
            return out;
        }
        json_object_foreach(item, key, value)
        {
            bool known = false;
            for (size_t k = 0; k < ARRAY_LEN(allowed); k++)
                known = known || !strcmp(allowed[k], key);
            if (!known) {
                snprintf(out, size, "containerOverrides cannot change %.100s", key);
                return out;
            }
        }
    }
    return NULL;
}

static bool is_token(const char *text)
{
    size_t len = 0;
    for (; text[len]; len++)
        if ((unsigned char)text[len] < 33 || (unsigned char)text[len] > 126)
            return false;
    return len <= 64;
}

const json_t *run_task_strategy(const json_t *cluster, const json_t *input)
{
    const json_t *given = json_object_get(input, "capacityProviderStrategy");
    const json_t *own = json_object_get(cluster, "defaultCapacityProviderStrategy");
    if (given)
        return given;
    return *value_string(input, "launchType") || !json_array_size(own) ? NULL : own;
}

static const char *check_parameters(const json_t *cluster, const json_t *input, char text[256])
{
    const char *by = value_string(input, "startedBy"), *launch = value_string(input, "launchType");
    int64_t count = value_int(input, "count", 1);
    const json_t *strategy = run_task_strategy(cluster, input);
    if (count < 1 || count > 10)
        return "count should be between 1 and 10";
    if (!is_token(value_string(input, "clientToken")))
        return "clientToken must be at most 64 characters of ASCII 33-126.";
    if (strlen(by) > 128 || !value_only(by, "-/_"))
        return "startedBy must be at most 128 letters, digits, hyphens, slashes and underscores.";
    if (*launch && strategy)
        return "Specify either launchType or capacityProviderStrategy, not both.";
    if (strcmp(launch, "FARGATE") && !strategy)
        return "No Container Instances were found in your cluster.";
    return strategy ? capacity_strategy_problem(strategy, cluster, text) : NULL;
}

bool run_task_check(const json_t *cluster, const struct aws_call *call,
                    const struct task_definition *definition, struct aws_reply *reply)
{
    char text[768], strategy_text[256];
    struct error err;
    const char *platform = value_string(call->input, "platformVersion");
    if (!*value_string(call->input, "taskDefinition")) {
        aws_reply_error(reply, 400, "ClientException", "TaskDefinition can not be blank.");
        return false;
    }
    if (!definition || strcmp(definition->status, "ACTIVE")) {
        aws_reply_error(reply, 400, "ClientException",
                        definition ? "TaskDefinition is inactive" : "TaskDefinition not found.");
        return false;
    }
    if (*platform && strcmp(platform, "LATEST") && strcmp(platform, "1.4.0") &&
        strcmp(platform, "1.3.0")) {
        aws_reply_error(reply, 400, "PlatformUnknownException",
                        "The platform version %s does not exist.", platform);
        return false;
    }
    const char *message = check_parameters(cluster, call->input, strategy_text);
    if (!message)
        message = check_network(call->input, text, sizeof text);
    if (!message)
        message = check_overrides(call->input, definition->json, text, sizeof text);
    if (!message && tags_check(json_object_get(call->input, "tags"), &err))
        message = err.message;
    if (message)
        aws_reply_error(reply, 400, "InvalidParameterException", "%s", message);
    return message == NULL;
}
