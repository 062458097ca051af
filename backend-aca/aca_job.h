/* SPDX-License-Identifier: Apache-2.0
 *
 * The job that stands for one run of a container (Microsoft.App jobs, CreateOrUpdate). Pure.
 */
#ifndef SOCKERLESS_ACA_JOB_H
#define SOCKERLESS_ACA_JOB_H

#include "aca_config.h"
#include "base/buf.h"
#include "cloud/driver.h"

/* The body of the PUT. It holds the run's token and the registry's password: the caller wipes it.
 */
int aca_job_build(const struct aca_config *config, const struct workload_spec *spec,
                  struct buf *out, struct error *err) MUST_CHECK;

#endif
