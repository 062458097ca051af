/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs and executions: put, start, get, stop, delete, list. Polling of runs and undo are the
 * core's.
 */
#ifndef SOCKERLESS_ACA_RUN_H
#define SOCKERLESS_ACA_RUN_H

#include "aca_api.h"
#include "cloud/driver.h"

/* See driver.h for what each has to do. */
int co_aca_prepare(struct aca_api *api, const struct workload_spec *spec, struct workload *w,
                   struct error *err) MUST_CHECK;
int co_aca_run(struct aca_api *api, const struct workload_spec *spec, struct workload *w,
               struct error *err) MUST_CHECK;
int co_aca_describe(struct aca_api *api, const struct workload *w, struct workload_status *out,
                    struct error *err) MUST_CHECK;
int co_aca_stop(struct aca_api *api, const struct workload *w, struct error *err) MUST_CHECK;
int co_aca_delete(struct aca_api *api, const struct workload *w, struct error *err) MUST_CHECK;
int co_aca_list(struct aca_api *api, const char *instance, struct arena *arena,
                struct workload_found **out, size_t *count, struct error *err) MUST_CHECK;

/* The newest execution of the job `definition` into resource; "" when it has none. */
int co_aca_find_execution(struct aca_api *api, const char *definition, char *resource, size_t size,
                          struct cloud_error *why, struct error *err) MUST_CHECK;

#endif
