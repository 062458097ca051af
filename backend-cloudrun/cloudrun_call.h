/* SPDX-License-Identifier: Apache-2.0
 *
 * Single calls of run.v2, in short form.
 */
#ifndef SOCKERLESS_CLOUDRUN_CALL_H
#define SOCKERLESS_CLOUDRUN_CALL_H

#include "cloudrun_api.h"

/* GET v2/NAME. *reply as of co_gcp_call. */
int co_cloudrun_get(struct cloudrun_api *api, const char *what, const char *name, json_t **reply,
                    struct cloud_error *why, struct error *err) MUST_CHECK;
/* As co_gcp_change(), of run.v2. */
int co_cloudrun_change(struct cloudrun_api *api, const char *what, const char *method,
                       const char *target, const struct buf *body, json_t **operation,
                       struct cloud_error *why, struct error *err) MUST_CHECK;
/* Every job of the project in the region: jobs.list has no filter. */
int co_cloudrun_each_job(struct cloudrun_api *api, void (*take)(void *arg, const json_t *job),
                         void *arg, struct error *err) MUST_CHECK;
/* Wait for the operation that a call answered; *operation is the caller's in every case. */
int co_cloudrun_wait(struct cloudrun_api *api, const char *what, int64_t longest_ms,
                     json_t **operation, struct cloud_error *why, struct error *err) MUST_CHECK;
/* "jobs/…" or "executions/…" below a name that came from outside: fit for a path, and ours. */
bool cloudrun_name_usable(const struct cloudrun_api *api, const char *name);
/* The execution that a job began last, into out; "" when there is none that can be used. The API
 * names it alone or with its whole path. */
void cloudrun_latest_execution(const struct cloudrun_api *api, const json_t *job,
                               const char *job_name, char *out, size_t size);
/* Copy a name into a field of struct workload; false when it does not fit. */
bool cloudrun_name_copy(char *out, size_t size, const char *name);

#endif
