/* SPDX-License-Identifier: Apache-2.0
 *
 * Fargate's CPU/memory combinations.
 */
#ifndef SOCKERLESS_ECS_SIZE_H
#define SOCKERLESS_ECS_SIZE_H

#include "cloud/cloud_size.h"

extern const struct cloud_size_table ecs_size_table;

#endif
