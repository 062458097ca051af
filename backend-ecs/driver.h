/* SPDX-License-Identifier: Apache-2.0
 *
 * The ECS driver: what main.c hands to the core.
 */
#ifndef SOCKERLESS_ECS_DRIVER_H
#define SOCKERLESS_ECS_DRIVER_H

#include "cloud/driver.h"
#include "ecs_config.h"

/* driver_source.open; config is a struct ecs_config. */
int ecs_driver_open(const void *config, const struct driver_env *env, struct cloud_driver *out,
                    struct error *err) MUST_CHECK;

#endif
