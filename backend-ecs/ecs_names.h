/* SPDX-License-Identifier: Apache-2.0
 *
 * The names and marks that this backend puts on cloud resources, in the character sets ECS allows,
 * and the parts of ARNs that it needs. Pure.
 */
#ifndef SOCKERLESS_ECS_NAMES_H
#define SOCKERLESS_ECS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define ECS_TAG_MANAGED "sockerless:managed"
#define ECS_TAG_INSTANCE "sockerless:instance"
#define ECS_TAG_CONTAINER_ID "sockerless:container-id"
#define ECS_TAG_CONTAINER_NAME "sockerless:container-name"
/* dockerLabels of a definition: whose it is, and the hash of its whole content. */
#define ECS_LABEL_INSTANCE "sockerless.instance"
#define ECS_LABEL_CONTENT "sockerless.content"
#define ECS_FAMILY_PREFIX "sockerless-"
#define ECS_MAIN_CONTAINER "main"
#define ECS_LOG_STREAM_PREFIX "sockerless"

enum {
    ECS_FAMILY_HASH_LEN = 12,
    ECS_FAMILY_MAX = 32,
    ECS_TAG_VALUE_MAX = 256,
    ECS_STARTED_BY_MAX = 128,
};

/* A tag value: [A-Za-z0-9 _.:/=+@-] and UTF-8 letters; other characters become '_', and the
 * rest is cut, at a character boundary. */
void ecs_tag_value(const char *text, char out[ECS_TAG_VALUE_MAX + 1]);

/* RunTask's startedBy for an instance: "sockerless/<instance>" of [A-Za-z0-9/_-]. An instance that
 * had to be changed or cut gets a hash appended, so two of them never share a mark. */
void ecs_started_by(const char *instance, char out[ECS_STARTED_BY_MAX + 1]);

/* "…:task-definition/FAMILY:REVISION" → FAMILY. False when it is not such an ARN or too long. */
bool ecs_family_of_arn(const char *arn, char *out, size_t size);
/* The family has our shape: prefix and twelve hex digits. */
bool ecs_family_is_ours(const char *family);
/* "…:task/CLUSTER/ID" or "…:task/ID" → ID, inside `arn`; the whole text when it has no slash. */
const char *ecs_task_id(const char *arn);

#endif
