/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines, entries, settings below sections and fields; and the configuration file that is read
 * with them.
 */
#include "base/line_reader.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/config.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* All lines (or entries), each between angle brackets. */
static void assert_lines(const char *text, size_t len, const char *comments, const char *expected)
{
    AUTO(buf) struct buf out = BUF_INIT;
    AUTO_FREE char *copy = xmalloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    struct line_reader r = line_reader_of(copy, len);
    const char *line;
    while ((line = comments ? line_reader_entry(&r, comments) : line_reader_next(&r)))
        buf_printf(&out, "%u<%s>", r.number, line);
    assert_string_equal(out.len ? out.data : "", expected);
    assert_null(line_reader_next(&r));
}

TEST(lines)
{
    assert_lines("", 0, NULL, "");
    assert_lines("a", 1, NULL, "1<a>");
    assert_lines("a\n", 2, NULL, "1<a>");
    assert_lines("\n", 1, NULL, "1<>");
    assert_lines("a\n\n b\r\nc", 8, NULL, "1<a>2<>3< b\r>4<c>");
    assert_lines("a\0b\nc", 5, NULL, "1<a>2<c>"); /* a NUL hides the rest of its line */
    struct line_reader none = line_reader_of(NULL, 0);
    assert_null(line_reader_next(&none));
}

TEST(entries)
{
    static const char text[] = "\n# x\n \t\r\n  a # b \r\n;c\n\t# d\ne";
    assert_lines(text, strlen(text), "#", "4<a # b>5<;c>7<e>");
    assert_lines(text, strlen(text), "#;", "4<a # b>7<e>");
    assert_lines(text, strlen(text), "", "2<# x>4<a # b>5<;c>6<# d>7<e>");
}

TEST(settings)
{
    static const struct {
        const char *section, *name, *value;
        bool indented;
    } expected[] = {
        {NULL, "outside", "1", false},    {"a b", NULL, NULL, false},
        {NULL, "x", "y = z # no", false}, {NULL, "deeper", "", true},
        {NULL, "no value", NULL, false},  {NULL, "", "no name", false},
        {"", NULL, NULL, false},          {"", NULL, NULL, false},
        {NULL, "last", "[v]", false},
    };
    char text[] = "outside=1\n[ a b ] trailing\n# c\nx\t= y = z # no\r\n\tdeeper =\nno value\n"
                  "= no name\n[open\n[]\nlast=[v]";
    struct line_reader r = line_reader_of(text, strlen(text));
    struct line_setting s;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(line_reader_setting(&r, "#", &s));
        assert_int_equal(s.indented, expected[i].indented);
        const char *const got[] = {s.section, s.name, s.value};
        const char *const want[] = {expected[i].section, expected[i].name, expected[i].value};
        for (size_t part = 0; part < 3; part++) {
            assert_int_equal(got[part] != NULL, want[part] != NULL);
            if (want[part])
                assert_string_equal(got[part], want[part]);
        }
    }
    assert_false(line_reader_setting(&r, "#", &s));
}

TEST(fields)
{
    char *f[3];
    char passwd[] = "a::c:d:e", one[] = "a", empty[] = "", end[] = "a:";
    assert_int_equal(line_reader_split(passwd, ':', f, 3), 3);
    assert_string_equal(f[0], "a");
    assert_string_equal(f[1], "");
    assert_string_equal(f[2], "c");
    assert_int_equal(line_reader_split(one, ':', f, 3), 1);
    assert_int_equal(line_reader_split(empty, ':', f, 3), 1);
    assert_string_equal(f[0], "");
    assert_int_equal(line_reader_split(end, ':', f, 3), 2);
    assert_string_equal(f[1], "");
}

/* ---- the configuration file ---- */

static char *name_value, *config_value;
static int64_t count_value;

static int load(const char *text, struct error *err)
{
    static const struct config_setting table[] = {
        {.flag = "name", .type = CONFIG_STRING, .target = &name_value},
        {.flag = "count", .type = CONFIG_INT, .target = &count_value},
        CONFIG_ROW_CONFIG(&config_value),
        {0}};
    char path[] = "/tmp/base-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    char *argv[] = {"test", "--config", path, NULL};
    enum config_request request;
    int rc = config_load(table, 3, argv, &request, err);
    unlink(path);
    free(STEAL(config_value));
    return rc;
}

TEST(config_file)
{
    struct error err;
    assert_int_equal(load("# c\n\n name =  a = b # c \r\ncount=7\nname=b", &err), 0);
    assert_string_equal(name_value, "b");
    assert_int_equal(count_value, 7);
    assert_int_equal(load(" name =  a = b # c \r\n", &err), 0);
    assert_string_equal(name_value, "a = b # c");
    AUTO(buf) struct buf longest = BUF_INIT; /* longer than a line buffer would be */
    buf_puts(&longest, "name = ");
    for (int i = 0; i < 10000; i++)
        buf_putc(&longest, 'x');
    assert_int_equal(load(longest.data, &err), 0);
    assert_int_equal(strlen(name_value), 10000);
    free(STEAL(name_value));
    static const struct {
        const char *text, *message; /* behind the file's name */
    } bad[] = {
        {"\n\nother = 1", ":3: unknown setting \"other\""},
        {"name", ":1: expected name = value"},
        {"[name]", ":1: expected name = value"},
        {"[name]=1", ":1: expected name = value"},
        {"= 1", ":1: unknown setting \"\""},
        {"# c\ncount = x", ":2: --count: \"x\" is not a number; give a whole number"},
        {"name=", ":1: --name: the value is empty; give one, or leave the setting out"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(load(bad[i].text, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_string_equal(strchr(err.message, ':'), bad[i].message);
    }
    char *argv[] = {"test", "--config=/nonexistent", NULL};
    enum config_request request;
    const struct config_setting only[] = {CONFIG_ROW_CONFIG(&config_value), {0}};
    assert_int_equal(config_load(only, 2, argv, &request, &err), -1);
    assert_string_equal(err.message,
                        "--config (SOCKERLESS_CONFIG): \"/nonexistent\" cannot be read: "
                        "No such file or directory; give the path of a readable file");
    config_unload(only);
}
