/* SPDX-License-Identifier: Apache-2.0
 *
 * Process: one user process with its standard streams on the loop; the main process and every exec
 * are one. Output is read only as far as the owner has room for it, stdin is queued until the
 * process takes it.
 *
 * Order: process_start() → output() … → ended(), exactly once, after the process was reaped and its
 * output was read → process_free() by the owner, at any time after start. After process_free() no
 * event comes; a process that still runs then runs on, its output is dropped.
 */
#ifndef SOCKERLESS_AGENT_PROCESS_H
#define SOCKERLESS_AGENT_PROCESS_H

#include "agent/reaper.h"
#include "agent/user.h"
#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process;

struct process_events {
    /* How many bytes of output may be handed over now; 0 stops reading until process_resume(). */
    size_t (*room)(void *owner);
    /* type FRAME_STDOUT or FRAME_STDERR (terminal: all FRAME_STDOUT). At most 64 KiB. */
    void (*output)(void *owner, uint8_t type, const char *bytes, size_t len);
    /* All queued stdin was taken. */
    void (*stdin_ready)(void *owner);
    void (*ended)(void *owner, int exit_code, int signal);
};

struct process_options {
    struct strv argv, env; /* env is completed with what Docker adds */
    const char *user;      /* "" or NULL: root */
    const char *groups;  /* supplementary ones besides the user's, ':' between; "" or NULL: none */
    const char *workdir; /* "" or NULL: "/" */
    bool make_workdir;
    bool idle_if_missing; /* see struct spawn_request */
    bool tty;
    uint32_t height, width;    /* tty; 0: not known */
    bool open_stdin;           /* a pipe, else /dev/null */
    bool no_stdout, no_stderr; /* /dev/null instead of a pipe */
    /* How long to wait, after the process ended, for others that hold its output open. 0: what is
     * in the pipe is read, then that's it. */
    unsigned output_grace_ms;
};

/* options: its env is changed, nothing is kept. On failure *exit_code and err are as
 * spawn_process() gives them; for an unknown user the text stands for itself, *exit_code is
 * SPAWN_FAILED and *runtime_error (may be NULL) false: no OCI runtime was reached. */
int process_start(struct loop *l, struct reaper *reaper, struct process_options *options,
                  const struct process_events *events, void *owner, struct process **out,
                  int *exit_code, bool *runtime_error, struct error *err) MUST_CHECK;
void process_free(struct process *p);

pid_t process_pid(const struct process *p);
/* The owner has room again. */
void process_resume(struct process *p);
/* Copies. False: the process lags, stop until stdin_ready(). Dropped when stdin is closed. */
bool process_stdin(struct process *p, const void *bytes, size_t len);
/* After what is queued. Terminal: types ^D. */
void process_stdin_close(struct process *p);
void process_signal(struct process *p, int number);
void process_resize(struct process *p, uint32_t height, uint32_t width);

#endif
