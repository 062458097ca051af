/* SPDX-License-Identifier: Apache-2.0
 * The tables, innermost first; see docker_shape.h. */
#include "frontend/json/docker_shape.h"

#define MEMBERS(name) static const struct json_shape_member name[]
#define TEXT(name, go_type)                                                                        \
    static const struct json_shape name = {.kind = SHAPE_TEXT, .type = go_type}
#define NUMBER(name, go_type, least, most)                                                         \
    static const struct json_shape name = {                                                        \
        .kind = SHAPE_NUMBER, .type = go_type, .min = least, .max = most}
#define STRUCT(name, go_type, of_members)                                                          \
    static const struct json_shape name = {                                                        \
        .kind = SHAPE_STRUCT, .type = go_type, .members = of_members}
#define MAP(name, go_type, of_item)                                                                \
    static const struct json_shape name = {.kind = SHAPE_MAP, .type = go_type, .item = &(of_item)}
#define LIST(name, go_type, of_item)                                                               \
    static const struct json_shape name = {.kind = SHAPE_LIST, .type = go_type, .item = &(of_item)}
/* clang-format off */
#define END {NULL, NULL}
/* clang-format on */

/* ---- simple types ---- */

static const struct json_shape flag = {.kind = SHAPE_FLAG, .type = "bool"};
static const struct json_shape words = {.kind = SHAPE_WORDS, .type = "string"};
TEXT(text, "string");
TEXT(network_mode, "container.NetworkMode");
TEXT(cgroupns_mode, "container.CgroupnsMode");
TEXT(ipc_mode, "container.IpcMode");
TEXT(cgroup, "container.CgroupSpec");
TEXT(pid_mode, "container.PidMode");
TEXT(uts_mode, "container.UTSMode");
TEXT(userns_mode, "container.UsernsMode");
TEXT(isolation, "container.Isolation");
TEXT(mount_type, "mount.Type");
TEXT(mount_consistency, "mount.Consistency");
TEXT(mount_propagation, "mount.Propagation");
NUMBER(number_int, "int", INT64_MIN, INT64_MAX);
NUMBER(number_int64, "int64", INT64_MIN, INT64_MAX);
NUMBER(number_uint16, "uint16", 0, UINT16_MAX);
NUMBER(number_uint, "uint", 0, INT64_MAX);
NUMBER(number_uint64, "uint64", 0, INT64_MAX); /* the upper half would not fit the JSON library */
NUMBER(file_mode, "fs.FileMode", 0, UINT32_MAX);
LIST(texts, "[]string", text);
LIST(text_lists, "[][]string", texts);
MAP(text_map, "map[string]string", text);

/* A set: its values are empty structs. */
MEMBERS(no_members) = {END};
STRUCT(nothing, "struct {}", no_members);
MAP(set, "map[string]struct {}", nothing);
MAP(port_set, "nat.PortSet", nothing);

/* ---- HostConfig ---- */

MEMBERS(log_config_members) = {{"Type", &text}, {"Config", &text_map}, END};
STRUCT(log_config, "container.LogConfig", log_config_members);

MEMBERS(port_binding_members) = {{"HostIp", &text}, {"HostPort", &text}, END};
STRUCT(port_binding, "nat.PortBinding", port_binding_members);
LIST(port_binding_list, "[]nat.PortBinding", port_binding);
MAP(port_map, "nat.PortMap", port_binding_list);

MEMBERS(restart_policy_members) = {{"Name", &text}, {"MaximumRetryCount", &number_int}, END};
STRUCT(restart_policy, "container.RestartPolicy", restart_policy_members);

LIST(console_size, "[2]uint", number_uint);

MEMBERS(weight_device_members) = {{"Path", &text}, {"Weight", &number_uint16}, END};
STRUCT(weight_device, "blkiodev.WeightDevice", weight_device_members);
LIST(weight_devices, "[]*blkiodev.WeightDevice", weight_device);
MEMBERS(throttle_device_members) = {{"Path", &text}, {"Rate", &number_uint64}, END};
STRUCT(throttle_device, "blkiodev.ThrottleDevice", throttle_device_members);
LIST(throttle_devices, "[]*blkiodev.ThrottleDevice", throttle_device);

MEMBERS(device_members) = {
    {"PathOnHost", &text}, {"PathInContainer", &text}, {"CgroupPermissions", &text}, END};
STRUCT(device, "container.DeviceMapping", device_members);
LIST(devices, "[]container.DeviceMapping", device);
MEMBERS(device_request_members) = {{"Driver", &text},      {"Count", &number_int},
                                   {"DeviceIDs", &texts},  {"Capabilities", &text_lists},
                                   {"Options", &text_map}, END};
STRUCT(device_request, "container.DeviceRequest", device_request_members);
LIST(device_requests, "[]container.DeviceRequest", device_request);

MEMBERS(ulimit_members) = {{"Name", &text}, {"Hard", &number_int64}, {"Soft", &number_int64}, END};
STRUCT(ulimit, "units.Ulimit", ulimit_members);
LIST(ulimits, "[]*units.Ulimit", ulimit);

MEMBERS(bind_options_members) = {
    {"Propagation", &mount_propagation}, {"NonRecursive", &flag},
    {"CreateMountpoint", &flag},         {"ReadOnlyNonRecursive", &flag},
    {"ReadOnlyForceRecursive", &flag},   END};
STRUCT(bind_options, "mount.BindOptions", bind_options_members);
MEMBERS(mount_driver_members) = {{"Name", &text}, {"Options", &text_map}, END};
STRUCT(mount_driver, "mount.Driver", mount_driver_members);
MEMBERS(volume_options_members) = {{"NoCopy", &flag},
                                   {"Labels", &text_map},
                                   {"Subpath", &text},
                                   {"DriverConfig", &mount_driver},
                                   END};
STRUCT(volume_options, "mount.VolumeOptions", volume_options_members);
MEMBERS(image_options_members) = {{"Subpath", &text}, END};
STRUCT(image_options, "mount.ImageOptions", image_options_members);
MEMBERS(tmpfs_options_members) = {
    {"SizeBytes", &number_int64}, {"Mode", &file_mode}, {"Options", &text_lists}, END};
STRUCT(tmpfs_options, "mount.TmpfsOptions", tmpfs_options_members);
STRUCT(cluster_options, "mount.ClusterOptions", no_members);
MEMBERS(mount_members) = {{"Type", &mount_type},
                          {"Source", &text},
                          {"Target", &text},
                          {"ReadOnly", &flag},
                          {"Consistency", &mount_consistency},
                          {"BindOptions", &bind_options},
                          {"VolumeOptions", &volume_options},
                          {"ImageOptions", &image_options},
                          {"TmpfsOptions", &tmpfs_options},
                          {"ClusterOptions", &cluster_options},
                          END};
STRUCT(mount, "mount.Mount", mount_members);
LIST(mounts, "[]mount.Mount", mount);

MEMBERS(host_config_members) = {
    {"Binds", &texts},
    {"ContainerIDFile", &text},
    {"LogConfig", &log_config},
    {"NetworkMode", &network_mode},
    {"PortBindings", &port_map},
    {"RestartPolicy", &restart_policy},
    {"AutoRemove", &flag},
    {"VolumeDriver", &text},
    {"VolumesFrom", &texts},
    {"ConsoleSize", &console_size},
    {"Annotations", &text_map},
    {"CapAdd", &words},
    {"CapDrop", &words},
    {"CgroupnsMode", &cgroupns_mode},
    {"Dns", &texts},
    {"DnsOptions", &texts},
    {"DnsSearch", &texts},
    {"ExtraHosts", &texts},
    {"GroupAdd", &texts},
    {"IpcMode", &ipc_mode},
    {"Cgroup", &cgroup},
    {"Links", &texts},
    {"OomScoreAdj", &number_int},
    {"PidMode", &pid_mode},
    {"Privileged", &flag},
    {"PublishAllPorts", &flag},
    {"ReadonlyRootfs", &flag},
    {"SecurityOpt", &texts},
    {"StorageOpt", &text_map},
    {"Tmpfs", &text_map},
    {"UTSMode", &uts_mode},
    {"UsernsMode", &userns_mode},
    {"ShmSize", &number_int64},
    {"Sysctls", &text_map},
    {"Runtime", &text},
    {"Isolation", &isolation},
    {"CpuShares", &number_int64},
    {"Memory", &number_int64},
    {"NanoCpus", &number_int64},
    {"CgroupParent", &text},
    {"BlkioWeight", &number_uint16},
    {"BlkioWeightDevice", &weight_devices},
    {"BlkioDeviceReadBps", &throttle_devices},
    {"BlkioDeviceWriteBps", &throttle_devices},
    {"BlkioDeviceReadIOps", &throttle_devices},
    {"BlkioDeviceWriteIOps", &throttle_devices},
    {"CpuPeriod", &number_int64},
    {"CpuQuota", &number_int64},
    {"CpuRealtimePeriod", &number_int64},
    {"CpuRealtimeRuntime", &number_int64},
    {"CpusetCpus", &text},
    {"CpusetMems", &text},
    {"Devices", &devices},
    {"DeviceCgroupRules", &texts},
    {"DeviceRequests", &device_requests},
    {"KernelMemory", &number_int64},
    {"KernelMemoryTCP", &number_int64},
    {"MemoryReservation", &number_int64},
    {"MemorySwap", &number_int64},
    {"MemorySwappiness", &number_int64},
    {"OomKillDisable", &flag},
    {"PidsLimit", &number_int64},
    {"Ulimits", &ulimits},
    {"CpuCount", &number_int64},
    {"CpuPercent", &number_int64},
    {"IOMaximumIOps", &number_uint64},
    {"IOMaximumBandwidth", &number_uint64},
    {"Mounts", &mounts},
    {"MaskedPaths", &texts},
    {"ReadonlyPaths", &texts},
    {"Init", &flag},
    END,
};
STRUCT(host_config, "container.HostConfig", host_config_members);

/* ---- NetworkingConfig ---- */

MEMBERS(ipam_members) = {
    {"IPv4Address", &text}, {"IPv6Address", &text}, {"LinkLocalIPs", &texts}, END};
STRUCT(ipam, "network.EndpointIPAMConfig", ipam_members);
MEMBERS(endpoint_members) = {
    {"IPAMConfig", &ipam},        {"Links", &texts},
    {"Aliases", &texts},          {"MacAddress", &text},
    {"DriverOpts", &text_map},    {"GwPriority", &number_int},
    {"NetworkID", &text},         {"EndpointID", &text},
    {"Gateway", &text},           {"IPAddress", &text},
    {"IPPrefixLen", &number_int}, {"IPv6Gateway", &text},
    {"GlobalIPv6Address", &text}, {"GlobalIPv6PrefixLen", &number_int},
    {"DNSNames", &texts},         END,
};
STRUCT(endpoint, "network.EndpointSettings", endpoint_members);
MAP(endpoints, "map[string]*network.EndpointSettings", endpoint);
MEMBERS(networking_members) = {{"EndpointsConfig", &endpoints}, END};
STRUCT(networking, "network.NetworkingConfig", networking_members);

/* ---- Config, and all of it ---- */

MEMBERS(health_members) = {{"Test", &texts},
                           {"Interval", &number_int64},
                           {"Timeout", &number_int64},
                           {"Retries", &number_int},
                           {"StartPeriod", &number_int64},
                           {"StartInterval", &number_int64},
                           END};
STRUCT(health, "container.HealthConfig", health_members);

MEMBERS(create_members) = {
    {"Hostname", &text},
    {"Domainname", &text},
    {"User", &text},
    {"AttachStdin", &flag},
    {"AttachStdout", &flag},
    {"AttachStderr", &flag},
    {"ExposedPorts", &port_set},
    {"Tty", &flag},
    {"OpenStdin", &flag},
    {"StdinOnce", &flag},
    {"Env", &texts},
    {"Cmd", &words},
    {"Healthcheck", &health},
    {"ArgsEscaped", &flag},
    {"Image", &text},
    {"Volumes", &set},
    {"WorkingDir", &text},
    {"Entrypoint", &words},
    {"NetworkDisabled", &flag},
    {"MacAddress", &text},
    {"OnBuild", &texts},
    {"Labels", &text_map},
    {"StopSignal", &text},
    {"StopTimeout", &number_int},
    {"Shell", &words},
    {"HostConfig", &host_config},
    {"NetworkingConfig", &networking},
    END,
};
const struct json_shape docker_shape_create = {
    .kind = SHAPE_STRUCT, .type = "runconfig.ContainerConfigWrapper", .members = create_members};

/* ---- exec ---- */

MEMBERS(exec_create_members) = {{"User", &text},
                                {"Privileged", &flag},
                                {"Tty", &flag},
                                {"ConsoleSize", &console_size},
                                {"AttachStdin", &flag},
                                {"AttachStderr", &flag},
                                {"AttachStdout", &flag},
                                {"Detach", &flag},
                                {"DetachKeys", &text},
                                {"Env", &texts},
                                {"WorkingDir", &text},
                                {"Cmd", &texts},
                                END};
const struct json_shape docker_shape_exec_create = {
    .kind = SHAPE_STRUCT, .type = "types.ExecConfig", .members = exec_create_members};

MEMBERS(exec_start_members) = {
    {"Detach", &flag}, {"Tty", &flag}, {"ConsoleSize", &console_size}, END};
const struct json_shape docker_shape_exec_start = {
    .kind = SHAPE_STRUCT, .type = "types.ExecStartCheck", .members = exec_start_members};

/* ---- filters ---- */

MAP(filter_values, "map[string]bool", flag);
const struct json_shape docker_shape_filters = {
    .kind = SHAPE_MAP, .type = "map[string]map[string]bool", .item = &filter_values};
const struct json_shape docker_shape_filters_old = {
    .kind = SHAPE_MAP, .type = "map[string][]string", .item = &texts};
