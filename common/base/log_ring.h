/* SPDX-License-Identifier: Apache-2.0
 *
 * Log ring: the newest records of one run's log in memory, by number. The agent keeps one of what
 * it has written into the cloud's log; the backend has a copy of it while clients read that log
 * (backend/logs/log_live.h). Records are numbered from 1 without gaps, as in log_label.h; when the
 * ring is full, the oldest ones are dropped. Between the two the records travel as batches, which
 * are pieces of the ring's own memory:
 *
 *     8 bytes number of the first record, then for each record
 *     8 bytes time in ns since 1970, 1 byte kind (enum log_record_kind), 4 bytes length, text
 *
 * All numbers are big endian. The text is the original one: nothing in it is escaped.
 */
#ifndef SOCKERLESS_BASE_LOG_RING_H
#define SOCKERLESS_BASE_LOG_RING_H

#include "base/buf.h"
#include "base/log_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_RING_MAX = 2 * 1024 * 1024, /* bytes of records that the agent keeps */
    LOG_RING_CHUNK = 32 * 1024,     /* a batch is never longer than this and its number */
};

struct log_ring_chunk;

struct log_ring {
    size_t max;   /* bytes; may be changed, the next record applies it */
    size_t bytes; /* kept at present */

    /* The ring's own. */
    struct log_ring_chunk **chunks; /* oldest first */
    size_t count, room;
    uint64_t dropped; /* chunks before chunks[0] */
    uint64_t next;    /* number of the next record; 0: 1 */
};

struct log_ring_record {
    uint64_t number;
    int64_t time_ns;
    enum log_record_kind kind;
    const char *text; /* borrowed until the ring changes */
    size_t len;
};

/* Where a reader stands: before this number. The rest remembers the place, and starts as zero. */
struct log_ring_cursor {
    uint64_t number;
    uint64_t chunk, at_number;
    size_t at;
};

void log_ring_init(struct log_ring *r, size_t max);
void log_ring_fini(struct log_ring *r);
/* Forget all; the next record gets this number. */
void log_ring_restart(struct log_ring *r, uint64_t number);
/* The text has at most LOG_RECORD_MAX bytes. */
void log_ring_append(struct log_ring *r, int64_t time_ns, enum log_record_kind kind,
                     const char *text, size_t len);

/* The oldest number that is kept; equal to log_ring_end() when nothing is. */
uint64_t log_ring_first(const struct log_ring *r);
/* The number that the next record will get. */
uint64_t log_ring_end(const struct log_ring *r);
/* Reading can go on at this number, if only with records still to come. */
bool log_ring_holds(const struct log_ring *r, uint64_t number);
/* About how many bytes are kept from this number on. */
size_t log_ring_bytes_from(const struct log_ring *r, uint64_t number);

/* The record at the cursor, which moves behind it. False: there is none (any more). */
bool log_ring_read(const struct log_ring *r, struct log_ring_cursor *c,
                   struct log_ring_record *out);
/* Appends a batch that begins at the cursor, which moves behind it. False: there is nothing. */
bool log_ring_batch(const struct log_ring *r, struct log_ring_cursor *c, struct buf *out);
/* Appends a batch's records. One that does not join what is kept begins the ring anew. False: not a
 * batch; what came before the damage is kept. */
bool log_ring_take(struct log_ring *r, const void *batch, size_t len);

/* Where the last `lines` lines before the record `end` begin: true, *start is the number of their
 * first record. False: fewer are kept, *counted says how many. What a line is
 * says log_record_ends_line(). */
bool log_ring_tail(const struct log_ring *r, uint64_t end, uint64_t lines, uint64_t *start,
                   uint64_t *counted);
/* The last record before `end` that is_wanted() wants; false: none is kept. */
bool log_ring_find_last(const struct log_ring *r, uint64_t end,
                        bool (*is_wanted)(const struct log_ring_record *record),
                        struct log_ring_record *out);

#endif
