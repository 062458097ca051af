/* SPDX-License-Identifier: Apache-2.0
 * Slots; see log_slot.h.
 *
 * Records come in the order of their numbers. What no agent wrote (others: a line of the shell that
 * starts the agent) has its place by its timestamp; those of one time come by their ids, as they
 * are listed. */
#include "cloud/log_slot.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    CROWD = 512,    /* delivered entries of one time that a cursor should not be filled with */
    TWINS_MAX = 64, /* entries of one time come by id: twins are close together */
};

int log_slot_init(struct log_slot *s, const struct log_query *query, const char *key,
                  int64_t later_ns, struct log_page *page, struct error *err)
{
    enum { MS = 1000000 };
    *s = (struct log_slot){.query = query, .page = page};
    page->events = NULL;
    page->count = 0;
    page->next_token = page->forward_token = NULL;
    page->at_end = true;
    page->has_gap = false;
    s->part.ref = query->workload->log_ref;
    s->part.key = arena_strdup(&page->arena, key);
    if (!*key)
        return 0;
    /* Records are as exact as the agent's clock, the service's timestamps are not. */
    s->part.from_ns = query->since_ns > MS ? query->since_ns - query->since_ns % MS
                                           : 1; /* 0 is printed as no time */
    s->part.to_ns = query->until_ns > 0 ? query->until_ns + later_ns : 0;
    s->cursor.edge_ns = query->backward ? s->part.to_ns : s->part.from_ns;
    if (query->token && !log_cursor_parse(query->token, query->backward, &page->arena, &s->cursor))
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: bad log token");
    if (!query->token && !query->backward && (query->after || query->since_ns <= 0))
        s->cursor.sequence.begin = s->cursor.sequence.next = query->after + 1;
    if (query->backward)
        s->part.to_ns = s->cursor.edge_ns;
    else
        s->part.from_ns = log_cursor_from(&s->cursor);
    return 0;
}

bool log_slot_idle(const struct log_slot *s)
{
    return !*s->part.key;
}

void log_slot_reset(struct log_slot *s)
{
    s->count = s->records = 0;
}

/* ---- taking entries in ---- */

static bool was_taken(const struct log_slot *s, const struct log_mark *mark)
{
    size_t end = s->count > TWINS_MAX ? s->count - TWINS_MAX : 0;
    for (size_t i = s->count; i-- > end && s->items[i].mark.ns == mark->ns;)
        if (s->items[i].mark.id == mark->id)
            return true;
    return false;
}

static bool wants(const struct log_slot *s, const struct log_entry *entry, bool *record)
{
    const struct log_mark *mark = &entry->mark;
    const struct log_sequence *sequence = &s->cursor.sequence;
    bool late = false;
    *record = entry->is_record;
    if (mark->ns < s->part.from_ns || (s->part.to_ns && mark->ns > s->part.to_ns))
        return false;
    if (entry->is_record && entry->label.number <= s->query->after)
        return false;
    if (entry->is_record && s->query->backward)
        return !sequence->begin || entry->label.number < sequence->next;
    if (entry->is_record && !log_sequence_wants(sequence, entry->label.number, &late))
        return false;
    *record = entry->is_record && !late;
    return *record || !(log_cursor_has(&s->cursor, mark) || was_taken(s, mark));
}

static void count_record(struct log_slot *s, uint64_t number)
{
    if (!s->records || number < s->least)
        s->least = number;
    if (!s->records || number > s->most)
        s->most = number;
    s->records++;
}

struct log_event *log_slot_take(struct log_slot *s, const struct log_entry *entry)
{
    struct arena *arena = &s->page->arena;
    bool record;
    if (!wants(s, entry, &record))
        return NULL;
    s->items = arena_grow(arena, s->items, s->count, &s->room, sizeof *s->items);
    struct log_item *item = &s->items[s->count++];
    *item = (struct log_item){.mark = entry->mark};
    if (record)
        count_record(s, item->number = entry->label.number);
    else if (s->query->backward)
        item->id = arena_strdup(arena, entry->id);
    return &item->event;
}

/* The records, sorted. Heap; the item's index is kept. */
static struct log_number *sorted_records(const struct log_slot *s, size_t *count)
{
    struct log_number *list = xcalloc(s->records + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].number)
            list[n++] = (struct log_number){s->items[i].number, s->items[i].mark.ns, i};
    *count = log_sequence_sort(list, n);
    return list;
}

/* ---- where a page may end ---- */

/* The usual case, without sorting. */
static bool has_no_gap(const struct log_slot *s)
{
    const struct log_sequence *sequence = &s->cursor.sequence;
    bool joins = !sequence->begin ||
                 (s->query->backward ? s->most + 1 == sequence->next : s->least == sequence->next);
    return !s->records || (joins && s->most - s->least + 1 == s->records);
}

/* A page that ends within many others of one time: a cursor could not tell them apart. */
static bool ends_in_crowd(const struct log_slot *s)
{
    size_t n = s->count, same = 0;
    if (n && s->items[n - 1].number)
        return false;
    int64_t ns = n ? s->items[n - 1].mark.ns : s->cursor.count ? s->cursor.newest_ns : 0;
    while (same < n && s->items[n - 1 - same].mark.ns == ns)
        same++;
    for (size_t i = 0; i < s->cursor.count; i++)
        same += s->cursor.seen[i].ns == ns;
    return same > CROWD;
}

/* Backward, a page ends with a time of which all was read; see others_begin(). */
static bool has_one_time(const struct log_slot *s)
{
    return s->count && !s->records && s->items[0].mark.ns == s->items[s->count - 1].mark.ns;
}

bool log_slot_reads_on(const struct log_slot *s, const struct log_extent *extent)
{
    if (ends_in_crowd(s) || (s->query->backward && has_one_time(s)))
        return true;
    if (has_no_gap(s))
        return false;
    size_t count;
    AUTO_FREE struct log_number *records = sorted_records(s, &count);
    return log_sequence_is_cut(&s->cursor.sequence, s->query->backward, records, count, extent);
}

/* ---- the page ---- */

/* What is delivered: a part of the sorted records, and others. */
struct delivery {
    const struct log_number *records;
    size_t record_count;
    const struct log_item **others; /* ascending */
    size_t other_count;
    struct log_mark *marks; /* of the others; arena */
};

static int by_time_and_id(const void *a, const void *b)
{
    const struct log_item *x = *(const struct log_item *const *)a;
    const struct log_item *y = *(const struct log_item *const *)b;
    int order = (x->mark.ns > y->mark.ns) - (x->mark.ns < y->mark.ns);
    if (!order && x->id && y->id)
        order = strcmp(x->id, y->id);
    if (!order) /* as they were read; backward that is turned around */
        order = (x > y) - (x < y);
    return order;
}

/* Forward, entries of one time come by id. Newest first they do so as well, says
 * ListLogEntriesRequest: turning the page around would exchange them. */
static void list_others(const struct log_slot *s, struct delivery *d)
{
    d->others = arena_calloc(&s->page->arena, s->count - s->records + 1, sizeof *d->others);
    for (size_t i = 0; i < s->count; i++)
        if (!s->items[i].number)
            d->others[d->other_count++] = &s->items[i];
    if (d->other_count)
        qsort(d->others, d->other_count, sizeof *d->others, by_time_and_id);
}

static void put_events(struct log_slot *s, struct delivery *d)
{
    struct log_page *page = s->page;
    size_t r = 0, o = 0;
    page->events =
        arena_calloc(&page->arena, d->record_count + d->other_count + 1, sizeof *page->events);
    d->marks = arena_calloc(&page->arena, d->other_count + 1, sizeof *d->marks);
    for (size_t i = 0; i < d->other_count; i++)
        d->marks[i] = d->others[i]->mark;
    while (r < d->record_count || o < d->other_count) {
        bool other = o < d->other_count &&
                     (r == d->record_count || d->others[o]->mark.ns < d->records[r].time_ns);
        page->events[page->count++] =
            other ? d->others[o++]->event : s->items[d->records[r++].item].event;
    }
}

static void finish_forward(struct log_slot *s, const struct log_extent *extent, bool stalled)
{
    struct log_cursor *c = &s->cursor;
    struct delivery d = {0};
    size_t count;
    AUTO_FREE struct log_number *records = sorted_records(s, &count);
    d.records = records;
    d.record_count = log_sequence_forward(&c->sequence, records, count, extent, &s->page->has_gap);
    list_others(s, &d);
    while (d.record_count < count && d.other_count &&
           d.others[d.other_count - 1]->mark.ns > records[d.record_count].time_ns)
        d.other_count--; /* behind a record that is held back */
    put_events(s, &d);
    if (stalled && c->newest_ns <= extent->reached_ns)
        log_cursor_narrow(c);
    log_cursor_forward(c, d.marks, d.other_count, s->logs, &s->page->arena);
    log_cursor_numbers(c, records, d.record_count, s->logs);
    s->page->next_token = log_cursor_format(c, false, &s->page->arena);
    s->page->at_end = !extent->more || (s->page->has_gap && !s->page->count);
}

/* Of the oldest time there may be more, and not only such as come before it: it is left to the next
 * page, as is what is older than the oldest record that is delivered. */
static size_t others_begin(const struct delivery *d, size_t all_records)
{
    size_t cut = 0;
    if (all_records && !d->record_count)
        return d->other_count;
    if (d->record_count) {
        while (cut < d->other_count && d->others[cut]->mark.ns < d->records[0].time_ns)
            cut++;
        return cut;
    }
    while (cut < d->other_count && d->others[cut]->mark.ns == d->others[0]->mark.ns)
        cut++;
    return cut == d->other_count ? 0 : cut;
}

/* Where following goes on behind the newest page. */
static const char *forward_token(const struct log_slot *s, const struct delivery *d,
                                 const struct log_extent *extent)
{
    struct arena *arena = &s->page->arena;
    struct log_cursor follow = {.edge_ns = s->part.from_ns};
    const struct log_sequence *read = &s->cursor.sequence;
    size_t skip = 0;
    if (extent->more && d->other_count) /* its oldest may have older namesakes */
        follow.edge_ns = d->marks[0].ns + 1;
    while (skip < d->other_count && d->marks[skip].ns < follow.edge_ns)
        skip++;
    log_cursor_forward(&follow, d->marks + skip, d->other_count - skip, 1, arena);
    if (d->record_count) {
        follow.sequence.next = d->records[d->record_count - 1].number + 1;
        follow.sequence.gap_from = read->gap_from;
        follow.sequence.gap_to = read->gap_to;
        log_cursor_numbers(&follow, d->records, d->record_count, 1);
    } else if (!s->count && !extent->more) {
        follow.sequence.next = 1;
    }
    follow.sequence.begin = follow.sequence.next ? 1 : 0;
    return log_cursor_format(&follow, false, arena);
}

static void finish_backward(struct log_slot *s, const struct log_extent *extent)
{
    struct log_cursor *c = &s->cursor;
    struct delivery d = {0};
    size_t count;
    AUTO_FREE struct log_number *records = sorted_records(s, &count);
    size_t first = log_sequence_backward(&c->sequence, records, count, extent, &s->page->has_gap);
    d.records = records + first;
    d.record_count = count - first;
    list_others(s, &d);
    size_t cut = extent->more ? others_begin(&d, count) : 0;
    d.others += cut;
    d.other_count -= cut;
    put_events(s, &d);
    if (!s->query->token)
        s->page->forward_token = forward_token(s, &d, extent);
    int64_t oldest = d.record_count ? d.records[0].time_ns : INT64_MAX;
    if (d.other_count && d.marks[0].ns < oldest)
        oldest = d.marks[0].ns;
    if (s->page->count)
        log_cursor_backward(c, oldest, d.marks, d.other_count, &s->page->arena);
    if (s->page->count || s->query->token)
        s->page->next_token = log_cursor_format(c, true, &s->page->arena);
    s->page->at_end = !extent->more;
}

void log_slot_finish(struct log_slot *s, const struct log_extent *extent, bool stalled)
{
    if (s->query->backward)
        finish_backward(s, extent);
    else
        finish_forward(s, extent, stalled);
}
