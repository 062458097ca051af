/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations: vectors of Go's time_test.go and the words of its errors; Google's seconds.
 */
#include "base/duration.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)

TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0", 0},
        {"+0", 0},
        {"-0", 0},
        {"5s", 5 * SECOND},
        {"1478s", 1478 * SECOND},
        {"-5s", -5 * SECOND},
        {"+5s", 5 * SECOND},
        {"5.0s", 5 * SECOND},
        {"5.6s", 5600000000},
        {"5.s", 5 * SECOND},
        {".5s", 500000000},
        {"1.004s", 1004000000},
        {"1.0040s", 1004000000},
        {"100.00100s", 100001000000},
        {"10ns", 10},
        {"11us", 11000},
        {"1us2ns", 1002},
        {"12\xc2\xb5s", 12000},
        {"12\xce\xbcs", 12000},
        {"13ms", 13000000},
        {"300ms", 300000000},
        {"24h", 24 * HOUR},
        {"1h30m", 90 * 60 * SECOND},
        {"-1.5h", -90 * 60 * SECOND},
        {"3h30m", 210 * 60 * SECOND},
        {"10.5s4m", 250500000000},
        {"-2m3.4s", -123400000000},
        {"1h2m3s4ms5us6ns", 3723004005006},
        {"39h9m14.425s", 140954425000000},
        {"52763797000ns", 52763797000},
        {"0.3333333333333333333h", 20 * 60 * SECOND},
        {"9007199254740993ns", 9007199254740993},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036854775.807us", INT64_MAX},
        {"9223372036s854ms775us807ns", INT64_MAX},
        {"-9223372036854775808ns", INT64_MIN},
        {"-9223372036854775.808us", INT64_MIN},
        {"0.100000000000000000000h", 6 * 60 * SECOND},
        {"0.830103483285477580700h", 2988372539827},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = {.message = ""};
        int64_t ns;
        assert_int_equal(duration_parse(cases[i].text, &ns, &err), 0);
        assert_int_equal(ns, cases[i].ns);
        assert_string_equal(err.message, "");
    }
}

TEST(bad_durations)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "time: invalid duration \"\""},
        {"3", "time: missing unit in duration \"3\""},
        {"-", "time: invalid duration \"-\""},
        {"s", "time: invalid duration \"s\""},
        {"h", "time: invalid duration \"h\""},
        {"1", "time: missing unit in duration \"1\""},
        {"1x", "time: unknown unit \"x\" in duration \"1x\""},
        {"99999999999h", "time: invalid duration \"99999999999h\""},
        {".", "time: invalid duration \".\""},
        {"-.", "time: invalid duration \"-.\""},
        {".s", "time: invalid duration \".s\""},
        {"+.s", "time: invalid duration \"+.s\""},
        {"1d", "time: unknown unit \"d\" in duration \"1d\""},
        {"1 h", "time: unknown unit \" h\" in duration \"1 h\""},
        {"1h1", "time: missing unit in duration \"1h1\""},
        {"1h0", "time: missing unit in duration \"1h0\""},
        {"1hx", "time: unknown unit \"hx\" in duration \"1hx\""},
        {"9223372036854775810ns", "time: invalid duration \"9223372036854775810ns\""},
        {"9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""},
        {"-9223372036854775809ns", "time: invalid duration \"-9223372036854775809ns\""},
        {"9223372036854776us", "time: invalid duration \"9223372036854776us\""},
        {"3000000h", "time: invalid duration \"3000000h\""},
        {"9223372036854775.808us", "time: invalid duration \"9223372036854775.808us\""},
        {"9223372036854ms775us808ns", "time: invalid duration \"9223372036854ms775us808ns\""},
        {"-9223372036854775808ns9223372036854775808ns",
         "time: invalid duration \"-9223372036854775808ns9223372036854775808ns\""},
        {"99999999999999999999s", "time: invalid duration \"99999999999999999999s\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        int64_t ns;
        assert_int_equal(duration_parse(cases[i].text, &ns, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_string_equal(err.message, cases[i].message);
    }
}

TEST(seconds)
{
    static const char *const bad[] = {"",    "s",   "3",   "-1s",    "+1s",  "1m",          "1s1s",
                                      "1ms", " 1s", "1s ", "1.2.3s", "1e3s", "99999999999s"};
    int64_t ns;
    assert_true(duration_parse_seconds("600s", &ns) && ns == 600 * SECOND);
    assert_true(duration_parse_seconds("3.5s", &ns) && ns == 3500000000);
    assert_true(duration_parse_seconds("0.000000001s", &ns) && ns == 1);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(duration_parse_seconds(bad[i], &ns));
}
