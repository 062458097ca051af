/* SPDX-License-Identifier: Apache-2.0
 * What is asked for and not acted upon; see host_rules.h. Every member of Docker's HostConfig that
 * the backend does not read is a row here, or has a comment why none is needed. */
#include "backend/container/host_rules.h"

#include "backend/container/mount_rules.h"
#include "backend/logs/log_options.h"
#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <string.h>

struct row {
    const char *name;
    const char *why;
    const char *normal; /* a value that asks for nothing: what the frontend fills in; NULL: none */
};

/* Not here: what is honoured (Memory, NanoCpus, CpuQuota, CpuPeriod, AutoRemove, GroupAdd,
 * ConsoleSize, and Init, because the agent is a container's first process); what other functions of
 * this file or of container_rules.c look at; what dockerd on Linux does not act upon either
 * (ContainerIDFile, CpuCount, Isolation); Hostname, which the variable HOSTNAME has. */
static const struct row rows[] = {
    {"CpuShares", "use NanoCpus, or CpuQuota with CpuPeriod", NULL},
    {"CpuRealtimePeriod", "the cloud schedules its processors", NULL},
    {"CpuRealtimeRuntime", "the cloud schedules its processors", NULL},
    {"CpuPercent", "linux does not support CPU percent", NULL},
    {"CpusetCpus", "the cloud chooses the processors", NULL},
    {"CpusetMems", "the cloud chooses the processors", NULL},
    {"MemoryReservation", "the cloud reserves what Memory says", NULL},
    {"MemorySwappiness", "the cloud has no swap space", NULL},
    {"KernelMemory", "only Memory limits it", NULL},
    {"KernelMemoryTCP", "only Memory limits it", NULL},
    {"OomKillDisable", "the cloud ends what exceeds its memory", NULL},
    {"OomScoreAdj", "the cloud ends what exceeds its memory", NULL},
    {"Ulimits", "the cloud's limits hold", NULL},
    {"BlkioWeight", "the cloud schedules its disks", NULL},
    {"BlkioWeightDevice", "the cloud schedules its disks", NULL},
    {"BlkioDeviceReadBps", "the cloud schedules its disks", NULL},
    {"BlkioDeviceWriteBps", "the cloud schedules its disks", NULL},
    {"BlkioDeviceReadIOps", "the cloud schedules its disks", NULL},
    {"BlkioDeviceWriteIOps", "the cloud schedules its disks", NULL},
    {"CgroupParent", "the cloud makes the control groups", NULL},
    {"Cgroup", "the cloud makes the control groups", NULL},
    {"CgroupnsMode", "the cloud makes the control groups", "private"},
    {"Devices", "no device of a host can be given", NULL},
    {"DeviceCgroupRules", "no device of a host can be given", NULL},
    {"DeviceRequests", "no device of a host can be given", NULL},
    {"CapAdd", "the cloud decides about capabilities", NULL},
    {"CapDrop", "the cloud decides about capabilities", NULL},
    {"SecurityOpt", "the cloud's confinement holds", NULL},
    {"Sysctls", "the cloud's kernel settings hold", NULL},
    {"IpcMode", "a container has namespaces of its own", "private"},
    {"PidMode", "a container has namespaces of its own", NULL},
    {"UTSMode", "a container has namespaces of its own", NULL},
    {"UsernsMode", "a container has namespaces of its own", NULL},
    {"Runtime", "the cloud chooses it", "runc"},
    {"StorageOpt", "the cloud chooses the size of the file system", NULL},
    {"Annotations", "there is no OCI runtime to read them", NULL},
    {"Tmpfs", "nothing is mounted yet", NULL},
    {"VolumesFrom", "nothing is mounted yet", NULL},
    {"VolumeDriver", "nothing is mounted yet", NULL},
    {"Dns", "the cloud's resolver is used", NULL},
    {"DnsOptions", "the cloud's resolver is used", NULL},
    {"DnsSearch", "the cloud's resolver is used", NULL},
    {"ExtraHosts", "the cloud writes /etc/hosts", NULL},
    {"Links", "containers do not reach each other by name yet", NULL},
    {"PortBindings", "ports are not published yet", NULL},
    {"PublishAllPorts", "ports are not published yet", NULL},
};

struct warnings {
    struct arena *arena;
    char **texts;
    size_t count;
};

static void warn(struct warnings *w, char *text)
{
    w->texts[w->count++] = text;
}

static bool asks_for_something(const json_t *value, const char *normal)
{
    if (json_is_string(value))
        return *json_string_value(value) &&
               (!normal || strcmp(json_string_value(value), normal) != 0);
    return json_is_true(value) || json_integer_value(value) || json_array_size(value) ||
           json_object_size(value);
}

static void warn_of_rows(struct warnings *w, const json_t *host)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (asks_for_something(json_object_get(host, rows[i].name), rows[i].normal))
            warn(w, arena_printf(w->arena, "%s is ignored: %s", rows[i].name, rows[i].why));
}

/* ---- members whose values matter ---- */

enum { SHM_SIZE_NORMAL = 64 * 1024 * 1024 };

static int64_t number(const json_t *host, const char *name)
{
    return json_integer_value(json_object_get(host, name));
}

/* A list that is neither left out nor the one that the frontend fills in, which begins so. */
static bool is_other_list(const json_t *host, const char *name, const char *normal_first)
{
    const json_t *list = json_object_get(host, name);
    const char *first = str_or_empty(json_string_value(json_array_get(list, 0)));
    return json_is_array(list) && strcmp(first, normal_first) != 0;
}

static void warn_of_values(struct warnings *w, const json_t *host, const struct driver_caps *caps)
{
    int64_t memory = number(host, "Memory"), swap = number(host, "MemorySwap");
    const char *network = json_doc_text(host, "NetworkMode");
    if (swap && swap != memory && swap != 2 * memory) /* twice is dockerd's own choice */
        warn(w, arena_printf(w->arena, "MemorySwap is ignored: the cloud has no swap space"));
    if (number(host, "PidsLimit") > 0)
        warn(w, arena_printf(w->arena, "PidsLimit is ignored: the cloud's limits hold"));
    if (number(host, "ShmSize") && number(host, "ShmSize") != SHM_SIZE_NORMAL)
        warn(w, arena_printf(w->arena, "ShmSize is ignored: the cloud chooses it"));
    if (is_other_list(host, "MaskedPaths", "/proc/asound") ||
        is_other_list(host, "ReadonlyPaths", "/proc/bus"))
        warn(w, arena_printf(w->arena, "MaskedPaths and ReadonlyPaths are ignored: the cloud's "
                                       "confinement holds"));
    if (json_is_true(json_object_get(host, "ReadonlyRootfs")) && !caps->read_only_root)
        warn(w, arena_printf(w->arena, "ReadonlyRootfs is ignored: the cloud's containers can "
                                       "always write to theirs"));
    if (strcmp(network, "host") == 0 || strcmp(network, "none") == 0)
        warn(w, arena_printf(w->arena,
                             "NetworkMode %s is ignored: a container has an address of its own, in "
                             "the cloud's network",
                             network));
}

static void warn_of_mounts(struct warnings *w, const json_t *host,
                           const Sockerless__HostOptions *options)
{
    size_t i;
    json_t *mount;
    for (i = 0; i < options->n_binds; i++)
        warn(w,
             mount_rules_is_host_path(options->binds[i])
                 ? arena_printf(w->arena,
                                "the host path of \"%s\" is not mounted: there is no host behind "
                                "this daemon",
                                options->binds[i])
                 : arena_printf(w->arena, "the volume \"%s\" is not mounted: nothing is yet",
                                options->binds[i]));
    json_array_foreach(json_object_get(host, "Mounts"), i, mount)
    {
        warn(w, arena_printf(w->arena, "the %s at \"%s\" is not mounted: nothing is yet",
                             json_doc_text(mount, "Type"), json_doc_text(mount, "Target")));
    }
}

/* asked: the request's; a health check may be the image's. */
static void warn_of_config(struct warnings *w, const Sockerless__ContainerConfig *asked,
                           const Sockerless__Healthcheck *health)
{
    for (size_t i = 0; i < asked->n_volumes; i++)
        warn(w, arena_printf(w->arena, "the volume at \"%s\" is not mounted: nothing is yet",
                             asked->volumes[i]));
    if (!str_empty(asked->domainname))
        warn(w, arena_printf(w->arena, "Domainname is ignored: the cloud names its hosts"));
    if (!str_empty(asked->mac_address))
        warn(w, arena_printf(w->arena, "MacAddress is ignored: the cloud chooses it"));
    if (asked->network_disabled)
        warn(w, arena_printf(w->arena, "NetworkDisabled is ignored: a container has an address of "
                                       "its own"));
    if (health && health->n_test && strcmp(health->test[0], "NONE") != 0)
        warn(w, arena_printf(w->arena, "Healthcheck is ignored: no checks are run yet"));
}

/* An endpoint that asks for more than to be there. */
static void warn_of_networks(struct warnings *w, const ProtobufCBinaryData *endpoints_json)
{
    struct error err;
    const char *name, *member;
    json_t *endpoint, *value;
    if (!endpoints_json->len)
        return;
    json_t *endpoints AUTO(json) =
        json_doc_load_with_nul(endpoints_json->data, endpoints_json->len, &err);
    bool asks = false;
    json_object_foreach(endpoints, name, endpoint) json_object_foreach(endpoint, member, value)
        asks |= asks_for_something(value, NULL);
    if (asks)
        warn(w, arena_printf(w->arena, "EndpointsConfig is ignored: there are no networks of the "
                                       "user's yet"));
}

/* moby's own words where it has some. */
static void warn_of_options(struct warnings *w, const Sockerless__HostOptions *host)
{
    if (host->privileged)
        warn(w, arena_strdup(w->arena, "privileged mode is ignored by this cloud"));
    if (!str_empty(host->restart_policy) && strcmp(host->restart_policy, "no") != 0)
        warn(w, arena_strdup(w->arena, "restart policies are kept but not yet acted upon"));
    if (log_options_driver_ignored(host))
        warn(w,
             arena_printf(w->arena,
                          "the log driver %s is not used: output goes to the cloud's log service",
                          host->log_driver));
}

size_t host_rules_warnings(const json_t *host, const Sockerless__ContainerCreateRequest *request,
                           const Sockerless__Container *view, const struct driver_caps *caps,
                           struct arena *arena, char ***out)
{
    enum { OTHERS = 20 };
    const Sockerless__ContainerConfig *asked = request->config;
    size_t most = ARRAY_LEN(rows) + OTHERS + view->host->n_binds + asked->n_volumes +
                  json_array_size(json_object_get(host, "Mounts"));
    struct warnings w = {.arena = arena, .texts = arena_alloc(arena, most * sizeof *w.texts)};
    warn_of_mounts(&w, host, view->host);
    warn_of_options(&w, view->host);
    warn_of_rows(&w, host);
    warn_of_values(&w, host, caps);
    warn_of_config(&w, asked, view->config->healthcheck);
    warn_of_networks(&w, &view->networking_config_json);
    *out = w.texts;
    return w.count;
}
