/* SPDX-License-Identifier: Apache-2.0
 * config.json; see oci_spec.h. Defaults as moby's oci/defaults.go. */
#include "test/sim/host/oci_spec.h"

#include "base/alloc.h"
#include "base/json.h"

static char *const default_capabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

static char *const masked_paths[] = {"/proc/asound",      "/proc/acpi",          "/proc/kcore",
                                     "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
                                     "/proc/timer_stats", "/proc/sched_debug",   "/proc/scsi",
                                     "/sys/firmware"};
static char *const readonly_paths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                       "/proc/sysrq-trigger"};

/* Kernel file systems; options are one NULL-free list each. */
static const struct {
    const char *target, *type, *source;
    char *const *options;
    size_t option_count;
} system_mounts[] = {
#define OPTIONS(...)                                                                               \
    (char *const[]){__VA_ARGS__}, sizeof((char *const[]){__VA_ARGS__}) / sizeof(char *)
    {"/proc", "proc", "proc", OPTIONS("nosuid", "noexec", "nodev")},
    {"/dev", "tmpfs", "tmpfs", OPTIONS("nosuid", "strictatime", "mode=755", "size=65536k")},
    {"/dev/pts", "devpts", "devpts",
     OPTIONS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")},
    {"/dev/shm", "tmpfs", "shm", OPTIONS("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")},
    {"/dev/mqueue", "mqueue", "mqueue", OPTIONS("nosuid", "noexec", "nodev")},
    {"/sys", "sysfs", "sysfs", OPTIONS("nosuid", "noexec", "nodev", "ro")},
#undef OPTIONS
};

static void write_capabilities(struct json_writer *w, bool root)
{
    json_member_object(w, "capabilities");
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) { /* other users hold none, but may gain them */
        json_key(w, sets[i]);
        json_string_array(w, default_capabilities,
                          i == 0 || root ? ARRAY_LEN(default_capabilities) : 0);
    }
    json_object_close(w);
}

static void write_process(struct json_writer *w, const struct oci_spec *s)
{
    json_member_object(w, "process");
    json_member_bool(w, "terminal", false);
    json_member_object(w, "user");
    json_member_int(w, "uid", s->user->uid);
    json_member_int(w, "gid", s->user->gid);
    json_member_array(w, "additionalGids");
    for (unsigned i = 0; i < s->user->group_count; i++)
        json_uint(w, s->user->groups[i]);
    json_array_close(w);
    json_object_close(w);
    json_key(w, "args");
    json_string_array(w, s->argv, s->argc);
    json_key(w, "env");
    json_string_array(w, s->env, s->env_count);
    json_member_string(w, "cwd", s->cwd);
    write_capabilities(w, s->user->uid == 0);
    json_member_array(w, "rlimits");
    json_object_open(w);
    json_member_string(w, "type", "RLIMIT_NOFILE");
    json_member_int(w, "soft", s->nofile_soft);
    json_member_int(w, "hard", s->nofile_hard);
    json_object_close(w);
    json_array_close(w);
    json_member_bool(w, "noNewPrivileges", false);
    json_object_close(w);
}

static void write_mounts(struct json_writer *w, const struct oci_spec *s)
{
    json_member_array(w, "mounts");
    for (size_t i = 0; i < ARRAY_LEN(system_mounts); i++) {
        json_object_open(w);
        json_member_string(w, "destination", system_mounts[i].target);
        json_member_string(w, "type", system_mounts[i].type);
        json_member_string(w, "source", system_mounts[i].source);
        json_key(w, "options");
        json_string_array(w, system_mounts[i].options, system_mounts[i].option_count);
        json_object_close(w);
    }
    if (s->cgroups_path) { /* its own, as Docker and Fargate show it */
        static char *const options[] = {"nosuid", "noexec", "nodev", "relatime", "ro"};
        json_object_open(w);
        json_member_string(w, "destination", "/sys/fs/cgroup");
        json_member_string(w, "type", "cgroup");
        json_member_string(w, "source", "cgroup");
        json_key(w, "options");
        json_string_array(w, options, ARRAY_LEN(options));
        json_object_close(w);
    }
    for (size_t i = 0; i < s->mount_count; i++) {
        char *const options[] = {"rbind", "rprivate", s->mounts[i].read_only ? "ro" : "rw"};
        json_object_open(w);
        json_member_string(w, "destination", s->mounts[i].target);
        json_member_string(w, "type", "bind");
        json_member_string(w, "source", s->mounts[i].source);
        json_key(w, "options");
        json_string_array(w, options, ARRAY_LEN(options));
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_device_rule(struct json_writer *w, const char *type, int major, int minor)
{
    json_object_open(w);
    json_member_bool(w, "allow", type != NULL);
    if (type)
        json_member_string(w, "type", type);
    if (major >= 0)
        json_member_int(w, "major", major);
    if (minor >= 0)
        json_member_int(w, "minor", minor);
    json_member_string(w, "access", type && major < 0 ? "m" : "rwm");
    json_object_close(w);
}

static void write_resources(struct json_writer *w, const struct oci_spec *s)
{
    static const int devices[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8},
                                     {1, 9}, {5, 0}, {5, 2}, {136, -1}};
    json_member_object(w, "resources");
    json_member_array(w, "devices"); /* deny all, then what Docker allows */
    write_device_rule(w, NULL, -1, -1);
    write_device_rule(w, "c", -1, -1);
    write_device_rule(w, "b", -1, -1);
    for (size_t i = 0; i < ARRAY_LEN(devices); i++)
        write_device_rule(w, "c", devices[i][0], devices[i][1]);
    json_array_close(w);
    if (s->memory_bytes > 0) {
        json_member_object(w, "memory");
        json_member_int(w, "limit", s->memory_bytes);
        json_object_close(w);
    }
    if (s->cpu_shares > 1) {
        json_member_object(w, "cpu");
        json_member_int(w, "shares", s->cpu_shares);
        json_object_close(w);
    }
    json_object_close(w);
}

static void write_linux(struct json_writer *w, const struct oci_spec *s)
{
    static const char *const namespaces[] = {"pid", "ipc", "uts", "mount"};
    json_member_object(w, "linux");
    json_member_array(w, "namespaces");
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        json_object_open(w);
        json_member_string(w, "type", namespaces[i]);
        json_object_close(w);
    }
    json_object_open(w);
    json_member_string(w, "type", "network");
    json_member_string(w, "path", s->netns);
    json_object_close(w);
    json_array_close(w);
    if (s->cgroups_path) {
        json_member_string(w, "cgroupsPath", s->cgroups_path);
        write_resources(w, s);
    }
    json_key(w, "maskedPaths");
    json_string_array(w, masked_paths, ARRAY_LEN(masked_paths));
    json_key(w, "readonlyPaths");
    json_string_array(w, readonly_paths, ARRAY_LEN(readonly_paths));
    json_object_close(w);
}

void oci_spec_write(const struct oci_spec *spec, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "ociVersion", "1.0.2");
    write_process(&w, spec);
    json_member_object(&w, "root");
    json_member_string(&w, "path", spec->rootfs);
    json_member_bool(&w, "readonly", spec->read_only_rootfs);
    json_object_close(&w);
    json_member_string(&w, "hostname", spec->hostname);
    write_mounts(&w, spec);
    write_linux(&w, spec);
    json_object_close(&w);
}
