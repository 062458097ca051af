/* SPDX-License-Identifier: Apache-2.0
 *
 * What every driver's settings and table of capabilities have in common: how often the cloud is
 * asked, the largest size, the line for `docker info`.
 */
#ifndef SOCKERLESS_CLOUD_DRIVER_SETTINGS_H
#define SOCKERLESS_CLOUD_DRIVER_SETTINGS_H

#include "base/config.h"
#include "base/token_bucket.h"
#include "cloud/cloud_size.h"
#include "cloud/driver.h"

#include <stdint.h>

struct driver_pace {
    int64_t poll_ms, log_poll_ms, log_grace_ms;
};

/* Rows for a config table; p is a struct driver_pace variable, the others are string literals:
 * DRIVER_PACE_SETTINGS(c.pace, "ecs", "SOCKERLESS_ECS", "500", "1000", "10000"). */
#define DRIVER_PACE_SETTINGS(p, flag, variable, poll_ms_default, log_poll_ms_default,              \
                             log_grace_ms_default)                                                 \
    CONFIG_ROW_INT(flag "-poll-ms", variable "_POLL_MS", poll_ms_default, &(p).poll_ms,            \
                   "milliseconds between two status requests while a run changes", 10, 60000),     \
        CONFIG_ROW_INT(flag "-log-poll-ms", variable "_LOG_POLL_MS", log_poll_ms_default,          \
                       &(p).log_poll_ms, "how often followed logs are read", 10, 60000),           \
        CONFIG_ROW_INT(flag "-log-grace-ms", variable "_LOG_GRACE_MS", log_grace_ms_default,       \
                       &(p).log_grace_ms,                                                          \
                       "how long after a run's end log entries may still arrive", 0, 600000)

/* Capabilities with these filled in; the rest is 0 and the driver's to say. */
struct driver_caps driver_settings_caps(const struct driver_pace *pace,
                                        const struct cloud_size_table *sizes);

/* What a vendor counts calls by. */
struct driver_quota {
    double rate_per_s, burst;
};
/* A bucket for that share of it; percent 0: 80. */
void driver_settings_quota(struct token_bucket *bucket, const struct driver_quota *quota,
                           int64_t percent);

/* For describe_self; endpoint_url: NULL or "" is the cloud itself. */
struct driver_place {
    const char *product, *region;
    const char *scope, *scope_name; /* "cluster", "default" */
    const char *endpoint_url;
};
void driver_settings_describe(const struct driver_place *place, char *out, size_t size);

#endif
