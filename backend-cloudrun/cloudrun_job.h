/* SPDX-License-Identifier: Apache-2.0
 *
 * The Job that stands for one run of a container (run.v2 projects.locations.jobs.create). Pure.
 */
#ifndef SOCKERLESS_CLOUDRUN_JOB_H
#define SOCKERLESS_CLOUDRUN_JOB_H

#include "cloud/driver.h"
#include "base/buf.h"
#include "cloudrun_config.h"

/* The body of jobs.create. It holds the run's token: the caller wipes it. */
int cloudrun_job_build(const struct cloudrun_config *config, const struct workload_spec *spec,
                       struct buf *out, struct error *err) MUST_CHECK;

#endif
