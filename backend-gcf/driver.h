/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Functions driver: what main.c hands to the core.
 */
#ifndef SOCKERLESS_GCF_DRIVER_H
#define SOCKERLESS_GCF_DRIVER_H

#include "cloud/driver.h"
#include "gcf_config.h"

/* driver_source.open; config is a struct gcf_config. */
int gcf_driver_open(const void *config, const struct driver_env *env, struct cloud_driver *out,
                    struct error *err) MUST_CHECK;

#endif
