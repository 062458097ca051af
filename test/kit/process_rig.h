/* SPDX-License-Identifier: Apache-2.0
 *
 * A process of the agent on a loop, without server and sessions.
 */
#ifndef SOCKERLESS_TEST_KIT_PROCESS_RIG_H
#define SOCKERLESS_TEST_KIT_PROCESS_RIG_H

#include "agent/process.h"
#include "base/buf.h"

extern struct process_rig {
    struct loop loop;
    struct reaper reaper;
    struct process *process;
    struct buf out, err;
    size_t room; /* what on_room answers */
    bool stdin_ready, ended;
    int code, signal;
    bool timed_out;
} process_rig;

void process_rig_open(void);
void process_rig_close(void);

/* Starts `argv` with these options; 0, or the exit code of a start that failed. */
int process_rig_start(struct process_options options, const char *const *argv, struct error *err);
void process_rig_wait(const bool *condition);

#endif
