/* SPDX-License-Identifier: Apache-2.0
 * The rules of a job (Microsoft.App/jobs; "Jobs in Azure Container Apps", "Containers in Azure
 * Container Apps", "Use tags to organize your Azure resources"), its defaults, and what a start may
 * override; see job.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/environment.h"
#include "test/sim/azure/job.h"
#include "test/sim/http/members.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    TAGS_MAX = 50,
    TAG_NAME_MAX = 512,
    TAG_VALUE_MAX = 256,
    TIMEOUT_MAX_S = 604800,
    RETRIES_MAX = 10,
    QUARTERS_MAX = 16 /* of a CPU */
};
static const int64_t MIB = 1024 * 1024;

static const struct member_schema schemas[] = {
    {"Job", "id name type systemData location tags identity properties:JobProperties "
            "extendedLocation"},
    {"JobProperties", "provisioningState environmentId workloadProfileName "
                      "configuration:JobConfiguration template:JobTemplate outboundIpAddresses "
                      "eventStreamEndpoint"},
    {"JobConfiguration",
     "secrets:Secret triggerType replicaTimeout replicaRetryLimit "
     "manualTriggerConfig:ManualTriggerConfig scheduleTriggerConfig eventTriggerConfig "
     "registries:RegistryCredentials identitySettings"},
    {"ManualTriggerConfig", "replicaCompletionCount parallelism"},
    {"Secret", "name value identity keyVaultUrl"},
    {"RegistryCredentials", "server username passwordSecretRef identity"},
    {"JobTemplate", "initContainers:InitContainer containers:Container volumes:Volume"},
    {"InitContainer", "image imageType name command args env:EnvironmentVar "
                      "resources:ContainerResources volumeMounts:VolumeMount"},
    {"Container", "image imageType name command args env:EnvironmentVar "
                  "resources:ContainerResources volumeMounts:VolumeMount probes"},
    {"EnvironmentVar", "name value secretRef"},
    {"ContainerResources", "cpu memory ephemeralStorage"},
    {"VolumeMount", "volumeName mountPath subPath"},
    {"Volume", "name storageType storageName secrets mountOptions"},
    {"JobExecutionTemplate",
     "containers:JobExecutionContainer initContainers:JobExecutionContainer"},
    {"JobExecutionContainer", "image name command args env:EnvironmentVar "
                              "resources:ContainerResources"},
    {0}};

static bool check_members(const json_t *object, const char *schema, struct azure_reply *reply)
{
    struct member_problem p;
    if (members_check(schemas, object, schema, true, &p))
        return true;
    if (*p.name)
        azure_reply_error(reply, 400, "InvalidRequestContent",
                          "The request content was invalid and could not be deserialized: 'Could "
                          "not find member '%s' on object of type '%s'. Path '%s.%s'.'",
                          p.name, p.schema, p.path, p.name);
    else
        azure_reply_error(reply, 400, "InvalidRequestContent",
                          "The request content was invalid and could not be deserialized: 'Error "
                          "converting value to type '%s'. Path '%s'.'",
                          p.schema, p.path);
    return false;
}

/* A field of the template; the service's own words. */
static bool bad_field(struct azure_reply *reply, const char *where, const char *field,
                      const char *details)
{
    azure_reply_error(reply, 400, "InvalidParameterValueInContainerTemplate",
                      "The following field(s) are either invalid or missing. Field "
                      "'template.%s.%s' is invalid with details: '%s';.",
                      where, field, details);
    return false;
}

/* ---- names and tags ---- */

/* Lower-case letters, digits and hyphens, between letters or digits. */
static bool label_valid(const char *text, size_t max)
{
    size_t len = strlen(text);
    if (len == 0 || len > max || text[0] == '-' || text[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && text[i] != '-')
            return false;
    return true;
}

static bool check_name(const char *name, struct azure_reply *reply)
{
    if (strlen(name) >= 2 && label_valid(name, JOB_NAME_MAX) && islower((unsigned char)name[0]) &&
        !strstr(name, "--"))
        return true;
    azure_reply_error(reply, 400, "ContainerAppInvalidName",
                      "Invalid job name '%s'. A name must consist of lower case alphanumeric "
                      "characters or '-', start with an alphabetic character, and end with an "
                      "alphanumeric character and cannot have '--'. The length must be less than "
                      "%d characters.",
                      name, JOB_NAME_MAX + 1);
    return false;
}

static bool check_tags(const json_t *tags, struct azure_reply *reply)
{
    const char *name, *other;
    json_t *value, *ignored;
    if (json_object_size(tags) > TAGS_MAX)
        azure_reply_error(reply, 400, "InvalidTags", "At most %d tags can be given.", TAGS_MAX);
    json_object_foreach((json_t *)tags, name, value)
    {
        size_t same = 0;
        json_object_foreach((json_t *)tags, other, ignored) same += !strcasecmp(name, other);
        if (!json_is_string(value))
            azure_reply_error(reply, 400, "InvalidRequestContent",
                              "The value of tag '%s' is not a string.", name);
        else if (!*name || strlen(name) > TAG_NAME_MAX || strpbrk(name, "<>%&\\?/"))
            azure_reply_error(reply, 400, "InvalidTagNameCharacters",
                              "The tag name '%s' is empty, longer than %d characters or contains "
                              "one of: <,>,%%,&,\\,?,/",
                              name, TAG_NAME_MAX);
        else if (json_string_length(value) > TAG_VALUE_MAX)
            azure_reply_error(reply, 400, "InvalidTagValueLength",
                              "Tag value too large. The maximum length is %d: tag '%s'.",
                              TAG_VALUE_MAX, name);
        else if (same > 1)
            azure_reply_error(reply, 400, "DuplicateTagName", "The tag name '%s' is given twice.",
                              name);
    }
    return !reply->status;
}

/* ---- sizes ---- */

bool job_memory_bytes(const char *text, int64_t *out)
{
    size_t len = strlen(text), digits = strspn(text, "0123456789.");
    char *end = NULL;
    double number = digits ? strtod(text, &end) : 0;
    if (digits == 0 || len != digits + 2 || end != text + digits || number <= 0 || number > 1024)
        return false;
    int64_t unit = !strcmp(text + digits, "Gi")   ? 1024 * MIB
                   : !strcmp(text + digits, "Mi") ? MIB
                                                  : 0;
    *out = (int64_t)(number * (double)unit);
    return unit > 0;
}

/* CPU in quarters: 0.25 … 4, and two GiB for each CPU. */
static bool is_combination(double cpu, int64_t memory)
{
    double quarters = cpu * 4;
    return quarters >= 1 && quarters <= QUARTERS_MAX && (double)(int)quarters == quarters &&
           memory == (int64_t)quarters * 512 * MIB;
}

/* Adds a container's share; sets the defaults. */
static bool take_size(json_t *container, const char *where, double *cpu, int64_t *memory,
                      struct azure_reply *reply)
{
    json_t *resources = json_object_get(container, "resources");
    int64_t bytes;
    if (!json_is_object(resources))
        json_object_set_new(container, "resources", resources = json_object());
    if (!json_object_get(resources, "cpu"))
        json_object_set_new(resources, "cpu", json_real(0.5));
    if (!json_object_get(resources, "memory"))
        value_set_text(resources, "memory", "1Gi");
    if (!json_is_number(json_object_get(resources, "cpu")))
        return bad_field(reply, where, "resources.cpu", "a number is expected");
    if (!job_memory_bytes(value_string(resources, "memory"), &bytes))
        return bad_field(reply, where, "resources.memory", "a quantity like 1Gi is expected");
    *cpu += json_number_value(json_object_get(resources, "cpu"));
    *memory += bytes;
    return true;
}

static bool bad_total(double cpu, int64_t memory, struct azure_reply *reply)
{
    azure_reply_error(
        reply, 400, "ContainerAppInvalidResourceTotal",
        "The total requested CPU and memory resources for this application (CPU: %g, memory: %g) "
        "is invalid. Total CPU and memory for all containers defined in a Container App must add "
        "up to one of the following CPU - Memory combinations: [cpu: 0.25, memory: 0.5Gi]; [cpu: "
        "0.5, memory: 1.0Gi]; … [cpu: 4.0, memory: 8.0Gi]",
        cpu, (double)memory / (1024.0 * MIB));
    return false;
}

/* ---- containers ---- */

static const json_t *find_named(const json_t *list, const char *key, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (!strcmp(value_string(item, key), name)) return item;
    return NULL;
}

static bool check_env(const json_t *container, const json_t *secrets, const char *where,
                      struct azure_reply *reply)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(container, "env"), i, item)
    {
        const char *name = value_string(item, "name"), *secret = value_string(item, "secretRef");
        const json_t *value = json_object_get(item, "value");
        if (!*name || strchr(name, '='))
            return bad_field(reply, where, "env.name", "the name is empty or has a '='");
        if (*secret && !find_named(secrets, "name", secret))
            return bad_field(reply, where, "env.secretRef", "there is no such secret");
        if (value && !json_is_null(value) && !json_is_string(value))
            return bad_field(reply, where, "env.value", "a string is expected");
    }
    return true;
}

static bool check_strings(const json_t *container, const char *key, const char *where,
                          struct azure_reply *reply)
{
    const json_t *list = json_object_get(container, key);
    size_t i;
    json_t *item;
    if (list && !json_is_null(list) && !json_is_array(list))
        return bad_field(reply, where, key, "an array of strings is expected");
    json_array_foreach(list, i, item) if (!json_is_string(item)) return bad_field(
        reply, where, key, "an array of strings is expected");
    return true;
}

static bool check_mounts(const json_t *container, const json_t *volumes, const char *where,
                         struct azure_reply *reply)
{
    size_t i;
    json_t *mount;
    json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
    {
        const char *sub = value_string(mount, "subPath");
        if (!find_named(volumes, "name", value_string(mount, "volumeName")))
            return bad_field(reply, where, "volumeMounts.volumeName", "there is no such volume");
        if (*value_string(mount, "mountPath") != '/')
            return bad_field(reply, where, "volumeMounts.mountPath", "the path is not absolute");
        if (*sub == '/' || strstr(sub, ".."))
            return bad_field(reply, where, "volumeMounts.subPath", "a relative path is expected");
    }
    return true;
}

struct template_parts {
    const json_t *secrets, *volumes;
    json_t *names; /* seen so far */
};

static bool check_container(json_t *c, const struct template_parts *parts, const char *kind,
                            struct azure_reply *reply)
{
    const char *name = value_string(c, "name"), *image = value_string(c, "image");
    AUTO_FREE char *where = xasprintf("%s.%s", kind, name);
    if (!label_valid(name, 63))
        return bad_field(reply, where, "name",
                         "a name consists of lower case alphanumeric characters or '-'");
    if (json_object_get(parts->names, name))
        return bad_field(reply, where, "name", "the name is used twice");
    json_object_set_new(parts->names, name, json_true());
    if (!*image || strpbrk(image, " \t\n"))
        return bad_field(reply, where, "image", "Invalid value: the image is missing or not valid");
    return check_strings(c, "command", where, reply) && check_strings(c, "args", where, reply) &&
           check_env(c, parts->secrets, where, reply) &&
           check_mounts(c, parts->volumes, where, reply);
}

static bool check_containers(json_t *list, const struct template_parts *parts, bool init,
                             struct azure_reply *reply)
{
    const char *kind = init ? "initContainers" : "containers";
    double cpu = 0;
    int64_t memory = 0;
    size_t i;
    json_t *container;
    json_array_foreach(list, i, container)
    {
        if (init)
            cpu = 0, memory = 0; /* they run one after the other */
        if (!check_container(container, parts, kind, reply) ||
            !take_size(container, kind, &cpu, &memory, reply))
            return false;
        if (init && !is_combination(cpu, memory))
            return bad_total(cpu, memory, reply);
    }
    return init || is_combination(cpu, memory) || bad_total(cpu, memory, reply);
}

static bool check_volumes(const struct azure *azure, const json_t *volumes,
                          struct azure_reply *reply)
{
    size_t i;
    json_t *volume;
    json_array_foreach(volumes, i, volume)
    {
        const char *type = value_string(volume, "storageType");
        const char *storage = value_string(volume, "storageName");
        bool is_file = !strcmp(type, "AzureFile");
        if (!label_valid(value_string(volume, "name"), 63))
            return bad_field(reply, "volumes", "name", "the name is missing or not valid");
        if (!is_file && strcmp(type, "EmptyDir") != 0 && *type)
            return bad_field(reply, "volumes", "storageType",
                             "one of AzureFile, EmptyDir is expected here");
        if (is_file && !environment_has_storage(azure->environment, storage)) {
            azure_reply_error(reply, 400, "ManagedEnvironmentStorageNotFound",
                              "The storage '%s' was not found in the environment '%s'.", storage,
                              environment_name(azure->environment));
            return false;
        }
    }
    return true;
}

static bool check_template(const struct azure *azure, json_t *template, const json_t *secrets,
                           struct azure_reply *reply)
{
    json_t *containers = json_object_get(template, "containers"),
           *init = json_object_get(template, "initContainers");
    const struct template_parts parts = {secrets, json_object_get(template, "volumes"),
                                         json_object()};
    bool good = true;
    if (json_array_size(containers) == 0 ||
        json_array_size(containers) + json_array_size(init) > REPLICA_CONTAINERS_MAX)
        good = bad_field(reply, "containers", "name", "between 1 and 16 containers are expected");
    good = good && check_volumes(azure, parts.volumes, reply) &&
           check_containers(containers, &parts, false, reply) &&
           check_containers(init, &parts, true, reply);
    json_decref(parts.names);
    return good;
}

/* ---- configuration ---- */

static bool bad_value(struct azure_reply *reply, const char *code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static bool bad_value(struct azure_reply *reply, const char *code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    azure_reply_error(reply, 400, code, "%s", text);
    return false;
}

static bool check_secrets(const json_t *secrets, struct azure_reply *reply)
{
    size_t i;
    json_t *secret;
    json_array_foreach(secrets, i, secret)
    {
        const char *name = value_string(secret, "name");
        if (!label_valid(name, 63))
            return bad_value(reply, "ContainerAppSecretInvalid",
                             "Invalid secret name '%s': a name consists of lower case alphanumeric "
                             "characters, '-' and '.'.",
                             name);
        if (!*value_string(secret, "value") && !*value_string(secret, "keyVaultUrl"))
            return bad_value(reply, "ContainerAppSecretInvalid",
                             "Container app secret(s) with name(s) '%s' are invalid: value or "
                             "keyVaultUrl and identity should be provided.",
                             name);
    }
    return true;
}

static bool check_registries(const json_t *registries, const json_t *secrets,
                             struct azure_reply *reply)
{
    size_t i;
    json_t *registry;
    json_array_foreach(registries, i, registry)
    {
        const char *server = value_string(registry, "server");
        const char *secret = value_string(registry, "passwordSecretRef");
        bool by_identity = *value_string(registry, "identity");
        if (!*server || strstr(server, "://"))
            return bad_value(reply, "InvalidRegistry", "Invalid registry server '%s'.", server);
        if (by_identity && *secret)
            return bad_value(reply, "InvalidRegistry",
                             "Registry '%s': use either an identity or username and password.",
                             server);
        if (!by_identity &&
            (!*value_string(registry, "username") || !find_named(secrets, "name", secret)))
            return bad_value(reply, "ContainerAppRegistryPasswordSecretRefNotFound",
                             "Registry '%s': username is missing or the secret '%s' is not "
                             "defined.",
                             server, secret);
    }
    return true;
}

static bool check_trigger(json_t *configuration, struct azure_reply *reply)
{
    const char *trigger = value_string(configuration, "triggerType");
    json_t *manual = json_object_get(configuration, "manualTriggerConfig");
    if (strcmp(trigger, "Manual") != 0)
        return bad_value(reply, "InvalidJobTriggerType",
                         "triggerType '%s': the simulator knows Manual only.", trigger);
    if (!json_is_object(manual))
        json_object_set_new(configuration, "manualTriggerConfig", manual = json_object());
    if (!json_object_get(manual, "parallelism"))
        json_object_set_new(manual, "parallelism", json_integer(1));
    if (!json_object_get(manual, "replicaCompletionCount"))
        json_object_set_new(manual, "replicaCompletionCount", json_integer(1));
    if (value_int(manual, "parallelism", 0) != 1 ||
        value_int(manual, "replicaCompletionCount", 0) != 1)
        return bad_value(reply, "InvalidManualTriggerConfig",
                         "The simulator runs one replica an execution.");
    return true;
}

static bool check_configuration(json_t *configuration, struct azure_reply *reply)
{
    const json_t *secrets = json_object_get(configuration, "secrets");
    int64_t timeout = value_int(configuration, "replicaTimeout", 0);
    if (!json_object_get(configuration, "replicaRetryLimit"))
        json_object_set_new(configuration, "replicaRetryLimit", json_integer(0));
    int64_t retries = value_int(configuration, "replicaRetryLimit", -1);
    if (timeout < 1 || timeout > TIMEOUT_MAX_S)
        return bad_value(reply, "InvalidReplicaTimeout",
                         "replicaTimeout is required and must be between 1 and %d seconds.",
                         TIMEOUT_MAX_S);
    if (retries < 0 || retries > RETRIES_MAX)
        return bad_value(reply, "InvalidReplicaRetryLimit",
                         "replicaRetryLimit must be between 0 and %d.", RETRIES_MAX);
    return check_trigger(configuration, reply) && check_secrets(secrets, reply) &&
           check_registries(json_object_get(configuration, "registries"), secrets, reply);
}

/* ---- the whole ---- */

static bool check_place(const struct azure *azure, const json_t *job, const struct job *before,
                        struct azure_reply *reply)
{
    const json_t *properties = json_object_get(job, "properties");
    const char *location = value_string(job, "location");
    const char *environment = value_string(properties, "environmentId");
    if (!*location)
        return bad_value(reply, "LocationRequired",
                         "The location property is required for this definition.");
    if (!azure_same_location(location, azure->location)) {
        azure_reply_error(reply, before ? 409 : 400,
                          before ? "InvalidResourceLocation"
                                 : "LocationNotAvailableForResourceType",
                          "The location '%s' is not that of the managed environment: '%s'.",
                          location, azure->location);
        return false;
    }
    if (environment_is(azure->environment, environment))
        return true;
    azure_reply_error(
        reply, *environment ? 404 : 400,
        *environment ? "ManagedEnvironmentNotFound" : "EnvironmentIdRequired",
        "The environment '%s' of the job does not exist, or environmentId is missing.",
        environment);
    return false;
}

static void drop_read_only(json_t *job)
{
    static const char *const top[] = {"id", "name", "type", "systemData"};
    static const char *const inner[] = {"provisioningState", "outboundIpAddresses",
                                        "eventStreamEndpoint"};
    for (size_t i = 0; i < ARRAY_LEN(top); i++)
        json_object_del(job, top[i]);
    for (size_t i = 0; i < ARRAY_LEN(inner); i++)
        json_object_del(json_object_get(job, "properties"), inner[i]);
}

bool job_check(const struct azure *azure, const char *name, json_t *job, const struct job *before,
               struct azure_reply *reply)
{
    if (!check_members(job, "Job", reply) || !check_name(name, reply))
        return false;
    drop_read_only(job);
    json_t *properties = json_object_get(job, "properties");
    json_t *configuration = json_object_get(properties, "configuration");
    json_t *template = json_object_get(properties, "template");
    if (!json_is_object(configuration) || !json_is_object(template))
        return bad_value(reply, "InvalidRequestContent",
                         "properties.configuration and properties.template are required.");
    return check_place(azure, job, before, reply) &&
           check_tags(json_object_get(job, "tags"), reply) &&
           check_configuration(configuration, reply) &&
           check_template(azure, template, json_object_get(configuration, "secrets"), reply);
}

/* ---- start ---- */

/* What is given replaces the container's own members; its mounts stay those of the job. */
static bool override_list(json_t *own, const json_t *given, struct azure_reply *reply)
{
    size_t i;
    json_t *container;
    json_array_foreach(given, i, container)
    {
        json_t *target = (json_t *)find_named(own, "name", value_string(container, "name"));
        if (!target)
            return bad_value(reply, "ContainerNotFound",
                             "The job has no container '%s' to override.",
                             value_string(container, "name"));
        json_object_update(target, container);
    }
    return true;
}

bool job_override(json_t *template, const json_t *overrides, struct azure_reply *reply)
{
    if (!overrides || json_object_size(overrides) == 0)
        return true;
    return check_members(overrides, "JobExecutionTemplate", reply) &&
           override_list(json_object_get(template, "containers"),
                         json_object_get(overrides, "containers"), reply) &&
           override_list(json_object_get(template, "initContainers"),
                         json_object_get(overrides, "initContainers"), reply);
}
