/* SPDX-License-Identifier: Apache-2.0
 * Similar words; see suggestion.h. The distance is Levenshtein's: characters inserted, deleted or
 * replaced. */
#include "base/suggestion.h"

#include <string.h>

enum { WORD_MAX = 80, DISTANCE_MAX = 3 };

struct suggestion suggestion_of(const char *given)
{
    /* Of a short word little may differ, or everything were similar. */
    size_t limit = strlen(given) / 4 < DISTANCE_MAX ? strlen(given) / 4 : DISTANCE_MAX;
    return (struct suggestion){.given = given, .distance = limit + 1};
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Both at most WORD_MAX characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[columns];
}

void suggestion_try(struct suggestion *s, const char *candidate)
{
    if (strlen(s->given) > WORD_MAX || strlen(candidate) > WORD_MAX)
        return;
    size_t d = distance(s->given, candidate);
    if (d >= s->distance)
        return;
    s->distance = d;
    s->word = candidate;
}
