/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulated Google services share: the project, its parts, and the shape of a method.
 */
#ifndef SOCKERLESS_SIM_GCP_GCP_H
#define SOCKERLESS_SIM_GCP_GCP_H

#include "base/error.h"
#include "test/sim/http/server.h"
#include "test/sim/http/value.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct token_store;
struct id_token_signer;
struct run;
struct source_uploads;
struct cloud_logging;
struct image_store;
struct container_runtime;
struct network;
struct fault_list;
struct journal;
struct call_counts;
struct artifact_registry;

/* Settings that POST /_sim/config changes while running. */
#define GCP_TUNING(X)                                                                              \
    X(provision_ms)       /* before a task's image is pulled */                                    \
    X(operation_ms)       /* until create, update and delete are done */                           \
    X(stop_grace_ms)      /* between SIGTERM and SIGKILL */                                        \
    X(log_delay_ms)       /* until an entry can be read */                                         \
    X(log_late)           /* entries still to hold back … */                                     \
    X(log_late_ms)        /* … for so long */                                                    \
    X(log_duplicate)      /* entries still to store twice: same insertId */                        \
    X(log_skew)           /* entries still to date back by … */                                  \
    X(log_skew_ms)        /* … so much */                                                        \
    X(log_same_time)      /* entries still to date like the one before */                          \
    X(log_own_time)       /* 1: the times that lines bring are ignored … */                      \
    X(log_own_ids)        /* 1: … and their insertIds */                                         \
    X(log_ids_descend)    /* 1: newest first, those of one time come by descending insertId */     \
    X(log_empty_pages)    /* answers still to give without entries, but with nextPageToken */      \
    X(token_ttl_s)        /* lifetime of access tokens */                                          \
    X(throttling)         /* 1: Google's request quotas */                                         \
    X(startup_timeout_ms) /* until its port must answer */                                         \
    X(idle_ms)            /* until an instance without requests ends */                            \
    X(queue_ms)           /* until a request without an instance is refused */                     \
    X(invoke_twice)       /* requests to services still to deliver twice */                        \
    X(build_ms)           /* that Cloud Build takes for a function */                              \
    X(build_fails)        /* builds still to fail */                                               \
    X(quota_refused)      /* revisions still to refuse for the quota of CPUs … */                \
    X(quota_disguise)     /* … as 0: itself, 1: a health check, 2: PORT */                       \
    X(uri_missing)        /* functions.get still to answer without uri */                          \
    X(service_reset)      /* patches of functions' services still to undo … */                   \
    X(service_reset_ms)   /* … after so long */

struct gcp_tuning {
#define X(name) atomic_long name;
    GCP_TUNING(X)
#undef X
};

/* The project. Everything but `tuning` is set once, at start; the parts lock themselves. */
struct gcp {
    char *state_dir, *project, *region, *gcs_dir;
    char *address; /* "127.0.0.1:4567", of the listener */
    struct gcp_tuning tuning;
    struct token_store *tokens;
    struct id_token_signer *id_tokens;
    struct run *run;
    struct source_uploads *uploads;
    struct cloud_logging *logging;
    struct artifact_registry *registry;
    struct image_store *images;
    struct container_runtime *runtime;
    struct network *network;
    struct fault_list *faults;
    struct journal *journal;
    struct call_counts *counts;
    atomic_bool closing; /* ends injected delays and waits */
};

enum { GCP_PATH_PARTS = 6, GCP_PART_MAX = 256, GCP_PROJECT_NUMBER_LEN = 12 };
#define GCP_PROJECT_NUMBER "123456789012"

struct gcp_call {
    const struct http_request *request;
    json_t *body; /* an object, never NULL */
    /* What the stars of the method's path stood for: project, location, job, execution, task. */
    char part[GCP_PATH_PARTS][GCP_PART_MAX];
    char principal[256]; /* an e-mail address, or "" */
};

struct gcp_reply {
    const char *status; /* "NOT_FOUND" … (static); NULL for success */
    char message[1024];
    char retry_after[16]; /* "" for none */
    json_t *output;       /* success; owned */
    bool drop;
};

struct gcp_method {
    const char *service, *id; /* in the discovery document: "projects.locations.jobs.create" */
    const char *http_method, *path;
    void (*run)(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply);
    bool public; /* no access token needed */
};

/* Tables, each ended by a NULL service. */
extern const struct gcp_method run_methods[], operation_methods[], logging_methods[], iam_methods[],
    artifact_methods[], service_methods[], function_methods[];

/* Answers. output: transferred. */
void gcp_reply_json(struct gcp_reply *reply, json_t *output);
/* status: one of google.rpc.Code's names. */
void gcp_reply_error(struct gcp_reply *reply, const char *status, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
int gcp_status_http(const char *status); /* NOT_FOUND → 404 */
int gcp_status_code(const char *status); /* NOT_FOUND → 5 */
json_t *gcp_error_json(const char *status, const char *message);

/* A time as google-datetime; nothing when 0. */
void gcp_set_time(json_t *object, const char *key, int64_t ns);
/* A member left out when it is zero or empty, as proto3's JSON does. */
void gcp_set_int(json_t *object, const char *key, int64_t value);
/* pageSize and pageToken of a list: how many, and what to begin with (an index). False: the reply
 * is set. */
bool gcp_page(const struct gcp_call *call, size_t most, size_t *begin, size_t *count,
              struct gcp_reply *reply);
/* The page [begin, begin+count) of an array as {KEY: […], nextPageToken}; empty lists are left
 * out. */
json_t *gcp_page_json(const char *key, json_t *all, size_t begin, size_t count);

#endif
