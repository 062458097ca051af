/* SPDX-License-Identifier: Apache-2.0
 *
 * Exec session: one more process in the workload, with its streams.
 */
#ifndef SOCKERLESS_AGENT_SESSION_EXEC_H
#define SOCKERLESS_AGENT_SESSION_EXEC_H

#include "agent/session.h"

enum {
    SESSION_EXEC_MAX = 512,
    /* dockerd waits so long for others that hold the output of an ended exec open. */
    SESSION_EXEC_OUTPUT_GRACE_MS = 2000,
};

extern const struct session_kind session_exec_kind;

#endif
