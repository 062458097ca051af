/* SPDX-License-Identifier: Apache-2.0
 *
 * One query for a log while it is answered: takes the entries that are behind its cursor, in
 * whatever order Cloud Logging lists them, and makes a page of them in the order in which they were
 * printed. Pure; used by cloudrun_logs.c.
 */
#ifndef SOCKERLESS_CLOUDRUN_SLOT_H
#define SOCKERLESS_CLOUDRUN_SLOT_H

#include "cloud/driver.h"
#include "cloud/log_sequence.h"
#include "cloudrun_cursor.h"
#include "cloudrun_entry.h"
#include "cloudrun_filter.h"

struct cloudrun_item {
    struct log_event event;
    struct cloudrun_mark mark;
    uint64_t number; /* 0: no record whose turn it is */
    const char *id;  /* the insertId; only backward */
};

struct cloudrun_slot {
    const struct log_query *query;
    struct log_page *page; /* its arena holds everything */
    struct cloudrun_log_part part;
    struct cloudrun_cursor cursor;
    struct cloudrun_item *items; /* as they were read */
    size_t count, room;
    size_t logs;          /* that share its calls */
    size_t records;       /* of the items; their numbers … */
    uint64_t least, most; /* … lie between these */
};

int cloudrun_slot_init(struct cloudrun_slot *s, const struct log_query *query,
                       struct log_page *page, struct error *err) MUST_CHECK;
/* The container never ran: there is nothing to ask. */
bool cloudrun_slot_idle(const struct cloudrun_slot *s);
/* Drop what was read, to read it again. */
void cloudrun_slot_reset(struct cloudrun_slot *s);
/* Take an entry of this slot's log in; returns how many bytes it has, -1 when it is not wanted. */
int64_t cloudrun_slot_take(struct cloudrun_slot *s, const json_t *json,
                           const struct cloudrun_entry *entry);
/* What was read ends where a page must not end. */
bool cloudrun_slot_reads_on(const struct cloudrun_slot *s, const struct log_extent *extent);
/* Make the page. stalled: the call found nothing new in any log. */
void cloudrun_slot_finish(struct cloudrun_slot *s, const struct log_extent *extent, bool stalled);

#endif
