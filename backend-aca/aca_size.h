/* SPDX-License-Identifier: Apache-2.0
 *
 * The CPU and memory that the containers of a job can have.
 */
#ifndef SOCKERLESS_ACA_SIZE_H
#define SOCKERLESS_ACA_SIZE_H

#include "cloud/cloud_size.h"

extern const struct cloud_size_table aca_size_table;

#endif
