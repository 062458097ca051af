/* SPDX-License-Identifier: Apache-2.0
 *
 * The ECS driver: what main.c hands to the core.
 */
#ifndef SOCKERLESS_ECS_DRIVER_H
#define SOCKERLESS_ECS_DRIVER_H

#include "cloud/driver.h"
#include "ecs_config.h"
#include "loop/http_client.h"
#include "loop/loop.h"

/* loop, http and config are borrowed until driver.close. Makes no call yet. */
void ecs_driver_open(struct loop *loop, struct http_client *http, const struct ecs_config *config,
                     struct cloud_driver *out);

#endif
