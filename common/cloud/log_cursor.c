/* SPDX-License-Identifier: Apache-2.0
 * Where reading a log stands; see log_cursor.h. */
#include "cloud/log_cursor.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Entries that are read again at every poll: those of all logs that share a call fit into one
     * page with room for new ones. */
    WINDOW_MARKS = 768,
    WINDOW_MARKS_ALONE = 512, /* of one log: the token has to hold them */
    WINDOW_MARKS_LEAST = 4,
    SAME_TIME_MAX = 1024, /* entries of one timestamp that are told apart */
    NEAR_RECORDS = 32,
};
static const int64_t window_ns = 10 * (int64_t)1000000000;

bool log_mark_time_valid(int64_t ns)
{
    return ns > 0 && ns < INT64_MAX / 2;
}

/* FNV-1a. */
uint64_t log_mark_id(const char *id)
{
    uint64_t hash = 14695981039346656037u;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 1099511628211u;
    return hash;
}

bool log_cursor_has(const struct log_cursor *c, const struct log_mark *mark)
{
    for (size_t i = c->count; i-- > 0;)
        if (c->seen[i].ns == mark->ns && c->seen[i].id == mark->id)
            return true;
    return false;
}

/* "F EDGE NEWEST BEGIN NEXT GAP_FROM GAP_TO WAITS NUMBER NEAR NS:ID NS:ID …" */
static bool parse_head(const char *token, struct log_cursor *out, const char **rest)
{
    struct log_sequence *s = &out->sequence;
    uint64_t *const fields[] = {(uint64_t *)&out->edge_ns,
                                (uint64_t *)&out->newest_ns,
                                &s->begin,
                                &s->next,
                                &s->gap_from,
                                &s->gap_to,
                                (uint64_t *)&s->waits_since_ms,
                                &out->edge_number,
                                (uint64_t *)&out->near_ns};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        char *end;
        if (token[0] != ' ' || !isdigit((unsigned char)token[1]))
            return false;
        *fields[i] = strtoull(token + 1, &end, 10);
        if (*fields[i] >= INT64_MAX / 2)
            return false;
        token = end;
    }
    *rest = token;
    return true;
}

bool log_cursor_parse(const char *token, bool backward, struct arena *arena, struct log_cursor *out)
{
    const char *at;
    char *end;
    *out = (struct log_cursor){0};
    if (token[0] != (backward ? 'B' : 'F') || !parse_head(token + 1, out, &at))
        return false;
    out->seen = arena_calloc(arena, strlen(at) / 4 + 1, sizeof *out->seen);
    while (*at == ' ') {
        struct log_mark *mark = &out->seen[out->count];
        mark->ns = strtoll(at + 1, &end, 10);
        if (end == at + 1 || *end != ':' || !log_mark_time_valid(mark->ns))
            return false;
        at = end + 1;
        mark->id = strtoull(at, &end, 16);
        if (end == at)
            return false;
        out->count++;
        at = end;
    }
    return !*at;
}

char *log_cursor_format(const struct log_cursor *c, bool backward, struct arena *arena)
{
    AUTO(buf) struct buf text = BUF_INIT;
    const struct log_sequence *s = &c->sequence;
    buf_printf(&text,
               "%c %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64
               " %" PRIu64 " %" PRId64,
               backward ? 'B' : 'F', c->edge_ns, c->newest_ns, s->begin, s->next, s->gap_from,
               s->gap_to, s->waits_since_ms, c->edge_number, c->near_ns);
    for (size_t i = 0; i < c->count; i++)
        buf_printf(&text, " %" PRId64 ":%" PRIx64, c->seen[i].ns, c->seen[i].id);
    return arena_strdup(arena, text.data);
}

static int by_time(const void *a, const void *b)
{
    const struct log_mark *x = a, *y = b;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

static struct log_mark *join(const struct log_cursor *c, const struct log_mark *delivered,
                             size_t count, struct arena *arena)
{
    struct log_mark *all = arena_calloc(arena, c->count + count + 1, sizeof *all);
    if (c->count)
        memcpy(all, c->seen, c->count * sizeof *all);
    if (count)
        memcpy(all + c->count, delivered, count * sizeof *all);
    qsort(all, c->count + count, sizeof *all, by_time);
    return all;
}

/* Of everything at or after the edge all that was delivered must be known: whole groups of one
 * timestamp are kept or dropped, and the edge lies after what was dropped. */
static size_t window_marks(size_t shared)
{
    size_t each = WINDOW_MARKS / (shared ? shared : 1);
    return each > WINDOW_MARKS_ALONE   ? WINDOW_MARKS_ALONE
           : each < WINDOW_MARKS_LEAST ? WINDOW_MARKS_LEAST
                                       : each;
}

void log_cursor_forward(struct log_cursor *c, const struct log_mark *delivered, size_t count,
                        size_t shared, struct arena *arena)
{
    size_t n = c->count + count, kept = n, most = window_marks(shared);
    if (!n)
        return;
    struct log_mark *all = join(c, delivered, count, arena);
    int64_t newest = all[n - 1].ns > c->newest_ns ? all[n - 1].ns : c->newest_ns;
    while (kept > 0) {
        size_t group = kept - 1;
        while (group > 0 && all[group - 1].ns == all[group].ns)
            group--;
        bool is_newest = kept == n;
        if (is_newest ? n - group > SAME_TIME_MAX
                      : n - group > most || all[group].ns < newest - window_ns)
            break;
        kept = group;
    }
    if (newest - window_ns > c->edge_ns)
        c->edge_ns = newest - window_ns;
    if (kept > 0 && all[kept - 1].ns + 1 > c->edge_ns)
        c->edge_ns = all[kept - 1].ns + 1;
    c->seen = all + kept;
    c->count = n - kept;
    c->newest_ns = newest;
}

static void drop_seen_before(struct log_cursor *c, int64_t ns)
{
    while (c->count && c->seen[0].ns < ns) {
        c->seen++;
        c->count--;
    }
}

/* Entries between the edge and the newest are read again at every poll: these are as many as there
 * are numbers between. */
void log_cursor_numbers(struct log_cursor *c, const struct log_number *delivered, size_t count,
                        size_t shared)
{
    if (!count)
        return;
    uint64_t last = delivered[count - 1].number, most = window_marks(shared);
    int64_t newest = c->newest_ns, edge = c->edge_ns;
    for (size_t i = 0; i < count; i++)
        if (delivered[i].time_ns > newest)
            newest = delivered[i].time_ns;
    bool too_wide = !c->edge_number || last - c->edge_number > most || newest - edge > window_ns;
    for (size_t i = 0; i < count && too_wide; i++) {
        edge = delivered[i].time_ns;
        c->edge_number = delivered[i].number;
        too_wide = last - c->edge_number > most || newest - edge > window_ns;
    }
    c->newest_ns = newest;
    c->near_ns = delivered[count > NEAR_RECORDS ? count - NEAR_RECORDS : 0].time_ns;
    if (edge > c->edge_ns)
        c->edge_ns = edge;
    drop_seen_before(c, c->edge_ns);
}

/* Where all records up to the newest were delivered none of them can come late: what else may is
 * looked for among the last few. */
int64_t log_cursor_from(const struct log_cursor *c)
{
    const struct log_sequence *s = &c->sequence;
    bool is_whole = s->begin == 1 && !s->gap_to && !s->waits_since_ms;
    return is_whole && c->near_ns > c->edge_ns ? c->near_ns : c->edge_ns;
}

void log_cursor_narrow(struct log_cursor *c)
{
    if (!c->newest_ns)
        return;
    bool narrow = c->edge_ns >= c->newest_ns;
    c->edge_ns = narrow ? c->newest_ns + 1 : c->newest_ns;
    drop_seen_before(c, c->edge_ns);
}

void log_cursor_backward(struct log_cursor *c, int64_t oldest_ns, const struct log_mark *delivered,
                         size_t count, struct arena *arena)
{
    size_t n = c->count + count, same = 0;
    struct log_mark *all = join(c, delivered, count, arena);
    while (same < n && all[same].ns == oldest_ns)
        same++;
    c->edge_ns = oldest_ns;
    if (same > SAME_TIME_MAX) {
        c->edge_ns--;
        same = 0;
    }
    c->seen = all;
    c->count = same;
}
