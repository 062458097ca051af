/* SPDX-License-Identifier: Apache-2.0
 *
 * Fargate's CPU/memory combinations: from Docker's limits to the smallest task size that is enough.
 * Pure; used by ecs_definition.c.
 */
#ifndef SOCKERLESS_ECS_SIZE_H
#define SOCKERLESS_ECS_SIZE_H

#include "base/error.h"

#include <stdint.h>

struct ecs_size {
    int cpu_units; /* 1024 = one vCPU */
    int memory_mib;
};

/* What `docker run` asked for; 0 = not asked. */
struct ecs_size_wish {
    int64_t memory_bytes;
    int64_t nano_cpus;
    int64_t cpu_quota, cpu_period; /* used when nano_cpus is 0; period 0: 100,000 */
};

/* ERROR_INVALID_PARAMETER names the limit when nothing is large enough. */
int ecs_size_choose(const struct ecs_size_wish *wish, struct ecs_size *out,
                    struct error *err) MUST_CHECK;

#endif
