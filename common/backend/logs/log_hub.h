/* SPDX-License-Identifier: Apache-2.0
 *
 * Log hub: one coroutine asks the cloud's log service for all followers (`docker logs -f`), and
 * only while there are any. Followers of the same log at the same place share a query; a follower
 * that is not ready (its client lags) is left out of a round. Followers that are far behind take
 * turns, one in a call of its own, each turn after one of all others together: so a log that grows
 * faster than it can be read does not delay the others.
 */
#ifndef SOCKERLESS_BACKEND_LOG_HUB_H
#define SOCKERLESS_BACKEND_LOG_HUB_H

#include "cloud/driver.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct log_hub;

struct log_follower_events {
    bool (*ready)(void *owner);
    /* The next entries (maybe none); page borrowed, shared with other followers, may be longer than
     * this follower's interest. asked_ms: when the question was asked, monotonic. May leave. */
    void (*page)(void *owner, const struct log_page *page, int64_t asked_ms);
    /* The log cannot be read any more; the follower has left already. */
    void (*failed)(void *owner, const struct error *err);
};

/* Embedded in its owner, which sets workload, since_ns and events. */
struct log_follower {
    const struct workload *workload; /* borrowed while following */
    int64_t since_ns;                /* asked from here on as long as there is no token */
    uint64_t after;                  /* struct log_query's */
    const struct log_follower_events *events;
    void *owner;

    /* The hub's own. */
    struct log_hub *hub; /* NULL: does not follow */
    struct log_follower *next, *prev;
    char *token;
    int64_t due_ms;
    bool behind;    /* its last page was long and not the end */
    uint64_t round; /* the last one it took part in … */
    size_t query;   /* … and the number of its query there */
};

struct log_hub *log_hub_new(struct backend *b);
/* Followers that are left are not called any more. NULL is allowed. */
void log_hub_free(struct log_hub *h);
size_t log_hub_followers(const struct log_hub *h);

/* token (may be NULL) is taken over. */
int log_hub_join(struct log_hub *h, struct log_follower *f, char *token,
                 struct error *err) MUST_CHECK;
void log_hub_leave(struct log_follower *f); /* harmless when it does not follow */
/* It is ready again, or something happened to its container: ask at once. */
void log_hub_hurry(struct log_follower *f);

#endif
