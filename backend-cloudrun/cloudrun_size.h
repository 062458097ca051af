/* SPDX-License-Identifier: Apache-2.0
 *
 * The CPU and memory limits that a Cloud Run job can have.
 */
#ifndef SOCKERLESS_CLOUDRUN_SIZE_H
#define SOCKERLESS_CLOUDRUN_SIZE_H

#include "cloud/cloud_size.h"

extern const struct cloud_size_table cloudrun_size_table;

#endif
