/* SPDX-License-Identifier: Apache-2.0
 * Waiting before a repetition; see backoff.h. */
#include "base/backoff.h"

#include "base/id.h"
#include "base/str.h"

int64_t backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, const char *retry_after)
{
    int64_t most = attempt < 20 ? base_ms << attempt : cap_ms;
    if (most > cap_ms)
        most = cap_ms;
    uint32_t dice;
    random_bytes(&dice, sizeof dice);
    int64_t wait = 1 + (int64_t)dice % most;
    int64_t asked_s;
    if (retry_after && str_to_i64(retry_after, &asked_s) && asked_s > 0) {
        int64_t asked = asked_s > cap_ms / 1000 ? cap_ms : asked_s * 1000;
        if (asked > wait)
            wait = asked;
    }
    return wait;
}
