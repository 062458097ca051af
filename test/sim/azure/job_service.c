/* SPDX-License-Identifier: Apache-2.0
 * The life of the simulated jobs as a whole; see job.h. */
#include "base/alloc.h"
#include "test/sim/azure/job.h"

#include <utlist.h>

struct job_service *job_service_open(struct azure *azure)
{
    struct job_service *s = NEW(struct job_service);
    s->azure = azure;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    return s;
}

void job_service_close(struct job_service *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    for (struct execution *e = s->executions; e; e = e->next) {
        execution_stop(e);
        e->deleted = true;
    }
    while (s->replicas)
        pthread_cond_wait(&s->changed, &s->lock);
    for (struct job *j = s->jobs; j; j = j->next)
        j->state = JOB_DELETING;
    pthread_mutex_unlock(&s->lock);
    while (s->executions) {
        struct execution *e = s->executions;
        LL_DELETE(s->executions, e);
        execution_free(e);
    }
    while (s->jobs) {
        struct job *j = s->jobs;
        LL_DELETE(s->jobs, j);
        job_free(j);
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
