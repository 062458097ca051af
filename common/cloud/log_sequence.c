/* SPDX-License-Identifier: Apache-2.0
 * Log sequences; see log_sequence.h. */
#include "cloud/log_sequence.h"

#include <stdlib.h>

bool log_sequence_wants(const struct log_sequence *s, uint64_t number, bool *late)
{
    bool passed = s->begin && number < s->next;
    *late = passed && (number < s->begin || (number >= s->gap_from && number <= s->gap_to));
    return !passed || *late;
}

static int by_number(const void *a, const void *b)
{
    const struct log_number *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

size_t log_sequence_sort(struct log_number *list, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(list, count, sizeof *list, by_number);
    for (size_t i = 0; i < count; i++)
        if (!kept || list[i].number != list[kept - 1].number)
            list[kept++] = list[i];
    return kept;
}

static int64_t gap_old_ns(const struct log_extent *extent)
{
    return extent->gap_old_ns ? extent->gap_old_ns : LOG_GAP_OLD_NS;
}

static bool give_up(const struct log_sequence *s, const struct log_number *behind,
                    const struct log_extent *extent)
{
    int64_t wait_ms = extent->gap_wait_ms ? extent->gap_wait_ms : LOG_GAP_WAIT_MS;
    return extent->exhausted || behind->time_ns < extent->now_ns - gap_old_ns(extent) ||
           (s->waits_since_ms && extent->now_ms - s->waits_since_ms >= wait_ms);
}

/* A number is missing; those of the last time that was read may be on the next page. */
static bool is_cut(const struct log_number *behind, const struct log_extent *extent)
{
    return extent->more && behind->time_ns >= extent->reached_ns;
}

size_t log_sequence_forward(struct log_sequence *s, const struct log_number *sorted, size_t count,
                            const struct log_extent *extent, bool *has_gap)
{
    size_t taken = 0;
    *has_gap = false;
    if (!s->begin && count)
        s->begin = s->next = sorted[0].number;
    for (; taken < count; taken++) {
        const struct log_number *n = &sorted[taken];
        if (n->number != s->next) {
            *has_gap = !is_cut(n, extent);
            if (!give_up(s, n, extent) || (!*has_gap && !extent->exhausted))
                break;
            s->gap_from = s->next;
            s->gap_to = n->number - 1;
            *has_gap = false;
        }
        s->next = n->number + 1;
        s->waits_since_ms = 0;
    }
    if (*has_gap && !s->waits_since_ms)
        s->waits_since_ms = extent->now_ms;
    return taken;
}

size_t log_sequence_backward(struct log_sequence *s, const struct log_number *sorted, size_t count,
                             const struct log_extent *extent, bool *has_gap)
{
    size_t first = count;
    *has_gap = false;
    if (!s->begin && count)
        s->next = sorted[count - 1].number + 1;
    for (; first > 0; first--) {
        const struct log_number *n = &sorted[first - 1];
        if (n->number + 1 != s->next) {
            if (extent->more && !extent->exhausted && n->time_ns <= extent->reached_ns)
                break;
            const struct log_number *behind = first < count ? &sorted[first] : n;
            if (behind->time_ns >= extent->now_ns - gap_old_ns(extent))
                *has_gap = true;
            s->gap_from = n->number + 1;
            s->gap_to = s->next - 1;
        }
        s->begin = s->next = n->number;
    }
    return first;
}

bool log_sequence_is_cut(const struct log_sequence *s, bool backward,
                         const struct log_number *sorted, size_t count,
                         const struct log_extent *extent)
{
    struct log_sequence copy = *s;
    bool has_gap;
    if (!extent->more || !count)
        return false;
    if (backward)
        return log_sequence_backward(&copy, sorted, count, extent, &has_gap) > count / 2;
    size_t taken = log_sequence_forward(&copy, sorted, count, extent, &has_gap);
    return taken < (count + 1) / 2 && is_cut(&sorted[taken], extent);
}
