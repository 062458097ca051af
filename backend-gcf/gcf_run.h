/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs: each is a POST to its function's URL that stays open until the run is over; what is known
 * of it is the answer. Sent again after a lost answer, it joins the run that it has begun, or is
 * turned away, since the backend accepts a run's agent in one place only (agent/invocation.h). The
 * API has no resource for a run: after a restart of the backend another POST asks to join it.
 */
#ifndef SOCKERLESS_GCF_RUN_H
#define SOCKERLESS_GCF_RUN_H

#include "cloud/driver.h"
#include "gcf_api.h"

struct gcf_runs *gcf_runs_new(void);
void gcf_runs_free(struct gcf_runs *runs); /* no call may be under way */

/* workload_ops of driver.h. */
int gcf_run_begin(struct gcf_api *api, const struct workload_spec *spec, struct workload *w,
                  struct error *err) MUST_CHECK;
int co_gcf_run_describe(struct gcf_api *api, const struct workload *w, struct workload_status *out,
                        struct error *err) MUST_CHECK;
/* The request is given up; what it began ends through its agent. */
void gcf_run_remove(struct gcf_api *api, const struct workload *w);

#endif
