/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU and memory of a container: from Docker's limits to the smallest size that a cloud has and
 * that is enough. Each cloud brings its table (ecs_size.c, cloudrun_size.c …). Pure.
 */
#ifndef SOCKERLESS_CLOUD_CLOUD_SIZE_H
#define SOCKERLESS_CLOUD_CLOUD_SIZE_H

#include "base/error.h"
#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLOUD_CPU_UNITS = 1024 }; /* of one CPU */

/* A number of CPUs and the memory that goes with it: min_mib, and from there in steps. */
struct cloud_size_row {
    int cpu_units;
    int min_mib, max_mib, step_mib;
};

struct cloud_size_table {
    const struct cloud_size_row *rows; /* ascending in CPUs; of one number of CPUs in memory */
    size_t count;
    int default_cpu_units, default_mib; /* where Docker has no limit */
    /* for refusals */
    const char *holder;       /* "a Fargate task" */
    const char *largest_text; /* memory: "32 GiB" */
    bool whole_cpus;
};

/* What `docker run` asked for; 0 = not asked. */
struct cloud_size_wish {
    int64_t memory_bytes;
    int64_t nano_cpus;
    int64_t cpu_quota, cpu_period; /* used when nano_cpus is 0; period 0: 100,000 */
};
/* host: NULL is allowed. CpuShares have no counterpart: they only matter among neighbours. */
struct cloud_size_wish cloud_size_wish_of(const Sockerless__HostOptions *host);

struct cloud_size {
    int cpu_units;
    int memory_mib;
};

/* ERROR_INVALID_PARAMETER names the limit when nothing is large enough. */
int cloud_size_choose(const struct cloud_size_table *table, const struct cloud_size_wish *wish,
                      struct cloud_size *out, struct error *err) MUST_CHECK;
/* For `docker info`: the most that one container can have. */
int cloud_size_cpus_max(const struct cloud_size_table *table);
int64_t cloud_size_memory_max(const struct cloud_size_table *table); /* bytes */

#endif
