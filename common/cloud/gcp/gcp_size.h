/* SPDX-License-Identifier: Apache-2.0
 *
 * The CPU and memory limits that a container on Cloud Run can have, in a job or in a service.
 */
#ifndef SOCKERLESS_GCP_SIZE_H
#define SOCKERLESS_GCP_SIZE_H

#include "cloud/cloud_size.h"

enum { GCP_SIZE_ROWS = 5 };
extern const struct cloud_size_row gcp_size_rows[GCP_SIZE_ROWS];

#endif
