/* SPDX-License-Identifier: Apache-2.0
 * The life of the simulated Cloud Run as a whole; see run.h. */
#include "test/sim/gcp/run.h"

#include "base/alloc.h"

struct run *run_open(struct gcp *gcp)
{
    struct run *run = NEW(struct run);
    pthread_condattr_t monotonic;
    run->gcp = gcp;
    pthread_mutex_init(&run->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return run;
}

void run_close(struct run *run)
{
    if (!run)
        return;
    pthread_mutex_lock(&run->lock);
    for (struct execution *e = run->executions; e; e = e->next)
        execution_cancel(e);
    while (run->runners)
        pthread_cond_wait(&run->changed, &run->lock);
    pthread_mutex_unlock(&run->lock);
    while (run->executions) {
        struct execution *next = run->executions->next;
        execution_free(run->executions);
        run->executions = next;
    }
    while (run->jobs) {
        struct job *next = run->jobs->next;
        job_free(run->jobs);
        run->jobs = next;
    }
    operation_free_all(run);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    free(run);
}
