/* SPDX-License-Identifier: Apache-2.0
 *
 * Debug builds (SAN=debug) only: a second thread that notices when one turn of the loop takes
 * longer than LOOP_HELD_MS and logs where the loop thread was at that moment. Time in which the
 * loop waits for events does not count.
 */
#ifndef SOCKERLESS_LOOP_LOOP_WATCHDOG_H
#define SOCKERLESS_LOOP_LOOP_WATCHDOG_H

#include "loop/loop.h"

enum { LOOP_HELD_MS = 5 };

struct loop_watchdog;

/* Before the loop runs for the first time, on the thread that will run it. NULL when the machine
 * has no means for it (said in the log); one loop a process is watched. */
struct loop_watchdog *loop_watchdog_start(struct loop *l);
/* A turn of the loop is over: logs when it was too long. Loop thread. */
void loop_watchdog_turn(struct loop_watchdog *w);
/* NULL is allowed. */
void loop_watchdog_stop(struct loop_watchdog *w);

#endif
