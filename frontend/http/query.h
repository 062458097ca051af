/* SPDX-License-Identifier: Apache-2.0
 *
 * URL parts: percent-decoding, the query string as pairs, Docker's booleans and integers.
 * Everything decoded lives in the request's arena.
 */
#ifndef SOCKERLESS_FRONTEND_QUERY_H
#define SOCKERLESS_FRONTEND_QUERY_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query_pair {
    const char *key, *value;
};
struct query {
    struct query_pair *pairs;
    size_t count;
    const char *broken; /* what is wrong with the query, in Go's words; NULL: nothing */
};

enum { QUERY_PAIRS_MAX = 256 };

/* Percent-decodes text[0..len) into a NUL-terminated arena string; `plus` turns '+' into a blank.
 * NULL for a broken escape. A %00 becomes \xC0\x80. *out_len (may be NULL) counts decoded bytes. */
char *query_decode(struct arena *a, const char *text, size_t len, bool plus, size_t *out_len);

/* text: what follows '?', NULL or "" for none. A broken pair is dropped, as Go does; q->broken says
 * so, because without it the request may mean something else (filters of a prune). */
void query_parse(struct query *q, struct arena *a, const char *text);

/* First value of that key, NULL if absent. */
const char *query_get(const struct query *q, const char *key);
/* All values of that key, in their order; an arena array, its length in *count. */
char **query_all(const struct query *q, struct arena *a, const char *key, size_t *count);
/* Docker's rule: "", 0, no, false, none are false, anything else is true; absent is `absent`. */
bool query_bool(const struct query *q, const char *key, bool absent);
/* Absent or empty: `absent`. Otherwise a decimal integer within [min, max] or an error in Go's
 * words. */
int query_int(const struct query *q, const char *key, int64_t absent, int64_t min, int64_t max,
              int64_t *out, struct error *err) MUST_CHECK;

#endif
