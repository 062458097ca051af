/* SPDX-License-Identifier: Apache-2.0
 *
 * One query for a log while it is answered: takes the entries that are behind its cursor, in
 * whatever order the service lists them, and makes a page of them in the order in which they were
 * printed. Pure; used by log_batch.c.
 */
#ifndef SOCKERLESS_CLOUD_LOG_SLOT_H
#define SOCKERLESS_CLOUD_LOG_SLOT_H

#include "cloud/driver.h"
#include "cloud/log_cursor.h"
#include "cloud/log_entry.h"
#include "cloud/log_sequence.h"

enum { LOG_KEY_SIZE = 256 };

/* The log of one run, or a part of it. */
struct log_part {
    const char *ref;        /* the workload's log_ref */
    const char *key;        /* what the service's entries call it: as in log_entry.log */
    int64_t from_ns, to_ns; /* by the service's time, inclusive; to_ns 0: no end */
};

struct log_item {
    struct log_event event;
    struct log_mark mark;
    uint64_t number; /* 0: no record whose turn it is */
    const char *id;  /* only backward */
};

struct log_slot {
    const struct log_query *query;
    struct log_page *page; /* its arena holds everything */
    struct log_part part;
    struct log_cursor cursor;
    struct log_item *items; /* as they were read */
    size_t count, room;
    size_t logs;          /* that share its calls */
    size_t records;       /* of the items; their numbers … */
    uint64_t least, most; /* … lie between these */
};

/* key: of query->workload->log_ref, "" there is none. later_ns: how much later than what is printed
 * its time in the service may be. */
int log_slot_init(struct log_slot *s, const struct log_query *query, const char *key,
                  int64_t later_ns, struct log_page *page, struct error *err) MUST_CHECK;
/* The container never ran: there is nothing to ask. */
bool log_slot_idle(const struct log_slot *s);
/* Drop what was read, to read it again. */
void log_slot_reset(struct log_slot *s);
/* Take an entry of this slot's log in: where its event is to be put; NULL when it is not wanted. It
 * holds until the next one is taken. */
struct log_event *log_slot_take(struct log_slot *s, const struct log_entry *entry);
/* What was read ends where a page must not end. */
bool log_slot_reads_on(const struct log_slot *s, const struct log_extent *extent);
/* Make the page. stalled: the call found nothing new in any log. */
void log_slot_finish(struct log_slot *s, const struct log_extent *extent, bool stalled);

#endif
