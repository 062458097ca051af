/* SPDX-License-Identifier: Apache-2.0
 *
 * The process of an invocation: this program once more, as the agent that runs one workload.
 */
#ifndef SOCKERLESS_AGENT_INVOCATION_RUN_H
#define SOCKERLESS_AGENT_INVOCATION_RUN_H

#include "proto/sockerless.pb-c.h"

#include <stdint.h>

struct invocation_result {
    int status; /* of the answer, see invocation.h */
    int exit_code;
    int64_t started_ms, finished_ms; /* wall clock */
    char error[1024];                /* "": it ran */
};

/* Signals that end this process are handed on to the workload, which then has its grace. */
void invocation_signals_open(void);
/* Blocks until it is over. */
void invocation_run(const Sockerless__Invocation *run, struct invocation_result *out);

#endif
