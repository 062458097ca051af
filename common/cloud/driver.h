/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver: all that differs between clouds.
 *
 * A driver translates Docker's needs into its cloud's calls and makes them (signing, pacing,
 * retrying single calls). It never touches lifecycle, SQLite or IPC: polling, timeouts,
 * persistence, undo and Docker semantics live once, in common/backend. It keeps no state that a
 * restart would lose: what has to survive goes into struct workload, which the core persists.
 *
 * All co_ functions run inside a coroutine, may suspend, and may run many at once. Strings in specs
 * and queries are borrowed for the call. Errors carry the cloud's own reason and request id, codes:
 * ERROR_UNAVAILABLE (cannot reach or overloaded after retries, no capacity), ERROR_FORBIDDEN
 * (access denied), ERROR_NOT_FOUND (image or resource), ERROR_INVALID_PARAMETER (the cloud refuses
 * the request), ERROR_SYSTEM (anything else).
 */
#ifndef SOCKERLESS_CLOUD_DRIVER_H
#define SOCKERLESS_CLOUD_DRIVER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/log_record.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One run of a container, described without any cloud's words. */
struct workload_spec {
    const char *container_id; /* 64 hex */
    const char *container_name;
    const char *instance;  /* which backend owns it; marks every cloud resource */
    const char *run_token; /* unique for this run, <= 36 of [a-z0-9-]: idempotency token */
    bool never_run;        /* for co_run: it has not been called with this token before, so there is
                            * nothing to be found in the cloud */
    const char *image;     /* reference for the cloud to pull, digest included when known */
    bool agent_in_image;   /* the image holds the agent (AGENT_AS_LAYER, or a status that said
                            * needs_agent_layer): nothing else has to bring it; its path is
                            * AGENT_IMAGE_PATH */
    char *const *agent_argv; /* what follows the agent's own path: "--" COMMAND… or "--keep-alive"
                              * "--" COMMAND… */
    size_t agent_argc;
    char *const *env; /* complete environment of the user's process, KEY=value */
    size_t env_count;
    char *const *agent_env; /* SOCKERLESS_AGENT_…, HOSTNAME: differs for every run, holds the
                             * token; goes where the environment can be given per run */
    size_t agent_env_count;
    const Sockerless__ContainerConfig *config; /* merged */
    const Sockerless__HostOptions *host;
    int64_t stop_timeout_s;
    int agent_port;
};

/* What the cloud calls the run. Persisted by the core after every step; "" = not there yet. */
struct workload {
    char definition[512]; /* task definition ARN, job name … */
    char resource[512];   /* task ARN, execution name …: exists as soon as co_run returned */
    char log_ref[512];    /* where its log is: opaque to the core */
    char owned[512];      /* what belongs to the container and serves all its runs (a function):
                           * set by co_prepare, handed to the next run as it is; "" nothing */
};

enum workload_phase {
    WORKLOAD_MISSING, /* the cloud does not list it (yet: eventual consistency; or any more) */
    WORKLOAD_PENDING,
    WORKLOAD_RUNNING,
    WORKLOAD_STOPPING,
    WORKLOAD_STOPPED,
    WORKLOAD_UNKNOWN, /* this one could not be asked for, `reason` says why; nothing else is told */
};

struct workload_status {
    enum workload_phase phase;
    bool has_exit_code;
    int exit_code;
    bool start_failed; /* stopped without ever running the user's process */
    bool oom_killed;   /* stopped for want of memory, as the cloud says */
    bool cut_short;    /* the cloud ended it, as `reason` says: told also beside an exit code */
    bool needs_agent_layer;         /* stopped, since this image lacks what the driver brings the
                                     * agent with; with the agent in the image it would run. The core
                                     * undoes the run, starts again so, and remembers the image */
    char address[64];               /* where the agent can be dialled; "" unknown */
    char reason[512];               /* the cloud's words on why it stopped or waits; "" none */
    int64_t started_ns, stopped_ns; /* 0 unknown */
};

/* A workload found in the cloud by co_list. */
struct workload_found {
    char container_id[65];
    char container_name[256];
    struct workload workload; /* without a run: only what the container owns */
};

/* Log reading. Events come in order; a token continues exactly after (or before, backward) the
 * last event that was delivered with it. */
struct log_query {
    const struct workload *workload;
    const char *token; /* NULL: from since_ns on (or, backward, from the newest) */
    bool backward;     /* pages go towards the past; within a page the order stays forward */
    int64_t since_ns;  /* inclusive; 0: all. The driver may return more, the core filters */
    int64_t until_ns;  /* inclusive; 0: no end. ditto */
    int limit;         /* so many entries are enough; 0: the driver's own number. ditto */
    /* Forward, where the log has numbers: the records up to this one are known, those behind it
     * follow without a gap from since_ns on; 0: not so. The driver may return known ones. */
    uint64_t after;
};
struct log_event {
    int64_t timestamp_ns;
    const char *text; /* one record (base/log_record.h), without escapes and newline */
    size_t len;
    uint64_t number; /* of the record, where the log says it (base/log_label.h); 0: it does not */
};
struct log_page {
    struct arena arena; /* holds what follows; initialised by the caller, released by the caller */
    struct log_event *events;
    size_t count;
    const char *next_token;    /* for the next query in the same direction */
    const char *forward_token; /* of a backward query's first page: where following goes on */
    bool at_end;               /* nothing more at present in this direction */
    bool has_gap; /* entries are missing that the service has not shown yet. Forward, those behind
                   * them are held back; the driver bounds how long it waits for them */
};

struct registry_credentials { /* texts are owned by the receiver */
    bool found;
    char *username, *password; /* Basic or token-service login */
    char *identity_token;      /* instead of a password: a refresh token for the token service */
    int64_t expires_ns;        /* 0: never */
};

/* Where image_layer injection puts the agent. */
#define AGENT_IMAGE_PATH "/sockerless-agent"

/* How the agent gets into a workload. */
enum agent_delivery {
    AGENT_NONE,               /* not at all: no exec, no attach, exit codes are the cloud's */
    AGENT_BY_CLOUD,           /* the driver brings it with the cloud's means */
    AGENT_AS_LAYER,           /* in the image: the core appends a layer in the staging registry
                               * before co_prepare (image_layer injection) */
    AGENT_AS_LAYER_IF_NEEDED, /* by the driver; as a layer when the container's user is not the
                               * image's, or when a status has said needs_agent_layer */
};

/* When the core calls co_prepare. */
enum prepare_time {
    PREPARE_AT_START,
    PREPARE_AT_CREATE, /* once behind the reply to create, for what takes longer than clients wait;
                        * a start waits for it, and calls co_prepare for its run as well */
    PREPARE_AT_PULL,   /* the same, and for each image behind its pull; co_prepare is called with an
                        * empty container_id then, and makes what containers without limits need */
};

enum stop_kind {
    STOP_GRACEFUL, /* co_stop */
    STOP_NONE,     /* runs end by themselves or through their agent; co_stop may be NULL */
};

struct driver_caps {
    enum agent_delivery agent;
    enum prepare_time prepare;
    enum stop_kind stop;
    bool runs_as_image_user; /* nothing but the image's configuration says who runs: images with the
                              * agent get root, and the agent becomes the container's user */
    bool has_addresses;      /* forward agent: status.address is filled */
    bool read_only_root;     /* spec.host->readonly_rootfs is honoured */
    int describe_batch_max;  /* workloads a co_describe call may name */
    int log_batch_max;       /* queries a log_ops.co_pages call may hold */
    enum log_lines log_lines; /* how agents write the log, see base/log_record.h */
    bool log_batch_is_one;    /* … and they cost one request of a scarce quota */
    int poll_interval_ms;     /* how often the core asks for status while something changes */
    int log_poll_interval_ms;
    int log_grace_ms;   /* how long after the end of a run entries may still arrive */
    int cpus_max;       /* of one container, for `docker info` */
    int64_t memory_max; /* ditto, bytes */
};

/* ---- what a driver does, by object ---- */

/* Runs. The only group that every driver has, whole but for what says that it may be NULL. */
struct workload_ops {
    /* Make what a run needs before it starts (task definition …). Sets w->definition, and w->owned
     * where the container is to own something: found set, it is used again. Idempotent for the same
     * spec. Behind a create (PREPARE_AT_CREATE) there is no run yet: spec->run_token is "", and of
     * *w only owned is kept, also when it fails. */
    int (*co_prepare)(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err);
    /* Start it; sets w->resource and w->log_ref. Idempotent by spec->run_token. */
    int (*co_run)(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err);
    /* State of up to caps.describe_batch_max runs; out[i] belongs to list[i]. A run that cannot be
     * asked for is WORKLOAD_UNKNOWN and does not affect the others; -1: no state is known. */
    int (*co_describe)(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err);
    /* Ask for the end: the cloud's TERM, grace, KILL. Success if it is already over or gone. */
    int (*co_stop)(void *self, const struct workload *w, const char *reason, struct error *err);
    /* Remove every cloud object of the run (stopping it if need be), fields that are "" skipped,
     * w->owned left alone. Success when nothing is left or its removal is under way by itself. Logs
     * stay. */
    int (*co_remove_run)(void *self, const struct workload *w, struct error *err);
    /* Remove w->owned, which is not "", after the container's last run. Success as above. NULL:
     * containers own nothing. */
    int (*co_remove_container)(void *self, const struct workload *w, struct error *err);
    /* Every live workload that carries this instance's mark. *out is an arena array. */
    int (*co_list)(void *self, struct arena *arena, struct workload_found **out, size_t *count,
                   struct error *err);
    /* Called every 10 s while the backend runs and once (with closing=true) when it ends orderly:
     * release what is no longer used (idle task definitions …). `in_use` are the definitions of all
     * containers that run, and what containers own. NULL: nothing stays behind unused. */
    int (*co_maintain)(void *self, const char *const *in_use, size_t count, bool closing,
                       struct error *err);
};

/* The cloud's log service. Without it `docker logs` is refused. */
struct log_ops {
    /* Answer `count` queries, batched where the API can. pages[i] answers queries[i]. */
    int (*co_pages)(void *self, const struct log_query *queries, size_t count,
                    struct log_page *pages, struct error *err);
};

/* The cloud's own registry, and where the cloud pulls from. Without it, logins are those of clients
 * alone. */
struct registry_ops {
    /* Credentials for this registry host; found=false: not ours. */
    int (*co_credentials)(void *self, const char *host, struct registry_credentials *out,
                          struct error *err);
    /* Why the cloud does not pull from this registry host, in a few words; NULL: it does, if the
     * image is public or the registry its own. What it does not pull, the core copies to the
     * staging registry. NULL: it pulls from every registry. Static text. */
    const char *(*pull_refusal)(void *self, const char *host);
};

/* A group that is NULL is something the cloud does not have: what needs it is answered 501 by
 * driver_group_check (common/backend/state/driver_group.h). Networks and volumes become groups of
 * their own when the core has something to ask of them. */
struct cloud_driver {
    const char *name; /* "ecs" */
    struct driver_caps caps;
    void *self; /* the driver's own state, passed first to every function */

    const struct workload_ops *workload;
    const struct log_ops *logs;
    const struct registry_ops *registry;

    /* One line for `docker info`: "AWS ECS on Fargate, us-east-1, cluster default". */
    void (*describe_self)(void *self, char *out, size_t size);
    void (*close)(void *self);
};

/* What a driver is opened with. */
struct driver_env {
    struct loop *loop;        /* borrowed until close */
    struct http_client *http; /* ditto */
    const char *instance;     /* which backend this is, borrowed for the call: the mark on its cloud
                               * resources, the same in every life */
};

/* What a backend opens its driver from. */
struct driver_source {
    /* Makes no call yet. config is borrowed until close. After a failure there is nothing to close.
     */
    int (*open)(const void *config, const struct driver_env *env, struct cloud_driver *out,
                struct error *err);
    const void *config;
};

#endif
