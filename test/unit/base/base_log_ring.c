/* SPDX-License-Identifier: Apache-2.0
 *
 * Log rings: what is kept, read and sent is the newest records, whole and in order.
 */
#include "base/log_ring.h"
#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

static void add(struct log_ring *r, enum log_record_kind kind, const char *text)
{
    log_ring_append(r, (int64_t)log_ring_end(r) * 10, kind, text, strlen(text));
}

/* "line N" for each number from the end on up to `last`. */
static void add_lines(struct log_ring *r, uint64_t last)
{
    while (log_ring_end(r) <= last) {
        char text[32];
        snprintf(text, sizeof text, "line %d", (int)log_ring_end(r));
        add(r, LOG_RECORD_STDOUT, text);
    }
}

static void expect_lines(const struct log_ring *r, uint64_t from)
{
    struct log_ring_cursor c = {.number = from};
    struct log_ring_record record;
    while (log_ring_read(r, &c, &record)) {
        char text[32];
        int len = snprintf(text, sizeof text, "line %d", (int)from);
        assert_int_equal(record.number, from);
        assert_int_equal(record.time_ns, from * 10);
        assert_int_equal(record.len, len);
        assert_memory_equal(record.text, text, record.len);
        from++;
    }
    assert_int_equal(from, log_ring_end(r));
}

TEST(keeps_the_newest)
{
    struct log_ring r;
    log_ring_init(&r, 4 * LOG_RING_CHUNK);
    assert_int_equal(log_ring_first(&r), 1);
    assert_true(log_ring_holds(&r, 1) && !log_ring_holds(&r, 2));
    add_lines(&r, 100000);
    uint64_t first = log_ring_first(&r);
    assert_true(first > 90000 && first < 99000 && r.bytes <= r.max);
    assert_false(log_ring_holds(&r, first - 1));
    expect_lines(&r, first);
    expect_lines(&r, 99999);
    assert_true(log_ring_bytes_from(&r, first) == r.bytes && !log_ring_bytes_from(&r, 100001));
    log_ring_fini(&r);
}

/* A cursor goes on where it was, also when what it stood on was dropped and the ring began anew. */
TEST(cursors)
{
    struct log_ring r;
    struct log_ring_cursor c = {.number = 1};
    struct log_ring_record record;
    log_ring_init(&r, 2 * LOG_RING_CHUNK);
    assert_false(log_ring_read(&r, &c, &record));
    add_lines(&r, 3);
    for (uint64_t n = 1; n <= 3; n++)
        assert_true(log_ring_read(&r, &c, &record) && record.number == n);
    assert_false(log_ring_read(&r, &c, &record));
    add_lines(&r, 4);
    assert_true(log_ring_read(&r, &c, &record) && record.number == 4);
    add_lines(&r, 50000);
    assert_false(log_ring_read(&r, &c, &record));
    log_ring_restart(&r, 60000);
    c.number = 60000;
    add_lines(&r, 60001);
    assert_true(log_ring_read(&r, &c, &record) && record.number == 60000 &&
                record.time_ns == 600000);
    log_ring_fini(&r);
}

TEST(batches)
{
    struct log_ring from, to;
    struct log_ring_cursor c = {.number = 1};
    AUTO(buf) struct buf batch = BUF_INIT;
    log_ring_init(&from, LOG_RING_MAX);
    log_ring_init(&to, LOG_RING_MAX);
    add_lines(&from, 5000);
    while (log_ring_batch(&from, &c, &batch)) {
        assert_true(batch.len <= LOG_RING_CHUNK + 8);
        assert_true(log_ring_take(&to, batch.data, batch.len));
        buf_clear(&batch);
    }
    assert_int_equal(log_ring_first(&to), 1);
    expect_lines(&to, 1);
    c.number = 4000; /* again from the middle: it does not join, and begins anew */
    assert_true(log_ring_batch(&from, &c, &batch));
    assert_true(log_ring_take(&to, batch.data, batch.len));
    assert_int_equal(log_ring_first(&to), 4000);
    expect_lines(&to, 4000);
    for (size_t len = 0; len < 8 + 13; len++)
        assert_true(log_ring_take(&to, batch.data, len) == (len == 8));
    batch.data[16] = 77; /* the first record's kind */
    assert_false(log_ring_take(&to, batch.data, batch.len));
    log_ring_fini(&from);
    log_ring_fini(&to);
}

static uint64_t tail_start(const struct log_ring *r, uint64_t end, uint64_t lines)
{
    uint64_t start, counted;
    bool found = log_ring_tail(r, end, lines, &start, &counted);
    return found ? start : 1000 + counted;
}

TEST(tail)
{
    struct log_ring r;
    log_ring_init(&r, LOG_RING_MAX);
    add(&r, LOG_RECORD_STDOUT, "one");           /* 1 */
    add(&r, LOG_RECORD_STDERR, "two");           /* 2 */
    add(&r, LOG_RECORD_STDOUT_PIECE, "thr");     /* 3 */
    add(&r, LOG_RECORD_MARK, "m");               /* 4 */
    add(&r, LOG_RECORD_STDOUT, "ee");            /* 5 */
    add(&r, LOG_RECORD_STDERR_PIECE, "no line"); /* 6 */
    add(&r, LOG_RECORD_EXIT, "0");               /* 7 */
    static const uint64_t starts[] = {8, 6, 3, 2, 1004, 1004};
    for (uint64_t n = 0; n < sizeof starts / sizeof *starts; n++)
        assert_int_equal(tail_start(&r, 8, n), starts[n]);
    assert_int_equal(tail_start(&r, 4, 1), 3); /* up to the mark: the piece is a line of its own */
    log_ring_fini(&r);
    log_ring_init(&r, LOG_RING_MAX);
    add_lines(&r, 20000);
    assert_int_equal(tail_start(&r, 20001, 12000), 8001);
    log_ring_fini(&r);
}

static bool is_mark(const struct log_ring_record *record)
{
    return record->kind == LOG_RECORD_MARK;
}

TEST(find_last)
{
    struct log_ring r;
    struct log_ring_record record;
    log_ring_init(&r, LOG_RING_MAX);
    add_lines(&r, 10);
    assert_false(log_ring_find_last(&r, 11, is_mark, &record));
    add(&r, LOG_RECORD_MARK, "#11");
    add_lines(&r, 9000);
    assert_true(log_ring_find_last(&r, 9001, is_mark, &record) && record.number == 11);
    assert_false(log_ring_find_last(&r, 11, is_mark, &record));
    log_ring_fini(&r);
}
