/* SPDX-License-Identifier: Apache-2.0
 * Token buckets; see rate_limit.h. */
#include "test/sim/http/rate_limit.h"

bool rate_limit_take(struct rate_limit *limit, int64_t now_ms)
{
    if (limit->updated_ms == 0)
        limit->tokens = limit->burst;
    else
        limit->tokens += (double)(now_ms - limit->updated_ms) / 1000.0 * limit->per_second;
    limit->updated_ms = now_ms;
    if (limit->tokens > limit->burst)
        limit->tokens = limit->burst;
    if (limit->tokens < 1)
        return false;
    limit->tokens -= 1;
    return true;
}
