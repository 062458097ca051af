/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach history: what a container has printed before a client attached to it with logs=1, read
 * from the cloud's log service, run by run. Belongs to an attach session, which shows it before the
 * live output.
 *
 * The join with the live output of the current run is exact. Either the agent still has all of the
 * run's output and replays it: then the log of that run is not read. Or the agent writes a mark
 * into the log at the moment when it adds the session to the receivers of the output: then the log
 * is read up to this mark.
 */
#ifndef SOCKERLESS_BACKEND_ATTACH_HISTORY_H
#define SOCKERLESS_BACKEND_ATTACH_HISTORY_H

#include "backend/state/container.h"
#include "base/error.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attach_history;

struct attach_history_events {
    /* False: the client lags; attach_history_drained() goes on. */
    bool (*output)(void *owner, uint8_t frame_type, const char *bytes, size_t len);
    /* All of it, and what was held, was shown, or why not (NULL: it was). The history is gone when
     * this returns. */
    void (*done)(void *owner, const struct error *why);
};

enum attach_join {
    ATTACH_JOIN_UNKNOWN,
    ATTACH_JOIN_REPLAYED, /* the agent sends all of the current run's output */
    ATTACH_JOIN_MARKED,   /* the log of the current run is read up to the mark */
    ATTACH_JOIN_NONE,     /* there is no agent: the log is read to its end */
};

/* with_current: attach_history_join() will be called, and the current run is read accordingly; else
 * only the runs before it, or, when none is under way, all. *out is set before the first event;
 * done() may come from inside the call. */
int attach_history_open(struct container *c, const Sockerless__AttachOpen *open, bool with_current,
                        const struct attach_history_events *events, void *owner,
                        struct attach_history **out, struct error *err) MUST_CHECK;
/* No event any more. NULL is fine. */
void attach_history_close(struct attach_history *h);

/* For AgentAttachOpen; borrowed. */
char *attach_history_mark(struct attach_history *h);
void attach_history_join(struct attach_history *h, enum attach_join how);
void attach_history_drained(struct attach_history *h);

/* Live output, which comes behind the history: copied, and given to output() before done(). False:
 * ATTACH_HISTORY_HELD_MAX are held, pause the agent. */
enum { ATTACH_HISTORY_HELD_MAX = 1024 * 1024 };
bool attach_history_hold(struct attach_history *h, uint8_t frame_type, const void *bytes,
                         size_t len);

#endif
