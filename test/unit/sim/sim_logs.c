/* SPDX-License-Identifier: Apache-2.0
 * The simulator's logs: the index of a stream, pages and tokens, lines to events. */
#include "test/sim/aws/log_page.h"
#include "test/sim/host/event_log.h"
#include "test/sim/host/line_pump.h"

#include "base/alloc.h"
#include "test/kit/test.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 10000 };

/* Event i: timestamp 1000 + i, ingested at 5000 + i / 10, message "event i". */
static struct event_log *make_log(void)
{
    struct error err;
    AUTO_FREE char *path = xasprintf("/tmp/sim_logs.%d", (int)getpid());
    struct event_log *log = event_log_open(path, &err);
    assert_non_null(log);
    for (int i = 0; i < EVENTS; i += 10) {
        struct log_event batch[10];
        char text[10][32];
        for (int k = 0; k < 10; k++) {
            int n = snprintf(text[k], sizeof text[k], "event %d", i + k);
            batch[k] = (struct log_event){1000 + i + k, text[k], (size_t)n};
        }
        assert_int_equal(event_log_append(log, batch, 10, 5000 + i / 10, &err), 0);
    }
    return log;
}

struct seen {
    uint64_t first, last, count, stop_after;
};

static bool look(void *ctx, uint64_t number, int64_t ingested_ms, const struct log_event *event)
{
    struct seen *seen = ctx;
    char expected[32];
    int n = snprintf(expected, sizeof expected, "event %d", (int)number);
    assert_int_equal(event->len, n);
    assert_memory_equal(event->message, expected, event->len);
    assert_int_equal(event->timestamp_ms, 1000 + number);
    assert_int_equal(ingested_ms, 5000 + number / 10);
    if (seen->count++ == 0)
        seen->first = number;
    seen->last = number;
    return seen->count < seen->stop_after;
}

TEST(finds_ranges)
{
    enum { ALL = 1 << 30 };
    static const int64_t first = INT64_MIN, last = INT64_MAX;
    const struct {
        struct event_range range;
        uint64_t stop_after, count, first, last;
    } cases[] = {
        {{0, EVENTS, first, last, false}, ALL, EVENTS, 0, EVENTS - 1},
        {{0, EVENTS, first, last, true}, ALL, EVENTS, EVENTS - 1, 0},
        {{4321, 4331, first, last, false}, ALL, 10, 4321, 4330},
        {{0, 7000, first, last, true}, 3, 3, 6999, 6997},
        {{0, EVENTS, 1500, 1600, false}, ALL, 100, 500, 599}, /* without the end */
        {{5, 5, first, last, false}, ALL, 0, 0, 0},
        {{EVENTS - 1, EVENTS, first, last, true}, 9, 1, EVENTS - 1, EVENTS - 1},
    };
    struct event_log *log = make_log();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct seen seen = {.stop_after = cases[i].stop_after};
        struct error err;
        if (i == ARRAY_LEN(cases) - 1)
            event_log_idle(log); /* reads reopen the file */
        assert_int_equal(event_log_scan(log, &cases[i].range, look, &seen, &err), 0);
        assert_int_equal(seen.count, cases[i].count);
        assert_int_equal(seen.first, cases[i].first);
        assert_int_equal(seen.last, cases[i].last);
    }
    event_log_free(log);
}

TEST(knows_what_was_ingested)
{
    struct event_log *log = make_log();
    assert_int_equal(event_log_ingested_by(log, 4999), 0);
    assert_int_equal(event_log_ingested_by(log, 5000), 10);
    assert_int_equal(event_log_ingested_by(log, 5432), 4330);
    assert_int_equal(event_log_ingested_by(log, 5998), EVENTS - 10);
    assert_int_equal(event_log_ingested_by(log, 5999), EVENTS);
    assert_int_equal(event_log_ingested_by(log, INT64_MAX), EVENTS);
    event_log_free(log);
}

TEST(limits_pages)
{
    struct log_page page;
    log_page_init(&page, 2);
    assert_true(log_page_add(&page, 7, 2, &(struct log_event){1, "a\xff", 2}, NULL));
    assert_true(log_page_add(&page, 8, 2, &(struct log_event){1, "b", 1}, NULL));
    assert_false(log_page_add(&page, 9, 2, &(struct log_event){1, "c", 1}, NULL));
    struct buf out = BUF_INIT;
    log_page_write(&page, true, &out);
    assert_string_equal(out.data,
                        "[{\"timestamp\":1,\"message\":\"b\",\"ingestionTime\":2},"
                        "{\"timestamp\":1,\"message\":\"a\xEF\xBF\xBD\",\"ingestionTime\":2}]");
    assert_int_equal(page.first, 7);
    assert_int_equal(page.last, 8);
    log_page_fini(&page);
    buf_free(&out);

    log_page_init(&page, LOG_PAGE_EVENTS_MAX); /* 1 MB counts 26 bytes an event */
    AUTO_FREE char *big = xcalloc(1, 262144);
    struct log_event event = {1, big, 262144 - LOG_EVENT_OVERHEAD};
    for (int i = 0; i < 4; i++)
        assert_true(log_page_add(&page, (uint64_t)i, 1, &event, NULL));
    assert_false(log_page_add(&page, 4, 1, &(struct log_event){1, "x", 1}, NULL));
    log_page_fini(&page);
}

TEST(reads_its_tokens)
{
    char token[LOG_TOKEN_LEN], direction;
    uint64_t number;
    log_token_write('f', 123456789, token);
    assert_true(log_token_read(token, &direction, &number));
    assert_int_equal(direction, 'f');
    assert_int_equal(number, 123456789);
    assert_int_equal(strlen(token), 60);
    static const char *const bad[] = {
        "", "f/1/s", "x/00000000000000000000000000000000000000000000000000000001/s",
        "f/0000000000000000000000000000000000000000000000000000000x/s",
        "f/99999999999999999999999999999999999999999999999999999999/s"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(log_token_read(bad[i], &direction, &number));
}

struct collected {
    struct buf text; /* events, each ended by '|' */
    size_t count, longest;
};

static void collect(void *ctx, const struct log_event *events, size_t count)
{
    struct collected *c = ctx;
    for (size_t i = 0; i < count; i++) {
        buf_append(&c->text, events[i].message, events[i].len);
        buf_putc(&c->text, '|');
        c->longest = events[i].len > c->longest ? events[i].len : c->longest;
    }
    c->count += count;
}

/* What becomes of the bytes when they come in steps of that size; its text is the caller's. */
static struct collected pump(const char *bytes, size_t len, size_t step)
{
    struct collected c = {0};
    struct line_pump *p = NEW(struct line_pump);
    line_pump_init(p, collect, &c);
    for (size_t i = 0; i < len; i += step)
        line_pump_feed(p, bytes + i, len - i < step ? len - i : step, 1);
    line_pump_finish(p, 1);
    free(p);
    return c;
}

TEST(splits_lines)
{
    static const char input[] = "one\n\ntwo\r\nthr\xc3\xa9"
                                "e\nlast";
    for (size_t step = 1; step < sizeof input; step++) { /* however the bytes are cut */
        struct collected c = pump(input, sizeof input - 1, step);
        assert_string_equal(c.text.data, "one|two\r|thr\xc3\xa9"
                                         "e|last|");
        buf_free(&c.text);
    }
}

TEST(splits_long_lines)
{
    static const size_t steps[] = {1 << 20, 65536, 4097};
    size_t len = 3 * LINE_PUMP_EVENT_MAX / 2 + 1;
    AUTO_FREE char *line = xmalloc(len + 1);
    for (size_t i = 0; i + 1 < len; i += 2)
        memcpy(line + i, "\xc3\xa9", 2);
    line[len - 1] = '!';
    line[len] = '\n';
    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        struct collected c = pump(line, len + 1, steps[k]);
        assert_int_equal(c.count, 2);
        assert_true(c.longest <= LINE_PUMP_EVENT_MAX);
        assert_int_equal(c.text.len, len + 2); /* nothing lost */
        char *cut = memchr(c.text.data, '|', c.text.len);
        assert_int_equal((unsigned char)cut[1], 0xc3); /* not inside a sequence */
        buf_free(&c.text);
    }
}
