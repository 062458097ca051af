/* SPDX-License-Identifier: Apache-2.0
 *
 * The names and marks that this backend puts on Cloud Run resources, in the character sets that
 * Google allows, and the parts of resource names that it needs. Pure.
 */
#ifndef SOCKERLESS_CLOUDRUN_NAMES_H
#define SOCKERLESS_CLOUDRUN_NAMES_H

#include "cloud/gcp/gcp_name.h"

#include <stdbool.h>
#include <stddef.h>

#define CLOUDRUN_LABEL_CONTAINER "sockerless-container"
#define CLOUDRUN_NOTE_INSTANCE "sockerless.dev/instance"
#define CLOUDRUN_NOTE_CONTAINER_ID "sockerless.dev/container-id"
#define CLOUDRUN_NOTE_CONTAINER_NAME "sockerless.dev/container-name"
#define CLOUDRUN_NOTE_RUN "sockerless.dev/run"
#define CLOUDRUN_NOTE_LABELS "sockerless.dev/docker-labels"
/* Google tells no address of a job's container; a simulator does, here. */
#define CLOUDRUN_NOTE_ADDRESS "sockerless.dev/sim-address"

enum { CLOUDRUN_JOB_ID_MAX = 49 }; /* leaves room for what executions and tasks append */

/* "sockerless-<id12>-<8 of the run's token>": another run, another job. */
void cloudrun_job_id(const char *container_id, const char *run_token,
                     char out[CLOUDRUN_JOB_ID_MAX + 1]);

/* The parts of "projects/P/locations/L/jobs/J[/executions/E]", inside the text. False when it is
 * anything else. */
struct cloudrun_name {
    struct gcp_part project, location, job, execution; /* execution: len 0: none */
};
bool cloudrun_name_parse(const char *text, struct cloudrun_name *out);

#endif
