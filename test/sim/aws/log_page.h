/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of log events while it is collected: limits of number and size, and the JSON of each
 * event.
 */
#ifndef SOCKERLESS_SIM_AWS_LOG_PAGE_H
#define SOCKERLESS_SIM_AWS_LOG_PAGE_H

#include "base/buf.h"
#include "test/sim/host/event_log.h"

enum { LOG_PAGE_EVENTS_MAX = 10000, LOG_PAGE_BYTES_MAX = 1048576, LOG_EVENT_OVERHEAD = 26 };

struct log_page {
    size_t limit; /* events */
    size_t bytes; /* counted as the service counts */
    struct buf json;
    size_t *ends; /* of each event's text in json */
    size_t count, cap;
    uint64_t first, last; /* numbers of the first and last added */
};

/* For FilterLogEvents; NULL for GetLogEvents. */
struct log_page_origin {
    const char *event_id, *stream;
};

void log_page_init(struct log_page *page, size_t limit);
void log_page_fini(struct log_page *page);
/* False, and nothing added, when the page is full. An event always fits into an empty page. */
bool log_page_add(struct log_page *page, uint64_t number, int64_t ingested_ms,
                  const struct log_event *event, const struct log_page_origin *origin);
/* The events as a JSON array; reversed when they were added newest first. */
void log_page_write(const struct log_page *page, bool reversed, struct buf *out);

/* Positions in a stream as the tokens of GetLogEvents: direction 'f' or 'b', number of an event. */
enum { LOG_TOKEN_LEN = 64 };
void log_token_write(char direction, uint64_t number, char out[LOG_TOKEN_LEN]);
bool log_token_read(const char *token, char *direction, uint64_t *number);

#endif
