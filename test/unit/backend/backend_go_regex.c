/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's regular expressions. What matches, and what is refused, is what dockerd 20.10 answered to a
 * `name` filter; input.bats asks both again.
 */
#include "backend/api/go_regex.h"
#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

static struct error err; /* of the last call */

static const char *const texts[] = {"web", "web-1", "f1", "foo", "xfoo", "a.b", "axb"};

/* The texts that match, with blanks between. */
static const char *matching(const char *expression)
{
    static char found[128];
    found[0] = '\0';
    struct go_regex *re = go_regex_new(expression, &err);
    if (!re)
        return "refused";
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (go_regex_matches(re, texts[i]))
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s",
                     found[0] ? " " : "", texts[i]);
    go_regex_free(re);
    return found;
}

#define ALL "web web-1 f1 foo xfoo a.b axb"

static const struct {
    const char *expression, *matching;
} cases[] = {
    {"", ALL},
    {"web", "web web-1"},
    {"^web$", "web"},
    {"a.b", "a.b axb"},
    {"a\\.b", "a.b"},
    {"\\Qa.b\\E", "a.b"},
    {"\\Qfoo", "foo xfoo"},
    {"[fw]", "web web-1 f1 foo xfoo"},
    {"(?i)FOO", "foo xfoo"},
    {"(?i:F)oo", "foo xfoo"},
    {"(?i)F(?-i)OO", ""},
    {"(?P<x>foo)", "foo xfoo"},
    {"(?P<n>f)(?P<n>o)", "foo xfoo"},
    {"\\pL{3}", "web web-1 foo xfoo axb"},
    {"\\PL", "web-1 f1 a.b"},
    {"\\p{^L}", "web-1 f1 a.b"},
    {"\\p{Greek}", ""},
    {"[\\pL]", ALL},
    {"[[:alpha:]]{3}", "web web-1 foo xfoo axb"},
    {"[^[:alpha:]]", "web-1 f1 a.b"},
    {"foo\\z", "foo xfoo"},
    {"\\Afoo", "foo"},
    {"\\bfoo", "foo"},
    {"\\d", "web-1 f1"},
    {"[^\\D]", "web-1 f1"},
    {"\\w+-\\w", "web-1"},
    {"f{1}1", "f1"},
    {"f{,2}1", ""},
    {"f{x}", ""},
    {"a*?x", "xfoo axb"},
    {"a*(?i)*x", "xfoo axb"},
    {"(?:a*)*x", "xfoo axb"},
    {"^*foo", "foo xfoo"},
    {"x{0}foo", "foo xfoo"},
    {"\\x66oo", "foo xfoo"},
    {"\\x{66}oo", "foo xfoo"},
    {"\\146oo", "foo xfoo"},
    {"(?U)fo+", "foo xfoo"},
    {"(?s).oo", "foo xfoo"},
    {"(?m)^foo$", "foo"},
    {"(?ims-U:foo)", "foo xfoo"},
    {"[]a]", "a.b axb"},
    {"[a-c-e]", "web web-1 a.b axb"},
    {"[--.]", "web-1 a.b"},
    {"[\\w-z]", ALL},
    {"]|}", ""},
    {"web|foo", "web web-1 foo xfoo"},
    {"()|", ALL},
    {"\\_", ""},
    {"foo#", ""},
    {"foo\n", ""},
    /* what Go refuses */
    {"*foo*", "refused"},
    {"(foo", "refused"},
    {"foo)", "refused"},
    {"(|*)", "refused"},
    {"(?<x>foo)", "refused"},
    {"foo(?=x)", "refused"},
    {"(?#c)foo", "refused"},
    {"(?x)f o o", "refused"},
    {"(?>foo)", "refused"},
    {"(?|foo|bar)", "refused"},
    {"(?R)", "refused"},
    {"(*ACCEPT)", "refused"},
    {"(?P=x)", "refused"},
    {"(?i-)foo", "refused"},
    {"(f)\\1", "refused"},
    {"\\8", "refused"},
    {"\\Z", "refused"},
    {"\\e", "refused"},
    {"\\C", "refused"},
    {"\\K", "refused"},
    {"\\xg", "refused"},
    {"\\x{110000}", "refused"},
    {"\\", "refused"},
    {"a**", "refused"},
    {"a*+", "refused"},
    {"a{2}{3}", "refused"},
    {"{2}", "refused"},
    {"f{2,1}", "refused"},
    {"f{1001}", "refused"},
    {"f{1,2000}", "refused"},
    {"(?:f{1000}){2}", "refused"},
    {"f{99999999999999999999}", "refused"},
    {"[a-", "refused"},
    {"[", "refused"},
    {"[z-a]", "refused"},
    {"[a-\\d]", "refused"},
    {"[[:foo:]]", "refused"},
    {"[\\Qa\\E]", "refused"},
    {"[\\b]", "refused"},
    {"\\p{Foo}", "refused"},
    {"\\p{greek}", "refused"},
    {"\\p{L", "refused"},
    {"\\p", "refused"},
};

TEST(as_go)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = matching(cases[i].expression);
        if (strcmp(got, cases[i].matching) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].expression, got, cases[i].matching);
    }
}

TEST(words)
{
    static const struct {
        const char *expression, *words;
    } refused[] = {
        {"*a", "missing argument to repetition operator: `*`"},
        {"a**", "invalid nested repetition operator: `*`"},
        {"(a", "missing closing ): `(a`"},
        {"a)", "unexpected ): `a)`"},
        {"[a", "missing closing ]: `[a`"},
        {"\\y", "invalid escape sequence: `\\y`"},
        {"[b-a]", "invalid character class range: `b-a`"},
        {"(?=a)", "invalid or unsupported Perl syntax: `(?=`"},
        {"a{9999}", "invalid repeat count: `{9999}`"},
        {"a\\", "trailing backslash at end of expression: ``"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char want[128];
        snprintf(want, sizeof want, "error parsing regexp: %s", refused[i].words);
        assert_null(go_regex_new(refused[i].expression, &err));
        assert_string_equal(err.message, want);
    }
}

static char *repeated(const char *text, size_t times)
{
    size_t len = strlen(text);
    char *out = xcalloc(len * times + 1, 1);
    for (size_t i = 0; i < times; i++)
        memcpy(out + i * len, text, len);
    return out;
}

TEST(limits)
{
    AUTO_FREE char *open = repeated("(", 500), *close = repeated(")", 500),
                   *long_one = repeated("a", GO_REGEX_MAX + 1), *deep = repeated("(", 1001);
    AUTO_FREE char *nested = xasprintf("%sfoo%s", open, close);
    assert_string_equal(matching(nested), "foo xfoo");
    assert_string_equal(matching(deep), "refused");
    assert_string_equal(err.message, "error parsing regexp: expression nests too deeply");
    assert_string_equal(matching(long_one), "refused");
}

/* Backtracking would take 2^60 steps. */
TEST(no_backtracking)
{
    AUTO_FREE char *text = repeated("a", 120);
    static const char *const expressions[] = {"(a+)+$x", "(a|aa)+$x", "(a*)*b",
                                              "(.*)(.*)(.*)(.*)(.*)b"};
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
        struct go_regex *re = go_regex_new(expressions[i], &err);
        assert_non_null(re);
        assert_false(go_regex_matches(re, text));
        go_regex_free(re);
    }
}
