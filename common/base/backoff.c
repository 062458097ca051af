/* SPDX-License-Identifier: Apache-2.0
 * Waiting before a repetition; see backoff.h. */
#include "base/backoff.h"

#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"

/* 0: not asked. */
static int64_t asked_ms(const char *retry_after, int64_t cap_ms)
{
    int64_t value;
    if (!retry_after)
        return 0;
    if (str_to_i64(retry_after, &value))
        return value > cap_ms / 1000 ? cap_ms : value * 1000;
    if (!timefmt_parse_http(retry_after, &value))
        return 0;
    value = (value - time_now_ns()) / 1000000 + 1;
    return value > cap_ms ? cap_ms : value;
}

int64_t backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, const char *retry_after)
{
    int64_t most = attempt < 20 ? base_ms << attempt : cap_ms;
    if (most > cap_ms)
        most = cap_ms;
    uint32_t dice;
    random_bytes(&dice, sizeof dice);
    int64_t wait = 1 + (int64_t)dice % most;
    int64_t asked = asked_ms(retry_after, cap_ms);
    return asked > wait ? asked : wait;
}
