/* SPDX-License-Identifier: Apache-2.0
 * Waiting before a repetition; see backoff.h. */
#include "base/backoff.h"

#include "base/http_date.h"
#include "base/id.h"
#include "base/timefmt.h"

int64_t backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, const char *retry_after)
{
    int64_t most = attempt < 20 ? base_ms << attempt : cap_ms;
    if (most > cap_ms)
        most = cap_ms;
    uint32_t dice;
    random_bytes(&dice, sizeof dice);
    int64_t wait = 1 + (int64_t)dice % most;
    int64_t asked = http_date_retry_after_ms(retry_after, time_now_ns() / 1000000000);
    if (asked > cap_ms)
        asked = cap_ms;
    return asked > wait ? asked : wait;
}
