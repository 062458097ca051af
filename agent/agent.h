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

#include "agent/options.h"
#include "agent/reaper.h"
#include "agent/session.h"
#include "agent/signals.h"
#include "agent/workload.h"
#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>

struct reverse;
struct server;

/* As Docker when the daemon itself fails. */
enum { EXIT_AGENT_FAILED = 125 };

struct agent {
    struct loop loop;
    struct agent_options options;
    struct reaper reaper;
    struct signals signals;
    struct server *server;   /* NULL when it dials itself */
    struct reverse *reverse; /* NULL when it is dialled */
    struct workload workload;
    struct session_list sessions;
    uv_timer_t linger;
    uv_timer_t stop_after;
    bool acknowledged;
    bool abandoned; /* never ran: the backend does not want it here */
};

/* Serves, starts the main process, and returns its exit code when all is done. -1: could not even
 * serve. */
int agent_run(struct agent *a, struct error *err) MUST_CHECK;

#endif
