/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's one event loop: a uv_loop_t plus the only door for other threads (nng's) into it.
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

struct loop {
    uv_loop_t uv;
    uv_async_t wakeup;
    uv_mutex_t lock;
    struct loop_task *posted_first, **posted_last; /* guarded by lock */
    unsigned outside;        /* operations under way on other threads that will post */
    struct co_scheduler *co; /* coroutines, made on first use by co.c */
    struct channel *channels; /* the live ones: ipc/channel.c's list */
};

int loop_init(struct loop *l, struct error *err) MUST_CHECK;
void loop_run(struct loop *l);  /* until loop_stop() */
void loop_stop(struct loop *l); /* loop thread only */
/* After everything on the loop was closed or told to close. Runs the loop until no operation is
 * outside and no handle is left. */
void loop_fini(struct loop *l);
/* Any thread. The task runs on the loop, in posting order. */
void loop_post(struct loop *l, struct loop_task *task);

#endif
