/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rules of jobs, services and functions have alike: labels, annotations, quantities, a
 * container. Errors are ERROR_INVALID_PARAMETER with the service's own words.
 */
#ifndef SOCKERLESS_SIM_GCP_CONTAINER_CHECK_H
#define SOCKERLESS_SIM_GCP_CONTAINER_CHECK_H

#include "base/error.h"
#include "test/sim/http/members.h"

#include <jansson.h>
#include <stdint.h>

/* Rows of a table for members_check: what the messages of a container consist of. */
#define CONTAINER_SCHEMAS                                                                          \
    {"container",                                                                                  \
     "name image command args env:env resources:resources ports:port volumeMounts:mount "          \
     "workingDir livenessProbe startupProbe readinessProbe dependsOn baseImageUri buildInfo "      \
     "sourceCode sandboxLauncher"},                                                                \
        {"vpc", "connector egress networkInterfaces:interface"},                                   \
        {"interface", "network subnetwork tags"}, {"env", "name value valueSource"},               \
        {"resources", "limits cpuIdle startupCpuBoost"}, {"mount", "name mountPath subPath"},      \
        {"port", "name containerPort"},                                                            \
    {                                                                                              \
        "volume", "name secret cloudSqlInstance emptyDir nfs gcs"                                  \
    }

struct container_rules {
    const char *where;        /* in messages: "template.template.containers[0]" */
    bool fractions;           /* less than one CPU is possible */
    const char *reserved;     /* prefix that no variable's name may have */
    const char *const *taken; /* names that no variable may have; ended by NULL */
};

int container_check_members(const struct member_schema *table, const json_t *object,
                            const char *schema, struct error *err) MUST_CHECK;
int container_check_labels(const json_t *labels, struct error *err) MUST_CHECK;
int container_check_annotations(const json_t *annotations, struct error *err) MUST_CHECK;
/* "512Mi" → bytes; "1000m", "0.5" → millis. */
bool container_check_bytes(const char *text, int64_t *out);
bool container_check_millis(const char *text, int64_t *out);
/* Lower-case letters, digits and inner dashes, at most max characters, a letter first. */
bool container_check_id(const char *id, size_t max);
/* Image, limits and variables; fills in the default limits. */
int container_check(json_t *container, const struct container_rules *rules,
                    struct error *err) MUST_CHECK;
int container_check_env(const json_t *env, const struct container_rules *rules,
                        struct error *err) MUST_CHECK;
/* Of a template: each mount of its first container has a volume and an absolute path. */
int container_check_mounts(const json_t *template, struct error *err) MUST_CHECK;

#endif
