/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the simulated Container Apps jobs: jobs, their executions, operations, under one
 * lock. The file per noun: job.c (jobs, and the lists of jobs and executions), job_check.c (the
 * rules of a job), job_methods.c (the API calls of jobs), execution.c (an execution and its JSON),
 * execution_methods.c (its calls), replica.c (the thread that takes an execution to its end),
 * replica_process.c (one of its containers), operation.c, job_service.c (all together).
 */
#ifndef SOCKERLESS_SIM_AZURE_JOB_H
#define SOCKERLESS_SIM_AZURE_JOB_H

#include "test/sim/azure/azure.h"
#include "test/sim/host/network.h"

#include <pthread.h>

enum {
    JOB_NAME_MAX = 31,
    JOBS_MAX = 1000,
    EXECUTIONS_PER_JOB_MAX = 1000,
    OPERATIONS_MAX = 4000,
    EXECUTION_NAME_MAX = JOB_NAME_MAX + 8, /* the job's, a hyphen, seven characters */
    REPLICA_NAME_MAX = EXECUTION_NAME_MAX + 6
};

/* Where the simulator tells the address of an execution's replica, which Azure's API has no member
 * for: execution.tags, from the moment its network is up. */
#define SIM_ADDRESS_TAG "sockerless-sim-address"

#define JOB_STATES(X)                                                                              \
    X(JOB_IN_PROGRESS, "InProgress")                                                               \
    X(JOB_SUCCEEDED, "Succeeded")                                                                  \
    X(JOB_FAILED, "Failed")                                                                        \
    X(JOB_DELETING, "Deleting")
#define X(name, text) name,
enum job_state { JOB_STATES(X) };
#undef X

struct job {
    struct job *next;
    char name[JOB_NAME_MAX + 1];
    json_t *json; /* as it was put, with the service's defaults; secrets have their values */
    enum job_state state;
    int64_t ready_ms; /* in progress until then */
    bool fails_late;
    int64_t created_ns, changed_ns;
    unsigned execution_count;
};

#define EXECUTION_STATES(X)                                                                        \
    X(EXECUTION_PROCESSING, "Processing")                                                          \
    X(EXECUTION_RUNNING, "Running")                                                                \
    X(EXECUTION_SUCCEEDED, "Succeeded")                                                            \
    X(EXECUTION_FAILED, "Failed")                                                                  \
    X(EXECUTION_STOPPED, "Stopped")
#define X(name, text) name,
enum execution_state { EXECUTION_STATES(X) };
#undef X
const char *execution_state_name(enum execution_state state);

enum { REPLICA_CONTAINERS_MAX = 16 };

/* A container of a replica, as detailedStatus tells of it. */
struct replica_container {
    char name[64];
    const char *status; /* "Running", "Terminated"; NULL: has not begun */
    const char *reason; /* "Completed", "Error", "OOMKilled" …; static */
    int code;
    bool ended;
};

struct execution {
    struct execution *next; /* newest first */
    struct job_service *service;
    char name[EXECUTION_NAME_MAX + 1], job_name[JOB_NAME_MAX + 1];
    char replica[REPLICA_NAME_MAX + 1], netns_id[NETWORK_ID_LEN + 1];
    json_t *template;      /* JobTemplate after what start has overridden */
    json_t *configuration; /* of the job when it was started */
    enum execution_state state;
    bool stop_requested, deleted, alive; /* alive: the replica's thread lives */
    int64_t created_ns, ended_ns;
    int retried;
    struct replica_container containers[REPLICA_CONTAINERS_MAX];
    size_t container_count;
    char *problem; /* why it has failed */
    struct network_endpoint endpoint;
    bool attached;
    int pid; /* of the container started last; 0: none runs */
    pthread_cond_t changed;
};

#define OPERATION_KINDS(X)                                                                         \
    X(OPERATION_JOB_PUT)                                                                           \
    X(OPERATION_JOB_DELETE) X(OPERATION_START) X(OPERATION_STOP)
#define X(name) name,
enum operation_kind { OPERATION_KINDS(X) };
#undef X

struct job_service {
    struct azure *azure;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a replica has ended */
    struct job *jobs;       /* newest first */
    struct execution *executions;
    struct operation *operations;
    size_t job_count, operation_count;
    unsigned replicas;
};

struct job_service *job_service_open(struct azure *azure);
/* Kills every execution and waits for them. */
void job_service_close(struct job_service *s);
/* Locks, and brings jobs and operations up to the present. */
void job_service_lock(struct job_service *s);
void job_service_unlock(struct job_service *s);

/* Everything below: with the lock held. job.c: */
struct job *job_find(struct job_service *s, const char *name);
struct execution *execution_find(struct job_service *s, const char *job, const char *name);
/* json: a checked job, transferred. */
struct job *job_new(struct job_service *s, const char *name, json_t *json);
void job_replace(struct job *job, json_t *json);
/* A change is under way until operation_ms have passed. */
void job_begin_change(struct job_service *s, struct job *job, enum job_state state,
                      bool fails_late);
json_t *job_json(const struct job_service *s, const struct job *job);
void job_free(struct job *job);
/* Jobs and executions that are deleted and of which nothing runs are forgotten. */
void job_sweep(struct job_service *s);

/* job_name.c: heap. */
char *job_id(const struct job_service *s, const char *name);

/* job_check.c: the rules of a job; fills in the service's defaults. The error is in the reply. */
bool job_check(const struct azure *azure, const char *name, json_t *job, const struct job *before,
               struct azure_reply *reply);
/* What start may override: the rules, and what becomes of the JobTemplate. */
bool job_override(json_t *template, const json_t *overrides, struct azure_reply *reply);
/* "0.5Gi" → bytes. */
bool job_memory_bytes(const char *text, int64_t *out);

/* execution.c; template: transferred. */
struct execution *execution_new(struct job_service *s, struct job *job, json_t *template);
void execution_free(struct execution *e);
/* version: the call's, detailedStatus is not in all of them. */
json_t *execution_json(struct execution *e, const char *version);
bool execution_is_done(const struct execution *e);
void execution_set_state(struct execution *e, enum execution_state state);
void execution_stop(struct execution *e);
char *execution_id(const struct execution *e);

/* replica.c: starts the thread that owns the execution's progress from here. */
int replica_start(struct execution *e, struct error *err) MUST_CHECK;

/* operation.c: begins an operation and sets status, headers and body of the reply. execution NULL:
 * about the job. */
void operation_start(struct job_service *s, const struct azure_call *call, enum operation_kind kind,
                     const struct job *job, const struct execution *execution,
                     struct azure_reply *reply);
/* Before job_service_close(), when there are no more requests. NULL is fine. */
void operation_free_all(struct job_service *s);

#endif
