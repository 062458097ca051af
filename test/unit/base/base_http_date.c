/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates of HTTP headers in the three forms of RFC 9110, and Retry-After.
 */
#include "base/http_date.h"

#include "base/alloc.h"
#include "test/kit/test.h"

enum { EXAMPLE = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110, 5.6.7 */

TEST(dates)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE},
        {"Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE},
        {"Sun Nov  6 08:49:37 1994", EXAMPLE},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sat, 06 Nov 2094 08:49:37 GMT", INT64_C(3939871777)},
        {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
    };
    static const char *const bad[] = {"",
                                      "soon",
                                      "7",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nov 1994 08:49:37 CET",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 32 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "1994-11-06T08:49:37Z"};
    int64_t at;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(http_date_parse(cases[i].text, &at));
        assert_int_equal(at, cases[i].seconds);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(http_date_parse(bad[i], &at));
}

TEST(retry_after)
{
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {NULL, -1},
        {"", -1},
        {"soon", -1},
        {"7 ", -1},
        {"1.5", -1},
        {"0", 0},
        {"7", 7000},
        {"-5", 0},
        {"-9223372036854775808", 0},
        {"9223372036854775807", INT32_MAX * INT64_C(1000)},
        {"9223372036854775808", -1},
        {"Sun, 06 Nov 1994 08:50:00 GMT", 23000},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", INT32_MAX * INT64_C(1000)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(http_date_retry_after_ms(cases[i].value, EXAMPLE), cases[i].ms);
}
