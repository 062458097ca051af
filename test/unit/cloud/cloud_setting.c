/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks that the clouds' settings share.
 */
#include "cloud/cloud_setting.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdlib.h>
#include <string.h>

TEST(words)
{
    static const struct cloud_setting_word word = {"SOME_REGION", "a valid region name", "here-1",
                                                   "-.", 8};
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"a", true},    {"A1-b.c", true}, {"12345678", true}, {"123456789", false}, {"", false},
        {"a/b", false}, {"a b", false},   {"a\n", false},     {"a\xc3\xa9", false}, {"-", true},
    };
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(cloud_setting_check_word(&word, cases[i].text, &err),
                         cases[i].good ? 0 : -1);
    assert_int_equal(cloud_setting_check_word(&word, "a/b", &err), -1);
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    assert_string_equal(err.message, "SOME_REGION: \"a/b\" is not a valid region name like here-1");
}

TEST(urls)
{
    static const char *const good[] = {NULL, "", "http://127.0.0.1:1", "https://a/b?c=%20"};
    static const char *const bad[] = {"a",          "ftp://a",     "localhost:4566",
                                      "http://a b", "https://a\n", "http://\xc3\xa9"};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(cloud_setting_check_url("URL", good[i], &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(cloud_setting_check_url("URL", bad[i], &err), -1);
    assert_int_equal(cloud_setting_check_url("URL", "a", &err), -1);
    assert_string_equal(err.message, "URL: \"a\" must start with http:// or https://");
}

TEST(choices)
{
    static const char *const names[] = {"one", "two", "three"};
    struct error err;
    assert_int_equal(cloud_setting_choose("X", "one", names, 3, &err), 0);
    assert_int_equal(cloud_setting_choose("X", "three", names, 3, &err), 2);
    assert_int_equal(cloud_setting_choose("X", "four", names, 3, &err), -1);
    assert_string_equal(err.message, "X: \"four\" is not one of one, two, three");
    assert_int_equal(cloud_setting_choose("X", NULL, names, 3, &err), -1);
}

TEST(fall_back)
{
    char *setting = NULL;
    cloud_setting_fall_back(&setting, NULL);
    cloud_setting_fall_back(&setting, "");
    assert_null(setting);
    cloud_setting_fall_back(&setting, "a");
    cloud_setting_fall_back(&setting, "b");
    assert_string_equal(setting, "a");
    *setting = '\0'; /* set, but empty: as good as unset */
    cloud_setting_fall_back(&setting, "c");
    assert_string_equal(setting, "c");
    free(setting);
}
