/* SPDX-License-Identifier: Apache-2.0
 *
 * Child processes without a shell: spawn, wait, capture. Descriptors above 2 are never inherited.
 */
#ifndef SOCKERLESS_SIM_HOST_CHILD_H
#define SOCKERLESS_SIM_HOST_CHILD_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

/* Start argv[0] (looked up in PATH). in/out/err: descriptors to use, -1 means /dev/null. */
int child_spawn(char *const argv[], int in, int out, int err_fd, pid_t *pid,
                struct error *err) MUST_CHECK;
/* Wait for a pid from child_spawn: its exit code, 128+signal when killed. */
int child_wait(pid_t pid);
/* Run to the end. input: text for stdin or NULL. output: receives stdout and stderr, or NULL.
 * Returns the exit code, -1 when it could not be started. */
int child_run(char *const argv[], const char *input, struct buf *output,
              struct error *err) MUST_CHECK;
/* child_run that takes a non-zero exit for an error whose message is the output's. */
int child_check(char *const argv[], const char *input, struct error *err) MUST_CHECK;

#endif
