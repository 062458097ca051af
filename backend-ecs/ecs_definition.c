/* SPDX-License-Identifier: Apache-2.0
 * The RegisterTaskDefinition body; see ecs_definition.h.
 *
 * The agent is the task's PID 1: an init container (or an EFS volume) puts it into /sockerless, or
 * the image holds it. The main container's entry point is the agent, which starts the user's
 * process with its own user, working directory and environment. */
#include "ecs_definition.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "ecs_overrides.h"
#include "ecs_size.h"
#include "cloud/cloud_labels.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define AGENT_VOLUME "sockerless-agent"
#define AGENT_CONTAINER "agent-install"
#define AGENT_DIRECTORY "/sockerless"

enum {
    DEFINITION_MAX = 64 * 1024, /* ECS service quota, "Task definition size" */
    PORT_MAPPINGS_MAX = 100,    /* the same, container definition */
    STOP_TIMEOUT_MAX_S = 120,
    LABELS_MAX = 16 * 1024, /* ours: command and environment need room, too */
};

/* What a definition is made from. */
struct source {
    const struct ecs_config *config;
    const struct workload_spec *spec;
    struct cloud_size size;
    enum ecs_injection injection;
    bool has_process; /* command and environment too: they are too large for RunTask */
    size_t label_room;
};

static void write_labels(struct json_writer *w, const struct source *from, const char *content_hash)
{
    json_member_object(w, "dockerLabels");
    cloud_labels_write(w, from->spec->config, "sockerless.", from->label_room);
    json_member_string(w, ECS_LABEL_INSTANCE, from->spec->instance);
    if (content_hash)
        json_member_string(w, ECS_LABEL_CONTENT, content_hash);
    json_object_close(w);
}

/* "80/tcp", "53/udp", "8080"; ECS has no other protocols, and ranges come expanded. */
static bool parse_port(const char *text, int *port, const char **protocol)
{
    char digits[8];
    size_t n = strcspn(text, "/");
    int64_t value;
    if (!n || n >= sizeof digits)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!str_to_i64(digits, &value) || value < 1 || value > 65535)
        return false;
    const char *name = text[n] ? text + n + 1 : "tcp";
    if (strcmp(name, "tcp") != 0 && strcmp(name, "udp") != 0)
        return false;
    *port = (int)value;
    *protocol = name;
    return true;
}

static void write_ports(struct json_writer *w, const struct workload_spec *spec)
{
    json_member_array(w, "portMappings");
    for (size_t i = 0, n = 0; spec->config && i < spec->config->n_exposed_ports; i++) {
        int port;
        const char *protocol;
        if (n == PORT_MAPPINGS_MAX || !parse_port(spec->config->exposed_ports[i], &port, &protocol))
            continue;
        json_object_open(w);
        json_member_int(w, "containerPort", port);
        json_member_string(w, "protocol", protocol);
        json_object_close(w);
        n++;
    }
    json_array_close(w);
}

/* mode "blocking": ECS's default (non-blocking since June 2025) drops lines when logs pile up. */
static void write_log_configuration(struct json_writer *w, const struct ecs_config *config)
{
    json_member_object(w, "logConfiguration");
    json_member_string(w, "logDriver", "awslogs");
    json_member_object(w, "options");
    json_member_string(w, "awslogs-group", config->log_group);
    json_member_string(w, "awslogs-region", config->region);
    json_member_string(w, "awslogs-stream-prefix", ECS_LOG_STREAM_PREFIX);
    json_member_string(w, "awslogs-create-group", "true");
    json_member_string(w, "mode", "blocking");
    json_object_close(w);
    json_object_close(w);
}

static void write_mount(struct json_writer *w, bool read_only)
{
    json_member_array(w, "mountPoints");
    json_object_open(w);
    json_member_string(w, "sourceVolume", AGENT_VOLUME);
    json_member_string(w, "containerPath", AGENT_DIRECTORY);
    json_member_bool(w, "readOnly", read_only);
    json_object_close(w);
    json_array_close(w);
}

/* What brings the agent into the main container. */
static void write_agent_source(struct json_writer *w, const struct source *from)
{
    if (from->injection == ECS_INJECT_IMAGE_LAYER)
        return;
    write_mount(w, true);
    if (from->injection != ECS_INJECT_INIT_CONTAINER)
        return;
    json_member_array(w, "dependsOn");
    json_object_open(w);
    json_member_string(w, "containerName", AGENT_CONTAINER);
    json_member_string(w, "condition", "SUCCESS");
    json_object_close(w);
    json_array_close(w);
}

static void write_main_container(struct json_writer *w, const struct source *from,
                                 const char *content_hash)
{
    const struct workload_spec *spec = from->spec;
    bool in_image = from->injection == ECS_INJECT_IMAGE_LAYER;
    char *const entry_point[] = {in_image ? AGENT_IMAGE_PATH : AGENT_DIRECTORY "/sockerless-agent"};
    int64_t stop_s = spec->stop_timeout_s;
    json_object_open(w);
    json_member_string(w, "name", ECS_MAIN_CONTAINER);
    json_member_string(w, "image", spec->image);
    json_member_bool(w, "essential", true);
    json_key(w, "entryPoint");
    json_string_array(w, entry_point, 1);
    /* Root for the agent only; it drops to the user's own user itself. */
    json_member_string(w, "user", "0");
    if (from->has_process)
        ecs_process_write(w, spec);
    write_labels(w, from, content_hash);
    write_ports(w, spec);
    write_agent_source(w, from);
    json_member_int(w, "stopTimeout",
                    stop_s < 0                    ? 0
                    : stop_s > STOP_TIMEOUT_MAX_S ? STOP_TIMEOUT_MAX_S
                                                  : stop_s);
    json_member_bool(w, "readonlyRootFilesystem", spec->host && spec->host->readonly_rootfs);
    write_log_configuration(w, from->config);
    json_object_close(w);
}

static void write_agent_container(struct json_writer *w, const struct ecs_config *config)
{
    static char *const command[] = {"--install", AGENT_DIRECTORY};
    json_object_open(w);
    json_member_string(w, "name", AGENT_CONTAINER);
    json_member_string(w, "image", config->agent_image);
    json_member_bool(w, "essential", false);
    json_key(w, "command");
    json_string_array(w, command, ARRAY_LEN(command));
    write_mount(w, false);
    write_log_configuration(w, config);
    json_object_close(w);
}

static void write_volumes(struct json_writer *w, const struct source *from)
{
    const struct ecs_config *config = from->config;
    json_member_array(w, "volumes");
    json_object_open(w);
    json_member_string(w, "name", AGENT_VOLUME);
    if (from->injection == ECS_INJECT_EFS) {
        bool point = !str_empty(config->efs_access_point_id);
        json_member_object(w, "efsVolumeConfiguration");
        json_member_string(w, "fileSystemId", config->efs_filesystem_id);
        /* With an access point the root directory must be "/". */
        json_member_string(w, "rootDirectory", point ? "/" : config->efs_agent_path);
        json_member_string(w, "transitEncryption", "ENABLED");
        if (point) {
            json_member_object(w, "authorizationConfig");
            json_member_string(w, "accessPointId", config->efs_access_point_id);
            json_object_close(w);
        }
        json_object_close(w);
    }
    json_object_close(w);
    json_array_close(w);
}

/* Everything but the family and what is derived from the hash. */
static void write_content(struct json_writer *w, const struct source *from,
                          const char *content_hash)
{
    const struct ecs_config *config = from->config;
    static char *const compatibilities[] = {"FARGATE"};
    char number[16];
    json_member_string(w, "networkMode", "awsvpc");
    json_key(w, "requiresCompatibilities");
    json_string_array(w, compatibilities, 1);
    snprintf(number, sizeof number, "%d", from->size.cpu_units);
    json_member_string(w, "cpu", number);
    snprintf(number, sizeof number, "%d", from->size.memory_mib);
    json_member_string(w, "memory", number);
    json_member_object(w, "runtimePlatform");
    json_member_string(w, "cpuArchitecture", config->cpu_architecture);
    json_member_string(w, "operatingSystemFamily", "LINUX");
    json_object_close(w);
    if (!str_empty(config->execution_role_arn))
        json_member_string(w, "executionRoleArn", config->execution_role_arn);
    if (!str_empty(config->task_role_arn))
        json_member_string(w, "taskRoleArn", config->task_role_arn);
    if (from->injection != ECS_INJECT_IMAGE_LAYER)
        write_volumes(w, from);
    json_member_array(w, "containerDefinitions");
    write_main_container(w, from, content_hash);
    if (from->injection == ECS_INJECT_INIT_CONTAINER)
        write_agent_container(w, config);
    json_array_close(w);
}

static void hash_content(const struct buf *content, char out[65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)content->data, content->len, digest);
    hex_encode(digest, sizeof digest, out);
}

static void write_request(const struct source *from, struct ecs_definition_request *out)
{
    struct json_writer w;
    char value[ECS_TAG_VALUE_MAX + 1];
    json_writer_init(&w, &out->body);
    json_object_open(&w);
    json_member_string(&w, "family", out->family);
    write_content(&w, from, out->content_hash);
    json_member_array(&w, "tags");
    ecs_write_tag(&w, ECS_TAG_MANAGED, "true");
    ecs_tag_value(from->spec->instance, value);
    ecs_write_tag(&w, ECS_TAG_INSTANCE, value);
    json_array_close(&w);
    json_object_close(&w);
}

static void write_definition(const struct source *from, struct ecs_definition_request *out)
{
    AUTO(buf) struct buf content = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &content);
    json_object_open(&w);
    write_content(&w, from, NULL);
    json_object_close(&w);
    hash_content(&content, out->content_hash);
    snprintf(out->family, sizeof out->family, ECS_FAMILY_PREFIX "%.*s", ECS_FAMILY_HASH_LEN,
             out->content_hash);
    buf_clear(&out->body);
    write_request(from, out);
}

/* An image that holds the agent needs nothing else, whatever is configured. */
static int choose_injection(const struct ecs_config *config, const struct workload_spec *spec,
                            enum ecs_injection *out, struct error *err)
{
    *out = spec->agent_in_image ? ECS_INJECT_IMAGE_LAYER : config->injection;
    if (*out == ECS_INJECT_IMAGE_LAYER && !spec->agent_in_image)
        return error_set(err, ERROR_SYSTEM,
                         "agent injection \"image_layer\": the image %s was not given the agent",
                         spec->image);
    return 0;
}

int ecs_definition_build(const struct ecs_config *config, const struct workload_spec *spec,
                         struct ecs_definition_request *out, struct error *err)
{
    struct source from = {.config = config, .spec = spec};
    const struct cloud_size_wish wish = cloud_size_wish_of(spec->host);
    AUTO(ecs_overrides) struct ecs_overrides overrides = {0};
    *out = (struct ecs_definition_request){0};
    if (choose_injection(config, spec, &from.injection, err) ||
        cloud_size_choose(&ecs_size_table, &wish, &from.size, err) ||
        ecs_overrides_build(spec, &overrides, err))
        return -1;
    from.has_process = !overrides.complete;
    from.label_room = LABELS_MAX;
    write_definition(&from, out);
    if (out->body.len > DEFINITION_MAX) {
        from.label_room = 0; /* the container's row has them */
        write_definition(&from, out);
    }
    if (out->body.len <= DEFINITION_MAX)
        return 0;
    size_t len = out->body.len;
    buf_free(&out->body);
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "command and environment make a task definition of %zu bytes; ECS "
                     "takes at most %d",
                     len, DEFINITION_MAX);
}
