/* SPDX-License-Identifier: Apache-2.0
 * Quotas; see quotas.h. Numbers: the quota pages of Cloud Logging, Cloud Run and Cloud Functions; a
 * minute's quota is a bucket of that size that fills up again in a minute. */
#include "test/sim/gcp/quotas.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/http/rate_limit.h"

#include <pthread.h>
#include <string.h>

enum bucket {
    LOG_READS,
    JOB_RUNS,
    RUN_READS,
    RUN_WRITES,
    FUNCTION_READS,
    FUNCTION_WRITES,
    BUCKETS
};

static struct rate_limit buckets[BUCKETS] = {
    [LOG_READS] = {.burst = 60, .per_second = 1},
    [JOB_RUNS] = {.burst = 180, .per_second = 3},
    [RUN_READS] = {.burst = 3000, .per_second = 50},
    [RUN_WRITES] = {.burst = 180, .per_second = 3},
    [FUNCTION_READS] = {.burst = 1200, .per_second = 20},
    [FUNCTION_WRITES] = {.burst = 60, .per_second = 1},
};

static const struct {
    const char *service, *method;
    enum bucket bucket;
    const char *quota;
} methods[] = {
    {"logging", "entries.list", LOG_READS, "Read requests"},
    {"run", "jobs.run", JOB_RUNS, "Job run requests"},
    {"run", "jobs.create", RUN_WRITES, "Write requests"},
    {"run", "jobs.patch", RUN_WRITES, "Write requests"},
    {"run", "jobs.delete", RUN_WRITES, "Write requests"},
    {"run", "executions.cancel", RUN_WRITES, "Write requests"},
    {"run", "executions.delete", RUN_WRITES, "Write requests"},
    {"run", "jobs.get", RUN_READS, "Read requests"},
    {"run", "jobs.list", RUN_READS, "Read requests"},
    {"run", "executions.get", RUN_READS, "Read requests"},
    {"run", "executions.list", RUN_READS, "Read requests"},
    {"run", "tasks.get", RUN_READS, "Read requests"},
    {"run", "tasks.list", RUN_READS, "Read requests"},
    {"run", "operations.get", RUN_READS, "Read requests"},
    {"run", "services.get", RUN_READS, "Read requests"},
    {"run", "services.list", RUN_READS, "Read requests"},
    {"run", "services.patch", RUN_WRITES, "Write requests"},
    {"run", "services.delete", RUN_WRITES, "Write requests"},
    {"cloudfunctions", "functions.get", FUNCTION_READS, "Per project read requests"},
    {"cloudfunctions", "functions.list", FUNCTION_READS, "Per project read requests"},
    {"cloudfunctions", "operations.get", FUNCTION_READS, "Per project read requests"},
    {"cloudfunctions", "functions.create", FUNCTION_WRITES, "Per project mutation requests"},
    {"cloudfunctions", "functions.patch", FUNCTION_WRITES, "Per project mutation requests"},
    {"cloudfunctions", "functions.delete", FUNCTION_WRITES, "Per project mutation requests"},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const char *quotas_take(const char *service, const char *method)
{
    const char *used_up = NULL;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i].service, service) || strcmp(methods[i].method, method))
            continue;
        pthread_mutex_lock(&lock);
        if (!rate_limit_take(&buckets[methods[i].bucket], time_mono_ms()))
            used_up = methods[i].quota;
        pthread_mutex_unlock(&lock);
    }
    return used_up;
}
