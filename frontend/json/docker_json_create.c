/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of create and exec requests into typed messages; see docker_json.h. What the backend
 * interprets becomes fields, the rest of HostConfig and NetworkingConfig stays JSON.
 */
#include "frontend/json/docker_json.h"

#include "base/alloc.h"
#include "base/str.h"
#include "frontend/json/docker_shape.h"
#include "frontend/json/json_decode.h"
#include "json/json_input.h"

#include <string.h>

#define CONFIG(name, kind, member)                                                                 \
    {                                                                                              \
        name, kind, offsetof(Sockerless__ContainerConfig, member), 0                               \
    }
#define CONFIG_N(name, kind, member)                                                               \
    {                                                                                              \
        name, kind, offsetof(Sockerless__ContainerConfig, member),                                 \
            offsetof(Sockerless__ContainerConfig, n_##member)                                      \
    }

static const struct json_field config_fields[] = {
    CONFIG("Hostname", JSON_TEXT, hostname),
    CONFIG("Domainname", JSON_TEXT, domainname),
    CONFIG("User", JSON_TEXT, user),
    CONFIG("AttachStdin", JSON_FLAG, attach_stdin),
    CONFIG("AttachStdout", JSON_FLAG, attach_stdout),
    CONFIG("AttachStderr", JSON_FLAG, attach_stderr),
    CONFIG_N("ExposedPorts", JSON_KEYS, exposed_ports),
    CONFIG("Tty", JSON_FLAG, tty),
    CONFIG("OpenStdin", JSON_FLAG, open_stdin),
    CONFIG("StdinOnce", JSON_FLAG, stdin_once),
    CONFIG("Env", JSON_TEXT_LIST, env),
    CONFIG("Cmd", JSON_COMMAND, cmd),
    CONFIG("Healthcheck", JSON_ANY, healthcheck),
    CONFIG("ArgsEscaped", JSON_FLAG, args_escaped),
    CONFIG("Image", JSON_TEXT, image),
    CONFIG_N("Volumes", JSON_KEYS, volumes),
    CONFIG("WorkingDir", JSON_TEXT, working_dir),
    CONFIG("Entrypoint", JSON_COMMAND, entrypoint),
    CONFIG("NetworkDisabled", JSON_FLAG, network_disabled),
    CONFIG("MacAddress", JSON_TEXT, mac_address),
    CONFIG_N("OnBuild", JSON_TEXTS, on_build),
    CONFIG_N("Labels", JSON_LABELS, labels),
    CONFIG("StopSignal", JSON_TEXT, stop_signal),
    {"StopTimeout", JSON_INT32, offsetof(Sockerless__ContainerConfig, stop_timeout_s),
     offsetof(Sockerless__ContainerConfig, has_stop_timeout)},
    CONFIG("Shell", JSON_COMMAND, shell),
    {NULL, JSON_ANY, 0, 0},
};

#define HEALTH(name, kind, member)                                                                 \
    {                                                                                              \
        name, kind, offsetof(Sockerless__Healthcheck, member), 0                                   \
    }
static const struct json_field health_fields[] = {
    {"Test", JSON_TEXTS, offsetof(Sockerless__Healthcheck, test),
     offsetof(Sockerless__Healthcheck, n_test)},
    HEALTH("Interval", JSON_INT64, interval_ns),
    HEALTH("Timeout", JSON_INT64, timeout_ns),
    HEALTH("StartPeriod", JSON_INT64, start_period_ns),
    HEALTH("StartInterval", JSON_INT64, start_interval_ns),
    HEALTH("Retries", JSON_INT32, retries),
    {NULL, JSON_ANY, 0, 0},
};

#define HOST(name, kind, member)                                                                   \
    {                                                                                              \
        name, kind, offsetof(Sockerless__HostOptions, member), 0                                   \
    }
#define HOST_N(name, kind, member)                                                                 \
    {                                                                                              \
        name, kind, offsetof(Sockerless__HostOptions, member),                                     \
            offsetof(Sockerless__HostOptions, n_##member)                                          \
    }
static const struct json_field host_fields[] = {
    HOST("Memory", JSON_INT64, memory),
    HOST("NanoCpus", JSON_INT64, nano_cpus),
    HOST("CpuShares", JSON_INT64, cpu_shares),
    HOST("CpuQuota", JSON_INT64, cpu_quota),
    HOST("CpuPeriod", JSON_INT64, cpu_period),
    HOST("AutoRemove", JSON_FLAG, auto_remove),
    HOST("NetworkMode", JSON_TEXT, network_mode),
    HOST_N("Binds", JSON_TEXTS, binds),
    HOST_N("VolumesFrom", JSON_TEXTS, volumes_from),
    HOST("Privileged", JSON_FLAG, privileged),
    HOST("ReadonlyRootfs", JSON_FLAG, readonly_rootfs),
    HOST("Init", JSON_FLAG, init),
    HOST_N("ExtraHosts", JSON_TEXTS, extra_hosts),
    HOST("ShmSize", JSON_INT64, shm_size),
    HOST("MemorySwap", JSON_INT64, memory_swap),
    HOST("MemoryReservation", JSON_INT64, memory_reservation),
    HOST("KernelMemory", JSON_INT64, kernel_memory),
    {"MemorySwappiness", JSON_INT64, offsetof(Sockerless__HostOptions, memory_swappiness),
     offsetof(Sockerless__HostOptions, has_memory_swappiness)},
    HOST("OomScoreAdj", JSON_INT64, oom_score_adj),
    HOST("Isolation", JSON_TEXT, isolation),
    HOST("CgroupnsMode", JSON_TEXT, cgroupns_mode),
    HOST_N("CapAdd", JSON_COMMANDS, cap_add),
    HOST_N("CapDrop", JSON_COMMANDS, cap_drop),
    HOST_N("GroupAdd", JSON_TEXTS, group_add),
    {NULL, JSON_ANY, 0, 0},
};
static const struct json_field log_fields[] = {
    HOST("Type", JSON_TEXT, log_driver),
    HOST_N("Config", JSON_LABELS, log_options),
    {NULL, JSON_ANY, 0, 0},
};
static const struct json_field restart_fields[] = {
    HOST("Name", JSON_TEXT, restart_policy),
    HOST("MaximumRetryCount", JSON_INT32, restart_max),
    {NULL, JSON_ANY, 0, 0},
};

json_t *docker_json_load(const char *text, size_t len, struct error *err)
{
    json_t *root = json_input_load(text, len, JSON_INPUT_FIRST, err);
    if (!root)
        error_wrap(err, "invalid JSON");
    return root;
}

/* *out stays NULL when the object has none of its fields, as with Go's embedded pointer. */
static int decode_config(json_t *root, struct arena *a, Sockerless__ContainerConfig **out,
                         struct error *err)
{
    Sockerless__ContainerConfig *config = arena_alloc(a, sizeof(*config));
    sockerless__container_config__init(config);
    int known = json_decode_object(root, config_fields, "ContainerConfigWrapper", a, config, err);
    if (known < 0)
        return -1;
    if (known > 0)
        *out = config;
    json_t *health = json_decode_member(root, "Healthcheck");
    if (!health)
        return 0;
    config->healthcheck = arena_alloc(a, sizeof(*config->healthcheck));
    sockerless__healthcheck__init(config->healthcheck);
    return json_decode_object(health, health_fields, "HealthConfig", a, config->healthcheck, err) <
                   0
               ? -1
               : 0;
}

/* ConsoleSize, [height, width], since API 1.42. What it does not give stays as it is. */
static void decode_console_size(json_t *json, uint32_t *height, uint32_t *width)
{
    json_t *size = json_decode_member(json, "ConsoleSize");
    json_int_t rows = json_integer_value(json_array_get(size, 0));
    json_int_t columns = json_integer_value(json_array_get(size, 1));
    if (rows > 0 && rows <= UINT16_MAX && columns > 0 && columns <= UINT16_MAX) {
        *height = (uint32_t)rows;
        *width = (uint32_t)columns;
    }
}

static int decode_host(json_t *json, struct arena *a, Sockerless__HostOptions *host,
                       struct error *err)
{
    if (json) {
        if (json_decode_object(json, host_fields, "HostConfig.HostConfig", a, host, err) < 0)
            return -1;
        json_t *restart = json_decode_member(json, "RestartPolicy");
        if (restart &&
            json_decode_object(restart, restart_fields, "RestartPolicy", a, host, err) < 0)
            return -1;
        decode_console_size(json, &host->console_height, &host->console_width);
        json_t *log = json_decode_member(json, "LogConfig");
        if (json_is_object(log) &&
            json_decode_object(log, log_fields, "LogConfig", a, host, err) < 0)
            return -1;
    }
    if (str_empty(host->network_mode))
        host->network_mode = (char *)(uintptr_t) "default";
    if (str_empty(host->restart_policy))
        host->restart_policy = (char *)(uintptr_t) "no";
    return 0;
}

static int keep_host_json(json_t *host, struct arena *a, ProtobufCBinaryData *out,
                          struct error *err)
{
    AUTO(buf) struct buf json = BUF_INIT;
    if (docker_json_host_config(host, &json, err))
        return -1;
    out->data = (uint8_t *)arena_strndup(a, json.data, json.len);
    out->len = json.len;
    return 0;
}

static int keep_networking(json_t *root, struct arena *a, ProtobufCBinaryData *out,
                           struct error *err)
{
    json_t *networking = json_decode_member(root, "NetworkingConfig");
    json_t *endpoints = networking ? json_decode_member(networking, "EndpointsConfig") : NULL;
    if (!endpoints)
        return 0;
    char *text = json_dumps(endpoints, JSON_COMPACT);
    if (!text)
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid NetworkingConfig");
    out->data = (uint8_t *)arena_strdup(a, text);
    out->len = strlen(text);
    free(text);
    return 0;
}

int docker_json_create(json_t *root, struct arena *a, Sockerless__ContainerCreateRequest *out,
                       struct error *err)
{
    if (json_shape_check(root, &docker_shape_create, err))
        return -1;
    if (json_is_null(root))
        return 0;
    json_shape_rename(root, &docker_shape_create);
    out->host = arena_alloc(a, sizeof(*out->host));
    sockerless__host_options__init(out->host);
    json_t *host = json_decode_member(root, "HostConfig");
    if (decode_config(root, a, &out->config, err) || decode_host(host, a, out->host, err) ||
        keep_host_json(host, a, &out->host_config_json, err))
        return -1;
    return keep_networking(root, a, &out->networking_config_json, err);
}

/* ---- exec ---- */

#define EXEC(name, kind, member)                                                                   \
    {                                                                                              \
        name, kind, offsetof(Sockerless__ExecCreateRequest, member), 0                             \
    }
#define EXEC_N(name, kind, member)                                                                 \
    {                                                                                              \
        name, kind, offsetof(Sockerless__ExecCreateRequest, member),                               \
            offsetof(Sockerless__ExecCreateRequest, n_##member)                                    \
    }
static const struct json_field exec_fields[] = {
    EXEC_N("Cmd", JSON_TEXTS, cmd),
    EXEC_N("Env", JSON_TEXTS, env),
    EXEC("User", JSON_TEXT, user),
    EXEC("WorkingDir", JSON_TEXT, working_dir),
    EXEC("Tty", JSON_FLAG, tty),
    EXEC("AttachStdin", JSON_FLAG, attach_stdin),
    EXEC("AttachStdout", JSON_FLAG, attach_stdout),
    EXEC("AttachStderr", JSON_FLAG, attach_stderr),
    EXEC("Privileged", JSON_FLAG, privileged),
    EXEC("DetachKeys", JSON_TEXT, detach_keys),
    {NULL, JSON_ANY, 0, 0},
};

int docker_json_exec_create(json_t *root, struct arena *a, Sockerless__ExecCreateRequest *out,
                            struct error *err)
{
    if (json_shape_check(root, &docker_shape_exec_create, err))
        return -1;
    if (json_is_object(root) &&
        json_decode_object(root, exec_fields, "ExecConfig", a, out, err) < 0)
        return -1;
    if (json_is_object(root))
        decode_console_size(root, &out->height, &out->width);
    return 0;
}

static const struct json_field exec_start_fields[] = {
    {"Detach", JSON_FLAG, offsetof(Sockerless__ExecStartOpen, detach), 0},
    {"Tty", JSON_FLAG, offsetof(Sockerless__ExecStartOpen, tty), 0},
    {NULL, JSON_ANY, 0, 0},
};

int docker_json_exec_start(json_t *root, Sockerless__ExecStartOpen *out, struct error *err)
{
    if (!root)
        return 0;
    if (json_shape_check(root, &docker_shape_exec_start, err))
        return -1;
    if (json_is_null(root))
        return 0;
    if (json_decode_object(root, exec_start_fields, "ExecStartCheck", NULL, out, err) < 0)
        return -1;
    decode_console_size(root, &out->height, &out->width);
    return 0;
}
