/* SPDX-License-Identifier: Apache-2.0
 * Token bucket; see token_bucket.h. */
#include "base/token_bucket.h"

void token_bucket_init(struct token_bucket *b, double rate_per_s, double burst, int64_t now_ms)
{
    b->rate_per_s = rate_per_s;
    b->burst = burst < 1 ? 1 : burst;
    b->tokens = b->burst;
    b->filled_ms = now_ms;
}

static void fill(struct token_bucket *b, int64_t now_ms)
{
    if (now_ms > b->filled_ms)
        b->tokens += (double)(now_ms - b->filled_ms) / 1000 * b->rate_per_s;
    b->filled_ms = now_ms;
    if (b->tokens > b->burst)
        b->tokens = b->burst;
}

int64_t token_bucket_take(struct token_bucket *b, int64_t now_ms, int64_t max_wait_ms)
{
    fill(b, now_ms);
    int64_t wait_ms = 0;
    if (b->tokens < 1)
        wait_ms = (int64_t)((1 - b->tokens) / b->rate_per_s * 1000) + 1;
    if (wait_ms > max_wait_ms)
        return -1;
    b->tokens -= 1;
    return wait_ms;
}

void token_bucket_drain(struct token_bucket *b, int64_t now_ms)
{
    fill(b, now_ms);
    if (b->tokens > 0)
        b->tokens = 0;
}

bool token_bucket_has_spare(struct token_bucket *b, int64_t now_ms)
{
    fill(b, now_ms);
    return b->tokens >= b->burst / 2;
}
