/* SPDX-License-Identifier: Apache-2.0
 * Log rings; see log_ring.h. Kept as chunks, which are dropped as a whole. */
#include "base/log_ring.h"

#include "base/alloc.h"

#include <string.h>

enum { NUMBER_SIZE = 8, RECORD_HEADER_SIZE = 8 + 1 + 4, CHUNK_RECORDS_MAX = LOG_RING_CHUNK / 13 };

struct log_ring_chunk {
    uint64_t first; /* number of its first record */
    uint64_t count;
    uint64_t before; /* bytes of all chunks before it, dropped ones too */
    struct buf data;
};

/* ---- numbers on the wire ---- */

static void put_number(unsigned char *out, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8)
        out[i] = (unsigned char)value;
}

static uint64_t get_number(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* The record at the start of these bytes, but for its number; returns its size, 0: damaged. */
static size_t record_decode(const char *bytes, size_t len, struct log_ring_record *out)
{
    if (len < RECORD_HEADER_SIZE)
        return 0;
    unsigned kind = (unsigned char)bytes[8];
    out->time_ns = (int64_t)get_number(bytes, 8);
    out->len = (size_t)get_number(bytes + 9, 4);
    out->text = bytes + RECORD_HEADER_SIZE;
    if (kind >= LOG_RECORD_KINDS || out->len > LOG_RECORD_MAX ||
        out->len > len - RECORD_HEADER_SIZE)
        return 0;
    out->kind = (enum log_record_kind)kind;
    return RECORD_HEADER_SIZE + out->len;
}

/* ---- keeping ---- */

void log_ring_init(struct log_ring *r, size_t max)
{
    *r = (struct log_ring){.max = max, .next = 1};
}

static void drop_oldest(struct log_ring *r)
{
    struct log_ring_chunk *oldest = r->chunks[0];
    r->bytes -= oldest->data.len;
    r->count--;
    r->dropped++;
    memmove(r->chunks, r->chunks + 1, r->count * sizeof *r->chunks);
    buf_free(&oldest->data);
    free(oldest);
}

void log_ring_restart(struct log_ring *r, uint64_t number)
{
    while (r->count)
        drop_oldest(r);
    r->next = number;
}

void log_ring_fini(struct log_ring *r)
{
    log_ring_restart(r, 1);
    free(r->chunks);
    r->chunks = NULL;
    r->room = 0;
}

static struct log_ring_chunk *chunk_add(struct log_ring *r)
{
    struct log_ring_chunk *chunk = NEW(struct log_ring_chunk);
    chunk->first = r->next;
    if (r->count) {
        const struct log_ring_chunk *last = r->chunks[r->count - 1];
        chunk->before = last->before + last->data.len;
    }
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 8;
        r->chunks = xrealloc(r->chunks, r->room * sizeof *r->chunks);
    }
    return r->chunks[r->count++] = chunk;
}

void log_ring_append(struct log_ring *r, int64_t time_ns, enum log_record_kind kind,
                     const char *text, size_t len)
{
    unsigned char header[RECORD_HEADER_SIZE];
    struct log_ring_chunk *chunk = r->count ? r->chunks[r->count - 1] : NULL;
    if (!chunk || chunk->data.len + sizeof header + len > LOG_RING_CHUNK)
        chunk = chunk_add(r);
    put_number(header, (uint64_t)time_ns, 8);
    header[8] = (unsigned char)kind;
    put_number(header + 9, len, 4);
    buf_append(&chunk->data, header, sizeof header);
    if (len)
        buf_append(&chunk->data, text, len);
    chunk->count++;
    r->bytes += sizeof header + len;
    r->next++;
    while (r->bytes > r->max && r->count > 1)
        drop_oldest(r);
}

uint64_t log_ring_first(const struct log_ring *r)
{
    return r->count ? r->chunks[0]->first : r->next;
}

uint64_t log_ring_end(const struct log_ring *r)
{
    return r->next;
}

bool log_ring_holds(const struct log_ring *r, uint64_t number)
{
    return number >= log_ring_first(r) && number <= r->next;
}

/* ---- reading ---- */

/* The index of the chunk that has this record, which is kept. */
static size_t find_chunk(const struct log_ring *r, uint64_t number)
{
    size_t low = 0, high = r->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (r->chunks[middle]->first <= number)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t log_ring_bytes_from(const struct log_ring *r, uint64_t number)
{
    if (!r->count || number >= r->next)
        return 0;
    const struct log_ring_chunk *last = r->chunks[r->count - 1];
    const struct log_ring_chunk *from = r->chunks[find_chunk(r, number)];
    return (size_t)(last->before + last->data.len - from->before);
}

static void cursor_set(struct log_ring_cursor *c, uint64_t number, uint64_t chunk, size_t at)
{
    *c = (struct log_ring_cursor){.number = number, .chunk = chunk, .at_number = number, .at = at};
}

/* The chunk that the cursor stands in; the cursor's place is found when it is not known. */
static const struct log_ring_chunk *cursor_seek(const struct log_ring *r, struct log_ring_cursor *c)
{
    struct log_ring_record record;
    if (c->number < log_ring_first(r) || c->number >= r->next)
        return NULL;
    if (c->at_number == c->number && c->at_number && c->chunk >= r->dropped) {
        const struct log_ring_chunk *same = r->chunks[c->chunk - r->dropped];
        if (c->number < same->first + same->count)
            return same;
    }
    size_t index = find_chunk(r, c->number), at = 0;
    const struct log_ring_chunk *chunk = r->chunks[index];
    for (uint64_t n = chunk->first; n < c->number; n++)
        at += record_decode(chunk->data.data + at, chunk->data.len - at, &record);
    cursor_set(c, c->number, r->dropped + index, at);
    return chunk;
}

bool log_ring_read(const struct log_ring *r, struct log_ring_cursor *c, struct log_ring_record *out)
{
    const struct log_ring_chunk *chunk = cursor_seek(r, c);
    if (!chunk)
        return false;
    size_t size = record_decode(chunk->data.data + c->at, chunk->data.len - c->at, out);
    out->number = c->number;
    cursor_set(c, c->number + 1, c->chunk, c->at + size);
    return true;
}

bool log_ring_batch(const struct log_ring *r, struct log_ring_cursor *c, struct buf *out)
{
    unsigned char number[NUMBER_SIZE];
    const struct log_ring_chunk *chunk = cursor_seek(r, c);
    if (!chunk)
        return false;
    put_number(number, c->number, sizeof number);
    buf_append(out, number, sizeof number);
    buf_append(out, chunk->data.data + c->at, chunk->data.len - c->at);
    cursor_set(c, chunk->first + chunk->count, c->chunk, chunk->data.len);
    return true;
}

bool log_ring_take(struct log_ring *r, const void *batch, size_t len)
{
    struct log_ring_record record;
    if (len < NUMBER_SIZE)
        return false;
    const char *at = (const char *)batch + NUMBER_SIZE;
    uint64_t number = get_number(batch, NUMBER_SIZE);
    if (number == 0 || number >= UINT64_MAX / 2)
        return false;
    if (number != r->next)
        log_ring_restart(r, number);
    for (size_t left = len - NUMBER_SIZE, size; left; at += size, left -= size) {
        size = record_decode(at, left, &record);
        if (!size)
            return false;
        log_ring_append(r, record.time_ns, record.kind, record.text, record.len);
    }
    return true;
}

/* ---- from the end ---- */

/* Calls fn with the records before `end`, newest first, until it returns true; whether it did. */
static bool walk_backward(const struct log_ring *r, uint64_t end,
                          bool (*fn)(void *arg, const struct log_ring_record *record), void *arg)
{
    AUTO_FREE struct log_ring_record *records = NULL;
    if (end <= log_ring_first(r) || end > r->next)
        return false;
    records = xcalloc(CHUNK_RECORDS_MAX + 1, sizeof *records);
    for (size_t i = find_chunk(r, end - 1) + 1; i-- > 0;) {
        const struct log_ring_chunk *chunk = r->chunks[i];
        size_t at = 0, n = 0;
        for (uint64_t number = chunk->first; number < chunk->first + chunk->count && number < end;
             number++) {
            records[n].number = number;
            at += record_decode(chunk->data.data + at, chunk->data.len - at, &records[n++]);
        }
        while (n > 0)
            if (fn(arg, &records[--n]))
                return true;
    }
    return false;
}

struct tail_count {
    uint64_t lines, counted, start;
    bool newer_seen[2]; /* stdout, stderr: there is a later record of that stream */
};

static bool tail_record(void *arg, const struct log_ring_record *record)
{
    struct tail_count *t = arg;
    if (log_record_ends_line(record->kind, t->newer_seen) && ++t->counted > t->lines)
        return true;
    t->start = record->number;
    return false;
}

bool log_ring_tail(const struct log_ring *r, uint64_t end, uint64_t lines, uint64_t *start,
                   uint64_t *counted)
{
    struct tail_count t = {.lines = lines, .start = end};
    bool found = lines == 0 || walk_backward(r, end, tail_record, &t);
    *start = t.start;
    *counted = t.counted;
    return found;
}

struct search {
    bool (*is_wanted)(const struct log_ring_record *record);
    struct log_ring_record *out;
};

static bool search_record(void *arg, const struct log_ring_record *record)
{
    struct search *s = arg;
    bool found = s->is_wanted(record);
    if (found)
        *s->out = *record;
    return found;
}

bool log_ring_find_last(const struct log_ring *r, uint64_t end,
                        bool (*is_wanted)(const struct log_ring_record *record),
                        struct log_ring_record *out)
{
    return walk_backward(r, end, search_record, &(struct search){is_wanted, out});
}
