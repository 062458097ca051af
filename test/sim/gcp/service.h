/* SPDX-License-Identifier: Apache-2.0
 *
 * Services of the simulated Cloud Run, under the lock of run.h. A file per noun: service.c
 * (services and their revisions), service_check.c (the rules), service_methods.c (the API calls),
 * deployment.c (the thread that makes a revision serve), instance.c (a revision's container and its
 * thread), invocation.c (a request on its way to an instance).
 */
#ifndef SOCKERLESS_SIM_GCP_SERVICE_H
#define SOCKERLESS_SIM_GCP_SERVICE_H

#include "test/sim/gcp/run.h"

#include <uthash.h>

enum { SERVICES_MAX = 1000, SERVICE_ID_MAX = 63, REVISIONS_MAX = 1000, INSTANCES_MAX = 100 };

#define SERVICE_TYPE "type.googleapis.com/google.cloud.run.v2.Service"
/* Where services answer, on the simulator's own listener: this, and the id of the service. */
#define SERVICE_URL_PREFIX "/run.app/"
#define FUNCTION_URL_PREFIX "/cloudfunctions.net/"

enum instance_state { INSTANCE_STARTING, INSTANCE_READY, INSTANCE_ENDING };

struct instance {
    struct instance *next;
    struct revision *revision;
    char id[33], netns_id[NETWORK_ID_LEN + 1];
    enum instance_state state;
    unsigned in_flight; /* requests */
    int64_t idle_ms;    /* since when it has had none */
    bool end_requested;
    struct network_endpoint endpoint;
    bool attached;
    struct process process;
    struct fate fate; /* of the start */
    pthread_cond_t changed;
    unsigned users; /* threads that wait for its start */
    bool over;
};

enum revision_state { REVISION_DEPLOYING, REVISION_READY, REVISION_FAILED };

struct revision {
    struct revision *next; /* newest first */
    struct service *service;
    char id[SERVICE_ID_MAX + 12], uid[37];
    unsigned serial;
    json_t *template;
    enum revision_state state;
    struct fate fate;
    int64_t created_ns;
    bool is_stub; /* what Cloud Build made of a function's source: the simulator answers for it */
    struct instance *instances;
    size_t instance_count;
};

struct service {
    UT_hash_handle hh;
    struct run *run;
    char id[SERVICE_ID_MAX + 1], uid[37];
    bool of_function; /* function's id is the service's */
    json_t *json;     /* the model's Service but for what service_json() adds */
    int64_t generation, observed;
    unsigned serial; /* of the newest revision */
    size_t revision_count;
    struct revision *revisions, *ready; /* ready: it serves */
    unsigned deployments;               /* going on */
    struct fate fate;                   /* of the last one */
    bool deleted;
    unsigned refs; /* the table, and threads that use it */
};

/* ---- service.c; with the lock ---- */

struct service *service_find(struct run *run, const char *id);
/* json: a checked Service, transferred. Its first revision is service_revise()'s. */
struct service *service_new(struct run *run, const char *id, json_t *json, const char *creator);
/* A new version; json: checked, transferred. */
void service_replace(struct service *service, json_t *json, const char *modifier);
/* A revision of the present template. */
struct revision *service_revise(struct service *service, bool is_stub);
struct revision *service_find_revision(const struct service *service, const char *id);
/* Out of the table; its instances end. */
void service_delete(struct service *service);
struct service *service_ref(struct service *service);
void service_unref(struct service *service);
json_t *service_json(const struct service *service);
json_t *service_typed_json(const struct service *service); /* with "@type" */
char *service_uri(const struct gcp *gcp, const char *id);  /* heap */
void service_delete_all(struct run *run);

/* ---- service_check.c ---- */

/* The members of a Service, for update masks. */
extern const char service_members[];
/* The rules; fills in Google's defaults. id: whose name revisions begin with. */
int service_check(const struct gcp *gcp, json_t *service, const char *id,
                  struct error *err) MUST_CHECK;

/* ---- instance.c; with the lock ---- */

/* Starts an instance and its thread; NULL: no thread. */
struct instance *instance_start(struct revision *revision);
/* Whoever has an instance from instance_start or looks at it while the lock is not held keeps it.
 */
void instance_keep(struct instance *instance);
void instance_let_go(struct instance *instance);
const json_t *instance_container(const struct instance *instance);
long instance_port(const struct revision *revision);

/* ---- deployment.c; with the lock ---- */

/* Makes the newest revision serve, in a thread, and ends the operation. revision NULL: nothing is
 * to be deployed, the operation ends after its time. */
int deployment_start(struct service *service, struct revision *revision, const char *operation,
                     struct error *err) MUST_CHECK;
/* The same in the caller's thread; the service is kept by the caller. Waits. */
struct fate deployment_carry_out(struct service *service, struct revision *revision);

/* ---- invocation.c ---- */

/* Route handler: a request to a service or a function. ctx: the struct gcp. */
void invocation_request(void *ctx, const struct http_request *request, struct http_reply *reply);
/* What is under way: [{service, revision, instance}, …]; with the lock. */
json_t *invocation_list_json(const struct run *run);

#endif
