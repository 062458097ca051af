/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of a job's container: what Cloud Run takes is sent as it is; the rest is carried
 * to the agent, which sets it for the user's process. Pure; used by cloudrun_job.c.
 */
#ifndef SOCKERLESS_CLOUDRUN_ENVIRONMENT_H
#define SOCKERLESS_CLOUDRUN_ENVIRONMENT_H

#include "cloud/driver.h"
#include "base/json.h"

/* Writes the member "env". by_shell: a shell starts the agent. */
int cloudrun_environment_write(struct json_writer *w, const struct workload_spec *spec,
                               bool by_shell, struct error *err) MUST_CHECK;

#endif
