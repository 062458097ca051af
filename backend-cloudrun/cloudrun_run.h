/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs and executions: create, run, get, cancel, delete, list. Polling and undo are the core's.
 */
#ifndef SOCKERLESS_CLOUDRUN_RUN_H
#define SOCKERLESS_CLOUDRUN_RUN_H

#include "cloud/driver.h"
#include "cloudrun_api.h"

/* See driver.h for what each has to do. */
int co_cloudrun_prepare(struct cloudrun_api *api, const struct workload_spec *spec,
                        struct workload *w, struct error *err) MUST_CHECK;
int co_cloudrun_run(struct cloudrun_api *api, const struct workload_spec *spec, struct workload *w,
                    struct error *err) MUST_CHECK;
int co_cloudrun_describe(struct cloudrun_api *api, const struct workload *w,
                         struct workload_status *out, struct error *err) MUST_CHECK;
int co_cloudrun_stop(struct cloudrun_api *api, const struct workload *w,
                     struct error *err) MUST_CHECK;
int co_cloudrun_delete(struct cloudrun_api *api, const struct workload *w,
                       struct error *err) MUST_CHECK;
int co_cloudrun_list(struct cloudrun_api *api, const char *instance, struct arena *arena,
                     struct workload_found **out, size_t *count, struct error *err) MUST_CHECK;

#endif
