/* SPDX-License-Identifier: Apache-2.0
 *
 * The Container Apps driver against the simulated Azure; every fault at one of the calls that it
 * makes.
 */
#ifndef SOCKERLESS_TEST_KIT_ACA_RIG_H
#define SOCKERLESS_TEST_KIT_ACA_RIG_H

#include "backend-aca/driver.h"
#include "test/kit/sim_faults.h"

extern struct aca_config aca_rig_config;

/* For TEST_GROUP. */
int aca_rig_setup(void **state);
int aca_rig_teardown(void **state);

/* A new driver: nothing is known, no quota is used up. */
void aca_rig_reopen(void);
void aca_rig_run_init(struct sim_run *r, const char *script);

/* A test: a run with each of the faults at that call. */
void aca_rig_check_faults(const char *operation);
/* The same with another use of the run, as sim_faults.h says. */
void aca_rig_check_faults_in(int (*co_use)(struct sim_run *r, struct error *err),
                             const char *operation);

#endif
