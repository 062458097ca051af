/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the logs of executions from Log Analytics: many with one query, in either direction. The
 * paging is apart from the call, so that it can be tested with canned answers.
 */
#ifndef SOCKERLESS_ACA_LOGS_H
#define SOCKERLESS_ACA_LOGS_H

#include "aca_api.h"
#include "aca_query.h"
#include "cloud/driver.h"

enum { ACA_LOG_PAGE = 2000 }; /* rows of one query */

/* Makes one query call. *missing: there is no such table, *reply stays NULL. ERROR_TOO_LARGE: fewer
 * rows at once, please. */
typedef int (*co_aca_log_fetch)(void *arg, const char *query, json_t **reply, bool *missing,
                                struct error *err);

/* Where the logs are; lives as long as the driver. */
struct aca_log_source {
    co_aca_log_fetch co_fetch;
    void *arg;
    bool table_known; /* else the other one is tried where this is missing */
    enum aca_log_table table;
};

/* log_ops of driver.h; a workload's log_ref is its execution's resource id. */
int co_aca_log_pages(struct aca_log_source *source, const struct log_query *queries, size_t count,
                     struct log_page *pages, struct error *err) MUST_CHECK;

/* Queries of the workspace that is configured or, if none is, the environment's. */
struct aca_workspace {
    struct aca_api *api;
    char id[64]; /* "": not known yet */
};
/* co_aca_log_fetch with arg a struct aca_workspace. */
int co_aca_log_fetch_azure(void *arg, const char *query, json_t **reply, bool *missing,
                           struct error *err);

#endif
