/* SPDX-License-Identifier: Apache-2.0
 * dockerd's rules for what is kept and shown; see host_rules.h. The warnings are in
 * host_warnings.c. */
#include "backend/container/host_rules.h"

#include "backend/container/mount_rules.h"
#include "base/alloc.h"
#include "base/port_range.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

json_t *host_rules_load(const ProtobufCBinaryData *json, struct error *err)
{
    return json->len ? json_doc_load_with_nul(json->data, json->len, err) : json_object();
}

/* ---- modes and resources ---- */

#define CONFLICT "conflicting options: "
#define UNDEFINED " can't be used with links. This would result in undefined behavior"

/* With another container's network; NULL: nothing contradicts it. */
static const char *shared_network_conflict(const json_t *host,
                                           const Sockerless__ContainerConfig *config)
{
    if (!str_empty(config->hostname))
        return CONFLICT "hostname and the network mode";
    if (json_array_size(json_object_get(host, "Links")))
        return CONFLICT "container type network" UNDEFINED;
    if (json_array_size(json_object_get(host, "Dns")))
        return CONFLICT "dns and the network mode";
    if (json_array_size(json_object_get(host, "ExtraHosts")))
        return CONFLICT "custom host-to-IP mapping and the network mode";
    if (!str_empty(config->mac_address))
        return CONFLICT "mac-address and the network mode";
    if (json_object_size(json_object_get(host, "PortBindings")) ||
        json_is_true(json_object_get(host, "PublishAllPorts")))
        return CONFLICT "port publishing and the container type network mode";
    if (config->n_exposed_ports)
        return CONFLICT "port exposing and the container type network mode";
    return NULL;
}

/* As moby's runconfig. */
static int check_network_mode(const json_t *host, const Sockerless__ContainerConfig *config,
                              struct error *err)
{
    const char *mode = json_doc_text(host, "NetworkMode"), *why = NULL;
    bool shared = str_starts(mode, "container:"), of_host = strcmp(mode, "host") == 0;
    if (strcmp(mode, "container") == 0 || (shared && strchr(":", mode[strlen("container:")])))
        why = "Invalid network mode: invalid container format container:<name|id>";
    else if (shared)
        why = shared_network_conflict(host, config);
    else if (strcmp(json_doc_text(host, "UTSMode"), "host") == 0 && !str_empty(config->hostname))
        why = CONFLICT "hostname and the UTS mode";
    else if (of_host && json_array_size(json_object_get(host, "Links")))
        why = CONFLICT "host type networking" UNDEFINED;
    else if (of_host && !str_empty(config->mac_address))
        why = CONFLICT "mac-address and the network mode";
    return why ? error_set(err, ERROR_INVALID_PARAMETER, "%s", why) : 0;
}

static int check_unsupported(const json_t *host, struct error *err)
{
    static const struct {
        const char *name, *what;
    } members[] = {{"IOMaximumBandwidth", "bandwidth"}, {"IOMaximumIOps", "IOPs"}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_integer_value(json_object_get(host, members[i].name)))
            return error_set(
                err, ERROR_SYSTEM,
                "Invalid QoS settings: linux does not support configuration of maximum %s",
                members[i].what);
    int64_t period = json_integer_value(json_object_get(host, "CpuRealtimePeriod"));
    int64_t runtime = json_integer_value(json_object_get(host, "CpuRealtimeRuntime"));
    if (period && runtime > period)
        return error_set(err, ERROR_SYSTEM,
                         "cpu real-time runtime cannot be higher than cpu real-time period");
    return 0;
}

/* "0-3,5" */
static bool is_number_list(const char *text)
{
    for (;; text++) {
        char *end;
        if (!isdigit((unsigned char)*text))
            return false;
        long first = strtol(text, &end, 10), last = first;
        if (*end == '-') {
            if (!isdigit((unsigned char)end[1]))
                return false;
            last = strtol(end + 1, &end, 10);
        }
        if (last < first || (*end && *end != ','))
            return false;
        if (!*end)
            return true;
        text = end;
    }
}

static int check_cpusets(const json_t *host, struct error *err)
{
    static const char *const members[][2] = {{"CpusetCpus", "cpus"}, {"CpusetMems", "mems"}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *text = json_doc_text(host, members[i][0]);
        if (*text && !is_number_list(text))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Invalid value %.100s for cpuset %s: invalid format: %.100s", text,
                             members[i][1], text);
    }
    return 0;
}

static int check_runtime(const json_t *host, struct error *err)
{
    const char *runtime = json_doc_text(host, "Runtime");
    if (!*runtime || strcmp(runtime, "runc") == 0 || str_starts(runtime, "io.containerd."))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "Unknown runtime specified %.200s", runtime);
}

/* ---- hosts and ports ---- */

static bool is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char bare[INET6_ADDRSTRLEN];
    text += strspn(text, " \t");
    size_t len = strcspn(text, " \t");
    if (len > 2 && text[0] == '[' && text[len - 1] == ']')
        text++, len -= 2;
    if (len >= sizeof bare)
        return false;
    memcpy(bare, text, len);
    bare[len] = '\0';
    return inet_pton(AF_INET, bare, address) == 1 || inet_pton(AF_INET6, bare, address) == 1;
}

static int check_extra_hosts(const json_t *host, struct error *err)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(host, "ExtraHosts"), i, one)
    {
        const char *text = str_or_empty(json_string_value(one)), *colon = strchr(text, ':');
        if (!colon || colon == text)
            return error_set(err, ERROR_INVALID_PARAMETER, "bad format for add-host: \"%.200s\"",
                             text);
        if (strcmp(colon + 1, "host-gateway") != 0 && !is_address(colon + 1))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "invalid IP address in add-host: \"%.200s\"", colon + 1);
    }
    return 0;
}

static int port_invalid(const char *text, size_t len, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid port specification: \"%.*s\"",
                     (int)(len < 200 ? len : 200), text);
}

/* "80/tcp", one port; an empty one is Go's 0. */
static int check_port(const char *text, struct error *err)
{
    struct port_range range;
    size_t len = strcspn(text, "/");
    if (!len)
        return 0;
    return port_range_parse(text, len, &range) && !memchr(text, '-', len)
               ? 0
               : port_invalid(text, len, err);
}

static int check_bindings(const json_t *bindings, struct error *err)
{
    size_t i;
    json_t *one;
    json_array_foreach(bindings, i, one)
    {
        const char *text = json_doc_text(one, "HostPort");
        struct port_range range;
        size_t len = strcspn(text, "/");
        if (len && !port_range_parse(text, len, &range))
            return port_invalid(text, strlen(text), err);
    }
    return 0;
}

static int check_ports(const json_t *host, struct error *err)
{
    const char *port;
    json_t *bindings;
    json_object_foreach(json_object_get(host, "PortBindings"), port, bindings)
    {
        if (check_port(port, err) || check_bindings(bindings, err))
            return -1;
    }
    return 0;
}

int host_rules_early(const json_t *host, const Sockerless__ContainerConfig *config,
                     struct error *err)
{
    return check_network_mode(host, config, err) || check_unsupported(host, err) ||
                   mount_rules_mounts(host, err) || check_extra_hosts(host, err) ||
                   check_ports(host, err) || check_cpusets(host, err) || check_runtime(host, err) ||
                   mount_rules_tmpfs(host, err)
               ? -1
               : 0;
}

/* ---- once the image is known ---- */

/* Go's strconv.ParseBool. */
static bool is_go_bool(const char *text)
{
    static const char *const words[] = {"1", "t", "T", "TRUE",  "true",  "True",
                                        "0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static int check_security_option(const char *option, struct error *err)
{
    static const char *const names[] = {"label", "apparmor", "seccomp"};
    const char *separator = strchr(option, '=');
    if (!separator)
        separator = strchr(option, ':');
    if (strcmp(option, "no-new-privileges") == 0 || strcmp(option, "disable") == 0)
        return 0;
    if (!separator)
        return error_set(err, ERROR_SYSTEM, "invalid --security-opt 1: \"%.200s\"", option);
    size_t len = (size_t)(separator - option);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == len && memcmp(names[i], option, len) == 0)
            return 0;
    if (str_starts(option, "no-new-privileges") && len == strlen("no-new-privileges") &&
        is_go_bool(separator + 1))
        return 0;
    return error_set(err, ERROR_SYSTEM, "invalid --security-opt 2: \"%.200s\"", option);
}

static int check_security(const json_t *host, struct error *err)
{
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(host, "SecurityOpt"), i, option)
    {
        if (check_security_option(str_or_empty(json_string_value(option)), err))
            return -1;
    }
    return 0;
}

/* The containers whose namespaces are asked for. */
static int check_namespaces(const json_t *host, const struct container_table *containers,
                            struct error *err)
{
    static const char *const members[] = {"PidMode", "IpcMode"};
    static const char prefix[] = "container:";
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *mode = json_doc_text(host, members[i]);
        if (!str_starts(mode, prefix) || !mode[sizeof prefix - 1])
            continue;
        if (!container_find(containers, mode + sizeof prefix - 1, err)) {
            err->code = ERROR_INVALID_PARAMETER;
            return -1;
        }
    }
    return 0;
}

/* "NAME" or "NAME:ALIAS" */
static int check_link(const char *link, const struct container_table *containers, struct error *err)
{
    size_t len = strcspn(link, ":");
    if (!*link)
        return error_set(err, ERROR_SYSTEM, "empty string specified for links");
    if (link[len] && strchr(link + len + 1, ':'))
        return error_set(err, ERROR_SYSTEM, "bad format for links: %.200s", link);
    AUTO_FREE char *name = xstrndup(link, len);
    if (container_find(containers, name, err))
        return 0;
    error_wrap(err, "could not get container for %.200s", name);
    err->code = ERROR_INVALID_PARAMETER;
    return -1;
}

static int check_links(const json_t *host, const struct container_table *containers,
                       struct error *err)
{
    size_t i;
    json_t *link;
    json_array_foreach(json_object_get(host, "Links"), i, link)
    {
        if (check_link(str_or_empty(json_string_value(link)), containers, err))
            return -1;
    }
    return 0;
}

int host_rules_late(const json_t *host, const struct container_table *containers, struct error *err)
{
    return check_namespaces(host, containers, err) || check_security(host, err) ||
                   mount_rules_points(host, containers, err) || check_links(host, containers, err)
               ? -1
               : 0;
}
