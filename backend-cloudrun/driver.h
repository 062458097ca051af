/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver: what main.c hands to the core.
 */
#ifndef SOCKERLESS_CLOUDRUN_DRIVER_H
#define SOCKERLESS_CLOUDRUN_DRIVER_H

#include "cloud/driver.h"
#include "cloudrun_config.h"
#include "loop/http_client.h"
#include "loop/loop.h"

/* loop, http and config are borrowed until driver.close. Makes no call yet. */
void cloudrun_driver_open(struct loop *loop, struct http_client *http,
                          const struct cloudrun_config *config, struct cloud_driver *out);

#endif
