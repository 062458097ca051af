/* SPDX-License-Identifier: Apache-2.0
 *
 * Spawn: fork and execute one user process, with identity, directory and descriptors as asked.
 * Blocks only until the process was executed or failed to be.
 */
#ifndef SOCKERLESS_AGENT_SPAWN_H
#define SOCKERLESS_AGENT_SPAWN_H

#include "agent/user.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>

struct spawn_request {
    const struct strv *argv; /* at least one */
    const struct strv *env;
    const char *workdir; /* absolute */
    const struct user_identity *user;
    int stdio[3]; /* borrowed, all three open */
    bool tty;     /* stdio[0] is a terminal: make it the controlling one */
    /* Where the program does not exist the new process does nothing in its place, as the same user
     * in the same directory, until a signal ends it. */
    bool idle_if_missing;
};

/* Why it failed, as exit codes Docker gives: */
enum {
    SPAWN_NOT_EXECUTABLE = 126,
    SPAWN_NOT_FOUND = 127,
    SPAWN_FAILED = 128,
};

/* The directory of a main process: missing parts are made, as Docker does. */
int spawn_make_workdir(const char *path, int *exit_code, struct error *err) MUST_CHECK;

/* On failure *exit_code is one of the above and err holds the OCI runtime's words, without the
 * prefix that tells create from exec: `exec: "x": executable file not found in $PATH: unknown`.
 * A file that is found but that the kernel cannot execute does not fail: as with runc the process
 * says "exec /x: exec format error" on its stderr and exits with 1. */
int spawn_process(const struct spawn_request *request, pid_t *pid, int *exit_code,
                  struct error *err) MUST_CHECK;

#endif
