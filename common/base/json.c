/* SPDX-License-Identifier: Apache-2.0
 * JSON writer; see json.h. RFC 8259. */
#include "base/json.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void before_value(struct json_writer *w)
{
    if (w->need_comma)
        buf_putc(w->out, ',');
    w->need_comma = true;
}

static void open_with(struct json_writer *w, char c)
{
    before_value(w);
    buf_putc(w->out, c);
    w->need_comma = false;
}

static void close_with(struct json_writer *w, char c)
{
    buf_putc(w->out, c);
    w->need_comma = true;
}

void json_object_open(struct json_writer *w)
{
    open_with(w, '{');
}

void json_object_close(struct json_writer *w)
{
    close_with(w, '}');
}

void json_array_open(struct json_writer *w)
{
    open_with(w, '[');
}

void json_array_close(struct json_writer *w)
{
    close_with(w, ']');
}

static void put_escaped(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"': buf_append(out, "\\\"", 2); break;
    case '\\': buf_append(out, "\\\\", 2); break;
    case '\n': buf_append(out, "\\n", 2); break;
    case '\r': buf_append(out, "\\r", 2); break;
    case '\t': buf_append(out, "\\t", 2); break;
    default: buf_printf(out, "\\u%04x", c); break;
    }
}

/* How many bytes from the start need no escape: the common case is all of them. */
static size_t plain_prefix(const unsigned char *s, size_t len)
{
    size_t i = 0;
    while (i < len && s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\')
        i++;
    return i;
}

/* Only C strings need the NUL of utf8.h. */
enum string_kind { C_STRING, BYTES };

static bool is_nul(enum string_kind kind, const unsigned char *s, size_t left)
{
    return kind == C_STRING && left >= 2 && memcmp(s, UTF8_NUL_TEXT, 2) == 0;
}

static void put_string(struct buf *out, const char *text, size_t len, enum string_kind kind)
{
    const unsigned char *s = (const unsigned char *)text;
    char *to = buf_reserve(out, len + 2);
    size_t i = plain_prefix(s, len);
    *to = '"';
    memcpy(to + 1, text, i);
    if (i == len) {
        to[1 + len] = '"';
        buf_commit(out, len + 2);
        return;
    }
    buf_commit(out, 1 + i);
    size_t plain = i; /* start of the run that needs no change */
    while (i < len) {
        size_t n = s[i] < 0x80 ? plain_prefix(s + i, 1) : utf8_sequence(text + i, len - i);
        if (n) {
            i += n;
            continue;
        }
        buf_append(out, text + plain, i - plain);
        plain = ++i;
        if (s[i - 1] < 0x80) {
            put_escaped(out, s[i - 1]);
        } else if (is_nul(kind, s + i - 1, len - i + 1)) {
            buf_puts(out, "\\u0000");
            plain = ++i;
        } else {
            buf_puts(out, UTF8_REPLACEMENT_TEXT);
        }
    }
    buf_append(out, text + plain, len - plain);
    buf_putc(out, '"');
}

void json_key(struct json_writer *w, const char *key)
{
    before_value(w);
    put_string(w->out, key, strlen(key), C_STRING);
    buf_putc(w->out, ':');
    w->need_comma = false;
}

void json_string_len(struct json_writer *w, const char *text, size_t len)
{
    before_value(w);
    put_string(w->out, text, len, BYTES);
}

void json_put_string(struct json_writer *w, const char *text)
{
    if (!text) {
        json_put_null(w);
        return;
    }
    before_value(w);
    put_string(w->out, text, strlen(text), C_STRING);
}

void json_int(struct json_writer *w, int64_t value)
{
    before_value(w);
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    buf_append(w->out, digits, (size_t)n);
}

void json_uint(struct json_writer *w, uint64_t value)
{
    before_value(w);
    buf_printf(w->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json_writer *w, bool value)
{
    json_raw(w, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json_writer *w)
{
    json_raw(w, "null", 4);
}

void json_raw(struct json_writer *w, const char *json, size_t len)
{
    before_value(w);
    buf_append(w->out, json, len);
}

void json_string_array(struct json_writer *w, char *const *items, size_t count)
{
    json_array_open(w);
    for (size_t i = 0; i < count; i++)
        json_put_string(w, items[i]);
    json_array_close(w);
}
