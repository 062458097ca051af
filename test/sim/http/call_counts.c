/* SPDX-License-Identifier: Apache-2.0
 * Counters by operation; see call_counts.h. */
#include "test/sim/http/call_counts.h"

#include "base/alloc.h"

#include <pthread.h>

struct call_counts {
    pthread_mutex_t lock;
    json_t *numbers;
};

struct call_counts *call_counts_new(void)
{
    struct call_counts *counts = NEW(struct call_counts);
    pthread_mutex_init(&counts->lock, NULL);
    counts->numbers = json_object();
    return counts;
}

void call_counts_free(struct call_counts *counts)
{
    if (!counts)
        return;
    json_decref(counts->numbers);
    pthread_mutex_destroy(&counts->lock);
    free(counts);
}

void call_counts_add(struct call_counts *counts, const char *service, const char *operation)
{
    AUTO_FREE char *key = xasprintf("%s.%s", service, operation);
    pthread_mutex_lock(&counts->lock);
    json_int_t n = json_integer_value(json_object_get(counts->numbers, key));
    json_object_set_new(counts->numbers, key, json_integer(n + 1));
    pthread_mutex_unlock(&counts->lock);
}

json_t *call_counts_json(struct call_counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    json_t *copy = json_deep_copy(counts->numbers);
    pthread_mutex_unlock(&counts->lock);
    return copy;
}
