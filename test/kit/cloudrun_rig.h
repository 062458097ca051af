/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against its simulator; every fault at one of the calls that it makes.
 */
#ifndef SOCKERLESS_TEST_KIT_CLOUDRUN_RIG_H
#define SOCKERLESS_TEST_KIT_CLOUDRUN_RIG_H

#include "backend-cloudrun/driver.h"
#include "test/kit/sim_faults.h"

extern struct cloudrun_config cloudrun_rig_config;

/* For TEST_GROUP. */
int cloudrun_rig_setup(void **state);
int cloudrun_rig_teardown(void **state);

/* A new driver: nothing is known, no quota is used up. */
void cloudrun_rig_reopen(void);
void cloudrun_rig_run_init(struct sim_run *r, const char *script);

/* A test: a run with each of the faults at that call. */
void cloudrun_rig_check_faults(const char *operation);

#endif
