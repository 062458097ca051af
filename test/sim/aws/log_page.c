/* SPDX-License-Identifier: Apache-2.0
 * Pages of log events; see log_page.h. Written directly, not as a tree: 10,000 events a page. */
#include "test/sim/aws/log_page.h"

#include "base/alloc.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

void log_page_init(struct log_page *page, size_t limit)
{
    *page = (struct log_page){.limit = limit};
}

void log_page_fini(struct log_page *page)
{
    buf_free(&page->json);
    free(page->ends);
}

static void write_event(struct buf *out, int64_t ingested_ms, const struct log_event *e,
                        const struct log_page_origin *origin)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    if (origin)
        json_member_string(&w, "logStreamName", origin->stream);
    json_member_int(&w, "timestamp", e->timestamp_ms);
    json_key(&w, "message");
    json_string_len(&w, e->message, e->len);
    json_member_int(&w, "ingestionTime", ingested_ms);
    if (origin)
        json_member_string(&w, "eventId", origin->event_id);
    json_object_close(&w);
}

bool log_page_add(struct log_page *page, uint64_t number, int64_t ingested_ms,
                  const struct log_event *event, const struct log_page_origin *origin)
{
    size_t bytes = page->bytes + event->len + LOG_EVENT_OVERHEAD;
    if (page->count == page->limit || (page->count && bytes > LOG_PAGE_BYTES_MAX))
        return false;
    if (page->count == page->cap) {
        page->cap = page->cap ? page->cap * 2 : 64;
        page->ends = xrealloc(page->ends, page->cap * sizeof *page->ends);
    }
    write_event(&page->json, ingested_ms, event, origin);
    page->bytes = bytes;
    if (page->count == 0)
        page->first = number;
    page->last = number;
    page->ends[page->count++] = page->json.len;
    return true;
}

void log_page_write(const struct log_page *page, bool reversed, struct buf *out)
{
    buf_reserve(out, page->json.len + page->count + 2);
    buf_putc(out, '[');
    for (size_t i = 0; i < page->count; i++) {
        size_t k = reversed ? page->count - 1 - i : i;
        size_t begin = k ? page->ends[k - 1] : 0;
        if (i)
            buf_putc(out, ',');
        buf_append(out, page->json.data + begin, page->ends[k] - begin);
    }
    buf_putc(out, ']');
}

/* As the service's: f/56 digits/s */
void log_token_write(char direction, uint64_t number, char out[LOG_TOKEN_LEN])
{
    snprintf(out, LOG_TOKEN_LEN, "%c/%056llu/s", direction, (unsigned long long)number);
}

bool log_token_read(const char *token, char *direction, uint64_t *number)
{
    unsigned long long n = 0;
    if (strlen(token) != 60 || (token[0] != 'f' && token[0] != 'b') || token[1] != '/' ||
        strcmp(token + 58, "/s"))
        return false;
    for (int i = 2; i < 58; i++) {
        if (token[i] < '0' || token[i] > '9' || n > UINT64_MAX / 10 - 1)
            return false;
        n = n * 10 + (unsigned)(token[i] - '0');
    }
    *direction = token[0];
    *number = n;
    return true;
}
