/* SPDX-License-Identifier: Apache-2.0
 * A recursive reader that builds jansson's values; see json_input.h. */
#include "json/json_input.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <errno.h>
#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const unsigned char *at, *end;
    unsigned depth;
    enum json_input_end how;
    struct buf text; /* of the string or number that is being read */
    struct error *err;
};

static json_t *read_value(struct reader *r);

/* ---- errors ---- */

/* strconv.QuoteRune of the byte, with a single quote escaped and a double one not. */
static const char *quoted(unsigned char c, char out[16])
{
    static const char controls[] = "abtnvfr"; /* from 7 on */
    if (c == '\'' || c == '\\')
        snprintf(out, 16, "'\\%c'", c);
    else if (c >= 7 && c <= 13)
        snprintf(out, 16, "'\\%c'", controls[c - 7]);
    else if (c < 0x20 || c == 0x7F)
        snprintf(out, 16, "'\\x%02x'", c);
    else if (c < 0x7F)
        snprintf(out, 16, "'%c'", c);
    else if (c < 0xA1 || c == 0xAD)
        snprintf(out, 16, "'\\u%04x'", c);
    else
        snprintf(out, 16, "'%c%c'", 0xC0 | (c >> 6), 0x80 | (c & 0x3F));
    return out;
}

/* The text cannot go on as it does: at its end, or with the character that is there. */
static int refuse(struct reader *r, const char *where)
{
    char character[16];
    if (r->at < r->end)
        return error_set(r->err, ERROR_INVALID_PARAMETER, "invalid character %s %s",
                         quoted(*r->at, character), where);
    return error_set(r->err, ERROR_INVALID_PARAMETER, "%s",
                     r->how == JSON_INPUT_FIRST ? "unexpected EOF"
                                                : "unexpected end of JSON input");
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, unsigned char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* ---- strings ---- */

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits after \u. */
static int read_hex(struct reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int digit = r->at < r->end ? hex_digit(*r->at) : -1;
        if (digit < 0)
            return refuse(r, "in \\u hexadecimal character escape");
        *out = *out << 4 | (uint32_t)digit;
    }
    return 0;
}

/* A high surrogate and a low one are one character; alone each is U+FFFD. */
static int read_unicode(struct reader *r)
{
    uint32_t c, low = 0;
    if (read_hex(r, &c))
        return -1;
    if (c >= 0xD800 && c <= 0xDFFF) {
        const unsigned char *after = r->at;
        bool pair = c < 0xDC00 && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u';
        if (pair) {
            r->at += 2;
            if (read_hex(r, &low))
                return -1;
            pair = low >= 0xDC00 && low <= 0xDFFF;
        }
        c = pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : UTF8_REPLACEMENT;
        if (!pair)
            r->at = after;
    }
    char bytes[4];
    buf_append(&r->text, bytes, utf8_encode(c, bytes));
    return 0;
}

static int read_escape(struct reader *r)
{
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    if (take(r, 'u'))
        return read_unicode(r);
    const char *letter = r->at < r->end && *r->at ? strchr(letters, *r->at) : NULL;
    if (!letter)
        return refuse(r, "in string escape code");
    buf_putc(&r->text, characters[letter - letters]);
    r->at++;
    return 0;
}

/* What follows the opening quote, into r->text. What it held may be a password. */
static int read_text(struct reader *r)
{
    explicit_bzero(r->text.data, r->text.len);
    buf_clear(&r->text);
    for (;;) {
        if (r->at == r->end || *r->at < 0x20)
            return refuse(r, "in string literal");
        if (take(r, '"'))
            return 0;
        if (take(r, '\\')) {
            if (read_escape(r))
                return -1;
            continue;
        }
        size_t n = utf8_sequence((const char *)r->at, (size_t)(r->end - r->at));
        if (n)
            buf_append(&r->text, r->at, n);
        else
            buf_append(&r->text, UTF8_REPLACEMENT_TEXT, strlen(UTF8_REPLACEMENT_TEXT));
        r->at += n ? n : 1;
    }
}

static json_t *read_string(struct reader *r)
{
    return read_text(r) ? NULL
                        : json_stringn_nocheck(r->text.data ? r->text.data : "", r->text.len);
}

/* ---- numbers and words ---- */

static int take_digits(struct reader *r, const char *where)
{
    if (r->at == r->end || *r->at < '0' || *r->at > '9')
        return refuse(r, where);
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return 0;
}

/* Leaves r->at behind the number. */
static int scan_number(struct reader *r, bool *is_integer)
{
    *is_integer = true;
    take(r, '-');
    if (!take(r, '0') && take_digits(r, "in numeric literal"))
        return -1;
    if (take(r, '.')) {
        *is_integer = false;
        if (take_digits(r, "after decimal point in numeric literal"))
            return -1;
    }
    if (take(r, 'e') || take(r, 'E')) {
        *is_integer = false;
        if (!take(r, '+'))
            take(r, '-');
        return take_digits(r, "in exponent of numeric literal");
    }
    return 0;
}

static json_t *read_number(struct reader *r)
{
    const unsigned char *start = r->at;
    bool is_integer;
    if (scan_number(r, &is_integer))
        return NULL;
    buf_clear(&r->text);
    buf_append(&r->text, start, (size_t)(r->at - start));
    buf_putc(&r->text, '\0');
    errno = 0;
    long long integer = strtoll(r->text.data, NULL, 10);
    if (is_integer && errno == 0)
        return json_integer(integer);
    double real = strtod(r->text.data, NULL);
    return json_real(real > DBL_MAX ? DBL_MAX : real < -DBL_MAX ? -DBL_MAX : real);
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    char where[48];
    for (const char *c = word + 1; *c; c++) {
        if (take(r, (unsigned char)*c))
            continue;
        snprintf(where, sizeof where, "in literal %s (expecting '%c')", word, *c);
        refuse(r, where);
        return NULL;
    }
    return value;
}

/* ---- objects and lists ---- */

static int read_member(struct reader *r, json_t *object)
{
    skip_blanks(r);
    if (!take(r, '"'))
        return refuse(r, "looking for beginning of object key string");
    if (read_text(r))
        return -1;
    AUTO(buf) struct buf key = BUF_INIT;
    buf_append(&key, r->text.data, r->text.len);
    skip_blanks(r);
    if (!take(r, ':'))
        return refuse(r, "after object key");
    json_t *value = read_value(r);
    if (!value)
        return -1;
    return json_object_setn_new_nocheck(object, key.data ? key.data : "", key.len, value);
}

static int read_members(struct reader *r, json_t *object)
{
    skip_blanks(r);
    if (take(r, '}'))
        return 0;
    for (;;) {
        if (read_member(r, object))
            return -1;
        skip_blanks(r);
        if (take(r, '}'))
            return 0;
        if (!take(r, ','))
            return refuse(r, "after object key:value pair");
    }
}

static int read_items(struct reader *r, json_t *list)
{
    skip_blanks(r);
    if (take(r, ']'))
        return 0;
    for (;;) {
        json_t *item = read_value(r);
        if (!item)
            return -1;
        json_array_append_new(list, item);
        skip_blanks(r);
        if (take(r, ']'))
            return 0;
        if (!take(r, ','))
            return refuse(r, "after array element");
    }
}

static json_t *read_container(struct reader *r, bool is_object)
{
    if (r->depth == JSON_INPUT_MAX_DEPTH) {
        r->at--;
        refuse(r, "exceeded max depth");
        return NULL;
    }
    r->depth++;
    json_t *value = is_object ? json_object() : json_array();
    int rc = is_object ? read_members(r, value) : read_items(r, value);
    r->depth--;
    if (rc == 0)
        return value;
    json_decref(value);
    return NULL;
}

static json_t *read_value(struct reader *r)
{
    skip_blanks(r);
    unsigned char c = r->at < r->end ? *r->at : '\0';
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r);
    r->at += c != '\0';
    switch (c) {
    case '"': return read_string(r);
    case '{': return read_container(r, true);
    case '[': return read_container(r, false);
    case 't': return read_word(r, "true", json_true());
    case 'f': return read_word(r, "false", json_false());
    case 'n': return read_word(r, "null", json_null());
    default:
        r->at -= c != '\0';
        refuse(r, "looking for beginning of value");
        return NULL;
    }
}

json_t *json_input_load(const char *text, size_t len, enum json_input_end end, struct error *err)
{
    static const char nothing[] = "";
    const unsigned char *start = (const unsigned char *)(text ? text : nothing);
    struct reader r = {.at = start, .end = start + len, .how = end, .text = BUF_INIT, .err = err};
    buf_reserve(&r.text, len + 1); /* growing would leave copies of secrets behind */
    skip_blanks(&r);
    if (r.at == r.end && end == JSON_INPUT_FIRST) {
        error_set(err, ERROR_INVALID_PARAMETER, "EOF");
        buf_free(&r.text);
        return NULL;
    }
    json_t *value = read_value(&r);
    skip_blanks(&r);
    if (value && end == JSON_INPUT_WHOLE && r.at < r.end) {
        refuse(&r, "after top-level value");
        json_decref(value);
        value = NULL;
    }
    explicit_bzero(r.text.data, r.text.len);
    buf_free(&r.text);
    return value;
}
