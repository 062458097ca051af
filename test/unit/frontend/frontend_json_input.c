/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON as Go does. The errors are those of dockerd 20.10 for the same bytes.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "json/json_input.h"
#include "test/kit/test.h"

#include <string.h>

static struct error err; /* of the last call */

static void expect_text(const char *json, const char *text, size_t len)
{
    json_t *value = json_input_load(json, strlen(json), JSON_INPUT_FIRST, &err);
    if (!value)
        fail_msg("%s: %s", json, err.message);
    assert_int_equal(json_string_length(value), len);
    assert_memory_equal(json_string_value(value), text, len);
    json_decref(value);
}

#define EXPECT_TEXT(json, text) expect_text(json, text, sizeof(text) - 1)

TEST(strings)
{
    EXPECT_TEXT("\"plain\"", "plain");
    EXPECT_TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    EXPECT_TEXT("\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_TEXT("\"a\\u0000b\"", "a\0b");
    EXPECT_TEXT("\"x\\ud800y\\udc00z\"", "x\xEF\xBF\xBDy\xEF\xBF\xBDz");
    EXPECT_TEXT("\"\\ud800\\ud83d\\ude00\"", "\xEF\xBF\xBD\xF0\x9F\x98\x80");
    EXPECT_TEXT("\"a\xFF\xFE"
                "b\xC3\"",
                "a\xEF\xBF\xBD\xEF\xBF\xBD"
                "b\xEF\xBF\xBD");
    EXPECT_TEXT("\"\xED\xA0\x80\"",
                "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");     /* a surrogate's bytes */
    EXPECT_TEXT("\"\xC0\x80\"", "\xEF\xBF\xBD\xEF\xBF\xBD"); /* never taken for our NUL */
    EXPECT_TEXT("\"\x7F\" rest", "\x7F");
}

TEST(numbers)
{
    static const struct {
        const char *json;
        bool is_integer;
        json_int_t integer;
        double real;
    } cases[] = {
        {"0", true, 0, 0},
        {"-0", true, 0, 0},
        {"9223372036854775807", true, INT64_MAX, 0},
        {"-9223372036854775808", true, INT64_MIN, 0},
        {"9223372036854775808", false, 0, 9223372036854775808.0},
        {"1.0", false, 0, 1},
        {"-1.5e+3", false, 0, -1500},
        {"1E-2", false, 0, 0.01},
        {"1e999", false, 0, 1.7976931348623157e308},
        {"-1e999", false, 0, -1.7976931348623157e308},
        {"12}", true, 12, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *value =
            json_input_load(cases[i].json, strlen(cases[i].json), JSON_INPUT_FIRST, &err);
        assert_non_null(value);
        assert_int_equal(json_is_integer(value), cases[i].is_integer);
        if (cases[i].is_integer)
            assert_int_equal(json_integer_value(value), cases[i].integer);
        else
            assert_true(json_real_value(value) == cases[i].real);
        json_decref(value);
    }
}

TEST(objects)
{
    const char json[] = " {\"a\":[1,{\"b\":null},true,false,[]],\"k\\u0000\":{},\"a2\":1,\"a2\":2}";
    json_t *value = json_input_load(json, strlen(json), JSON_INPUT_WHOLE, &err);
    assert_non_null(value);
    assert_int_equal(json_array_size(json_object_get(value, "a")), 5);
    assert_int_equal(json_integer_value(json_object_get(value, "a2")), 2);
    assert_true(json_is_object(json_object_getn(value, "k\0", 2)));
    json_decref(value);
}

static const struct {
    const char *json, *words;
} refused[] = {
    {"", "EOF"},
    {" \n", "EOF"},
    {"{", "unexpected EOF"},
    {"{\"a\":1", "unexpected EOF"},
    {"\"", "unexpected EOF"},
    {"\"\\", "unexpected EOF"},
    {"\"\\u12", "unexpected EOF"},
    {"-", "unexpected EOF"},
    {"fals", "unexpected EOF"},
    {"x", "invalid character 'x' looking for beginning of value"},
    {"\xEF\xBB\xBF{}", "invalid character '\xC3\xAF' looking for beginning of value"},
    {"\xA0", "invalid character '\\u00a0' looking for beginning of value"},
    {"{a:1}", "invalid character 'a' looking for beginning of object key string"},
    {"{'a':1}", "invalid character '\\'' looking for beginning of object key string"},
    {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
    {"{\"a\" 1}", "invalid character '1' after object key"},
    {"{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"},
    {"[1 2]", "invalid character '2' after array element"},
    {"[1,]", "invalid character ']' looking for beginning of value"},
    {"{\"a\":01}", "invalid character '1' after object key:value pair"},
    {"+1", "invalid character '+' looking for beginning of value"},
    {"-x", "invalid character 'x' in numeric literal"},
    {"1.x", "invalid character 'x' after decimal point in numeric literal"},
    {"1ex", "invalid character 'x' in exponent of numeric literal"},
    {"nulx", "invalid character 'x' in literal null (expecting 'l')"},
    {"\"\n\"", "invalid character '\\n' in string literal"},
    {"\"\x01\"", "invalid character '\\x01' in string literal"},
    {"\"\\x\"", "invalid character 'x' in string escape code"},
    {"\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"},
    {"\"\\ud800\\u00\"", "invalid character '\"' in \\u hexadecimal character escape"},
};

TEST(errors)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *json = refused[i].json;
        assert_null(json_input_load(json, strlen(json), JSON_INPUT_FIRST, &err));
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        if (strcmp(err.message, refused[i].words) != 0)
            fail_msg("%s: %s", json, err.message);
    }
    assert_null(json_input_load("{\"a\0\":1}", 8, JSON_INPUT_FIRST, &err));
    assert_string_equal(err.message, "invalid character '\\x00' in string literal");
    assert_null(json_input_load(NULL, 0, JSON_INPUT_WHOLE, &err));
    assert_string_equal(err.message, "unexpected end of JSON input");
    assert_null(json_input_load("{} x", 4, JSON_INPUT_WHOLE, &err));
    assert_string_equal(err.message, "invalid character 'x' after top-level value");
}

TEST(depth)
{
    AUTO(buf) struct buf json = BUF_INIT;
    for (int i = 0; i < JSON_INPUT_MAX_DEPTH; i++)
        buf_putc(&json, '[');
    for (int i = 0; i < JSON_INPUT_MAX_DEPTH; i++)
        buf_putc(&json, ']');
    json_t *value = json_input_load(json.data, json.len, JSON_INPUT_WHOLE, &err);
    assert_non_null(value);
    json_decref(value);
    for (int i = 0; i < 1000000; i++)
        buf_putc(&json, '[');
    buf_consume(&json, 2 * JSON_INPUT_MAX_DEPTH);
    assert_null(json_input_load(json.data, json.len, JSON_INPUT_FIRST, &err));
    assert_string_equal(err.message, "invalid character '[' exceeded max depth");
}

/* A NUL in a C string is written as what it stands for, in the bytes of a program it is none. */
TEST(a_carried_nul_is_written)
{
    AUTO(buf) struct buf out = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &out);
    json_object_open(&w);
    json_member_string(&w, "a" UTF8_NUL_TEXT, UTF8_NUL_TEXT "\xC0" UTF8_NUL_TEXT);
    json_key(&w, "b");
    json_string_len(&w, UTF8_NUL_TEXT, 2);
    json_object_close(&w);
    assert_string_equal(out.data, "{\"a\\u0000\":\"\\u0000\xEF\xBF\xBD\\u0000\","
                                  "\"b\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}");
}
