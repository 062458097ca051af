/* SPDX-License-Identifier: Apache-2.0
 * CPU and memory limits. Jobs take whole CPUs: 1, 2, 4, 6 or 8; each number has a least and a most
 * memory (Cloud Run documentation, "Configure CPU limits for jobs", "Configure memory limits for
 * jobs"). */
#include "cloudrun_size.h"

#include "base/alloc.h"

static const struct cloud_size_row rows[] = {
    {1 * CLOUD_CPU_UNITS, 512, 4096, 1},   {2 * CLOUD_CPU_UNITS, 512, 8192, 1},
    {4 * CLOUD_CPU_UNITS, 2048, 16384, 1}, {6 * CLOUD_CPU_UNITS, 4096, 24576, 1},
    {8 * CLOUD_CPU_UNITS, 4096, 32768, 1},
};

const struct cloud_size_table cloudrun_size_table = {
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .default_cpu_units = CLOUD_CPU_UNITS,
    .default_mib = 512,
    .holder = "a Cloud Run job",
    .largest_text = "32 GiB",
    .whole_cpus = true,
};
