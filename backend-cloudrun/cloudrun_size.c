/* SPDX-License-Identifier: Apache-2.0
 * CPU and memory limits of a job; see cloud/gcp/gcp_size.h. */
#include "cloudrun_size.h"

#include "cloud/gcp/gcp_size.h"

const struct cloud_size_table cloudrun_size_table = {
    .rows = gcp_size_rows,
    .count = GCP_SIZE_ROWS,
    .default_cpu_units = CLOUD_CPU_UNITS,
    .default_mib = 512,
    .holder = "a Cloud Run job",
    .largest_text = "32 GiB",
    .whole_cpus = true,
};
