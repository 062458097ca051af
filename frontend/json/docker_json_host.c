/* SPDX-License-Identifier: Apache-2.0
 *
 * The complete HostConfig that inspect shows: built once, when a container is created. The client's
 * values are kept as they are; what it left out, or sent empty where dockerd fills in, gets
 * dockerd's default (docker inspect of a freshly created container, API 1.44).
 */
#include "frontend/json/docker_json.h"

#include "base/json.h"
#include "frontend/json/json_decode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MASKED                                                                                     \
    "[\"/proc/asound\",\"/proc/acpi\",\"/proc/kcore\",\"/proc/keys\",\"/proc/latency_stats\","     \
    "\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\",\"/proc/scsi\","             \
    "\"/sys/firmware\",\"/sys/devices/virtual/powercap\"]"
#define READONLY "[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]"

enum host_type { HOST_STRING, HOST_INT, HOST_BOOL, HOST_LIST, HOST_OBJECT };

/* initial NULL: left out unless the client sent it. fill_empty: "" and 0 (and for MemorySwappiness
 * -1) count as not sent. */
static const struct host_field {
    const char *name;
    enum host_type type;
    const char *initial;
    bool fill_empty;
} host_fields[] = {
    {"Binds", HOST_LIST, "null", false},
    {"ContainerIDFile", HOST_STRING, "\"\"", false},
    {"LogConfig", HOST_OBJECT, "{\"Type\":\"json-file\",\"Config\":{}}", false},
    {"NetworkMode", HOST_STRING, "\"default\"", true},
    {"PortBindings", HOST_OBJECT, "{}", false},
    {"RestartPolicy", HOST_OBJECT, "{\"Name\":\"no\",\"MaximumRetryCount\":0}", false},
    {"AutoRemove", HOST_BOOL, "false", false},
    {"VolumeDriver", HOST_STRING, "\"\"", false},
    {"VolumesFrom", HOST_LIST, "null", false},
    {"ConsoleSize", HOST_LIST, "[0,0]", false},
    {"CapAdd", HOST_LIST, "null", false},
    {"CapDrop", HOST_LIST, "null", false},
    {"CgroupnsMode", HOST_STRING, "\"private\"", true},
    {"Dns", HOST_LIST, "[]", false},
    {"DnsOptions", HOST_LIST, "[]", false},
    {"DnsSearch", HOST_LIST, "[]", false},
    {"ExtraHosts", HOST_LIST, "null", false},
    {"GroupAdd", HOST_LIST, "null", false},
    {"IpcMode", HOST_STRING, "\"private\"", true},
    {"Cgroup", HOST_STRING, "\"\"", false},
    {"Links", HOST_LIST, "null", false},
    {"OomScoreAdj", HOST_INT, "0", false},
    {"PidMode", HOST_STRING, "\"\"", false},
    {"Privileged", HOST_BOOL, "false", false},
    {"PublishAllPorts", HOST_BOOL, "false", false},
    {"ReadonlyRootfs", HOST_BOOL, "false", false},
    {"SecurityOpt", HOST_LIST, "null", false},
    {"StorageOpt", HOST_OBJECT, NULL, false},
    {"Tmpfs", HOST_OBJECT, NULL, false},
    {"UTSMode", HOST_STRING, "\"\"", false},
    {"UsernsMode", HOST_STRING, "\"\"", false},
    {"ShmSize", HOST_INT, "67108864", true},
    {"Sysctls", HOST_OBJECT, NULL, false},
    {"Runtime", HOST_STRING, "\"runc\"", true},
    {"Isolation", HOST_STRING, "\"\"", false},
    {"CpuShares", HOST_INT, "0", false},
    {"Memory", HOST_INT, "0", false},
    {"NanoCpus", HOST_INT, "0", false},
    {"CgroupParent", HOST_STRING, "\"\"", false},
    {"BlkioWeight", HOST_INT, "0", false},
    {"BlkioWeightDevice", HOST_LIST, "[]", false},
    {"BlkioDeviceReadBps", HOST_LIST, "[]", false},
    {"BlkioDeviceWriteBps", HOST_LIST, "[]", false},
    {"BlkioDeviceReadIOps", HOST_LIST, "[]", false},
    {"BlkioDeviceWriteIOps", HOST_LIST, "[]", false},
    {"CpuPeriod", HOST_INT, "0", false},
    {"CpuQuota", HOST_INT, "0", false},
    {"CpuRealtimePeriod", HOST_INT, "0", false},
    {"CpuRealtimeRuntime", HOST_INT, "0", false},
    {"CpusetCpus", HOST_STRING, "\"\"", false},
    {"CpusetMems", HOST_STRING, "\"\"", false},
    {"Devices", HOST_LIST, "[]", false},
    {"DeviceCgroupRules", HOST_LIST, "null", false},
    {"DeviceRequests", HOST_LIST, "null", false},
    {"MemoryReservation", HOST_INT, "0", false},
    {"MemorySwap", HOST_INT, "0", false},
    {"MemorySwappiness", HOST_INT, "null", true},
    {"OomKillDisable", HOST_BOOL, "false", false},
    {"PidsLimit", HOST_INT, "null", true},
    {"Ulimits", HOST_LIST, "[]", false},
    {"CpuCount", HOST_INT, "0", false},
    {"CpuPercent", HOST_INT, "0", false},
    {"IOMaximumIOps", HOST_INT, "0", false},
    {"IOMaximumBandwidth", HOST_INT, "0", false},
    {"Mounts", HOST_LIST, NULL, false},
    {"Init", HOST_BOOL, NULL, false},
    {"Annotations", HOST_OBJECT, NULL, false},
    {"MaskedPaths", HOST_LIST, MASKED, false},
    {"ReadonlyPaths", HOST_LIST, READONLY, false},
};

enum { HOST_FIELD_COUNT = sizeof(host_fields) / sizeof(host_fields[0]) };

static int host_check(const struct host_field *f, json_t *value, struct error *err)
{
    static const char *const wanted[] = {"string", "int64", "bool", "[]string", "map"};
    bool fits[] = {json_is_string(value), json_is_integer(value), json_is_boolean(value),
                   json_is_array(value), json_is_object(value)};
    if (fits[f->type])
        return 0;
    return json_decode_type_error(err, value, "HostConfig.HostConfig", f->name, wanted[f->type]);
}

static bool host_is_empty(const struct host_field *f, const json_t *value)
{
    if (f->type == HOST_STRING)
        return json_string_length(value) == 0;
    return f->type == HOST_INT &&
           (json_integer_value(value) == 0 ||
            (json_integer_value(value) == -1 && strcmp(f->name, "MemorySwappiness") == 0));
}

static int host_put_value(struct json_writer *w, json_t *value, struct error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid HostConfig");
    json_raw(w, text, strlen(text));
    free(text);
    return 0;
}

/* LogConfig.Type and RestartPolicy.Name are filled in inside their objects. */
static int host_put_log_config(struct json_writer *w, json_t *value, struct error *err)
{
    json_t *type = json_decode_member(value, "Type"), *config = json_decode_member(value, "Config");
    json_object_open(w);
    json_member_string(w, "Type", json_string_length(type) ? json_string_value(type) : "json-file");
    json_key(w, "Config");
    if (!config)
        JSON_RAW_LITERAL(w, "{}");
    else if (host_put_value(w, config, err))
        return -1;
    json_object_close(w);
    return 0;
}

static void host_put_restart(struct json_writer *w, json_t *value)
{
    json_t *name = json_decode_member(value, "Name");
    json_object_open(w);
    json_member_string(w, "Name", json_string_length(name) ? json_string_value(name) : "no");
    json_member_int(w, "MaximumRetryCount",
                    json_integer_value(json_decode_member(value, "MaximumRetryCount")));
    json_object_close(w);
}

/* With a memory limit and no word about swap, dockerd allows as much swap again. */
static int64_t host_default_swap(json_t *host)
{
    json_t *memory = json_decode_member(host, "Memory"),
           *swap = json_decode_member(host, "MemorySwap");
    int64_t limit = json_is_integer(memory) ? json_integer_value(memory) : 0;
    bool given = swap && json_integer_value(swap) != 0;
    return limit > 0 && limit < INT64_MAX / 2 && !given ? 2 * limit : 0;
}

static int host_put_field(struct json_writer *w, const struct host_field *f, json_t *host,
                          struct error *err)
{
    json_t *value = host ? json_decode_member(host, f->name) : NULL;
    if (value && host_check(f, value, err))
        return -1;
    if (value && f->fill_empty && host_is_empty(f, value))
        value = NULL;
    if (!value && !f->initial)
        return 0;
    json_key(w, f->name);
    if (strcmp(f->name, "MemorySwap") == 0 && host && host_default_swap(host))
        json_int(w, host_default_swap(host));
    else if (!value)
        json_raw(w, f->initial, strlen(f->initial));
    else if (strcmp(f->name, "LogConfig") == 0)
        return host_put_log_config(w, value, err);
    else if (strcmp(f->name, "RestartPolicy") == 0)
        host_put_restart(w, value);
    else
        return host_put_value(w, value, err);
    return 0;
}

static bool host_is_known(const char *name)
{
    for (size_t i = 0; i < HOST_FIELD_COUNT; i++)
        if (strcasecmp(host_fields[i].name, name) == 0)
            return true;
    return false;
}

int docker_json_host_config(json_t *host, struct buf *out, struct error *err)
{
    struct json_writer w;
    const char *key;
    json_t *value;
    json_writer_init(&w, out);
    json_object_open(&w);
    for (size_t i = 0; i < HOST_FIELD_COUNT; i++)
        if (host_put_field(&w, &host_fields[i], host, err))
            return -1;
    if (host) {
        json_object_foreach(host, key, value)
        {
            if (host_is_known(key))
                continue;
            json_key(&w, key);
            if (host_put_value(&w, value, err))
                return -1;
        }
    }
    json_object_close(&w);
    return 0;
}
