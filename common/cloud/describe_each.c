/* SPDX-License-Identifier: Apache-2.0
 * Describing runs one by one; see describe_each.h. */
#include "cloud/describe_each.h"

#include "loop/parallel.h"

#include <stdio.h>

struct describing {
    const struct describe_each *how;
    const struct workload *const *list;
    struct workload_status *out;
    size_t failed;
    struct error last;
};

static int co_describe_one(void *arg, size_t item, struct error *err)
{
    struct describing *d = arg;
    struct workload_status *out = &d->out[item];
    if (d->how->co_one(d->how->arg, d->list[item], out, err) == 0)
        return 0;
    if (err->code == ERROR_CANCELLED)
        return -1;
    *out = (struct workload_status){.phase = WORKLOAD_UNKNOWN};
    snprintf(out->reason, sizeof out->reason, "%s", err->message);
    d->last = *err;
    d->failed++;
    return 0;
}

int co_describe_each(const struct describe_each *how, const struct workload *const *list,
                     size_t count, struct workload_status *out, struct error *err)
{
    struct describing all = {.how = how, .list = list, .out = out};
    struct parallel calls = {.loop = how->loop,
                             .count = count,
                             .width = how->width,
                             .co_one = co_describe_one,
                             .arg = &all};
    if (co_parallel(&calls, err))
        return -1;
    if (count == 0 || all.failed < count)
        return 0;
    *err = all.last;
    return -1;
}
