/* SPDX-License-Identifier: Apache-2.0
 * Fargate's CPU/memory combinations, as the ECS developer guide has them ("Task size"). */
#include "ecs_size.h"

#include "base/alloc.h"

static const struct cloud_size_row rows[] = {
    {256, 512, 512, 512},       {256, 1024, 2048, 1024},      {512, 1024, 4096, 1024},
    {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},    {4096, 8192, 30720, 1024},
    {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192},
};

const struct cloud_size_table ecs_size_table = {
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .default_cpu_units = 256,
    .default_mib = 512,
    .holder = "a Fargate task",
    .largest_text = "122880 MiB = 120 GiB",
};
