/* SPDX-License-Identifier: Apache-2.0
 *
 * The task definitions of this instance: found or registered once per content, shared by all runs
 * with that content, deregistered and deleted when nothing has used them for a while. What is kept
 * in memory is a cache: after a restart it is rebuilt from what the cloud lists.
 */
#ifndef SOCKERLESS_ECS_DEFINITION_STORE_H
#define SOCKERLESS_ECS_DEFINITION_STORE_H

#include "aws_client.h"
#include "cloud/driver.h"
#include "ecs_config.h"

#include <stdbool.h>
#include <stddef.h>

struct ecs_definition_store;
/* All is borrowed. Those marked with the instance may be cleaned up. */
struct ecs_definition_store *ecs_definition_store_new(struct aws_client *client,
                                                      const struct ecs_config *config,
                                                      const char *instance);
void ecs_definition_store_free(struct ecs_definition_store *s);

/* The ARN of an ACTIVE definition with the spec's content, into out[size]. */
int co_ecs_definition_prepare(struct ecs_definition_store *s, const struct workload_spec *spec,
                              char *out, size_t size, struct error *err) MUST_CHECK;
/* The cloud says it is gone: do not hand it out again. */
void ecs_definition_forget(struct ecs_definition_store *s, const char *arn);

/* Drop what is idle. Runs at most once at a time; a call that finds it running does nothing
 * (closing: waits for it, then drops everything unused at once, within some 20 s). */
int co_ecs_definition_maintain(struct ecs_definition_store *s, const char *const *in_use,
                               size_t count, bool closing, struct error *err) MUST_CHECK;

#endif
