/* SPDX-License-Identifier: Apache-2.0
 *
 * The Azure Container Apps driver: what main.c hands to the core.
 */
#ifndef SOCKERLESS_ACA_DRIVER_H
#define SOCKERLESS_ACA_DRIVER_H

#include "aca_config.h"
#include "cloud/driver.h"

/* driver_source.open; config is a struct aca_config. */
int aca_driver_open(const void *config, const struct driver_env *env, struct cloud_driver *out,
                    struct error *err) MUST_CHECK;

#endif
