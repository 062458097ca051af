/* SPDX-License-Identifier: Apache-2.0
 *
 * Live log: the newest records of a running container's log, as its agent has them, so that nobody
 * waits for the log service to show them. One log session with the agent serves all readers of the
 * container and lasts as long as there are any; it is opened again when it breaks. What comes is
 * kept in a copy of the agent's ring (base/log_ring.h), from which each reader takes at its own
 * pace. The agent is paused only when the fastest reader lags; who lags more than the ring is long
 * finds that the ring no longer holds its place, and reads on from the log service.
 */
#ifndef SOCKERLESS_BACKEND_LOG_LIVE_H
#define SOCKERLESS_BACKEND_LOG_LIVE_H

#include "backend/state/container.h"
#include "base/error.h"
#include "base/log_ring.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Bytes of records that all live logs keep together; above it each keeps the least. */
    LOG_LIVE_TOTAL_MAX = 128 * 1024 * 1024,
    LOG_LIVE_LEAST = 4 * LOG_RING_CHUNK,
};

struct log_live;

/* Embedded in a reader, which sets the first three. */
struct log_live_user {
    /* There are new records, or reading on is no longer possible. The reader may leave. */
    void (*changed)(void *owner);
    void *owner;
    const char *mark; /* mark_number is set when this mark comes; NULL: none */
    uint64_t mark_number;

    /* The live log's own. */
    struct log_live *live; /* NULL: not joined */
    struct log_live_user *next, *prev;
    uint64_t wants; /* the record that it reads next; 0: it reads elsewhere at present */
};

/* The container's current run, which is not over. */
void log_live_join(struct container *c, struct log_live_user *u);
void log_live_leave(struct log_live_user *u); /* harmless when it has not joined */

/* Wait until all that the agent had when the session was opened is here, or until it is clear that
 * there is no session. 0, also when there is none; -1: cancelled. */
int co_log_live_open(struct log_live_user *u, int64_t deadline_ms, struct error *err) MUST_CHECK;
/* Wait for the next change; -1: cancelled, or the deadline has passed. */
int co_log_live_wait(struct log_live_user *u, int64_t deadline_ms, struct error *err) MUST_CHECK;

/* What is kept, borrowed until the next event; NULL: nothing was ever received. */
const struct log_ring *log_live_ring(const struct log_live_user *u);
/* This record is here, or comes as soon as it is written. */
bool log_live_holds(const struct log_live_user *u, uint64_t number);
/* The run's last record is the last one here. */
bool log_live_ended(const struct log_live_user *u);
/* The reader reads this record next; 0: it reads elsewhere. */
void log_live_wants(struct log_live_user *u, uint64_t number);

#endif
