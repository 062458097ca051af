/* SPDX-License-Identifier: Apache-2.0
 * dockerd's rules for create; see container_rules.h. */
#include "backend/container/container_rules.h"

#include "backend/run/signal_name.h"
#include "backend/state/container.h"
#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    MEMORY_MIN = 6 * 1024 * 1024,
    CPU_PERIOD_MIN_US = 1000,
    CPU_PERIOD_MAX_US = 1000000,
    CPU_QUOTA_MIN_US = 1000,
};

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* [a-zA-Z0-9][a-zA-Z0-9_.-]+ */
static bool name_valid(const char *name)
{
    size_t len = strlen(name);
    return len >= 2 && len <= CONTAINER_NAME_MAX && strspn(name, ALPHANUMERIC) >= 1 &&
           strspn(name, ALPHANUMERIC "_.-") == len;
}

const char *container_rules_name(const char *wanted, struct error *err)
{
    const char *name = wanted + (wanted[0] == '/');
    if (name_valid(name))
        return name;
    error_set(err, ERROR_INVALID_PARAMETER,
              "Invalid container name (%.200s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
              wanted);
    return NULL;
}

/* ---- Config ---- */

static int check_duration(const char *what, int64_t ns, struct error *err)
{
    enum { MINIMUM_NS = 1000000 };
    if (ns == 0 || ns >= MINIMUM_NS)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "%s in Healthcheck cannot be less than 1ms",
                     what);
}

static int check_health(const Sockerless__Healthcheck *h, struct error *err)
{
    if (!h)
        return 0;
    if (check_duration("Interval", h->interval_ns, err) ||
        check_duration("Timeout", h->timeout_ns, err))
        return -1;
    if (h->retries < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "Retries in Healthcheck cannot be negative");
    return check_duration("StartPeriod", h->start_period_ns, err) ||
                   check_duration("StartInterval", h->start_interval_ns, err)
               ? -1
               : 0;
}

int container_rules_config(const Sockerless__ContainerConfig *config, struct error *err)
{
    if (!str_empty(config->working_dir) && config->working_dir[0] != '/')
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "the working directory '%.200s' is invalid, it needs to be an absolute "
                         "path",
                         config->working_dir);
    if (!str_empty(config->stop_signal) && !signal_parse(config->stop_signal))
        return error_set(err, ERROR_INVALID_PARAMETER, "Invalid signal: %.200s",
                         config->stop_signal);
    for (size_t i = 0; config->env && i < config->env->n_items; i++)
        if (strcspn(config->env->items[i], "=") == 0)
            return error_set(err, ERROR_INVALID_PARAMETER, "invalid environment variable: %.200s",
                             config->env->items[i]);
    return check_health(config->healthcheck, err);
}

/* ---- HostConfig ---- */

static int check_auto_remove(const Sockerless__HostOptions *host, struct error *err)
{
    if (!host->auto_remove || str_empty(host->restart_policy) ||
        strcmp(host->restart_policy, "no") == 0)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "can't create 'AutoRemove' container with restart policy");
}

static int check_restart(const Sockerless__HostOptions *host, struct error *err)
{
    const char *name = str_empty(host->restart_policy) ? "no" : host->restart_policy;
    bool counted = strcmp(name, "on-failure") == 0;
    if (!counted && strcmp(name, "no") && strcmp(name, "always") && strcmp(name, "unless-stopped"))
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid restart policy '%.100s'", name);
    if (!counted && host->restart_max)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "maximum retry count cannot be used with restart policy '%s'", name);
    if (host->restart_max < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "maximum retry count cannot be negative");
    return 0;
}

/* capabilities(7), without "CAP_". */
static const char *const capabilities[] = {
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
};

static int check_capabilities(const char *field, char *const *names, size_t count,
                              struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = names[i];
        bool prefixed = strncasecmp(name, "CAP_", 4) == 0, known = false;
        for (size_t k = 0; k < ARRAY_LEN(capabilities) && !known; k++)
            known = strcasecmp(name + (prefixed ? 4 : 0), capabilities[k]) == 0;
        if (known)
            continue;
        char upper[64];
        size_t n = 0;
        for (; name[n] && n + 1 < sizeof upper; n++)
            upper[n] = (char)toupper((unsigned char)name[n]);
        upper[n] = '\0';
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid %s: unknown capability: \"%s%s\"",
                         field, prefixed ? "" : "CAP_", upper);
    }
    return 0;
}

static int check_isolation(const char *isolation, struct error *err)
{
    if (str_empty(isolation) || strcasecmp(isolation, "default") == 0)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "Invalid isolation: \"%.100s\" - linux only supports 'default'", isolation);
}

static int check_memory(const Sockerless__HostOptions *host, struct error *err)
{
    int64_t memory = host->memory, reservation = host->memory_reservation;
    const char *why = NULL;
    if (memory && memory < MEMORY_MIN)
        why = "Minimum memory limit allowed is 6MB";
    else if (memory > 0 && host->memory_swap > 0 && host->memory_swap < memory)
        why = "Minimum memoryswap limit should be larger than memory limit, see usage";
    else if (memory == 0 && host->memory_swap > 0)
        why = "You should always set the Memory limit when using Memoryswap limit, see usage";
    else if (host->has_memory_swappiness &&
             (host->memory_swappiness < -1 || host->memory_swappiness > 100))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Invalid value: %lld, valid memory swappiness range is 0-100",
                         (long long)host->memory_swappiness);
    else if (reservation > 0 && reservation < MEMORY_MIN)
        why = "Minimum memory reservation allowed is 6MB";
    else if (memory > 0 && reservation > 0 && memory < reservation)
        why = "Minimum memory limit can not be less than memory reservation limit, see usage";
    else if (host->kernel_memory > 0 && host->kernel_memory < MEMORY_MIN)
        why = "Minimum kernel memory limit allowed is 6MB";
    return why ? error_set(err, ERROR_INVALID_PARAMETER, "%s", why) : 0;
}

static int check_cpus(const Sockerless__HostOptions *host, struct error *err)
{
    const char *why = NULL;
    if (host->nano_cpus > 0 && host->cpu_period > 0)
        why = "Conflicting options: Nano CPUs and CPU Period cannot both be set";
    else if (host->nano_cpus > 0 && host->cpu_quota > 0)
        why = "Conflicting options: Nano CPUs and CPU Quota cannot both be set";
    else if (host->nano_cpus < 0) /* dockerd names its host's number of CPUs as the upper end */
        why = "Range of CPUs begins at 0.01";
    else if (host->cpu_period &&
             (host->cpu_period < CPU_PERIOD_MIN_US || host->cpu_period > CPU_PERIOD_MAX_US))
        why = "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s "
              "(i.e. 1000000)";
    else if (host->cpu_quota > 0 && host->cpu_quota < CPU_QUOTA_MIN_US)
        why = "CPU cfs quota can not be less than 1ms (i.e. 1000)";
    return why ? error_set(err, ERROR_INVALID_PARAMETER, "%s", why) : 0;
}

static int check_others(const Sockerless__HostOptions *host, struct error *err)
{
    if (host->shm_size < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "SHM size can not be less than 0");
    if (host->oom_score_adj < -1000 || host->oom_score_adj > 1000)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Invalid value %lld, range for oom score adj is [-1000, 1000]",
                         (long long)host->oom_score_adj);
    if (!str_empty(host->cgroupns_mode) && strcmp(host->cgroupns_mode, "private") != 0 &&
        strcmp(host->cgroupns_mode, "host") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid cgroup namespace mode: %.100s",
                         host->cgroupns_mode);
    return 0;
}

int container_rules_host(const Sockerless__HostOptions *host, struct error *err)
{
    return check_auto_remove(host, err) || check_restart(host, err) ||
                   check_capabilities("CapAdd", host->cap_add, host->n_cap_add, err) ||
                   check_capabilities("CapDrop", host->cap_drop, host->n_cap_drop, err) ||
                   check_isolation(host->isolation, err) || check_memory(host, err) ||
                   check_cpus(host, err) || check_others(host, err)
               ? -1
               : 0;
}
