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

/* initial NULL: left out unless the client sent it. fill_empty: "" and 0 (and for MemorySwappiness
 * -1) count as not sent. */
static const struct host_field {
    const char *name;
    const char *initial;
    bool fill_empty;
} host_fields[] = {
    {"Binds", "null", false},
    {"ContainerIDFile", "\"\"", false},
    {"LogConfig", "{\"Type\":\"json-file\",\"Config\":{}}", false},
    {"NetworkMode", "\"default\"", true},
    {"PortBindings", "{}", false},
    {"RestartPolicy", "{\"Name\":\"no\",\"MaximumRetryCount\":0}", false},
    {"AutoRemove", "false", false},
    {"VolumeDriver", "\"\"", false},
    {"VolumesFrom", "null", false},
    {"ConsoleSize", "[0,0]", false},
    {"CapAdd", "null", false},
    {"CapDrop", "null", false},
    {"CgroupnsMode", "\"private\"", true},
    {"Dns", "[]", false},
    {"DnsOptions", "[]", false},
    {"DnsSearch", "[]", false},
    {"ExtraHosts", "null", false},
    {"GroupAdd", "null", false},
    {"IpcMode", "\"private\"", true},
    {"Cgroup", "\"\"", false},
    {"Links", "null", false},
    {"OomScoreAdj", "0", false},
    {"PidMode", "\"\"", false},
    {"Privileged", "false", false},
    {"PublishAllPorts", "false", false},
    {"ReadonlyRootfs", "false", false},
    {"SecurityOpt", "null", false},
    {"StorageOpt", NULL, false},
    {"Tmpfs", NULL, false},
    {"UTSMode", "\"\"", false},
    {"UsernsMode", "\"\"", false},
    {"ShmSize", "67108864", true},
    {"Sysctls", NULL, false},
    {"Runtime", "\"runc\"", true},
    {"Isolation", "\"\"", false},
    {"CpuShares", "0", false},
    {"Memory", "0", false},
    {"NanoCpus", "0", false},
    {"CgroupParent", "\"\"", false},
    {"BlkioWeight", "0", false},
    {"BlkioWeightDevice", "[]", false},
    {"BlkioDeviceReadBps", "[]", false},
    {"BlkioDeviceWriteBps", "[]", false},
    {"BlkioDeviceReadIOps", "[]", false},
    {"BlkioDeviceWriteIOps", "[]", false},
    {"CpuPeriod", "0", false},
    {"CpuQuota", "0", false},
    {"CpuRealtimePeriod", "0", false},
    {"CpuRealtimeRuntime", "0", false},
    {"CpusetCpus", "\"\"", false},
    {"CpusetMems", "\"\"", false},
    {"Devices", "[]", false},
    {"DeviceCgroupRules", "null", false},
    {"DeviceRequests", "null", false},
    {"MemoryReservation", "0", false},
    {"MemorySwap", "0", false},
    {"MemorySwappiness", "null", true},
    {"OomKillDisable", "false", false},
    {"PidsLimit", "null", true},
    {"Ulimits", "[]", false},
    {"CpuCount", "0", false},
    {"CpuPercent", "0", false},
    {"IOMaximumIOps", "0", false},
    {"IOMaximumBandwidth", "0", false},
    {"Mounts", NULL, false},
    {"Init", NULL, false},
    {"Annotations", NULL, false},
    {"MaskedPaths", MASKED, false},
    {"ReadonlyPaths", READONLY, false},
};

enum { HOST_FIELD_COUNT = sizeof(host_fields) / sizeof(host_fields[0]) };

static bool host_is_empty(const struct host_field *f, const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value) == 0;
    return json_is_integer(value) &&
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

/* CapAdd and CapDrop may be a text; shown they are lists. */
static bool host_is_word(const struct host_field *f, const json_t *value)
{
    return json_is_string(value) &&
           (strcmp(f->name, "CapAdd") == 0 || strcmp(f->name, "CapDrop") == 0);
}

static int host_put_word(struct json_writer *w, json_t *value, struct error *err)
{
    json_t *list = json_pack("[O]", value);
    int rc = host_put_value(w, list, err);
    json_decref(list);
    return rc;
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
    else if (host_is_word(f, value))
        return host_put_word(w, value, err);
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
