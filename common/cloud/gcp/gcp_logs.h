/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the logs of runs from Cloud Logging: many with one call, in either direction. The paging
 * is apart from the call, so that it can be tested with canned answers. What differs between the
 * products whose containers write there is a struct gcp_log_kind.
 */
#ifndef SOCKERLESS_GCP_LOGS_H
#define SOCKERLESS_GCP_LOGS_H

#include "cloud/driver.h"
#include "cloud/gcp/gcp_client.h"
#include "cloud/log_batch.h"

struct gcp_log_kind {
    const char *resource_type; /* "cloud_run_job" */
    const char *run_label;     /* of an entry: its value is the key of the run's log_ref */
    /* The key of a log_ref, which is not ""; false: it is not one. */
    bool (*key)(const char *log_ref, char out[LOG_KEY_SIZE]);
    /* Appends what is true of the run's entries only. */
    void (*condition)(const char *log_ref, struct buf *out);
};

/* Makes one entries.list call. ERROR_TOO_LARGE: fewer entries at once, please. */
typedef int (*co_gcp_log_fetch)(void *arg, const struct log_request *request, json_t **reply,
                                struct error *err);

struct gcp_log_source {
    const struct gcp_log_kind *kind;
    const char *project, *region;
    const char *log_id; /* of a log besides stdout and stderr; may be "" */
    co_gcp_log_fetch co_fetch;
    void *arg;
};

/* log_ops of driver.h. */
int co_gcp_log_pages(const struct gcp_log_source *source, const struct log_query *queries,
                     size_t count, struct log_page *pages, struct error *err) MUST_CHECK;

/* co_gcp_log_fetch at Google; arg: a struct gcp_log_reader. */
struct gcp_log_reader {
    struct gcp_client *client;
    const char *project;
    struct token_bucket *bucket;
};
int co_gcp_log_fetch_google(void *arg, const struct log_request *request, json_t **reply,
                            struct error *err);

#endif
