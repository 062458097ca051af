/* SPDX-License-Identifier: Apache-2.0
 *
 * When a registry is asked again, and what it says of its limits.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_RETRY_H
#define SOCKERLESS_OCI_REGISTRY_RETRY_H

#include "loop/http_client.h"

#include <stdint.h>

enum {
    RETRY_AFTER_MAX_MS = 60 * 1000, /* asked for longer: an error is reported instead */
    RETRY_BACKOFF_MS = 200,
    RETRY_BACKOFF_MAX_MS = 5000,
};

/* Retry-After, seconds or an HTTP date (RFC 9110, 10.2.3), in ms from now, never negative;
 * -1: none, or unreadable. now_s: seconds since the epoch. */
int64_t retry_after_ms(const struct http_response *res, int64_t now_s);
/* Full jitter: anything up to base doubled with each attempt (1 is the first). */
int64_t retry_backoff_ms(int64_t base_ms, int attempt);
/* What to wait before the next attempt after this answer; -1: too long. */
int64_t retry_wait_ms(const struct http_response *res, int64_t base_ms, int attempt);
/* RateLimit-Limit and RateLimit-Remaining (Docker Hub) to the log, if there are any. */
void retry_log_limits(const char *host, const struct http_response *res);

#endif
