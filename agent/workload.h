/* SPDX-License-Identifier: Apache-2.0
 *
 * The workload as sessions see it: what they may read, start processes in and act upon. The agent
 * owns it and fills it before the first session comes.
 */
#ifndef SOCKERLESS_AGENT_WORKLOAD_H
#define SOCKERLESS_AGENT_WORKLOAD_H

#include "agent/main_process.h"
#include "agent/options.h"
#include "agent/reaper.h"
#include "loop/loop.h"

struct session;

struct workload {
    struct loop *loop;
    struct reaper *reaper;
    const struct agent_options *options;
    struct main_process *main;
    struct session *control;           /* the one that counts; NULL while there is none */
    unsigned execs;                    /* processes, with or without a session */
    void (*acknowledged)(void *owner); /* the backend has the exit code */
    void *owner;
};

#endif
