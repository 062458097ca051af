/* SPDX-License-Identifier: Apache-2.0
 * Log places; see log_place.h. Pure but for the clock. */
#include "backend/logs/log_place.h"

#include "backend/logs/log_format.h"
#include "backend/logs/log_reader.h"
#include "base/timefmt.h"

struct log_place log_place_begin(enum log_lines lines, bool whole)
{
    return (struct log_place){.counts = lines == LOG_LINES_TEXT, .known = whole};
}

bool log_place_next(const struct log_place *p, uint64_t *number)
{
    uint64_t read = p->known ? p->read : 0;
    *number = (read > p->shown ? read : p->shown) + 1;
    return p->known || p->shown;
}

/* ---- the log service ---- */

static bool is_anchor_entry(const struct log_event *event, uint64_t *number)
{
    const char *text;
    size_t len;
    return log_entry_kind(event, &text, &len) == LOG_ENTRY_MARK &&
           log_record_anchor_parse(text, len, number);
}

/* The entry's number; 0: not known. */
static uint64_t number_of(struct log_place *p, const struct log_event *event)
{
    uint64_t number;
    if (!p->counts)
        return event->number;
    if (is_anchor_entry(event, &number)) {
        p->anchor_ns = event->timestamp_ns;
        return number;
    }
    return p->known ? p->read + 1 : 0;
}

bool log_place_entry(struct log_place *p, const struct log_event *event)
{
    uint64_t number = number_of(p, event);
    if (number) {
        p->read = !p->counts && p->known && p->read > number ? p->read : number;
        p->known = true;
    }
    if (!p->shown || number > p->shown)
        return true;
    /* What is that much later was not shown, whatever the count says: of a log that is so old, its
     * service may have dropped the beginning. Where entries have numbers, no agent wrote this. */
    int64_t skew_ns = p->counts ? LOG_CLOCK_SKEW_NS : 0;
    return (p->counts || !number) && event->timestamp_ns > p->shown_ns + skew_ns;
}

/* ---- the live log ---- */

static bool is_anchor_record(const struct log_ring_record *record)
{
    uint64_t number;
    return record->kind == LOG_RECORD_MARK &&
           log_record_anchor_parse(record->text, record->len, &number);
}

void log_place_join(struct log_place *p, uint64_t number, const struct log_ring *ring)
{
    struct log_ring_record record;
    struct log_ring_cursor cursor = {.number = number ? number : 1};
    p->known = true;
    p->read = p->shown = number;
    p->shown_ns = time_now_ns();
    if (cursor.number < log_ring_first(ring))
        cursor.number++; /* the next one is no earlier */
    if (log_ring_read(ring, &cursor, &record))
        p->shown_ns = record.time_ns;
    if (p->counts && log_ring_find_last(ring, number + 1, is_anchor_record, &record))
        p->anchor_ns = record.time_ns;
}

void log_place_record(struct log_place *p, const struct log_ring_record *record)
{
    p->shown = record->number;
    p->shown_ns = record->time_ns;
    if (p->counts && is_anchor_record(record))
        p->anchor_ns = record->time_ns;
}

void log_place_part(struct log_place *p, int64_t *since_ns, uint64_t *after)
{
    int64_t from_ns = p->counts ? p->anchor_ns : p->shown ? p->shown_ns : 0;
    *since_ns = from_ns ? from_ns - LOG_CLOCK_SKEW_NS : 0;
    *after = p->shown;
    p->known = from_ns == 0; /* then it is read from its beginning */
    p->read = 0;
}
