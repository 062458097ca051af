/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU and memory of a container on Cloud Run: from Docker's limits to the smallest allowed ones
 * that are enough. Pure; used by cloudrun_job.c.
 */
#ifndef SOCKERLESS_CLOUDRUN_SIZE_H
#define SOCKERLESS_CLOUDRUN_SIZE_H

#include "base/error.h"

#include <stdint.h>

enum { CLOUDRUN_CPUS_MAX = 8, CLOUDRUN_MEMORY_MAX_GIB = 32 };

struct cloudrun_size {
    int cpus;
    int memory_mib;
};

/* What `docker run` asked for; 0 = not asked. */
struct cloudrun_size_wish {
    int64_t memory_bytes;
    int64_t nano_cpus;
    int64_t cpu_quota, cpu_period; /* used when nano_cpus is 0; period 0: 100,000 */
};

/* ERROR_INVALID_PARAMETER names the limit when nothing is large enough. */
int cloudrun_size_choose(const struct cloudrun_size_wish *wish, struct cloudrun_size *out,
                         struct error *err) MUST_CHECK;

#endif
