/* SPDX-License-Identifier: Apache-2.0
 *
 * Percent-decoding.
 */
#include "base/percent.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

TEST(decodes)
{
    static const struct {
        const char *text;
        unsigned options;
        const char *decoded; /* NULL: broken */
    } cases[] = {
        {"", 0, ""},
        {"plain-._~", 0, "plain-._~"},
        {"a%20b%2Fc%2f%C3%a9", 0, "a b/c/\xc3\xa9"},
        {"%41", 0, "A"},
        {"a+b", 0, "a+b"},
        {"a+b%2B", PERCENT_PLUS_IS_BLANK, "a b+"},
        {"%2525", 0, "%25"}, /* once */
        {"%", 0, NULL},
        {"a%4", 0, NULL},
        {"%g0", 0, NULL},
        {"%0g", 0, NULL},
        {"%%41", 0, NULL},
        {"%", PERCENT_KEEP_BROKEN, "%"},
        {"a%4", PERCENT_KEEP_BROKEN, "a%4"},
        {"%0g%%41+", PERCENT_KEEP_BROKEN, "%0g%A+"},
        {"%+%2b", PERCENT_KEEP_BROKEN | PERCENT_PLUS_IS_BLANK, "% +"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[32];
        long n = percent_decode(cases[i].text, strlen(cases[i].text), cases[i].options, out);
        assert_int_equal(n, cases[i].decoded ? (long)strlen(cases[i].decoded) : -1);
        if (cases[i].decoded)
            assert_string_equal(out, cases[i].decoded);
    }
    char out[8];
    assert_int_equal(percent_decode("a%00b", 5, 0, out), 3);
    assert_memory_equal(out, "a\0b", 4);
    assert_int_equal(percent_decode("%414", 3, 0, out), 1); /* no more than len */
    assert_int_equal(percent_decode("%41", 2, 0, out), -1);
}
