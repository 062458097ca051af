/* SPDX-License-Identifier: Apache-2.0
 * What RegisterTaskDefinition refuses for Fargate; messages are the service's own where known.
 * Rules: "Amazon ECS task definition parameters for Fargate". */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"

#include <string.h>

/* CPU units -> memory in MiB: from, to, step; 256 has its own steps. */
static const struct {
    int64_t cpu, min, max, step;
} sizes[] = {{256, 512, 1024, 512},      {256, 1024, 2048, 1024},     {512, 1024, 4096, 1024},
             {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},   {4096, 8192, 30720, 1024},
             {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192}};

static int invalid(struct error *err, const char *message)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "%s", message);
}

static int check_size(const json_t *request, struct error *err)
{
    int64_t cpu, memory;
    if (!json_is_string(json_object_get(request, "cpu")) ||
        !json_is_string(json_object_get(request, "memory")))
        return invalid(err,
                       "Fargate requires that 'cpu' and 'memory' be defined at the task level.");
    if (!str_to_i64(value_string(request, "cpu"), &cpu))
        return invalid(err, "Invalid 'cpu' setting for task.");
    if (!str_to_i64(value_string(request, "memory"), &memory))
        return invalid(err, "Invalid 'memory' setting for task.");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i].cpu == cpu && memory >= sizes[i].min && memory <= sizes[i].max &&
            memory % sizes[i].step == 0)
            return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "No Fargate configuration exists for given values: %lld CPU, %lld memory. See "
                     "the Amazon ECS documentation for the valid values.",
                     (long long)cpu, (long long)memory);
}

static const json_t *find_named(const json_t *list, const char *key, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (!strcmp(value_string(item, key), name)) return item;
    return NULL;
}

static int check_volumes(const json_t *request, struct error *err)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_object_get(request, "volumes"), i, volume)
    {
        const char *name = value_string(volume, "name");
        if (!*name || strlen(name) > 255 || !value_only(name, "-_"))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "The volume name \"%s\" has invalid characters or length.", name);
        if (*value_string(json_object_get(volume, "host"), "sourcePath"))
            return invalid(err, "host.sourcePath should not be set for volumes in Fargate.");
        if (find_named(json_object_get(request, "volumes"), "name", name) != volume)
            return invalid(err, "Duplicate volume names are not allowed.");
    }
    return 0;
}

static int check_mounts(const json_t *request, const json_t *container, struct error *err)
{
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(container, "mountPoints"), i, point)
    {
        const char *source = value_string(point, "sourceVolume");
        if (!find_named(json_object_get(request, "volumes"), "name", source))
            return error_set(err, ERROR_INVALID_PARAMETER, "Unknown volume '%s'.", source);
        if (*value_string(point, "containerPath") != '/')
            return invalid(err, "MountPoint.containerPath must be an absolute path.");
    }
    return 0;
}

static int check_dependencies(const json_t *containers, const json_t *container, struct error *err)
{
    size_t i;
    json_t *dependency;
    json_array_foreach(json_object_get(container, "dependsOn"), i, dependency)
    {
        const char *name = value_string(dependency, "containerName");
        const char *condition = value_string(dependency, "condition");
        const json_t *on = find_named(containers, "name", name);
        if (!on || on == container)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "dependsOn: container %s does not exist or is the container itself.",
                             name);
        bool ends = !strcmp(condition, "SUCCESS") || !strcmp(condition, "COMPLETE");
        if (!ends && strcmp(condition, "START") && strcmp(condition, "HEALTHY"))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "'%s' is not a valid container condition. Must be one of START, "
                             "COMPLETE, SUCCESS, HEALTHY",
                             condition);
        if (ends && value_bool(on, "essential", true))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "A container with condition %s can't be essential: %s", condition,
                             name);
        if (!strcmp(condition, "HEALTHY") && !json_object_get(on, "healthCheck"))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Condition HEALTHY requires a healthCheck on container %s", name);
    }
    return 0;
}

/* Follows dependsOn from a container; a path longer than there are containers is a cycle. */
static bool has_cycle(const json_t *containers, const json_t *container, size_t depth)
{
    size_t i;
    json_t *dependency;
    if (depth > json_array_size(containers))
        return true;
    json_array_foreach(json_object_get(container, "dependsOn"), i, dependency)
    {
        const json_t *on =
            find_named(containers, "name", value_string(dependency, "containerName"));
        if (on && has_cycle(containers, on, depth + 1))
            return true;
    }
    return false;
}

static int check_logs(const json_t *request, const json_t *container, struct error *err)
{
    const json_t *config = json_object_get(container, "logConfiguration");
    if (!config)
        return 0;
    const char *driver = value_string(config, "logDriver");
    if (strcmp(driver, "awslogs"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Log driver '%s' is not supported by this simulator; use awslogs.",
                         driver);
    if (!*value_string(request, "executionRoleArn"))
        return invalid(err,
                       "Fargate requires task definition to have execution role ARN to support "
                       "log driver awslogs.");
    static const char *const required[] = {"awslogs-group", "awslogs-region",
                                           "awslogs-stream-prefix"};
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (!*value_string(json_object_get(config, "options"), required[i]))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Log driver awslogs requires options: %s", required[i]);
    return 0;
}

/* JSON types a careless client gets wrong; the real service answers SerializationException. */
static int check_environment(const json_t *container, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(
        json_object_get(container, "environment"), i,
        item) if (!*value_string(item, "name") ||
                  !json_is_string(json_object_get(
                      item, "value"))) return invalid(err, "environment: name must not be empty "
                                                           "and value must be a string.");
    json_array_foreach(
        json_object_get(container, "command"), i,
        item) if (!json_is_string(item)) return invalid(err,
                                                        "command: every item must be a string.");
    return 0;
}

static int check_container(const json_t *request, const json_t *container, struct error *err)
{
    const json_t *containers = json_object_get(request, "containerDefinitions");
    const char *name = value_string(container, "name");
    if (!*name || strlen(name) > 255 || !value_only(name, "-_"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Container.name contains invalid characters: \"%s\"", name);
    if (find_named(containers, "name", name) != container)
        return invalid(err, "Duplicate container names are not allowed.");
    if (!*value_string(container, "image"))
        return invalid(err, "Container.image should not be null or empty.");
    if (value_bool(container, "privileged", false))
        return invalid(err, "Fargate does not support the 'privileged' parameter.");
    if (*value_string(container, "hostname"))
        return invalid(err, "hostname is not supported on container when networkMode=awsvpc.");
    int64_t timeout = value_int(container, "stopTimeout", 30);
    if (timeout < 0 || timeout > 120)
        return invalid(err, "StopTimeout must be between 0 and 120 seconds for Fargate.");
    if (has_cycle(containers, container, 0))
        return invalid(err, "Container dependencies must not have a cycle.");
    if (check_environment(container, err) || check_mounts(request, container, err) ||
        check_dependencies(containers, container, err) || check_logs(request, container, err))
        return -1;
    return 0;
}

static int check_containers(const json_t *request, struct error *err)
{
    const json_t *containers = json_object_get(request, "containerDefinitions");
    bool any_essential = false;
    size_t i;
    json_t *container;
    if (json_array_size(containers) == 0)
        return invalid(err, "Container list cannot be empty.");
    if (json_array_size(containers) > TASK_CONTAINERS_MAX)
        return invalid(err, "Too many containers: a task definition can have at most 10.");
    json_array_foreach(containers, i, container)
    {
        if (check_container(request, container, err))
            return -1;
        any_essential = any_essential || value_bool(container, "essential", true);
    }
    if (!any_essential)
        return invalid(err, "TaskDefinition must have at least one essential container.");
    return 0;
}

/* Character set `[\p{L}\p{Z}\p{N}_.:/=+\-@]`: here every non-ASCII letter passes. */
static bool tag_text(const char *text, size_t max)
{
    size_t len = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        len += (c & 0xC0) != 0x80;
        char one[2] = {(char)c, '\0'};
        if (c < 0x80 && !value_only(one, " _.:/=+-@"))
            return false;
    }
    return len <= max;
}

int tags_check(const json_t *tags, struct error *err)
{
    size_t i;
    json_t *tag;
    if (json_array_size(tags) > 50)
        return invalid(err, "The maximum number of tags is 50.");
    json_array_foreach(tags, i, tag)
    {
        const char *key = value_string(tag, "key");
        if (!*key || str_starts(key, "aws:") || !tag_text(key, 128) ||
            !tag_text(value_string(tag, "value"), 256))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Invalid tag: key \"%.130s\" or its value has a character, length or "
                             "prefix that tags may not have.",
                             key);
        if (find_named(tags, "key", key) != tag)
            return error_set(err, ERROR_INVALID_PARAMETER, "Duplicate tag key: %.130s", key);
    }
    return 0;
}

int task_definition_check(const json_t *request, struct error *err)
{
    const char *family = value_string(request, "family");
    if (!*family || strlen(family) > 255 || !value_only(family, "-_"))
        return invalid(err, "Family contains invalid characters or is too long.");
    if (strcmp(value_string(request, "networkMode"), "awsvpc"))
        return invalid(err, "Fargate only supports network mode 'awsvpc'.");
    int64_t disk = value_int(json_object_get(request, "ephemeralStorage"), "sizeInGiB", 21);
    if (disk < 21 || disk > 200)
        return invalid(err, "EphemeralStorage sizeInGiB must be between 21 and 200.");
    if (check_size(request, err) || check_volumes(request, err) || check_containers(request, err))
        return -1;
    return tags_check(json_object_get(request, "tags"), err);
}
