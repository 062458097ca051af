/* SPDX-License-Identifier: Apache-2.0
 *
 * co_describe of driver.h where the cloud's API answers for one run a call.
 */
#ifndef SOCKERLESS_CLOUD_DESCRIBE_EACH_H
#define SOCKERLESS_CLOUD_DESCRIBE_EACH_H

#include "cloud/driver.h"

struct describe_each {
    struct loop *loop;
    size_t width; /* calls at once: a slow one holds up few */
    int (*co_one)(void *arg, const struct workload *w, struct workload_status *out,
                  struct error *err);
    void *arg;
};

/* A run that cannot be asked for is WORKLOAD_UNKNOWN; -1 when that is so of all. */
int co_describe_each(const struct describe_each *how, const struct workload *const *list,
                     size_t count, struct workload_status *out, struct error *err) MUST_CHECK;

#endif
