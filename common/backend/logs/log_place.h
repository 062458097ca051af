/* SPDX-License-Identifier: Apache-2.0
 *
 * Log place: which records of a run a reader has shown, by their numbers, so that it can change
 * between the log service and the live log (log_live.h) at any record and neither lose nor repeat
 * one. Some services keep the numbers. Of the others (LOG_LINES_TEXT) it is used that they keep
 * every record in order: from the log's beginning, or from an anchor (base/log_record.h) on,
 * entries are counted.
 */
#ifndef SOCKERLESS_BACKEND_LOG_PLACE_H
#define SOCKERLESS_BACKEND_LOG_PLACE_H

#include "base/log_ring.h"
#include "cloud/driver.h"

#include <stdbool.h>
#include <stdint.h>

struct log_place {
    bool counts;   /* entries have no numbers, but are all there, in order */
    bool known;    /* `read` is the number of the last entry that was read from the service */
    uint64_t read; /* … or the greatest that was read, where entries have numbers */
    uint64_t
        shown; /* up to this record all was shown, whatever the service still gives; 0: not so */
    int64_t shown_ns;  /* its time */
    int64_t anchor_ns; /* of the last anchor that was passed; 0: none was */
};

/* Reading from the service begins at the run's first record (whole), or somewhere. */
struct log_place log_place_begin(enum log_lines lines, bool whole);
/* True: this is the number of the record that has to be shown next. */
bool log_place_next(const struct log_place *p, uint64_t *number);

/* The next entry from the service. False: it was shown before. */
bool log_place_entry(struct log_place *p, const struct log_event *event);
/* From here on records come from the live log, the one behind `number` first. */
void log_place_join(struct log_place *p, uint64_t number, const struct log_ring *ring);
/* The next record from there. */
void log_place_record(struct log_place *p, const struct log_ring_record *record);
/* From here on entries come from the service again: sets since_ns and after of the query. */
void log_place_part(struct log_place *p, int64_t *since_ns, uint64_t *after);

#endif
