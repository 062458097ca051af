/* SPDX-License-Identifier: Apache-2.0
 *
 * From Azure's description of a job execution to the core's status. Pure.
 */
#ifndef SOCKERLESS_ACA_STATUS_H
#define SOCKERLESS_ACA_STATUS_H

#include "aca_config.h"
#include "cloud/driver.h"

#include <jansson.h>

void aca_status_read(const struct aca_config *config, const json_t *execution,
                     struct workload_status *out);

#endif
