/* SPDX-License-Identifier: Apache-2.0
 *
 * From a workload to ECS's request bodies: RegisterTaskDefinition (image, size, labels and what
 * else only a definition can hold, named by the hash of its content) and RunTask (what commonly
 * differs between runs; see ecs_overrides.h). Pure; the calls are made by ecs_definition_store.c
 * and ecs_task.c.
 */
#ifndef SOCKERLESS_ECS_DEFINITION_H
#define SOCKERLESS_ECS_DEFINITION_H

#include "cloud/driver.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "ecs_config.h"
#include "ecs_names.h"

struct ecs_definition_request {
    char family[ECS_FAMILY_MAX];
    char content_hash[65]; /* sha256 of the content: equal hash, equal definition */
    struct buf body;       /* RegisterTaskDefinition */
};
static inline void auto_release_ecs_definition_request(struct ecs_definition_request *r)
{
    buf_free(&r->body);
}

int ecs_definition_build(const struct ecs_config *config, const struct workload_spec *spec,
                         struct ecs_definition_request *out, struct error *err) MUST_CHECK;

/* The RunTask body. */
int ecs_run_build(const struct ecs_config *config, const struct workload_spec *spec,
                  const char *definition, struct buf *out, struct error *err) MUST_CHECK;

void ecs_write_tag(struct json_writer *w, const char *key, const char *value);

#endif
