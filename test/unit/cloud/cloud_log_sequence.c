/* SPDX-License-Identifier: Apache-2.0
 *
 * Which numbered records may be delivered: order, gaps that are waited for and given up, pages that
 * end within one time.
 */
#include "cloud/log_sequence.h"

#include "base/alloc.h"
#include "test/kit/test.h"

enum { NOW_MS = 50000 };
static const int64_t now_ns = 1700000000 * INT64_C(1000000000);

static struct log_extent all_read(void)
{
    return (struct log_extent){.reached_ns = now_ns, .now_ns = now_ns, .now_ms = NOW_MS};
}

/* Records with these numbers, a nanosecond apart for each number. */
static size_t list_of(struct log_number *list, const int *numbers, int64_t first_ns)
{
    size_t n = 0;
    for (; numbers[n]; n++)
        list[n] = (struct log_number){(uint64_t)numbers[n], first_ns + numbers[n], n};
    return log_sequence_sort(list, n);
}
#define LIST(list, first_ns, ...) list_of(list, (const int[]){__VA_ARGS__, 0}, first_ns)

TEST(sorted_and_each_once)
{
    struct log_number list[8];
    size_t count = LIST(list, 0, 5, 3, 4, 3, 5, 1);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(list[i].number, ((const int[]){1, 3, 4, 5})[i]);
    assert_int_equal(log_sequence_sort(list, 0), 0);
}

TEST(forward_up_to_a_gap)
{
    struct log_number list[8];
    struct log_sequence s = {.begin = 1, .next = 1};
    struct log_extent extent = all_read();
    bool has_gap, late;
    size_t count = LIST(list, now_ns - 100, 1, 2, 4, 5);
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 2);
    assert_true(has_gap);
    assert_int_equal(s.next, 3);
    assert_int_equal(s.waits_since_ms, NOW_MS);
    extent.now_ms += LOG_GAP_WAIT_MS - 1; /* still waited for, from the same moment on */
    count = LIST(list, now_ns - 100, 4, 5);
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 0);
    assert_int_equal(s.waits_since_ms, NOW_MS);
    extent.now_ms++; /* given up */
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 2);
    assert_false(has_gap);
    assert_int_equal(s.next, 6);
    assert_int_equal(s.waits_since_ms, 0);
    assert_true(log_sequence_wants(&s, 3, &late) && late);
    assert_false(log_sequence_wants(&s, 4, &late));
    assert_true(log_sequence_wants(&s, 6, &late) && !late);
}

TEST(the_gap_closes)
{
    struct log_number list[8];
    struct log_sequence s = {.begin = 1, .next = 3, .waits_since_ms = 7};
    struct log_extent extent = all_read();
    bool has_gap, late;
    size_t count = LIST(list, now_ns - 100, 3, 4, 5);
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 3);
    assert_false(has_gap);
    assert_int_equal(s.waits_since_ms, 0);
    assert_false(log_sequence_wants(&s, 2, &late));
}

/* A reading that does not begin with the first record: what comes from before it comes late. */
TEST(a_beginning_in_the_middle)
{
    struct log_number list[8];
    struct log_sequence s = {0};
    struct log_extent extent = all_read();
    bool has_gap, late;
    size_t count = LIST(list, now_ns - 100, 8, 7);
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 2);
    assert_true(log_sequence_wants(&s, 6, &late) && late);
    assert_false(log_sequence_wants(&s, 7, &late));
}

TEST(old_records_are_not_waited_for)
{
    struct log_number list[8];
    struct log_sequence s = {.begin = 1, .next = 1};
    struct log_extent extent = all_read();
    bool has_gap;
    size_t count = LIST(list, now_ns - LOG_GAP_OLD_NS - 100, 3, 4);
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 2);
    assert_false(has_gap);
}

/* A page that ends among the entries of one time says nothing about those it does not hold. */
TEST(a_cut_time_is_no_gap)
{
    struct log_number list[8];
    struct log_sequence s = {.begin = 1, .next = 1};
    struct log_extent extent = all_read();
    bool has_gap;
    extent.more = true;
    for (int i = 0; i < 3; i++)
        list[i] = (struct log_number){(uint64_t[]){1, 3, 4}[i], now_ns, 0};
    assert_true(log_sequence_is_cut(&s, false, list, 3, &extent));
    assert_int_equal(log_sequence_forward(&s, list, 3, &extent, &has_gap), 1);
    assert_false(has_gap);
    assert_int_equal(s.waits_since_ms, 0);
    extent.reached_ns++; /* all of that time was read */
    assert_false(log_sequence_is_cut(&s, false, list + 1, 2, &extent));
    assert_int_equal(log_sequence_forward(&s, list + 1, 2, &extent, &has_gap), 0);
    assert_true(has_gap);
}

/* More than can be read on for: what is there is delivered rather than nothing. */
TEST(what_is_exhausted_is_delivered)
{
    struct log_number list[8];
    struct log_sequence s = {.begin = 1, .next = 1};
    struct log_extent extent = all_read();
    bool has_gap;
    size_t count = LIST(list, now_ns - 100, 5, 6);
    extent.more = extent.exhausted = true;
    assert_int_equal(log_sequence_forward(&s, list, count, &extent, &has_gap), 2);
    assert_false(has_gap);
    s = (struct log_sequence){.begin = 9, .next = 9};
    assert_int_equal(log_sequence_backward(&s, list, count, &extent, &has_gap), 0);
}

TEST(backward_from_the_newest)
{
    struct log_number list[8];
    struct log_sequence s = {0};
    struct log_extent extent = all_read();
    bool has_gap;
    size_t count = LIST(list, now_ns - 100, 3, 6, 7, 8);
    extent.more = true;
    extent.reached_ns = now_ns - 100 + 3; /* the third may have neighbours on the next page */
    assert_int_equal(log_sequence_backward(&s, list, count, &extent, &has_gap), 1);
    assert_false(has_gap);
    assert_int_equal(s.next, 6);
    count = LIST(list, now_ns - 100, 3, 4, 5);
    extent.more = false;
    assert_int_equal(log_sequence_backward(&s, list, count, &extent, &has_gap), 0);
    assert_false(has_gap);
    assert_int_equal(s.next, 3);
}

TEST(backward_over_a_gap)
{
    struct log_number list[8];
    struct log_sequence s = {0};
    struct log_extent extent = all_read();
    bool has_gap;
    size_t count = LIST(list, now_ns - 100, 1, 2, 5);
    assert_int_equal(log_sequence_backward(&s, list, count, &extent, &has_gap), 0);
    assert_true(has_gap);
    assert_int_equal(s.gap_from, 3);
    assert_int_equal(s.gap_to, 4);
    s = (struct log_sequence){0};
    count = LIST(list, now_ns - LOG_GAP_OLD_NS - 100, 1, 2, 5);
    assert_int_equal(log_sequence_backward(&s, list, count, &extent, &has_gap), 0);
    assert_false(has_gap);
}
