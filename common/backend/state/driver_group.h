/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that answers for what a cloud does not have: a group of functions that its driver
 * leaves out, or the agent.
 */
#ifndef SOCKERLESS_BACKEND_DRIVER_GROUP_H
#define SOCKERLESS_BACKEND_DRIVER_GROUP_H

#include "base/error.h"

#include <stdbool.h>

struct cloud_driver;

/* -1 and ERROR_NOT_IMPLEMENTED unless it is there. `need` begins the message: "docker logs needs a
 * log service". */
int driver_group_check(const struct cloud_driver *driver, bool there, const char *need,
                       struct error *err) MUST_CHECK;

#endif
