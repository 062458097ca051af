/* SPDX-License-Identifier: Apache-2.0
 *
 * Log reader: reads one run's log forward from the cloud's log service, page by page, until all of
 * it was seen. A container's log is the concatenation of its runs.
 *
 * A log service shows entries late. So the end of what it has is not the end of the log: an ended
 * run's log is whole when the agent's exit record was seen, a running one's when a mark was seen
 * that the agent wrote after the request came. If the agent has said that it wrote the record, that
 * is waited for (log_written_wait_ms()), else until caps.log_grace_ms have passed.
 */
#ifndef SOCKERLESS_BACKEND_LOG_READER_H
#define SOCKERLESS_BACKEND_LOG_READER_H

#include "backend/state/backend_internal.h"
#include "backend/state/container.h"
#include "cloud/driver.h"
#include "backend/logs/log_hold.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clocks of the cloud's log service and ours may differ by this much. */
#define LOG_CLOCK_SKEW_NS (60 * INT64_C(1000000000))

/* What the agent has written arrives, however late the service is: so long it is waited for, if
 * caps.log_grace_ms is not longer. */
enum { LOG_WRITTEN_WAIT_MS = 120 * 1000 };
int64_t log_written_wait_ms(const struct backend *b);

struct log_run {
    struct workload workload; /* a copy: the container may start its next run meanwhile */
    int64_t settled_ms;       /* monotonic: entries can no longer arrive; 0: not over yet */
    struct log_hold hold;     /* the newest part of the log, when the tail has read it already */
};

/* Every run of the container that has a log, oldest first; heap array. */
struct log_run *log_runs_collect(const struct container *c, size_t *count);
void log_runs_free(struct log_run *runs, size_t count);
/* True when the run is over; run->settled_ms is set then. */
bool log_run_over(const struct container *c, struct log_run *run);

/* One query outside of a reader. *page is initialised here; the caller releases page->arena. */
int co_log_page(struct backend *b, const struct log_query *query, struct log_page *page,
                struct error *err) MUST_CHECK;

/* Wait before the next question; *wait_ms, 0 at first, is how long the last wait was. */
int co_log_wait(struct backend *b, int64_t *wait_ms, struct error *err) MUST_CHECK;

struct log_reader {
    struct backend *backend;
    struct container *container; /* borrowed: the session holds a reference */
    struct log_run *run;         /* borrowed; what it holds is read first */
    int64_t from_ns;             /* show nothing earlier; 0: all */
    bool from_entry;          /* from_ns is an entry's own timestamp, which the end comes after */
    uint64_t skip;            /* nor this many entries of exactly from_ns */
    int64_t until_ns;         /* nor anything later; 0: no end */
    bool follow;              /* do not wait for the end of a run that is alive */
    const char *mark;         /* the reading ends at this mark; NULL: none */
    int64_t mark_deadline_ms; /* … or at this time; 0: with what there is */
    bool parted;              /* goes on behind what was read elsewhere: see log_reader_part() */
    int64_t part_ns;
    uint64_t after;

    /* The reader's own. */
    char *token; /* where the next page begins; heap */
    bool idle, done, has_gap;
    uint64_t entries;    /* so far, where all are read from the log's first on */
    uint64_t end;        /* so many the log has: its exit record was seen before all others */
    int64_t end_seen_ms; /* … then */
    int64_t asked_ms, wait_ms;
};

/* 1: *page holds the next entries (maybe none), truncated at the end of the log; the caller
 * releases page->arena. 0: the run's log was read to its end (reader->done), or, with follow, as
 * far as it goes at present. */
int co_log_reader_next(struct log_reader *r, struct log_page *page, struct error *err) MUST_CHECK;
/* Read on by a query of these since_ns and after (log_place_part()), and show all it gives. */
void log_reader_part(struct log_reader *r, int64_t since_ns, uint64_t after);
void log_reader_fini(struct log_reader *r);
/* From where on the service is asked. */
int64_t log_reader_since(const struct log_reader *r);

#endif
