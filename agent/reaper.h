/* SPDX-License-Identifier: Apache-2.0
 *
 * Reaper: collects every child that ends, ours and the orphans that the kernel gives to PID 1, and
 * tells whoever started it.
 */
#ifndef SOCKERLESS_AGENT_REAPER_H
#define SOCKERLESS_AGENT_REAPER_H

#include "base/error.h"
#include "loop/loop.h"

#include <sys/types.h>

/* Embedded in the process that was started. */
struct reaper_child {
    struct reaper_child *next;
    pid_t pid;
    void (*exited)(struct reaper_child *child,
                   int wait_status); /* removed from the reaper before */
};

enum { REAPER_BUCKETS = 256 };

struct reaper {
    uv_signal_t sigchld;
    struct reaper_child *buckets[REAPER_BUCKETS];
};

int reaper_open(struct reaper *r, struct loop *l, struct error *err) MUST_CHECK;
void reaper_close(struct reaper *r);
/* Right after the fork, before the loop runs again. */
void reaper_watch(struct reaper *r, struct reaper_child *child);
/* What the kernel does when the PID 1 of a container ends: everything else is killed. When the
 * agent is not PID 1, only the sessions of the processes it started. */
void reaper_kill_all(struct reaper *r);

#endif
