/* SPDX-License-Identifier: Apache-2.0
 *
 * The names, paths and tags of this backend's resources in Azure Resource Manager. Pure.
 */
#ifndef SOCKERLESS_ACA_NAMES_H
#define SOCKERLESS_ACA_NAMES_H

#include "aca_config.h"

#include <stdbool.h>
#include <stddef.h>

#define ACA_TAG_MANAGED "sockerless-managed"
#define ACA_TAG_INSTANCE "sockerless-instance"
#define ACA_TAG_CONTAINER_ID "sockerless-container-id"
#define ACA_TAG_CONTAINER_NAME "sockerless-container-name"
#define ACA_TAG_RUN "sockerless-run"
#define ACA_TAG_LABELS "sockerless-labels-" /* and a number: pieces of one JSON object */
/* Azure tells no address of a job's container; a simulator does, with this tag of the execution. */
#define ACA_TAG_ADDRESS "sockerless-sim-address"

#define ACA_MAIN_CONTAINER "main"
#define ACA_INIT_CONTAINER "agent-install"

enum {
    ACA_JOB_NAME_MAX = 31,   /* Container Apps' own limit is 32 */
    ACA_TAG_VALUE_MAX = 256, /* Azure Resource Manager's, characters */
};

/* "sk-<id12>-<8 of the run's token>": another run, another job. Lower-case letters, digits and
 * single hyphens, as Container Apps demands. */
void aca_job_name(const char *container_id, const char *run_token, char out[ACA_JOB_NAME_MAX + 1]);

/* "/subscriptions/S/resourceGroups/G/providers/Microsoft.App/KIND[/NAME]"; heap. name: NULL: the
 * collection. */
char *aca_resource_id(const struct aca_config *c, const char *kind, const char *name);
/* ID SUFFIX?api-version=V; heap. suffix: "/start". */
char *aca_path(const struct aca_config *c, const char *id, const char *suffix);

/* The name of a job or an execution, as the service told it: fit for a path and for a query. */
bool aca_name_valid(const char *name);

/* A log_ref or workload.resource ("…/jobs/J/executions/E") taken apart; false: it is none. */
struct aca_execution {
    char job[128], name[128];
};
bool aca_execution_parse(const char *resource, struct aca_execution *out);

#endif
