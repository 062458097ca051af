/* SPDX-License-Identifier: Apache-2.0
 *
 * How long to wait before a call is repeated: exponential, full jitter, never less than the service
 * asked for.
 */
#ifndef SOCKERLESS_BASE_BACKOFF_H
#define SOCKERLESS_BASE_BACKOFF_H

#include <stdint.h>

/* attempt 0 is the first repetition: 1 ms to base_ms << attempt, at most cap_ms. retry_after: the
 * header's value, seconds or an HTTP date; NULL or anything else: not asked. It is bounded by
 * cap_ms, too. */
int64_t backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, const char *retry_after);

#endif
