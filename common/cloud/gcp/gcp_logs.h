/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the logs of executions from Cloud Logging: many with one call, in either direction. The
 * paging is apart from the call, so that it can be tested with canned answers.
 */
#ifndef SOCKERLESS_CLOUDRUN_LOGS_H
#define SOCKERLESS_CLOUDRUN_LOGS_H

#include "cloud/driver.h"
#include "cloud/log_batch.h"
#include "cloudrun_api.h"

/* Makes one entries.list call. ERROR_TOO_LARGE: fewer entries at once, please. */
typedef int (*co_cloudrun_log_fetch)(void *arg, const struct log_request *request, json_t **reply,
                                     struct error *err);

struct cloudrun_log_source {
    const struct cloudrun_config *config;
    co_cloudrun_log_fetch co_fetch;
    void *arg;
};

/* log_ops of driver.h; a workload's log_ref is its execution's name. */
int co_cloudrun_log_pages(const struct cloudrun_log_source *source, const struct log_query *queries,
                          size_t count, struct log_page *pages, struct error *err) MUST_CHECK;
/* co_cloudrun_log_fetch with arg a struct cloudrun_api. */
int co_cloudrun_log_fetch_google(void *arg, const struct log_request *request, json_t **reply,
                                 struct error *err);

#endif
