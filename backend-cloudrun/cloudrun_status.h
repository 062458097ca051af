/* SPDX-License-Identifier: Apache-2.0
 *
 * From Cloud Run's description of an execution and its task to the core's status. Pure.
 */
#ifndef SOCKERLESS_CLOUDRUN_STATUS_H
#define SOCKERLESS_CLOUDRUN_STATUS_H

#include "cloud/driver.h"
#include "cloudrun_config.h"

#include <jansson.h>

/* Everything but the exit code. */
void cloudrun_status_read(const struct cloudrun_config *config, const json_t *execution,
                          struct workload_status *out);
/* What the task of a stopped execution adds; task may be NULL: there never was one. */
void cloudrun_status_add_task(const struct cloudrun_config *config, const json_t *task,
                              struct workload_status *out);

#endif
