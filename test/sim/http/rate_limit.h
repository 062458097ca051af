/* SPDX-License-Identifier: Apache-2.0
 *
 * Token buckets: the vendor's request rates.
 */
#ifndef SOCKERLESS_SIM_HTTP_RATE_LIMIT_H
#define SOCKERLESS_SIM_HTTP_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    double burst, per_second;
    double tokens;
    int64_t updated_ms; /* monotonic; 0: never used, the bucket is full */
};

/* Take one token at the given monotonic time; false when there is none. The caller locks. */
bool rate_limit_take(struct rate_limit *limit, int64_t now_ms);

#endif
