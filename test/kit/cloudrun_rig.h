/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against its simulator; every fault at one of the calls that it makes.
 */
#ifndef SOCKERLESS_TEST_KIT_CLOUDRUN_RIG_H
#define SOCKERLESS_TEST_KIT_CLOUDRUN_RIG_H

#include "backend-cloudrun/driver.h"
#include "test/kit/sim_run.h"

extern struct cloudrun_config cloudrun_rig_config;

/* For TEST_GROUP. */
int cloudrun_rig_setup(void **state);
int cloudrun_rig_teardown(void **state);

/* A new driver: nothing is known, no quota is used up. */
void cloudrun_rig_reopen(void);
void cloudrun_rig_run_init(struct sim_run *r, const char *script);
int co_cloudrun_rig_is_listed(struct sim_run *r, bool *listed, struct error *err) MUST_CHECK;
/* Every call of the API that the driver makes for a run, except for logs. */
int co_cloudrun_rig_run_whole(struct sim_run *r, struct error *err) MUST_CHECK;
/* Until the simulator has no job and no execution. */
int co_cloudrun_rig_await_nothing(struct error *err) MUST_CHECK;
/* Removes the run, then as above. */
int co_cloudrun_rig_end(struct sim_run *r, struct error *err) MUST_CHECK;

enum { CLOUDRUN_RIG_FAULTS = 6 };
extern const struct sim_fault cloudrun_rig_faults[CLOUDRUN_RIG_FAULTS];

/* A test: a run with each of the faults at that call. */
void cloudrun_rig_check_faults(const char *operation);

#endif
