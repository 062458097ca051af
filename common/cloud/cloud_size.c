/* SPDX-License-Identifier: Apache-2.0
 * CPU and memory of a container; see cloud_size.h. */
#include "cloud/cloud_size.h"

enum { MIB_SHIFT = 20, DEFAULT_PERIOD_US = 100000 };

/* Division that rounds up, without overflow for any non-negative value. */
static int64_t divide_up(int64_t value, int64_t by)
{
    return value / by + (value % by != 0);
}

struct cloud_size_wish cloud_size_wish_of(const Sockerless__HostOptions *host)
{
    if (!host)
        return (struct cloud_size_wish){0};
    return (struct cloud_size_wish){
        .memory_bytes = host->memory,
        .nano_cpus = host->nano_cpus,
        .cpu_quota = host->cpu_quota,
        .cpu_period = host->cpu_period,
    };
}

static int64_t wished_units(const struct cloud_size_table *table,
                            const struct cloud_size_wish *wish)
{
    const int64_t nano = 1000000000;
    if (wish->nano_cpus > 0)
        return wish->nano_cpus / nano * CLOUD_CPU_UNITS +
               divide_up(wish->nano_cpus % nano * CLOUD_CPU_UNITS, nano);
    if (wish->cpu_quota <= 0)
        return table->default_cpu_units;
    if (wish->cpu_quota > INT64_MAX / CLOUD_CPU_UNITS)
        return INT64_MAX;
    return divide_up(wish->cpu_quota * CLOUD_CPU_UNITS,
                     wish->cpu_period > 0 ? wish->cpu_period : DEFAULT_PERIOD_US);
}

static const struct cloud_size_row *largest(const struct cloud_size_table *table)
{
    return &table->rows[table->count - 1];
}

int cloud_size_cpus_max(const struct cloud_size_table *table)
{
    return largest(table)->cpu_units / CLOUD_CPU_UNITS;
}

int64_t cloud_size_memory_max(const struct cloud_size_table *table)
{
    return (int64_t)largest(table)->max_mib << MIB_SHIFT;
}

static int too_large(const struct cloud_size_table *table, int64_t units, int64_t mib,
                     struct error *err)
{
    if (units <= largest(table)->cpu_units)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%lld MiB are more than %s can have (%s); ask for less with --memory",
                         (long long)mib, table->holder, table->largest_text);
    double cpus = table->whole_cpus ? (double)divide_up(units, CLOUD_CPU_UNITS)
                                    : (double)units / CLOUD_CPU_UNITS;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "%.*f CPUs are more than %s can have (%d); ask for fewer with --cpus",
                     table->whole_cpus ? 0 : 2, cpus, table->holder, cloud_size_cpus_max(table));
}

int cloud_size_choose(const struct cloud_size_table *table, const struct cloud_size_wish *wish,
                      struct cloud_size *out, struct error *err)
{
    if (wish->memory_bytes < 0 || wish->nano_cpus < 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "memory and CPU limits cannot be negative");
    int64_t units = wished_units(table, wish);
    int64_t mib = wish->memory_bytes ? divide_up(wish->memory_bytes, (int64_t)1 << MIB_SHIFT)
                                     : table->default_mib;
    for (size_t i = 0; i < table->count; i++) {
        const struct cloud_size_row *row = &table->rows[i];
        if (row->cpu_units < units || row->max_mib < mib)
            continue;
        int64_t over = mib > row->min_mib ? mib - row->min_mib : 0;
        out->cpu_units = row->cpu_units;
        out->memory_mib = row->min_mib + (int)divide_up(over, row->step_mib) * row->step_mib;
        return 0;
    }
    return too_large(table, units, mib, err);
}
