/* SPDX-License-Identifier: Apache-2.0
 * Fargate's CPU/memory combinations; see ecs_size.h. The table is the one of the ECS developer
 * guide, "Task size". */
#include "ecs_size.h"

#include "base/alloc.h"

#include <stddef.h>

enum { DEFAULT_CPU_UNITS = 256, DEFAULT_MEMORY_MIB = 512, MIB_SHIFT = 20 };

static const struct {
    int cpu_units, min_mib, max_mib, step_mib;
} sizes[] = {
    {256, 512, 512, 512},       {256, 1024, 2048, 1024},      {512, 1024, 4096, 1024},
    {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},    {4096, 8192, 30720, 1024},
    {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192},
};

/* Division that rounds up, without overflow for any non-negative value. */
static int64_t divide_up(int64_t value, int64_t by)
{
    return value / by + (value % by != 0);
}

static int64_t wished_cpu_units(const struct ecs_size_wish *wish)
{
    const int64_t nano = 1000000000;
    if (wish->nano_cpus > 0)
        return wish->nano_cpus / nano * 1024 + divide_up(wish->nano_cpus % nano * 1024, nano);
    if (wish->cpu_quota <= 0)
        return DEFAULT_CPU_UNITS;
    int64_t period = wish->cpu_period > 0 ? wish->cpu_period : 100000;
    if (wish->cpu_quota > INT64_MAX / 1024)
        return INT64_MAX;
    return divide_up(wish->cpu_quota * 1024, period);
}

int ecs_size_choose(const struct ecs_size_wish *wish, struct ecs_size *out, struct error *err)
{
    if (wish->memory_bytes < 0 || wish->nano_cpus < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "memory and CPU limits cannot be negative");
    int64_t cpu = wished_cpu_units(wish);
    int64_t mib = wish->memory_bytes ? divide_up(wish->memory_bytes, (int64_t)1 << MIB_SHIFT)
                                     : DEFAULT_MEMORY_MIB;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (sizes[i].cpu_units < cpu || sizes[i].max_mib < mib)
            continue;
        int64_t over = mib > sizes[i].min_mib ? mib - sizes[i].min_mib : 0;
        out->cpu_units = sizes[i].cpu_units;
        out->memory_mib =
            sizes[i].min_mib + (int)divide_up(over, sizes[i].step_mib) * sizes[i].step_mib;
        return 0;
    }
    if (cpu > sizes[ARRAY_LEN(sizes) - 1].cpu_units)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%.2f CPUs are more than a Fargate task can have (16); ask for fewer with "
                         "--cpus",
                         (double)cpu / 1024);
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "%lld MiB are more than a Fargate task can have (122880 MiB = 120 GiB); ask "
                     "for less with --memory",
                     (long long)mib);
}
