/* SPDX-License-Identifier: Apache-2.0
 * CPU and memory pairs: a quarter of a CPU with half a GiB, and multiples of that up to 4 CPUs with
 * 8 GiB ("Containers in Azure Container Apps", "Allocations", Consumption). A job with an init
 * container has the same: that one runs before. */
#include "aca_size.h"

#include "base/alloc.h"

#define PAIR(n)                                                                                    \
    {                                                                                              \
        (n) * CLOUD_CPU_UNITS / 4, (n)*512, (n)*512, 1                                             \
    }

static const struct cloud_size_row rows[] = {
    PAIR(1), PAIR(2),  PAIR(3),  PAIR(4),  PAIR(5),  PAIR(6),  PAIR(7),  PAIR(8),
    PAIR(9), PAIR(10), PAIR(11), PAIR(12), PAIR(13), PAIR(14), PAIR(15), PAIR(16)};

const struct cloud_size_table aca_size_table = {
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .default_cpu_units = CLOUD_CPU_UNITS / 4, /* with the memory below: half a CPU */
    .default_mib = 1024,
    .holder = "a Container Apps job",
    .largest_text = "8 GiB",
};
