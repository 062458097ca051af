/* SPDX-License-Identifier: Apache-2.0
 * The life of the simulated Cloud Run as a whole; see run.h. */
#include "test/sim/gcp/run.h"

#include "base/alloc.h"
#include "test/sim/gcp/function.h"
#include "test/sim/gcp/resource.h"

#include <utlist.h>

struct run *run_open(struct gcp *gcp)
{
    struct run *run = NEW(struct run);
    run->gcp = gcp;
    pthread_mutex_init(&run->lock, NULL);
    resource_cond_init(&run->changed);
    return run;
}

void run_close(struct run *run)
{
    if (!run)
        return;
    pthread_mutex_lock(&run->lock);
    for (struct execution *one = run->executions; one; one = one->next)
        execution_cancel(one);
    service_delete_all(run);
    pthread_cond_broadcast(&run->changed); /* ends delays */
    while (run->runners)
        pthread_cond_wait(&run->changed, &run->lock);
    service_delete_all(run); /* what was made meanwhile */
    pthread_mutex_unlock(&run->lock);
    struct execution *e, *next_execution;
    LL_FOREACH_SAFE(run->executions, e, next_execution)
    {
        execution_free(e);
    }
    struct job *j, *next_job;
    LL_FOREACH_SAFE(run->jobs, j, next_job)
    {
        job_free(j);
    }
    function_free_all(run);
    operation_free_all(run);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    free(run);
}
