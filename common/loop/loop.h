/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's one event loop: a uv_loop_t plus the only way in which other threads (nng's) hand
 * work to it.
 */
#ifndef SOCKERLESS_LOOP_LOOP_H
#define SOCKERLESS_LOOP_LOOP_H

#include "base/error.h"

#include <stdbool.h>
#include <uv.h>

/* Work handed to the loop from any thread. Embedded in the sender's object, which must stay alive
 * until run() was called. A task may be posted again only after its run() was entered. */
struct loop_task {
    struct loop_task *next;
    void (*run)(struct loop_task *task);
};

/* Work put off to the end of this turn of the loop, before it sleeps: what many callbacks of a turn
 * have queued goes out at once. Loop thread only; embedded; not to be freed while `queued`. */
struct loop_deferred {
    struct loop_deferred *next;
    bool queued;
    void (*run)(struct loop_deferred *d);
};

struct loop {
    uv_loop_t uv;
    uv_async_t wakeup;
    uv_mutex_t lock;
    struct loop_task *posted_first, **posted_last; /* guarded by lock */
    uv_prepare_t turn_end;
    struct loop_deferred *deferred_first, **deferred_last;
    unsigned outside;               /* operations under way on other threads that will post */
    struct co_scheduler *co;        /* coroutines, made on first use by co.c */
    struct channel *channels;       /* the live ones: ipc/channel.c's list */
    struct loop_watchdog *watchdog; /* SAN=debug only, else NULL */
};

int loop_init(struct loop *l, struct error *err) MUST_CHECK;
void loop_run(struct loop *l);  /* until loop_stop() */
void loop_stop(struct loop *l); /* loop thread only */
/* After everything on the loop was closed or told to close. Runs the loop until no operation is
 * outside and no handle is left. */
void loop_fini(struct loop *l);
/* Harmless when it is queued already. */
void loop_defer(struct loop *l, struct loop_deferred *d);
/* Any thread. The task runs on the loop, in posting order. */
void loop_post(struct loop *l, struct loop_task *task);

#endif
