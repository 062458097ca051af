/* SPDX-License-Identifier: Apache-2.0
 *
 * The ECS driver against its simulator.
 */
#ifndef SOCKERLESS_TEST_KIT_ECS_RIG_H
#define SOCKERLESS_TEST_KIT_ECS_RIG_H

#include "backend-ecs/driver.h"
#include "test/kit/sim_run.h"

extern struct ecs_config ecs_rig_config;

/* For TEST_GROUP. */
int ecs_rig_setup(void **state);
int ecs_rig_teardown(void **state);

/* The driver anew, of that instance (setup: "ecs-sim"). */
int ecs_rig_reopen(const char *instance, struct error *err) MUST_CHECK;
void ecs_rig_run_init(struct sim_run *r, const char *script);
/* A run with a task definition of its own, which ends with 0. */
int co_ecs_rig_run_once(const char *label, struct error *err) MUST_CHECK;

/* What the simulator has. */
struct ecs_rig_count {
    size_t tasks, netns;
    size_t active, inactive; /* task definitions */
};
int co_ecs_rig_count(struct ecs_rig_count *out, struct error *err) MUST_CHECK;

#endif
