/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the simulated Cloud Run: jobs, their executions, operations, under one lock, which
 * is that of services (service.h) and functions (function.h), too. The
 * file per noun: job.c (jobs, and the lists of jobs and executions), job_check.c (the rules of a
 * job), execution.c (an execution, its task and their JSON), execution_runner.c (the thread that
 * takes an execution to its end), operation.c, run.c (all together), run_methods.c (the API calls).
 */
#ifndef SOCKERLESS_SIM_GCP_RUN_H
#define SOCKERLESS_SIM_GCP_RUN_H

#include "test/sim/gcp/gcp.h"
#include "test/sim/gcp/process.h"
#include "test/sim/host/network.h"
#include "test/sim/host/runner.h"

#include <pthread.h>

enum {
    JOB_ID_MAX = 49,
    JOBS_MAX = 1000,
    EXECUTIONS_PER_JOB_MAX = 1000,
    OPERATIONS_MAX = 2000,
    EXECUTION_ID_MAX = 56, /* the job's, a hyphen, five characters */
    OPERATION_ID_MAX = 64
};

/* Where the simulator tells the address of an execution's task, which Google's API has no member
 * for: an annotation of the execution, from the moment its network is up. */
#define SIM_ADDRESS_ANNOTATION "sockerless.dev/sim-address"

struct job {
    struct job *next;
    char id[JOB_ID_MAX + 1], uid[37];
    json_t *json; /* the model's Job but for what job_json() adds */
    int64_t generation, deleted_ns;
    int64_t ready_ms; /* reconciling until then */
    unsigned execution_count;
};

#define EXECUTION_STATES(X)                                                                        \
    X(PENDING)                                                                                     \
    X(RUNNING) X(SUCCEEDED) X(FAILED) X(CANCELLED)
#define X(name) EXECUTION_##name,
enum execution_state { EXECUTION_STATES(X) };
#undef X
const char *execution_state_name(enum execution_state state);

struct execution {
    struct execution *next; /* newest first */
    struct run *run;
    char id[EXECUTION_ID_MAX + 1], uid[37], netns_id[NETWORK_ID_LEN + 1];
    char job_id[JOB_ID_MAX + 1];
    json_t *template; /* TaskTemplate after overrides */
    json_t *labels, *annotations;
    enum execution_state state;
    bool cancel_requested, deleted, running; /* running: the runner's thread lives */
    int64_t created_ns, started_ns, completed_ns, updated_ns, generation;
    int retried;
    /* The last attempt. */
    bool has_result;
    int exit_code, term_signal;
    const char *reason;     /* executionReason or NULL; static */
    const char *error_code; /* google.rpc.Code's name; static */
    char *message;          /* of a failure */
    struct network_endpoint endpoint;
    bool attached;
    const struct image *image;
    struct process process;
    pthread_cond_t changed;
};

#define OPERATION_KINDS(X)                                                                         \
    X(JOB_CREATE)                                                                                  \
    X(JOB_PATCH)                                                                                   \
    X(JOB_DELETE) X(EXECUTION_RUN) X(EXECUTION_CANCEL) X(EXECUTION_DELETE) X(TOLD)
#define X(name) OPERATION_##name,
enum operation_kind { OPERATION_KINDS(X) };
#undef X

struct run {
    struct gcp *gcp;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a runner has ended, or an execution has changed its state */
    struct job *jobs;       /* newest first */
    struct execution *executions;
    struct operation *operations; /* by id */
    struct service *services;     /* by id; service.h */
    struct function *functions;   /* by id; function.h */
    struct invocation *invocations;
    unsigned instance_count;
    size_t job_count;
    unsigned runners;
};

struct run *run_open(struct gcp *gcp);
/* Kills every execution and waits for them. */
void run_close(struct run *run);

/* Waits, with the lock, unless the simulator ends. */
static inline void run_delay(struct run *run, long ms)
{
    runner_delay(&run->changed, &run->lock, ms, &run->gcp->closing);
}

/* Everything below: with the lock held. job.c: */
struct job *run_find_job(struct run *run, const char *id);
struct execution *run_find_execution(struct run *run, const char *job, const char *id);
/* Forgets deleted jobs and executions that nothing runs of any more. */
void run_sweep(struct run *run);
bool run_job_is_idle(const struct run *run, const char *job_id);

/* job.c; json: a checked Job, transferred. */
struct job *job_new(struct run *run, const char *id, json_t *json, const char *creator);
void job_replace(struct job *job, json_t *json, const char *modifier);
json_t *job_json(const struct run *run, const struct job *job);
void job_free(struct job *job);

/* job_check.c: the rules of a Job; fills in Google's defaults. */
int job_check(json_t *job, struct error *err) MUST_CHECK;
/* Overrides of jobs.run: the rules, and what becomes of the TaskTemplate. */
int job_override(json_t *task_template, const json_t *overrides, struct error *err) MUST_CHECK;
bool job_id_valid(const char *id);

/* execution.c; task_template: transferred. */
struct execution *execution_new(struct run *run, struct job *job, json_t *task_template);
void execution_free(struct execution *e);
json_t *execution_json(const struct execution *e);
json_t *execution_task_json(const struct execution *e);
void execution_set_state(struct execution *e, enum execution_state state);
bool execution_is_done(const struct execution *e);
void execution_cancel(struct execution *e);

/* execution_runner.c: starts the thread that owns the execution's progress from here. */
int execution_runner_start(struct execution *e, struct error *err) MUST_CHECK;

/* operation.c; returns the operation's JSON. */
json_t *operation_start(struct run *run, enum operation_kind kind, const struct job *job,
                        const struct execution *execution);
/* What a call with validateOnly is answered: an operation that is done and is kept nowhere.
 * resource: what the call would have made or changed; transferred. */
json_t *operation_checked(struct run *run, enum operation_kind kind, json_t *resource);
void operation_free_all(struct run *run);

/* How something has ended. */
struct fate {
    const char *status; /* NULL: well; else one of google.rpc.Code's names, static */
    char message[1024];
};

/* An operation that its owner tells about: what is told has its "@type" already. metadata,
 * response: transferred. operation_open returns the operation's JSON. */
json_t *operation_open(struct run *run, const char *id, json_t *metadata);
void operation_tell(struct run *run, const char *id, json_t *metadata);
void operation_end(struct run *run, const char *id, json_t *response, const struct fate *fate);
/* operations.get: takes the lock. */
void operation_answer(struct gcp *gcp, const char *id, struct gcp_reply *reply);

#endif
