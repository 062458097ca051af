/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of a container as clouds take it: a list of {"name", "value"}. What a cloud does
 * not take, or would change, is carried to the agent in variables of other names
 * (SOCKERLESS_AGENT_ENV_n=NAME=value), and the agent sets it for the user's process
 * (agent/environment.c). Pure.
 */
#ifndef SOCKERLESS_CLOUD_CLOUD_ENVIRONMENT_H
#define SOCKERLESS_CLOUD_CLOUD_ENVIRONMENT_H

#include "base/json.h"
#include "cloud/driver.h"

#include <stdbool.h>
#include <stddef.h>

#define CLOUD_ENVIRONMENT_CARRIED "SOCKERLESS_AGENT_ENV_"

struct cloud_environment_rules {
    const char *cloud;  /* for refusals: "Cloud Run" */
    const char *holder; /* ditto: "a Cloud Run job" */
    size_t variables_max, value_max;
    /* A user's variable that the cloud does not take as it is, besides names that are no
     * identifiers; entry is NAME=value. */
    bool (*carries)(const char *entry, size_t name_len);
    const char *extra;       /* one more, of our own: NAME=value; NULL: none */
    const char *secret_name; /* the agent's variable that is given by reference … */
    const char *secret_ref;  /* … to this secret of the cloud's; NULL: none is */
};

/* Writes the member "env". */
int cloud_environment_write(struct json_writer *w, const struct workload_spec *spec,
                            const struct cloud_environment_rules *rules,
                            struct error *err) MUST_CHECK;

/* The value of one of the agent's variables; NULL: it is not among them. Borrowed. */
const char *cloud_environment_agent_value(const struct workload_spec *spec, const char *name);

#endif
