/* SPDX-License-Identifier: Apache-2.0
 *
 * The cloud behind a backend under test. Every call succeeds and is counted; a test scripts the
 * calls that it is about with functions of its own. Only fake_driver.c knows how a driver looks.
 */
#ifndef SOCKERLESS_TEST_KIT_FAKE_DRIVER_H
#define SOCKERLESS_TEST_KIT_FAKE_DRIVER_H

#include "cloud/driver.h"

extern struct fake_driver {
    struct driver_caps *caps;

    /* NULL: the call succeeds. The counters have been raised by then. */
    int (*co_prepare)(const struct workload_spec *spec, struct workload *w, struct error *err);
    int (*co_run)(const struct workload_spec *spec, struct workload *w, struct error *err);
    void (*describe)(const struct workload *w, struct workload_status *out); /* NULL: it runs */
    int (*co_remove_run)(const struct workload *w, struct error *err);
    int (*co_remove_container)(const struct workload *w, struct error *err);
    int (*co_list)(struct workload_found **out, size_t *count, struct error *err); /* NULL: none */
    int (*co_log_pages)(const struct log_query *queries, size_t count, struct log_page *pages,
                        struct error *err);
    int (*co_credentials)(const char *host, struct registry_credentials *out, struct error *err);
    const char *(*pull_refusal)(const char *host); /* NULL: it pulls from everywhere */

    int prepared, started, described, stopped, removed, listed; /* calls */
} fake_driver;

/* Forgets script and counters. */
struct cloud_driver *fake_driver_open(void);
/* Workloads carry the agent, and so many logs can be read at once. */
void fake_driver_has_logs(int batch_max);
/* Addresses of runs are told; runs are described at that interval. */
void fake_driver_has_addresses(int poll_interval_ms);

#endif
