/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulated Azure services share: the subscription, its parts, and the shape of a call to
 * Azure Resource Manager.
 *
 * All services answer on one port and are told apart by path:
 *   /subscriptions/…                      Azure Resource Manager (Microsoft.App)
 *   /TENANT/oauth2/v2.0/token             Microsoft Entra ID
 *   /metadata/identity/oauth2/token       Azure Instance Metadata Service
 *   /msi/token                            App Service's managed identity endpoint
 *   /v1/workspaces/GUID/query             Log Analytics
 *   /v2/…, /oauth2/exchange, /oauth2/token  Azure Container Registry
 *   /_sim/…                               administration, for tests
 */
#ifndef SOCKERLESS_SIM_AZURE_AZURE_H
#define SOCKERLESS_SIM_AZURE_AZURE_H

#include "base/error.h"
#include "test/sim/http/server.h"
#include "test/sim/http/value.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct directory;
struct environment;
struct job_service;
struct log_analytics;
struct arm_quota;
struct container_registry;
struct image_store;
struct container_runtime;
struct network;
struct fault_list;
struct journal;
struct call_counts;

/* Settings that POST /_sim/config changes while running. */
#define AZURE_TUNING(X)                                                                            \
    X(provision_ms)       /* before an execution's images are pulled */                            \
    X(operation_ms)       /* until long-running operations are done */                             \
    X(operations_late)    /* operations still to take … */                                       \
    X(operations_late_ms) /* … so much longer */                                                 \
    X(stop_grace_ms)      /* between SIGTERM and SIGKILL */                                        \
    X(retry_after_s)      /* what long-running operations say in Retry-After */                    \
    X(start_at_once)      /* 1: start answers 200, not 202 with a Location */                      \
    X(status_unknown)     /* executions still to show as Unknown */                                \
    X(page_size)          /* of lists */                                                           \
    X(log_delay_ms)       /* until a line can be read … */                                       \
    X(log_delay_percent)  /* … and of 30–120 s, drawn for each batch of lines */               \
    X(log_late)           /* lines still to hold back … */                                       \
    X(log_late_ms)        /* … for so long */                                                    \
    X(log_same_time)      /* lines still to date like the one before */                            \
    X(log_step_ns)        /* TimeGenerated is cut to this; 0: the table's own */                   \
    X(log_plain)          /* 1: ContainerAppConsoleLogs instead of …_CL */                       \
    X(log_no_stream)      /* 1: the table has no column for the stream */                          \
    X(log_partial)        /* answers still to give half, with an error beside the table */         \
    X(log_rows_max)       /* of an answer */                                                       \
    X(log_bytes_max)      /* of an answer */                                                       \
    X(token_ttl_s)        /* lifetime of access tokens */                                          \
    X(throttling)         /* 1: the services' request rates */

struct azure_tuning {
#define X(name) atomic_long name;
    AZURE_TUNING(X)
#undef X
};

/* Everything but `tuning` is set once, at start; the parts lock themselves. */
struct azure {
    char *state_dir, *tenant, *subscription, *group, *location, *workspace, *files_dir;
    char *account, *account_key; /* the storage account */
    struct azure_tuning tuning;
    struct directory *directory;
    struct environment *environment;
    struct job_service *jobs;
    struct log_analytics *logs;
    struct arm_quota *quota;
    struct container_registry *registry;
    struct image_store *images;
    struct container_runtime *runtime;
    struct network *network;
    struct fault_list *faults;
    struct journal *journal;
    struct call_counts *counts;
    atomic_bool closing; /* ends injected delays and waits */
};

/* ---- calls to Azure Resource Manager ---- */

enum { AZURE_PATH_PARTS = 6, AZURE_PART_MAX = 256, AZURE_URL_MAX = 1024, AZURE_MESSAGE_MAX = 1024 };

struct azure_call {
    const struct http_request *request;
    json_t *body; /* NULL when there is none */
    /* What the stars of the method's path stood for: subscription, resource group, name … */
    char part[AZURE_PATH_PARTS][AZURE_PART_MAX];
    char api_version[32];
    char host[128]; /* as the client knows it */
    char principal[64];
    bool fails_late; /* a long-running operation is accepted, and fails in the end */
};

struct azure_reply {
    int status;                                /* 200 unless set */
    char code[64], message[AZURE_MESSAGE_MAX]; /* of an error */
    json_t *output;                            /* success; owned */
    char location[AZURE_URL_MAX], async_operation[AZURE_URL_MAX];
    int retry_after_s; /* -1: not said */
    bool drop;
};

struct azure_method {
    const char *id;   /* operationId of Azure's OpenAPI files: "Jobs_Get" */
    const char *name; /* for faults and counters: "jobs.get" */
    const char *http_method, *path;
    const char *action; /* "Microsoft.App/jobs/read" */
    void (*run)(struct azure *azure, const struct azure_call *call, struct azure_reply *reply);
    bool long_running;
};

/* Tables, each ended by a NULL id. */
extern const struct azure_method job_methods[], execution_methods[], operation_methods[],
    environment_methods[], storage_methods[];

#define AZURE_GROUP_PATH "/subscriptions/*/resourceGroups/*"
#define AZURE_APP "/providers/Microsoft.App"

/* Answers. output: transferred. */
void azure_reply_json(struct azure_reply *reply, int status, json_t *output);
void azure_reply_error(struct azure_reply *reply, int status, const char *code, const char *fmt,
                       ...) PRINTF_LIKE(4, 5);
/* {"error":{"code","message"}}; new reference. */
json_t *azure_error_json(const char *code, const char *message);

/* A time as ARM writes it; nothing when 0. */
void azure_set_time(json_t *object, const char *key, int64_t ns);
/* Names, locations and ids compare without regard to case, locations without blanks, too. */
bool azure_same_location(const char *a, const char *b);
/* A job's resource id; heap. */
char *azure_job_id(const struct azure *azure, const char *name);
/* One page of a list, with nextLink when there is more: {value, nextLink}. all: borrowed. */
void azure_reply_page(const struct azure *azure, const struct azure_call *call, json_t *all,
                      struct azure_reply *reply);

#endif
