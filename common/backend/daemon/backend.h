/* SPDX-License-Identifier: Apache-2.0
 *
 * The backend daemon without its cloud: what backend_main.c runs for each backend-X/main.c.
 */
#ifndef SOCKERLESS_BACKEND_BACKEND_H
#define SOCKERLESS_BACKEND_BACKEND_H

#include "backend/state/backend_config.h"
#include "base/error.h"
#include "cloud/driver.h"
#include "loop/http_client.h"
#include "loop/loop.h"

/* Open the store, then the driver, and serve until SIGTERM or SIGINT; then end orderly (running
 * containers stay). 0 on an orderly end. */
int backend_run(struct loop *l, struct http_client *http, const struct driver_source *source,
                const struct backend_config *config, struct error *err) MUST_CHECK;

#endif
