/* SPDX-License-Identifier: Apache-2.0
 * CPU and memory limits: whole CPUs, 1, 2, 4, 6 or 8; each number has a least and a most memory
 * (Cloud Run documentation, "Configure CPU limits", "Configure memory limits", for jobs and for
 * services in the second generation execution environment). */
#include "cloud/gcp/gcp_size.h"

const struct cloud_size_row gcp_size_rows[GCP_SIZE_ROWS] = {
    {1 * CLOUD_CPU_UNITS, 512, 4096, 1},   {2 * CLOUD_CPU_UNITS, 512, 8192, 1},
    {4 * CLOUD_CPU_UNITS, 2048, 16384, 1}, {6 * CLOUD_CPU_UNITS, 4096, 24576, 1},
    {8 * CLOUD_CPU_UNITS, 4096, 32768, 1},
};
