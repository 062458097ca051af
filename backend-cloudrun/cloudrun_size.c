/* SPDX-License-Identifier: Apache-2.0
 * CPU and memory limits; see cloudrun_size.h. Jobs take whole CPUs: 1, 2, 4, 6 or 8; each number
 * has a least and a most memory (Cloud Run documentation, "Configure CPU limits for jobs",
 * "Configure memory limits for jobs"). */
#include "cloudrun_size.h"

#include "base/alloc.h"

#include <stddef.h>

enum { DEFAULT_MIB = 512, MIB_SHIFT = 20 };

static const struct {
    int cpus, min_mib, max_mib;
} sizes[] = {
    {1, 512, 4096}, {2, 512, 8192}, {4, 2048, 16384}, {6, 4096, 24576}, {8, 4096, 32768},
};

/* Division that rounds up, without overflow for any non-negative value. */
static int64_t divide_up(int64_t value, int64_t by)
{
    return value / by + (value % by != 0);
}

static int64_t wished_cpus(const struct cloudrun_size_wish *wish)
{
    if (wish->nano_cpus > 0)
        return divide_up(wish->nano_cpus, 1000000000);
    if (wish->cpu_quota <= 0)
        return 1;
    return divide_up(wish->cpu_quota, wish->cpu_period > 0 ? wish->cpu_period : 100000);
}

int cloudrun_size_choose(const struct cloudrun_size_wish *wish, struct cloudrun_size *out,
                         struct error *err)
{
    if (wish->memory_bytes < 0 || wish->nano_cpus < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "memory and CPU limits cannot be negative");
    int64_t cpus = wished_cpus(wish);
    int64_t mib =
        wish->memory_bytes ? divide_up(wish->memory_bytes, (int64_t)1 << MIB_SHIFT) : DEFAULT_MIB;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (sizes[i].cpus < cpus || sizes[i].max_mib < mib)
            continue;
        out->cpus = sizes[i].cpus;
        out->memory_mib = mib > sizes[i].min_mib ? (int)mib : sizes[i].min_mib;
        return 0;
    }
    if (cpus > CLOUDRUN_CPUS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%lld CPUs are more than a Cloud Run job can have (%d); ask for fewer "
                         "with --cpus",
                         (long long)cpus, CLOUDRUN_CPUS_MAX);
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "%lld MiB are more than a Cloud Run job can have (%d GiB); ask for less with "
                     "--memory",
                     (long long)mib, CLOUDRUN_MEMORY_MAX_GIB);
}
