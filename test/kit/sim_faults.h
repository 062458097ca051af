/* SPDX-License-Identifier: Apache-2.0
 *
 * Every fault at one of the calls that a driver makes, against a simulator whose resources are jobs
 * and executions.
 */
#ifndef SOCKERLESS_TEST_KIT_SIM_FAULTS_H
#define SOCKERLESS_TEST_KIT_SIM_FAULTS_H

#include "test/kit/sim_run.h"

enum { SIM_FAULTS = 6 };
extern const struct sim_fault sim_faults_all[SIM_FAULTS];

struct sim_faults {
    void (*reopen)(void); /* a new driver: nothing is known, no quota is used up */
    void (*run_init)(struct sim_run *r, const char *script);
    /* What is done while the fault waits for its call; NULL: co_sim_run_whole. It removes the run
     * where it succeeds. */
    int (*co_use)(struct sim_run *r, struct error *err);
    const char *unrepeated; /* the operation that may run a container twice … */
    const char *words;      /* … and how its failure begins */
};

/* A test: a run with each of the faults at that call. Afterwards nothing is left in the cloud. */
void sim_faults_check(const struct sim_faults *of, const char *operation);

/* Until the simulator has no job and no execution. */
int co_sim_faults_await_nothing(struct error *err) MUST_CHECK;
/* Removes the run, then as above. */
int co_sim_faults_end(struct sim_run *r, struct error *err) MUST_CHECK;

#endif
