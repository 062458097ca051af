/* SPDX-License-Identifier: Apache-2.0
 *
 * Token bucket: keeps the calls of one API (or of a group that shares a quota) below the vendor's
 * rate. Takers reserve a token and wait for it, so the order of arrival is kept. The clock is a
 * parameter. One per quota in each cloud's client.
 */
#ifndef SOCKERLESS_BASE_TOKEN_BUCKET_H
#define SOCKERLESS_BASE_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    double tokens; /* negative: reserved ahead */
    double rate_per_s, burst;
    int64_t filled_ms; /* when tokens was computed */
};

/* Starts full. */
void token_bucket_init(struct token_bucket *b, double rate_per_s, double burst, int64_t now_ms);
/* Reserve one token: how long to wait until it is there, in ms (0: now), or -1 when that is longer
 * than max_wait_ms; then nothing was reserved. */
int64_t token_bucket_take(struct token_bucket *b, int64_t now_ms, int64_t max_wait_ms);
/* The vendor throttled us: whatever we believed to have is gone. */
void token_bucket_drain(struct token_bucket *b, int64_t now_ms);
/* At least half full: background work may go on. */
bool token_bucket_has_spare(struct token_bucket *b, int64_t now_ms);

#endif
