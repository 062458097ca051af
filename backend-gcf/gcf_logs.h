/* SPDX-License-Identifier: Apache-2.0
 *
 * The logs of runs in Cloud Logging: what cloud/gcp/gcp_logs.h has to know of them. A function's
 * service has one log for all its runs, one after another and at once; the agent marks each record
 * with its run.
 */
#ifndef SOCKERLESS_GCF_LOGS_H
#define SOCKERLESS_GCF_LOGS_H

#include "cloud/gcp/gcp_logs.h"

/* A workload's log_ref is the name of its run (gcf_names.h). */
extern const struct gcp_log_kind gcf_log_kind;

#endif
