/* SPDX-License-Identifier: Apache-2.0
 * dockerd's rules for create; see container_rules.h. */
#include "backend/container/container_rules.h"

#include "backend/state/container.h"
#include "base/str.h"

#include <string.h>

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

static int check_restart(const Sockerless__HostOptions *host, struct error *err)
{
    const char *name = str_empty(host->restart_policy) ? "no" : host->restart_policy;
    bool counted = strcmp(name, "on-failure") == 0;
    if (host->auto_remove && strcmp(name, "no") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "can't create 'AutoRemove' container with restart policy");
    if (!counted && strcmp(name, "no") && strcmp(name, "always") && strcmp(name, "unless-stopped"))
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid restart policy '%.100s'", name);
    if (!counted && host->restart_max)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "maximum retry count cannot be used with restart policy '%s'", name);
    if (host->restart_max < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "maximum retry count cannot be negative");
    return 0;
}

static int check_sizes(const Sockerless__HostOptions *host, struct error *err)
{
    if (host->memory && host->memory < MEMORY_MIN)
        return error_set(err, ERROR_INVALID_PARAMETER, "Minimum memory limit allowed is 6MB");
    if (host->nano_cpus < 0) /* dockerd names its host's number of CPUs as the upper end */
        return error_set(err, ERROR_INVALID_PARAMETER, "Range of CPUs begins at 0.01");
    if (host->cpu_period &&
        (host->cpu_period < CPU_PERIOD_MIN_US || host->cpu_period > CPU_PERIOD_MAX_US))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s "
                         "(i.e. 1000000)");
    if (host->cpu_quota > 0 && host->cpu_quota < CPU_QUOTA_MIN_US)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "CPU cfs quota can not be less than 1ms (i.e. 1000)");
    if (host->shm_size < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "SHM size can not be less than 0");
    return 0;
}

int container_rules_host(const Sockerless__HostOptions *host, struct error *err)
{
    return check_restart(host, err) ? -1 : check_sizes(host, err);
}
