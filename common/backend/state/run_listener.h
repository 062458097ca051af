/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of the ends of runs and containers. The table (daemon/run_listeners.c) is put into
 * struct backend at open, and run/lifecycle.c goes through it in its order: so a module that keeps
 * something per run or per container is a row there, and lifecycle names none of them.
 */
#ifndef SOCKERLESS_BACKEND_RUN_LISTENER_H
#define SOCKERLESS_BACKEND_RUN_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct container;

/* How a run ended. */
struct run_end {
    int32_t code;
    const char *error;   /* State.Error; NULL or "" none */
    bool oom_killed;     /* State.OOMKilled: by the agent's word, or by the cloud's */
    bool start_failed;   /* the process never ran: back to "created" unless it ran before */
    int64_t finished_ns; /* 0: now */
};

/* Neither function may suspend; either may be NULL. A table ends with a row of two NULLs. */
struct run_listener {
    /* The run is over: that is stored, shown by the container, and acknowledged to its agent. */
    void (*run_over)(struct container *c, const struct run_end *end);
    /* The container is out of the cloud, the store and the table of containers. */
    void (*container_gone)(struct container *c);
};

#endif
