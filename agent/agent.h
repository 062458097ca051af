/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a whole: main process, sessions, and the rule when it may end.
 *
 * The end: when the main process has ended, everything else in the workload is killed, attach
 * sessions get what is left and their end, and the agent lingers until a control session has
 * acknowledged the exit code (or SOCKERLESS_AGENT_LINGER_MS have passed), because with PID 1 the
 * network goes away and whatever is still in a socket with it.
 */
#ifndef SOCKERLESS_AGENT_AGENT_H
#define SOCKERLESS_AGENT_AGENT_H

#include "agent/main_process.h"
#include "agent/options.h"
#include "agent/reaper.h"
#include "agent/signals.h"
#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>

struct reverse;
struct server;
struct session;

struct agent {
    struct loop loop;
    struct agent_options options;
    struct reaper reaper;
    struct signals signals;
    struct main_process *main;
    struct server *server;    /* NULL when it dials itself */
    struct reverse *reverse;  /* NULL when it is dialled */
    struct session *sessions; /* all that are connected */
    struct session *control;  /* the one that counts; NULL while there is none */
    unsigned execs;           /* processes, with or without a session */
    uv_timer_t linger;
    bool acknowledged;
};

/* Serves, starts the main process, and returns its exit code when all is done. -1: could not even
 * serve. */
int agent_run(struct agent *a, struct error *err) MUST_CHECK;
/* The backend has the exit code. */
void agent_acknowledge(struct agent *a);
/* A session is gone, the tee is empty: may it end now? */
void agent_maybe_end(struct agent *a);

#endif
