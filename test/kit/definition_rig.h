/* SPDX-License-Identifier: Apache-2.0
 *
 * A workload with a little of everything, and the task definition that is made of it.
 */
#ifndef SOCKERLESS_TEST_KIT_DEFINITION_RIG_H
#define SOCKERLESS_TEST_KIT_DEFINITION_RIG_H

#include "backend-ecs/ecs_definition.h"

#include <jansson.h>

#define DEFINITION_RIG_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct definition_rig {
    struct ecs_config config;
    Sockerless__ContainerConfig container;
    Sockerless__KeyValue label, reserved;
    Sockerless__KeyValue *labels[2];
    char *ports[5];
    Sockerless__HostOptions host;
    struct workload_spec spec;
};

void definition_rig_init(struct definition_rig *f);
void definition_rig_fini(struct definition_rig *f);
/* The request's body as JSON; a new reference. */
json_t *definition_rig_build(struct definition_rig *f, struct ecs_definition_request *out);
/* The value at a path of member names and array indexes, as text; valid until the next call. */
const char *definition_rig_at(const json_t *root, const char *path);

#endif
