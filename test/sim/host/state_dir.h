/* SPDX-License-Identifier: Apache-2.0
 *
 * The start and the end of every simulator: one a state directory, nothing left of a killed one.
 */
#ifndef SOCKERLESS_SIM_HOST_STATE_DIR_H
#define SOCKERLESS_SIM_HOST_STATE_DIR_H

#include "base/error.h"

#include <signal.h>

/* Makes and locks the directory; *dir becomes its real path (heap), as mounts are listed. Returns
 * a descriptor to close at the end: the lock dies with its holder. */
int state_dir_lock(char **dir, struct error *err) MUST_CHECK;
/* Removes containers and volumes that are still there. */
void state_dir_clean(const char *dir);
/* Signals are taken by sigwait in the main thread; every other thread inherits the mask. Raises the
 * limit of open files, too. */
void state_dir_signals(sigset_t *signals);

#endif
