/* SPDX-License-Identifier: Apache-2.0
 *
 * A container and the table of all: by id, by name, by unique prefix, by the request that made it,
 * newest first. One function changes a container's state, checked by a table, and writes it to the
 * store before it is visible. Objects are reference-counted because operations hold them across
 * waits.
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_H
#define SOCKERLESS_BACKEND_CONTAINER_H

#include "cloud/driver.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "loop/co.h"

#include "proto/sockerless.pb-c.h"
#include "proto/state.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

struct backend;
struct agent_line;
struct agent_link;
struct log_live;
struct attach_session;
struct unsaved_end;
struct wait_session;

enum { CONTAINER_PAST_RUNS_MAX = 64, CONTAINER_NAME_MAX = 255, CONTAINER_REQUEST_ID_LEN = 16 };

struct container {
    unsigned refs;
    struct backend *backend;     /* borrowed */
    struct arena arena;          /* holds view and all that never changes */
    Sockerless__Container *view; /* what inspect shows; strings below are pointed to by it */
    char id[ID_HEX_LEN + 1];
    char name[CONTAINER_NAME_MAX + 1];
    char error[ERROR_MESSAGE_MAX];
    char address[64]; /* of the agent; "" unknown */
    char agent_token[65];
    char run_token[37];
    char agent_instance[17]; /* the place where the run has begun; "": nowhere yet, or not told */
    unsigned char request_id[CONTAINER_REQUEST_ID_LEN];       /* of the create; all 0: had none */
    unsigned char start_request_id[CONTAINER_REQUEST_ID_LEN]; /* of the last start; ditto */
    enum error_code start_error;                              /* of that start; the text is error */
    char *image_reference;                                    /* in the arena */
    struct workload current; /* current.resource "" : no run in the cloud */
    bool has_run;            /* current is meaningful (also after the run ended) */
    bool run_deleted;        /* the current run's cloud objects are gone */
    int64_t run_started_at, run_finished_at;
    bool
        exit_reported; /* by the current run's agent, in this process: its log has an exit record */
    Sockerless__WorkloadRecord *past[CONTAINER_PAST_RUNS_MAX]; /* heap, packed copies */
    size_t past_count;

    bool preparing;          /* behind its create: preparation.h … */
    struct error unprepared; /* … and why that failed; code ERROR_NONE: it did not */
    bool damaged;            /* its row cannot be read: shown as dead, not saved, only removed */
    bool removed;            /* out of the table; only references keep it */
    bool stop_requested;     /* by stop or kill of this run */
    unsigned removals;       /* rm -f that end what runs at present: nothing is started meanwhile */
    bool removal_failed;     /* still REMOVING, since the store did not take that back either */
    unsigned run_number;     /* counts starts in this process; changes when a run is over */
    struct co_cond changed;  /* broadcast at every state change, link event and removal */

    int64_t next_poll_ms; /* watcher: when to ask the cloud again; INT64_MAX never */
    struct workload_status last_status;
    unsigned missing_answers; /* in a row: the cloud did not list the run */
    int64_t last_alive_ns;    /* when its agent was lost or the cloud last saw it run; 0: unknown */
    struct container *active_next, *active_prev; /* watcher's list */
    bool active;

    struct unsaved_end *unsaved;      /* the run is over, which is not stored yet; NULL: no */
    struct agent_link *link;          /* NULL: none */
    struct agent_line *line;          /* of a reverse agent (reverse_agents.c); NULL: none */
    struct attach_session *attachers; /* list */
    struct wait_session *waiters;     /* list */
    unsigned exec_count;
    char **exec_ids; /* heap array for view->exec_ids */
    unsigned log_readers;
    struct log_live *live; /* of the current run, while it is read (log_live.h); NULL: none */

    bool was_attached;      /* a client is or was attached */
    bool removal_announced; /* to a client that waited for it */

    UT_hash_handle by_id, by_name, by_request;
    struct container *newer, *older;             /* creation order */
    struct container *recent_next, *recent_prev; /* container_recent.h */
    int64_t recent_until_ms;                     /* monotonic; 0: not kept */
};

struct container_table {
    struct container *by_id, *by_name, *by_request;
    struct container **sorted; /* by id, for unique prefixes */
    size_t count, cap;
    struct container *newest, *oldest;
    unsigned state_counts[8]; /* by Sockerless__ContainerState */
    struct container *recent; /* removed a moment ago, oldest first: container_recent.h */
    size_t recent_count;
};

void container_table_init(struct container_table *t);
void container_table_fini(struct container_table *t);

/* Full id, then exact name (with or without leading '/'), then unique id prefix. Borrowed. Errors:
 * ERROR_NOT_FOUND "No such container: x"; ERROR_SYSTEM "Multiple IDs found with provided prefix: x"
 * as Docker words them. */
struct container *container_find(const struct container_table *t, const char *ref,
                                 struct error *err) MUST_CHECK;

/* The container that this create request made, as long as it exists; NULL: none. Borrowed. */
/* The one whose id begins so; NULL when there is none, also for "", or more than one. */
struct container *container_find_prefix(const struct container_table *t, const char *prefix,
                                        bool *ambiguous);
struct container *container_find_request(const struct container_table *t, const void *request_id,
                                         size_t len);

struct container *container_ref(struct container *c);
void container_unref(struct container *c); /* NULL is fine */
static inline void auto_release_container(struct container **slot)
{
    container_unref(*slot);
}

/* Enter / leave the table (not the store). add takes over the caller's reference. */
void container_table_add(struct container_table *t, struct container *c);
void container_table_remove(struct container_table *t, struct container *c);

/* New object with one reference; view deep-copied from `from` into the arena. */
struct container *container_new(struct backend *b, const Sockerless__Container *from);
/* From and to the store's record. container_record() points into c and `arena`. */
struct container *container_from_record(struct backend *b, const Sockerless__ContainerRecord *rec);
Sockerless__ContainerRecord *container_record(struct container *c, struct arena *arena);

/* A new run: the last one's log joins the past, tokens are made anew. Not persisted yet. */
void container_run_begin(struct container *c);
/* Another try of a run that never got as far as the user's process: nothing of it is kept, not even
 * its log. Persisted. */
int container_run_again(struct container *c, struct error *err) MUST_CHECK;

/* The one function that changes view->state. Checks the transition table (a forbidden one is
 * ERROR_CONFLICT), persists, counts, broadcasts `changed`. */
int container_set_state(struct container *c, Sockerless__ContainerState to,
                        struct error *err) MUST_CHECK;
/* Persist other fields that changed. */
int container_save(struct container *c, struct error *err) MUST_CHECK;

/* Docker's idea: starting, running, paused and stopping are alive. */
bool container_alive(const struct container *c);
const char *container_state_name(Sockerless__ContainerState s);

#endif
