/* SPDX-License-Identifier: Apache-2.0
 *
 * The logs of executions in Cloud Logging: what cloud/gcp/gcp_logs.h has to know of them.
 */
#ifndef SOCKERLESS_CLOUDRUN_LOGS_H
#define SOCKERLESS_CLOUDRUN_LOGS_H

#include "cloud/gcp/gcp_logs.h"

/* A workload's log_ref is its execution's name. */
extern const struct gcp_log_kind cloudrun_log_kind;

#endif
