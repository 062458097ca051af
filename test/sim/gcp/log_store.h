/* SPDX-License-Identifier: Apache-2.0
 *
 * The entries behind Cloud Logging: a log for each stream of each execution or
 * instance, its entries in the
 * order of (timestamp, insertId). In memory and bounded: when there is too much, a log that has
 * more than half of it loses its older half, else the log that was written to longest ago is
 * forgotten. The caller locks.
 */
#ifndef SOCKERLESS_SIM_GCP_LOG_STORE_H
#define SOCKERLESS_SIM_GCP_LOG_STORE_H

#include "test/sim/gcp/log_entry.h"
#include "test/sim/gcp/logging_filter.h"

struct log_store;

/* Who writes: a job's execution, or else a service's instance. */
struct log_source {
    const char *job, *execution;
    bool is_stderr;
    const char *service, *revision, *instance;
};

struct log_store *log_store_new(const char *project, const char *region, size_t bytes_max);
void log_store_free(struct log_store *store);
/* entry: taken over. */
void log_store_add(struct log_store *store, const struct log_source *source,
                   struct log_entry *entry);
size_t log_store_count(const struct log_store *store); /* entries */

struct log_store_query {
    const struct logging_filter *filter;
    bool descending; /* newest first */
    bool ids_ascend; /* the order of entries of one timestamp */
    size_t page_size;
    int64_t now_ms; /* what becomes visible later is not found */
    /* Where the last page ended. */
    bool after;
    int64_t after_ns;
    const char *after_id; /* borrowed */
};

struct log_store_page {
    struct {
        json_t *alike; /* for log_entry_json(); a reference */
        struct log_entry *entry;
    } * items; /* copies */
    size_t count;
    bool more;
};

/* *page: zeroed by the caller, who releases it. */
void log_store_find(struct log_store *store, const struct log_store_query *query,
                    struct log_store_page *page);
void log_store_page_fini(struct log_store_page *page);

#endif
