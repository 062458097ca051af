/* SPDX-License-Identifier: Apache-2.0
 * What drivers' settings have in common; see driver_settings.h. */
#include "cloud/driver_settings.h"

#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>

#define DEFAULT_SHARE 0.8

struct driver_caps driver_settings_caps(const struct driver_pace *pace,
                                        const struct cloud_size_table *sizes)
{
    return (struct driver_caps){
        .poll_interval_ms = (int)pace->poll_ms,
        .log_poll_interval_ms = (int)pace->log_poll_ms,
        .log_grace_ms = (int)pace->log_grace_ms,
        .cpus_max = cloud_size_cpus_max(sizes),
        .memory_max = cloud_size_memory_max(sizes),
    };
}

void driver_settings_quota(struct token_bucket *bucket, const struct driver_quota *quota,
                           int64_t percent)
{
    double share = percent ? (double)percent / 100 : DEFAULT_SHARE;
    token_bucket_init(bucket, quota->rate_per_s * share, quota->burst, time_mono_ms());
}

void driver_settings_describe(const struct driver_place *place, char *out, size_t size)
{
    bool elsewhere = !str_empty(place->endpoint_url);
    snprintf(out, size, "%s, %s, %s %s%s%s", place->product, place->region, place->scope,
             place->scope_name, elsewhere ? ", at " : "", elsewhere ? place->endpoint_url : "");
}
