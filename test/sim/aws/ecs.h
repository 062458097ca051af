/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the simulated ECS: task definitions and tasks, under one lock. The file per noun:
 * cluster.c (clusters), capacity_provider.c (their providers), task_definition.c (registry of
 * definitions), task.c (a task and its JSON), task_runner.c (the thread that takes a task from
 * PROVISIONING to STOPPED), ecs_tasks.c (the API calls on tasks), ecs.c (all together).
 */
#ifndef SOCKERLESS_SIM_AWS_ECS_H
#define SOCKERLESS_SIM_AWS_ECS_H

#include "test/sim/aws/aws.h"
#include "test/sim/host/container.h"
#include "test/sim/host/network.h"

#include <pthread.h>

enum { TASK_ID_LEN = 32, TASK_CONTAINERS_MAX = 10, STOPPED_TASK_TTL_MS = 3600 * 1000 };

#define TASK_STATES(X)                                                                             \
    X(PROVISIONING)                                                                                \
    X(PENDING) X(ACTIVATING) X(RUNNING) X(DEACTIVATING) X(STOPPING) X(DEPROVISIONING) X(STOPPED)
#define X(name) TASK_##name,
enum task_state { TASK_STATES(X) };
#undef X
const char *task_state_name(enum task_state state);

struct task_definition {
    struct task_definition *next;
    char *family, *arn;
    int revision;
    const char *status; /* ACTIVE, INACTIVE, DELETE_IN_PROGRESS; static */
    json_t *json;       /* the model's TaskDefinition */
    json_t *tags;
};

struct task;

struct task_container {
    struct task *task;
    const json_t *definition; /* ContainerDefinition; borrowed from the task's definition */
    const json_t *override;   /* ContainerOverride or NULL; borrowed from the task's overrides */
    char *arn, *runtime_id, *reason, *image_digest;
    const struct image *image;
    enum { CONTAINER_PENDING, CONTAINER_RUNNING, CONTAINER_STOPPED } state;
    bool has_exit_code;
    int exit_code;
    struct container *process; /* while it runs, and until the task's end */
    pthread_t follower;
    bool following;
};

struct task {
    struct task *next;
    char id[TASK_ID_LEN + 1];
    char *arn, *cluster, *definition_arn, *family, *started_by, *group, *client_token,
        *capacity_provider; /* NULL without a strategy */
    json_t *request;        /* for the comparison that clientToken demands */
    json_t *definition, *overrides, *tags;
    enum task_state state;
    bool stop_requested;
    char *stop_code, *stopped_reason;
    struct network_endpoint endpoint;
    bool attached;
    char eni_id[24], attachment_id[37];
    char *subnet_id;
    int64_t created_ms, connectivity_ms, pull_started_ms, pull_stopped_ms, started_ms, stopping_ms,
        execution_stopped_ms, stopped_ms;
    int64_t version;
    long unseen; /* DescribeTasks calls that still answer MISSING */
    struct task_container containers[TASK_CONTAINERS_MAX];
    size_t container_count;
    pthread_cond_t changed;
};

struct ecs {
    struct aws *aws;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* a runner has ended */
    struct task_definition *definitions;
    json_t *revisions;  /* family -> last revision ever given */
    json_t *clusters;   /* see cluster.c */
    struct task *tasks; /* newest first */
    unsigned runners;
    bool closing;
};

struct ecs *ecs_open(struct aws *aws);
/* Stops every task at once and waits for them. */
void ecs_close(struct ecs *ecs);

/* cluster.c. The cluster of a call by name; "" is "default". False with the reply set when there is
 * no such cluster: besides "default" those exist that CreateCluster made. Takes the lock. */
bool cluster_of(struct ecs *ecs, const struct aws_call *call, struct aws_reply *reply,
                char out[256]);
json_t *cluster_default(void);
/* With the lock held; NULL when there is none. Borrowed. */
const json_t *cluster_find(struct ecs *ecs, const char *name);
char *cluster_arn(const struct aws *aws, const char *cluster);

/* capacity_provider.c. NULL or the message of an InvalidParameterException; text holds composed
 * ones. */
const char *capacity_providers_problem(const json_t *providers, char text[256]);
const char *capacity_strategy_problem(const json_t *strategy, const json_t *cluster,
                                      char text[256]);
/* The provider of a call's task by its number in it; NULL without a strategy. Borrowed. */
const char *capacity_provider_pick(const json_t *strategy, int64_t number);

/* task_definition.c. With the lock held: by ARN, family:revision or family (latest ACTIVE); NULL.
 */
struct task_definition *task_definition_find(struct ecs *ecs, const char *name);
void task_definition_free(struct task_definition *definition);

/* task.c. find: with the lock held; cluster NULL: any. */
struct task *task_find(struct ecs *ecs, const char *cluster, const char *id_or_arn);
/* provider: of capacity, or NULL. */
struct task *task_new(struct ecs *ecs, const char *cluster, struct task_definition *definition,
                      const json_t *request, const char *provider);
void task_free(struct task *task);
json_t *task_json(struct ecs *ecs, const struct task *task, bool with_tags);
/* With the lock held. */
void task_set_state(struct task *task, enum task_state state);
/* With the lock held: ask for the end; the first reason stays. */
void task_stop(struct task *task, const char *stop_code, const char *reason);

/* task_runner.c: starts the thread; it owns the task's progress from here. With the lock held. */
int task_runner_start(struct ecs *ecs, struct task *task, struct error *err) MUST_CHECK;

/* task_definition_check.c: the rules of RegisterTaskDefinition for Fargate. */
int task_definition_check(const json_t *request, struct error *err) MUST_CHECK;
/* Tag lists: size, lengths, character set. */
int tags_check(const json_t *tags, struct error *err) MUST_CHECK;

/* RunTask's rules; the reply is set when they are broken. With the lock held. */
bool run_task_check(const json_t *cluster, const struct aws_call *call,
                    const struct task_definition *definition, struct aws_reply *reply);
/* The strategy of a call, or the cluster's; NULL: none, the launch type decides. Borrowed. */
const json_t *run_task_strategy(const json_t *cluster, const json_t *input);

/* Operations, by file. */
void ecs_register_task_definition(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_deregister_task_definition(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_delete_task_definitions(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_describe_task_definition(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_list_task_definitions(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_run_task(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_describe_tasks(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_list_tasks(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_stop_task(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_describe_clusters(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_list_clusters(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_create_cluster(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_delete_cluster(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_put_cluster_capacity_providers(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_describe_capacity_providers(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_tag_resource(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_untag_resource(struct aws *, const struct aws_call *, struct aws_reply *);
void ecs_list_tags_for_resource(struct aws *, const struct aws_call *, struct aws_reply *);

#endif
