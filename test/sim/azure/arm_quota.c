/* SPDX-License-Identifier: Apache-2.0
 * Token buckets; see arm_quota.h. Numbers: "Understand how Azure Resource Manager throttles
 * requests". */
#include "test/sim/azure/arm_quota.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/http/rate_limit.h"

#include <pthread.h>
#include <string.h>

enum bucket { READS, WRITES, DELETES, BUCKETS };

struct arm_quota {
    pthread_mutex_t lock;
    struct rate_limit buckets[BUCKETS];
};

struct arm_quota *arm_quota_new(void)
{
    struct arm_quota *q = NEW(struct arm_quota);
    pthread_mutex_init(&q->lock, NULL);
    q->buckets[READS] = (struct rate_limit){.burst = 250, .per_second = 25};
    q->buckets[WRITES] = (struct rate_limit){.burst = 200, .per_second = 10};
    q->buckets[DELETES] = (struct rate_limit){.burst = 200, .per_second = 10};
    return q;
}

void arm_quota_free(struct arm_quota *q)
{
    if (!q)
        return;
    pthread_mutex_destroy(&q->lock);
    free(q);
}

struct arm_quota_taken arm_quota_take(struct arm_quota *q, const char *http_method)
{
    static const char *const kinds[] = {"reads", "writes", "deletes"};
    enum bucket bucket = !strcmp(http_method, "GET")      ? READS
                         : !strcmp(http_method, "DELETE") ? DELETES
                                                          : WRITES;
    struct arm_quota_taken out = {.kind = kinds[bucket]};
    pthread_mutex_lock(&q->lock);
    out.good = rate_limit_take(&q->buckets[bucket], time_mono_ms());
    out.remaining = (long)q->buckets[bucket].tokens;
    pthread_mutex_unlock(&q->lock);
    return out;
}
