/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the Cloud Functions backend: the rows for the config table, their validation, and
 * what is derived from them. Read-only once validated.
 */
#ifndef SOCKERLESS_GCF_CONFIG_H
#define SOCKERLESS_GCF_CONFIG_H

#include "base/config.h"
#include "base/error.h"
#include "cloud/driver_settings.h"

#include <stdbool.h>
#include <stdint.h>

struct gcf_config {
    char *project, *region, *endpoint_url, *service_account, *build_account;
    char *memory, *cpu, *runtime, *prepare;
    int64_t timeout_s, max_instances;
    int64_t pool_max, pool_idle_s, check_ms, helper_stop_ms;
    struct driver_pace pace;
    int64_t log_reads_per_min, rate_percent;

    /* Filled by gcf_config_finish. */
    struct cloud_size_table sizes; /* its defaults are CPU and memory */
    bool prepare_at_pull;
};

/* Rows for a config table; c is a struct gcf_config variable. */
#define GCF_SETTINGS(c)                                                                            \
    CONFIG_ROW_STRING("gcf-project", "SOCKERLESS_GCF_PROJECT", NULL, &(c).project,                 \
                      "project the functions are in; else GOOGLE_CLOUD_PROJECT"),                  \
        CONFIG_ROW_STRING("gcf-region", "SOCKERLESS_GCF_REGION", "us-central1", &(c).region,       \
                          "region the functions are in"),                                          \
        CONFIG_ROW_STRING("endpoint-url", "SOCKERLESS_ENDPOINT_URL", NULL, &(c).endpoint_url,      \
                          "one URL for all Google APIs, for a simulator"),                         \
        CONFIG_ROW_TEXT(CONFIG_GUARD, "gcf-service-account", "SOCKERLESS_GCF_SERVICE_ACCOUNT",     \
                        NULL, &(c).service_account, "account that the containers have"),           \
        CONFIG_ROW_TEXT(CONFIG_GUARD, "gcf-build-service-account",                                 \
                        "SOCKERLESS_GCF_BUILD_SERVICE_ACCOUNT", NULL, &(c).build_account,          \
                        "account that the functions' stubs are built with"),                       \
        CONFIG_ROW_INT("gcf-timeout-s", "SOCKERLESS_GCF_TIMEOUT", "3600", &(c).timeout_s,          \
                       "containers are ended after this, exit code 137", 1, 3600),                 \
        CONFIG_ROW_STRING("gcf-memory", "SOCKERLESS_GCF_MEMORY", "1Gi", &(c).memory,               \
                          "memory of a container without a limit of its own"),                     \
        CONFIG_ROW_STRING("gcf-cpu", "SOCKERLESS_GCF_CPU", "1", &(c).cpu,                          \
                          "CPUs of a container without a limit of its own: 1, 2, 4, 6 or 8"),      \
        CONFIG_ROW_STRING("gcf-runtime", "SOCKERLESS_GCF_RUNTIME", "python312", &(c).runtime,      \
                          "Python runtime of the stub that a function is made from"),              \
        CONFIG_ROW_INT("gcf-max-instances", "SOCKERLESS_GCF_MAX_INSTANCES", "100",                 \
                       &(c).max_instances, "containers of one function at once", 1, 1000),         \
        CONFIG_ROW_INT("gcf-pool-max", "SOCKERLESS_GCF_POOL_MAX", "10", &(c).pool_max,             \
                       "functions that are kept though no container needs them", 0, 1000),         \
        CONFIG_ROW_INT("gcf-pool-idle-s", "SOCKERLESS_GCF_POOL_IDLE", "3600", &(c).pool_idle_s,    \
                       "seconds after which such a function is removed", 1, 2592000),              \
        CONFIG_ROW_INT("gcf-check-ms", "SOCKERLESS_GCF_CHECK_MS", "0", &(c).check_ms,              \
                       "how long a function that was seen ready is believed to be", 0, 3600000),   \
        CONFIG_ROW_STRING("gcf-prepare", "SOCKERLESS_GCF_PREPARE", "create", &(c).prepare,         \
                          "when an image's function is made: create or pull"),                     \
        CONFIG_ROW_INT(                                                                            \
            "gcf-helper-stop-ms", "SOCKERLESS_GCF_HELPER_STOP_MS", "500", &(c).helper_stop_ms,     \
            "helper and cache containers stop by themselves then; 0: never", 0, 3600000),          \
        DRIVER_PACE_SETTINGS((c).pace, "gcf", "SOCKERLESS_GCF", "1000", "1000", "15000"),          \
        CONFIG_ROW_INT("gcf-log-reads-per-min", "SOCKERLESS_GCF_LOG_READS_PER_MIN", "60",          \
                       &(c).log_reads_per_min, "the project's entries.list quota", 1, 100000),     \
        CONFIG_ROW_INT("gcf-rate-percent", "SOCKERLESS_GCF_RATE_PERCENT", "80", &(c).rate_percent, \
                       "share of Google's own request quotas to use", 1, 100000)

/* Complete and check what config_load filled in. platform is Docker's ("linux/amd64"), callback_url
 * SOCKERLESS_CALLBACK_URL, which has to be set. Messages say which variable to set to what. */
int gcf_config_finish(struct gcf_config *c, const char *platform, const char *callback_url,
                      struct error *err) MUST_CHECK;

#endif
