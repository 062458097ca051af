/* SPDX-License-Identifier: Apache-2.0
 * Unit tests of common/base: strings, buffers, times, JSON text, ids, errors. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/kit/test.h"
#include <string.h>

TEST(numbers)
{
    int64_t n;
    assert_true(str_to_i64("-12", &n) && n == -12);
    assert_true(str_to_i64("9223372036854775807", &n));
    static const char *const bad[] = {"", " 1", "1 ", "1x", "9223372036854775808", "0x10", "+"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_to_i64(bad[i], &n));
}

/* RFC 4648 section 10 */
TEST(base64)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char *text AUTO_FREE = base64_encode(pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(text, pairs[i][1]);
        size_t len;
        unsigned char *back AUTO_FREE = base64_decode(text, strlen(text), &len);
        assert_non_null(back);
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_string_equal((char *)back, pairs[i][0]);
    }
    size_t len;
    unsigned char *url AUTO_FREE = base64_decode("-_8", 3, &len); /* URL alphabet, no padding */
    assert_non_null(url);
    assert_int_equal(len, 2);
    assert_null(base64_decode("a", 1, &len));
    assert_null(base64_decode("ab!d", 4, &len));
}

TEST(lists)
{
    AUTO(strv) struct strv v = STRV_INIT;
    strv_push_list(&v, NULL);
    strv_push_list(&v, "");
    strv_push_list(&v, " , \t,,");
    assert_int_equal(v.count, 0);
    strv_push_list(&v, "one, t w o\t,\nthree ");
    strv_push_list(&v, "four,");
    assert_int_equal(v.count, 4);
    assert_string_equal(v.items[0], "one");
    assert_string_equal(v.items[1], "t w o");
    assert_string_equal(v.items[2], "three");
    assert_string_equal(v.items[3], "four");
    assert_null(v.items[4]);
}

TEST(lists_of_addresses)
{
    AUTO(strv) struct strv v = STRV_INIT;
    strv_push_urls(&v, "");
    strv_push_urls(&v, " , ,");
    assert_int_equal(v.count, 0);
    strv_push_urls(&v, "unix:///a b,c/it's x://, tcp://h:1,unix:///d,e f ,");
    assert_int_equal(v.count, 4);
    assert_string_equal(v.items[0], "unix:///a b,c/it's");
    assert_string_equal(v.items[1], "x://");
    assert_string_equal(v.items[2], "tcp://h:1");
    assert_string_equal(v.items[3], "unix:///d,e f");
}

TEST(buf)
{
    AUTO(buf) struct buf b = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    assert_memory_equal(b.data, "0,1,2,", 6);
    buf_consume(&b, 4);
    assert_memory_equal(b.data, "2,3,", 4);
    buf_append(&b, "end", 4);
    assert_string_equal(b.data + b.len - 4, "end");
    char *text AUTO_FREE = buf_steal(&b);
    assert_memory_equal(text, "2,3,", 4);
    assert_int_equal(b.len, 0);
}

TEST(times)
{
    char out[TIMEFMT_RFC3339_MAX];
    int64_t ns;
    assert_string_equal(timefmt_rfc3339nano(0, out), "0001-01-01T00:00:00Z");
    assert_string_equal(timefmt_rfc3339nano(1700000000120000000, out), "2023-11-14T22:13:20.12Z");
    assert_string_equal(timefmt_rfc3339nano_fixed(1700000000000000001, out),
                        "2023-11-14T22:13:20.000000001Z");
    assert_true(timefmt_parse_rfc3339("2023-11-14T23:13:20.5+01:00", &ns));
    assert_int_equal(ns, 1700000000500000000);
    assert_true(timefmt_parse_docker("1700000000.000000007", &ns) && ns == 1700000000000000007);
    assert_true(timefmt_parse_docker("1700000000", &ns) && ns == 1700000000000000000);
    assert_int_equal(time_ns_of_ms(-3), -3000000);
    assert_int_equal(time_ns_of_ms(INT64_C(500000019085903)), INT64_MAX);
    assert_int_equal(time_ns_of_ms(-INT64_C(500000019085903)), INT64_MIN);
    assert_true(timefmt_parse_docker("+5", &ns) && ns == 5000000000);
    assert_true(timefmt_parse_docker("-1.5", &ns) && ns == -1500000000);
    /* As far as nanoseconds go, with room to reckon. */
    static const char *const far[] = {"4611686019", "253402300799", "9223372036854775807"};
    for (size_t i = 0; i < ARRAY_LEN(far); i++) {
        assert_true(timefmt_parse_docker(far[i], &ns) && ns == 4611686017000000000);
        AUTO_FREE char *past = xasprintf("-%s", far[i]);
        assert_true(timefmt_parse_docker(past, &ns) && ns == -4611686017000000000);
    }
    static const char *const bad[] = {"",
                                      "x",
                                      "1.2.3",
                                      "2023-13-14T22:13:20Z",
                                      "2023-11-14",
                                      "2023-11-14T22:13:20",
                                      "99999999999999999999",
                                      "1.",
                                      ".5",
                                      "-",
                                      "+-5",
                                      "5 "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(timefmt_parse_docker(bad[i], &ns));
}

TEST(json)
{
    AUTO(buf) struct buf b = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &b);
    json_object_open(&w);
    json_member_string(&w, "a", "x\"\\\n\x01\xff\xc3\xa9\xed\xa0\x80");
    json_member_array(&w, "l");
    json_int(&w, -1);
    json_bool(&w, true);
    json_put_string(&w, NULL);
    json_array_close(&w);
    json_member_object(&w, "o");
    json_object_close(&w);
    json_object_close(&w);
    assert_string_equal(b.data,
                        "{\"a\":\"x\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xc3\xa9"
                        "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\",\"l\":[-1,true,null],\"o\":{}}");
}

TEST(ids)
{
    char a[ID_HEX_LEN + 1], b[ID_HEX_LEN + 1];
    id_new(a);
    id_new(b);
    assert_true(str_is_hex(a, ID_HEX_LEN));
    assert_string_not_equal(a, b);
    assert_true(str_equal_secret(a, a));
    assert_false(str_equal_secret(a, b));
    assert_false(str_equal_secret(a, ""));
    assert_false(str_equal_secret("", a));
}

TEST(errors)
{
    struct error err;
    assert_int_equal(error_set(&err, ERROR_NOT_FOUND, "No such container: %s", "x"), -1);
    error_wrap(&err, "ecs");
    assert_string_equal(err.message, "ecs: No such container: x");
    /* What is said already is not said again. */
    error_wrap(&err, "ecs");
    assert_string_equal(err.message, "ecs: No such container: x");
    error_wrap(&err, "ecs: remove");
    assert_string_equal(err.message, "ecs: remove: No such container: x");
    error_wrap(&err, "ecs: remove");
    assert_string_equal(err.message, "ecs: remove: No such container: x");
    error_wrap(&err, "ec");
    assert_string_equal(err.message, "ec: ecs: remove: No such container: x");
    error_set(&err, ERROR_NOT_FOUND, "No such container: x");
    assert_int_equal(error_http_status(err.code), 404);
    char longest[4096];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest + ERROR_MESSAGE_MAX - 2, "\xc3\xa9", 2); /* the cut falls inside a character */
    error_set(&err, ERROR_SYSTEM, "%s", longest);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 2);
}

TEST(arena)
{
    struct arena a;
    arena_init(&a);
    for (size_t i = 1; i < 5000; i++) {
        char *p = arena_alloc(&a, i);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 1, i);
    }
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 1), "x-1");
    assert_null(arena_strdup(&a, NULL));
    size_t *items = NULL, room = 0;
    for (size_t i = 0; i < 100; i++) {
        items = arena_grow(&a, items, i, &room, sizeof *items);
        assert_true(room > i);
        items[i] = i;
    }
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(items[i], i);
    arena_fini(&a);
}
