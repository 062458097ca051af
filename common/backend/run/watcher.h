/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the cloud how the active runs are, batched. Quick while something changes, slow while the
 * agents' sessions would tell anyway.
 */
#ifndef SOCKERLESS_BACKEND_WATCHER_H
#define SOCKERLESS_BACKEND_WATCHER_H

#include "base/error.h"

struct backend;
struct container;
struct watcher;
struct workload_status;

/* The cloud's answer about the current run of an active container, whatever it is. May remove it
 * from the watcher. */
typedef void (*watcher_status)(struct container *c, const struct workload_status *status);

int watcher_open(struct backend *b, watcher_status on_status, struct error *err) MUST_CHECK;
void watcher_close(struct backend *b);

void watcher_add(struct container *c); /* its run exists in the cloud; ask soon */
/* The same for a run that the cloud has just taken: there is nothing to ask for yet. */
void watcher_add_starting(struct container *c);
void watcher_remove(struct container *c); /* harmless when not there */
void watcher_hurry(struct container *c);  /* something happened: ask now */

#endif
