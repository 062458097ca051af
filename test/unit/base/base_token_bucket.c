/* SPDX-License-Identifier: Apache-2.0
 *
 * The token bucket, on a clock of our own.
 */
#include "base/token_bucket.h"
#include "test/kit/test.h"

TEST(burst_then_rate)
{
    struct token_bucket b;
    token_bucket_init(&b, 10, 3, 1000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(token_bucket_take(&b, 1000, 60000), 0);
    /* From here on a token every 100 ms, in the order of asking. */
    for (int i = 1; i <= 5; i++) {
        int64_t wait = token_bucket_take(&b, 1000, 60000);
        assert_in_range(wait, i * 100 - 1, i * 100 + 2);
    }
    assert_in_range(token_bucket_take(&b, 1300, 60000), 299, 302);
}

TEST(never_more_than_the_quota)
{
    struct token_bucket b;
    int done = 0;
    token_bucket_init(&b, 20, 100, 0);
    for (int64_t now = 0; now < 10000; now += 7)
        while (token_bucket_take(&b, now, 0) == 0)
            done++;
    assert_in_range(done, 290, 300);
}

TEST(long_waits_are_refused_and_cost_nothing)
{
    struct token_bucket b;
    token_bucket_init(&b, 1, 1, 0);
    assert_int_equal(token_bucket_take(&b, 0, 100), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(token_bucket_take(&b, 0, 100), -1);
    assert_int_equal(token_bucket_take(&b, 1000, 100), 0);
}

TEST(a_drained_bucket_refills)
{
    struct token_bucket b;
    token_bucket_init(&b, 1, 20, 0);
    assert_true(token_bucket_has_spare(&b, 0));
    token_bucket_drain(&b, 0);
    assert_false(token_bucket_has_spare(&b, 0));
    assert_in_range(token_bucket_take(&b, 0, 60000), 999, 1002);
    assert_true(token_bucket_has_spare(&b, 11000));
    token_bucket_take(&b, 5000, 0); /* a clock that goes backwards does no harm */
    assert_int_equal(token_bucket_take(&b, 12000, 0), 0);
}
