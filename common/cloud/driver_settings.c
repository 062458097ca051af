/* SPDX-License-Identifier: Apache-2.0
 * What drivers' settings have in common; see driver_settings.h. */
#include "cloud/driver_settings.h"

#include "base/str.h"

#include <stdio.h>

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

void driver_settings_describe(const struct driver_place *place, char *out, size_t size)
{
    bool elsewhere = !str_empty(place->endpoint_url);
    snprintf(out, size, "%s, %s, %s %s%s%s", place->product, place->region, place->scope,
             place->scope_name, elsewhere ? ", at " : "", elsewhere ? place->endpoint_url : "");
}
