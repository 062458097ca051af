/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver: what main.c hands to the core.
 */
#ifndef SOCKERLESS_CLOUDRUN_DRIVER_H
#define SOCKERLESS_CLOUDRUN_DRIVER_H

#include "cloud/driver.h"
#include "cloudrun_config.h"

/* driver_source.open; config is a struct cloudrun_config. */
int cloudrun_driver_open(const void *config, const struct driver_env *env, struct cloud_driver *out,
                         struct error *err) MUST_CHECK;

#endif
