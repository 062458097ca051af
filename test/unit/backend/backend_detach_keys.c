/* SPDX-License-Identifier: Apache-2.0
 * Unit tests of detach keys: the grammar, and the filter over any cut of the input. */
#include "backend/attach/detach_keys.h"
#include "base/alloc.h"
#include "test/kit/test.h"
#include <stdio.h>
#include <string.h>

static struct detach_keys parse(const char *text)
{
    struct detach_keys keys;
    struct error err;
    assert_int_equal(detach_keys_parse(text, &keys, &err), 0);
    return keys;
}

TEST(grammar)
{
    struct detach_keys keys = parse("");
    assert_int_equal(keys.count, 2);
    assert_memory_equal(keys.keys, "\x10\x11", 2);
    keys = parse("a,ctrl-[,ctrl-@,DEL");
    assert_int_equal(keys.count, 4);
    assert_memory_equal(keys.keys, "a\x1b\0\x7f", 4);
    static const char *const bad[] = {"ctrl-", "ctrl-pp", "ab",     "a,",
                                      ",a",    "ctrl-1",  "ctrl-A", "zz"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err;
        assert_int_equal(detach_keys_parse(bad[i], &keys, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        char want[64];
        snprintf(want, sizeof want, "Invalid detach keys (%s) provided", bad[i]);
        assert_string_equal(err.message, want);
    }
}

/* Feeds `typed` in pieces of `step` bytes. */
static bool feed(const char *keys_text, const char *typed, size_t step, struct buf *out)
{
    struct detach_keys keys = parse(keys_text);
    for (size_t at = 0, len = strlen(typed); at < len; at += step)
        if (detach_keys_filter(&keys, typed + at, len - at < step ? len - at : step, out))
            return true;
    return false;
}

TEST(filter)
{
    static const struct {
        const char *keys, *typed, *passed;
        bool detached;
    } cases[] = {
        {"", "ls\n\x10\x11 rest", "ls\n", true}, {"", "\x10x\x11", "\x10x\x11", false},
        {"", "\x10\x10\x11", "\x10", true},      {"a,b,c", "ababc", "ab", true},
        {"a,b,c", "xyz", "xyz", false},          {"a", "123a456", "123", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1; step < 12; step += 3) {
            AUTO(buf) struct buf out = BUF_INIT;
            buf_puts(&out, "");
            assert_int_equal(feed(cases[i].keys, cases[i].typed, step, &out), cases[i].detached);
            assert_string_equal(out.data, cases[i].passed);
        }
}
