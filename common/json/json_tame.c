/* SPDX-License-Identifier: Apache-2.0
 * A scanner, not a parser: broken documents stay broken; see json_tame.h. */
#include "json/json_tame.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { INT64_DIGITS = 19 };

struct scan {
    const char *text;
    size_t at, len;
    size_t depth, depth_max;
    struct buf *out;
};

/* Too deep: read on, write nothing. */
static bool is_hidden(const struct scan *s)
{
    return s->depth > s->depth_max;
}

static void put(const struct scan *s, const char *text, size_t len)
{
    if (!is_hidden(s))
        buf_append(s->out, text, len);
}

/* Past the closing quote, or the end. */
static size_t string_end(const struct scan *s)
{
    size_t at = s->at + 1;
    while (at < s->len && s->text[at] != '"')
        at += s->text[at] == '\\' ? 2 : 1;
    return at < s->len ? at + 1 : s->len;
}

static bool is_key(const struct scan *s, size_t end)
{
    while (end < s->len && strchr(" \t\r\n", s->text[end]) && s->text[end])
        end++;
    return end < s->len && s->text[end] == ':';
}

static void take_key(struct scan *s, size_t end)
{
    static const char nul[] = "\\u0000";
    while (s->at < end) {
        const char *c = s->text + s->at;
        size_t left = end - s->at, n = *c == '\\' && left > 1 ? 2 : 1;
        if (left >= sizeof nul - 1 && memcmp(c, nul, sizeof nul - 1) == 0) {
            put(s, "\xEF\xBF\xBD", 3);
            n = sizeof nul - 1;
        } else {
            put(s, c, n);
        }
        s->at += n;
    }
}

static void take_string(struct scan *s)
{
    size_t end = string_end(s);
    if (is_key(s, end)) {
        take_key(s, end);
        return;
    }
    put(s, s->text + s->at, end - s->at);
    s->at = end;
}

static bool is_long_integer(const char *text, size_t len)
{
    size_t digits = text[0] == '-' ? len - 1 : len;
    for (size_t i = len - digits; i < len; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return digits > INT64_DIGITS ||
           (digits == INT64_DIGITS &&
            memcmp(text + len - digits, "9223372036854775807", digits) > 0);
}

static void take_number(struct scan *s)
{
    const char *text = s->text + s->at;
    size_t n = 0;
    while (s->at + n < s->len && text[n] && strchr("+-.0123456789Ee", text[n]))
        n++;
    put(s, text, n);
    if (is_long_integer(text, n))
        put(s, "e0", 2);
    s->at += n;
}

static void take_open(struct scan *s)
{
    if (s->depth == s->depth_max)
        put(s, "null", 4);
    s->depth++;
    put(s, &s->text[s->at++], 1);
}

static void take_close(struct scan *s)
{
    put(s, &s->text[s->at++], 1);
    if (s->depth)
        s->depth--;
}

void json_tame(const char *text, size_t len, size_t depth_max, struct buf *out)
{
    struct scan s = {.text = text, .len = len, .depth_max = depth_max, .out = out};
    buf_reserve(out, len + 1);
    while (s.at < len) {
        char c = text[s.at];
        if (c == '"')
            take_string(&s);
        else if (c == '{' || c == '[')
            take_open(&s);
        else if (c == '}' || c == ']')
            take_close(&s);
        else if (c == '-' || isdigit((unsigned char)c))
            take_number(&s);
        else
            put(&s, &text[s.at++], 1);
    }
}
