/* SPDX-License-Identifier: Apache-2.0
 * When a registry is asked again; see registry_retry.h. */
#include "oci/registry/registry_retry.h"

#include "base/backoff.h"
#include "base/http_date.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_LOW = 20 }; /* remaining requests from which the log warns */

int64_t retry_after_ms(const struct http_response *res, int64_t now_s)
{
    return http_date_retry_after_ms(http_response_header(res, "Retry-After"), now_s);
}

int64_t retry_backoff_ms(int64_t base_ms, int attempt)
{
    return backoff_ms(attempt - 1, base_ms, RETRY_BACKOFF_MAX_MS, NULL);
}

int64_t retry_wait_ms(const struct http_response *res, int64_t base_ms, int attempt)
{
    int64_t asked = retry_after_ms(res, time_now_ns() / 1000000000);
    if (asked < 0)
        return retry_backoff_ms(base_ms, attempt);
    return asked > RETRY_AFTER_MAX_MS ? -1 : asked;
}

void retry_log_limits(const char *host, const struct http_response *res)
{
    const char *remaining = http_response_header(res, "RateLimit-Remaining");
    const char *limit = http_response_header(res, "RateLimit-Limit");
    if (!remaining)
        return;
    char left[32], of[32]; /* "76;w=21600": 76 in 6 hours */
    snprintf(left, sizeof left, "%s", remaining);
    snprintf(of, sizeof of, "%s", str_or_empty(limit));
    if (strtol(left, NULL, 10) < LIMIT_LOW)
        log_info("registry rate limit is near", LOG_STR("registry", host),
                 LOG_STR("remaining", left), LOG_STR("limit", of));
    else
        log_debug("registry rate limit", LOG_STR("registry", host), LOG_STR("remaining", left),
                  LOG_STR("limit", of));
}
