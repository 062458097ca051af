/* SPDX-License-Identifier: Apache-2.0
 *
 * Where reading a log stands: an edge, and what on this side of it was delivered. Records of an
 * agent are known by their numbers (cloud/log_sequence.h); any other entry by its timestamp and
 * id.
 *
 * Forward the edge lies some entries and seconds before the newest one: what the service takes in
 * late, or at the very same timestamp, is still found, and what was delivered is not delivered
 * again. Backward the edge is the oldest entry. The text form is the token of driver.h. Pure.
 */
#ifndef SOCKERLESS_CLOUD_LOG_CURSOR_H
#define SOCKERLESS_CLOUD_LOG_CURSOR_H

#include "base/arena.h"
#include "cloud/log_sequence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_mark {
    int64_t ns;
    uint64_t id; /* hash of what the service calls it */
};

struct log_cursor {
    int64_t edge_ns;   /* inclusive: forward from here on, backward up to here */
    int64_t newest_ns; /* of what was delivered; 0: nothing was */
    struct log_sequence sequence;
    uint64_t edge_number;  /* forward: of a record at the edge; 0: none */
    int64_t near_ns;       /* forward: shortly before the newest; 0: not known */
    struct log_mark *seen; /* arena; ascending by ns */
    size_t count;
};

/* After 1970, and far from where adding to it overflows. */
bool log_mark_time_valid(int64_t ns);
uint64_t log_mark_id(const char *id);
bool log_cursor_has(const struct log_cursor *c, const struct log_mark *mark);

/* False: not a token of that direction. */
bool log_cursor_parse(const char *token, bool backward, struct arena *arena,
                      struct log_cursor *out);
char *log_cursor_format(const struct log_cursor *c, bool backward, struct arena *arena);

/* From when on to ask, forward. */
int64_t log_cursor_from(const struct log_cursor *c);

/* After delivering `count` entries that are no records (ascending). shared: how many logs the next
 * call may read at once; the more, the fewer entries back from the newest late ones are still
 * waited for. */
void log_cursor_forward(struct log_cursor *c, const struct log_mark *delivered, size_t count,
                        size_t shared, struct arena *arena);
/* After delivering `count` records. */
void log_cursor_numbers(struct log_cursor *c, const struct log_number *delivered, size_t count,
                        size_t shared);
/* oldest_ns: of all that was delivered; delivered: what are no records. */
void log_cursor_backward(struct log_cursor *c, int64_t oldest_ns, const struct log_mark *delivered,
                         size_t count, struct arena *arena);
/* Reading forward found nothing but what was delivered, and more behind it: small pages. Give up
 * the window for late entries, then the newest timestamp, so that reading goes on. */
void log_cursor_narrow(struct log_cursor *c);

#endif
