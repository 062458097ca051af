/* SPDX-License-Identifier: Apache-2.0
 *
 * VpcAccess of a task: a connector, or a network interface of its own (Direct VPC egress).
 */
#ifndef SOCKERLESS_SIM_GCP_VPC_ACCESS_H
#define SOCKERLESS_SIM_GCP_VPC_ACCESS_H

#include "base/error.h"

#include <jansson.h>

/* access: may be NULL. An egress that came as a number becomes its name. */
int vpc_access_check(json_t *access, struct error *err) MUST_CHECK;

#endif
