/* SPDX-License-Identifier: Apache-2.0
 *
 * The main process of the workload: what the user's container is. Its output goes to three places:
 * the log tee (the cloud's log service), the replay, and every outlet (an attach session). The
 * slowest of tee and outlets decides how fast it is read, as with dockerd.
 *
 * Gate: until the backend has opened its first control session (or a minute has passed) the process
 * is only read as far as the replay can keep its output, so that a backend that comes late, as it
 * does on every start, misses nothing.
 */
#ifndef SOCKERLESS_AGENT_MAIN_PROCESS_H
#define SOCKERLESS_AGENT_MAIN_PROCESS_H

#include "agent/log_tee.h"
#include "agent/options.h"
#include "agent/reaper.h"
#include "ipc/channel.h"
#include "loop/loop.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct main_process;

/* One attach session as the main process sees it; embedded in the session's state. */
struct outlet {
    struct outlet *next;
    struct channel *channel;
    bool wants_stdout, wants_stderr;
    bool lagging;      /* its channel is above high water */
    bool stdin_paused; /* waits for the process to take stdin */
};

/* Called once, from the loop, when the process has ended (or never started) and everything it
 * printed was handed to the outlets and the tee. */
typedef void (*main_process_ended)(void *owner);

struct main_process *main_process_new(struct loop *l, struct reaper *reaper,
                                      const struct agent_options *options, int log_fd,
                                      const struct log_tee_events *tee_events,
                                      main_process_ended ended, void *owner);
/* A start that fails is an end, with start_failed in the exit. */
void main_process_start(struct main_process *m);

bool main_process_started(const struct main_process *m); /* runs, or ran */
bool main_process_ended_p(const struct main_process *m);
int64_t main_process_pid(const struct main_process *m);
/* Valid once ended; strings borrowed. */
const Sockerless__Exit *main_process_exit(const struct main_process *m);
struct log_tee *main_process_tee(struct main_process *m);

/* Opens the gate. */
void main_process_controlled(struct main_process *m);

/* All that the process has printed so far is kept. */
bool main_process_keeps_all(const struct main_process *m);
/* Sends what is kept first when replay is set. */
void main_process_add_outlet(struct main_process *m, struct outlet *o, bool replay);
void main_process_remove_outlet(struct main_process *m, struct outlet *o);
/* The outlet's channel, or the tee, is below high water again. */
void main_process_drained(struct main_process *m, struct outlet *o);

/* False: pause the outlet's channel, it is resumed when the process took what there is. */
bool main_process_stdin(struct main_process *m, const void *bytes, size_t len);
void main_process_stdin_close(struct main_process *m);

/* End it, as if it had ended by itself with this code. */
void main_process_stop(struct main_process *m, int code);
/* To the process alone, as Docker does. */
void main_process_signal(struct main_process *m, int number);
/* Also before the start. */
void main_process_resize(struct main_process *m, uint32_t height, uint32_t width);

#endif
