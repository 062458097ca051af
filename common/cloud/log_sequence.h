/* SPDX-License-Identifier: Apache-2.0
 *
 * Log sequence: the order of a run's records where the log service does not keep the order of
 * arrival. Agents number their records (base/log_label.h); a driver whose service sorts entries by
 * time reads pages of them, and this decides which may be delivered: those that follow what was
 * delivered without a gap. A number that is missing may still arrive; it is waited for, some
 * seconds, and then given up. Pure.
 */
#ifndef SOCKERLESS_CLOUD_LOG_SEQUENCE_H
#define SOCKERLESS_CLOUD_LOG_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_GAP_WAIT_MS = 10000 };
/* What is so old no longer has anything missing before it. More than clocks differ. */
#define LOG_GAP_OLD_NS (90 * INT64_C(1000000000))

/* Where a reader stands. All zero: at a beginning that is not known yet. */
struct log_sequence {
    uint64_t begin; /* the first number of the reading; 0: not known */
    uint64_t next;  /* the next one to deliver; backward: the last one that was delivered */
    uint64_t gap_from, gap_to; /* given up, the last time that happened; 0: never */
    int64_t waits_since_ms;    /* monotonic: next is missing while later ones are there; 0: no */
};

struct log_number {
    uint64_t number;
    int64_t time_ns; /* by which the service sorts */
    size_t item;     /* the caller's */
};

/* What was read from the service. */
struct log_extent {
    int64_t
        reached_ns; /* the last entry's time: of earlier (backward: later) ones all were read … */
    bool more;      /* … and there are further entries */
    bool exhausted; /* more cannot be read at once */
    int64_t now_ns, now_ms;          /* wall and monotonic clock */
    int64_t gap_wait_ms, gap_old_ns; /* 0: as above; more where entries come later */
};

/* Not delivered yet. *late: its turn is over, it is delivered out of order; the caller knows which
 * of these it has delivered. */
bool log_sequence_wants(const struct log_sequence *s, uint64_t number, bool *late);
/* Sorts by number and drops what is there twice; returns how many are left. */
size_t log_sequence_sort(struct log_number *list, size_t count);
/* How many from the start of a sorted list follow what was delivered; *s has moved behind them.
 * *has_gap: the others wait for a number that has not arrived. */
size_t log_sequence_forward(struct log_sequence *s, const struct log_number *sorted, size_t count,
                            const struct log_extent *extent, bool *has_gap);
/* The index from which on the list may be delivered, reading backward. Gaps that reading on would
 * not close are passed over; *has_gap: what is missing in one of them may still arrive. */
size_t log_sequence_backward(struct log_sequence *s, const struct log_number *sorted, size_t count,
                             const struct log_extent *extent, bool *has_gap);
/* Reading on is worth it: what the extent's end cuts off is more than half of the list. */
bool log_sequence_is_cut(const struct log_sequence *s, bool backward,
                         const struct log_number *sorted, size_t count,
                         const struct log_extent *extent);

#endif
