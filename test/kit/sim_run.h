/* SPDX-License-Identifier: Apache-2.0
 *
 * A run of a shell script by the driver of sim_rig.h.
 */
#ifndef SOCKERLESS_TEST_KIT_SIM_RUN_H
#define SOCKERLESS_TEST_KIT_SIM_RUN_H

#include "test/kit/sim_rig.h"

struct sim_run {
    struct workload_spec spec;
    struct workload w;
    char id[65], token[40];
    char *argv[5];
    Sockerless__ContainerConfig config;
    Sockerless__KeyValue label, *labels[1];
};

/* The texts outlive the run. */
void sim_run_init(struct sim_run *r, const char *instance, const char *script);
void sim_run_set_label(struct sim_run *r, const char *value);

/* The driver's calls. */
int co_sim_run_prepare(struct sim_run *r, struct error *err) MUST_CHECK;
int co_sim_run_run(struct sim_run *r, struct error *err) MUST_CHECK;
int co_sim_run_start(struct sim_run *r, struct error *err) MUST_CHECK; /* both */
int co_sim_run_stop(struct sim_run *r, struct error *err) MUST_CHECK;
int co_sim_run_remove(struct sim_run *r, struct error *err) MUST_CHECK;

/* Until it is in that phase. ERROR_SYSTEM: it has stopped before. */
int co_sim_run_await(struct sim_run *r, enum workload_phase phase, struct workload_status *out,
                     struct error *err) MUST_CHECK;
/* Starts it and waits until it has stopped. */
int co_sim_run_finish(struct sim_run *r, struct workload_status *out, struct error *err) MUST_CHECK;
/* The run again is the same one in the cloud. */
int co_sim_run_check_same(struct sim_run *r, struct error *err) MUST_CHECK;

int co_sim_run_is_listed(struct sim_run *r, bool *listed, struct error *err) MUST_CHECK;
/* Every call of the API that a driver makes for a run, except for logs. */
int co_sim_run_whole(struct sim_run *r, struct error *err) MUST_CHECK;

#endif
