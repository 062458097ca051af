/* SPDX-License-Identifier: Apache-2.0
 * Characters, escapes and classes of Go's regular expressions; see go_regex_internal.h. */
#include "backend/api/go_regex_internal.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

/* ---- what both halves use ---- */

int go_regex_refuse(struct translation *t, const char *why, const char *from, size_t len)
{
    return error_set(t->err, ERROR_INVALID_PARAMETER, "error parsing regexp: %s: `%.*s`", why,
                     (int)(len < 200 ? len : 200), from);
}

int go_regex_refuse_rest(struct translation *t, const char *why, const char *from)
{
    return go_regex_refuse(t, why, from, strlen(from));
}

void go_regex_atom_begin(struct translation *t)
{
    t->has_atom = true;
    t->atom_start = t->out->len;
    t->atom_weight = 1;
    t->atom_repeated = false;
}

/* The character at t->at; the text is valid but for our NUL (utf8.h). */
uint32_t go_regex_take_character(struct translation *t)
{
    const unsigned char *s = (const unsigned char *)t->at;
    if (strncmp(t->at, UTF8_NUL_TEXT, 2) == 0) {
        t->at += 2;
        return 0;
    }
    size_t n = utf8_sequence(t->at, strlen(t->at));
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    t->at += n ? n : 1;
    if (!n)
        return UTF8_REPLACEMENT;
    uint32_t c = s[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3F);
    return c;
}

/* ---- escapes ---- */

static int take_hex_digit(struct translation *t)
{
    int c = (unsigned char)*t->at;
    if (!isxdigit(c))
        return -1;
    t->at++;
    return isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* What follows "\x": two digits, or any number of them in braces. */
static bool take_hex(struct translation *t, uint32_t *out)
{
    bool braces = *t->at == '{';
    int digit;
    unsigned count = 0;
    t->at += braces;
    *out = 0;
    while ((braces || count < 2) && *out <= 0x10FFFF && (digit = take_hex_digit(t)) >= 0) {
        *out = *out * 16 + (uint32_t)digit;
        count++;
    }
    if (!braces)
        return count == 2;
    if (*t->at != '}' || !count || *out > 0x10FFFF)
        return false;
    t->at++;
    return true;
}

/* An octal number of up to three digits; one that does not begin with 0 has two at least: a single
 * digit would be a back reference. */
static bool take_octal(struct translation *t, uint32_t *out)
{
    if (*t->at != '0' && (t->at[1] < '0' || t->at[1] > '7'))
        return false;
    *out = 0;
    for (int i = 0; i < 3 && *t->at >= '0' && *t->at <= '7'; i++)
        *out = *out * 8 + (uint32_t)(*t->at++ - '0');
    return true;
}

/* An escape that stands for one character, in a class or outside. t->at is at the backslash. */
int go_regex_take_escape(struct translation *t, uint32_t *out)
{
    static const char letters[] = "afnrtv", characters[] = "\a\f\n\r\t\v";
    const char *from = t->at++;
    if (!*t->at)
        return go_regex_refuse(t, "trailing backslash at end of expression", "", 0);
    const char *letter = strchr(letters, *t->at);
    bool fine = true;
    if (*t->at == 'x') {
        t->at++;
        fine = take_hex(t, out);
    } else if (*t->at >= '0' && *t->at <= '7') {
        fine = take_octal(t, out);
    } else if (letter) {
        *out = (unsigned char)characters[letter - letters];
        t->at++;
    } else if (ispunct((unsigned char)*t->at) || isspace((unsigned char)*t->at) ||
               iscntrl((unsigned char)*t->at)) {
        *out = (unsigned char)*t->at++;
    } else {
        fine = false;
        go_regex_take_character(t);
    }
    return fine ? 0 : go_regex_refuse(t, "invalid escape sequence", from, (size_t)(t->at - from));
}

/* \d and its kind, in PCRE2's words for the inside of a class. */
static const char *perl_class(char letter)
{
    switch (letter) {
    case 'd': return "0-9";
    case 's': return "\\t\\n\\f\\r ";
    case 'w': return "0-9A-Za-z_";
    /* The opposites as ranges: within a class they cannot be negated apart. */
    case 'D': return "\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}";
    case 'S': return "\\x{0}-\\x{8}\\x{b}\\x{e}-\\x{1f}\\x{21}-\\x{10ffff}";
    case 'W': return "\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}";
    default: return NULL;
    }
}

/* Names that PCRE2 has besides those of Unicode. */
static bool is_pcre_property(const char *name, size_t len)
{
    static const char *const own[] = {"Xan", "Xps", "Xsp", "Xuc", "Xwd", "LC", "Cn"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strlen(own[i]) == len && memcmp(own[i], name, len) == 0)
            return true;
    return false;
}

static bool property_name_valid(const char *name, size_t len)
{
    if (!len || !isupper((unsigned char)name[0]) || is_pcre_property(name, len))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

/* \pL, \P{Greek}, \p{^Lu}. Whether there is such a property PCRE2 says. */
static int take_property(struct translation *t)
{
    const char *from = t->at, *name = t->at + 2;
    bool negative = t->at[1] == 'P';
    size_t len = *name && (unsigned char)*name < 0x80;
    t->at = name + len;
    if (*name == '{') {
        const char *end = strchr(name, '}');
        if (!end)
            return go_regex_refuse_rest(t, "invalid character class range", from);
        name++;
        len = (size_t)(end - name);
        t->at = end + 1;
    }
    if (len && *name == '^') {
        negative = !negative;
        name++;
        len--;
    }
    if (!property_name_valid(name, len))
        return go_regex_refuse(t, "invalid character class range", from, (size_t)(t->at - from));
    buf_printf(t->out, "\\%c{%.*s}", negative ? 'P' : 'p', (int)len, name);
    return 0;
}

/* ---- classes ---- */

/* "[:alpha:]", which PCRE2 has with the same meaning. Returns whether there was one. */
static bool take_posix_class(struct translation *t, int *rc)
{
    static const char *const known[] = {"alnum", "alpha", "ascii", "blank", "cntrl",
                                        "digit", "graph", "lower", "print", "punct",
                                        "space", "upper", "word",  "xdigit"};
    const char *end = t->at[0] == '[' && t->at[1] == ':' ? strstr(t->at + 2, ":]") : NULL;
    if (!end)
        return false;
    const char *name = t->at + 2 + (t->at[2] == '^');
    size_t len = end > name ? (size_t)(end - name) : 0;
    *rc = -1;
    for (size_t i = 0; i < ARRAY_LEN(known) && *rc; i++)
        *rc = strlen(known[i]) == len && memcmp(known[i], name, len) == 0 ? 0 : -1;
    if (*rc)
        go_regex_refuse(t, "invalid character class range", t->at, (size_t)(end + 2 - t->at));
    else
        buf_append(t->out, t->at, (size_t)(end + 2 - t->at));
    t->at = end + 2;
    return true;
}

static int take_class_character(struct translation *t, const char *class_start, uint32_t *out)
{
    if (!*t->at)
        return go_regex_refuse_rest(t, "missing closing ]", class_start);
    if (*t->at == '\\')
        return go_regex_take_escape(t, out);
    *out = go_regex_take_character(t);
    return 0;
}

static int take_range(struct translation *t, const char *class_start)
{
    const char *from = t->at;
    uint32_t low, high;
    if (take_class_character(t, class_start, &low))
        return -1;
    high = low;
    if (t->at[0] == '-' && t->at[1] && t->at[1] != ']') {
        t->at++;
        if (take_class_character(t, class_start, &high))
            return -1;
        if (high < low)
            return go_regex_refuse(t, "invalid character class range", from,
                                   (size_t)(t->at - from));
    }
    buf_printf(t->out, "\\x{%x}-\\x{%x}", low, high);
    return 0;
}

static int take_class_item(struct translation *t, const char *class_start)
{
    int rc;
    if (take_posix_class(t, &rc))
        return rc;
    if (t->at[0] == '\\' && (t->at[1] == 'p' || t->at[1] == 'P'))
        return take_property(t);
    const char *perl = t->at[0] == '\\' ? perl_class(t->at[1]) : NULL;
    if (!perl)
        return take_range(t, class_start);
    buf_puts(t->out, perl);
    t->at += 2;
    return 0;
}

/* t->at is at the bracket. */
int go_regex_take_class(struct translation *t)
{
    const char *start = t->at++;
    go_regex_atom_begin(t);
    buf_puts(t->out, t->flags.fold ? "(?i:[" : "[");
    if (*t->at == '^') {
        buf_putc(t->out, '^');
        t->at++;
    }
    bool first = true;
    while (*t->at != ']' || first) {
        first = false;
        if (take_class_item(t, start))
            return -1;
    }
    t->at++;
    buf_puts(t->out, t->flags.fold ? "])" : "]");
    return 0;
}

bool go_regex_is_class_escape(const char *at)
{
    return at[1] == 'p' || at[1] == 'P' || perl_class(at[1]);
}

int go_regex_take_class_escape(struct translation *t)
{
    go_regex_atom_begin(t);
    buf_puts(t->out, t->flags.fold ? "(?i:[" : "[");
    if (t->at[1] == 'p' || t->at[1] == 'P') {
        if (take_property(t))
            return -1;
    } else {
        buf_puts(t->out, perl_class(t->at[1]));
        t->at += 2;
    }
    buf_puts(t->out, t->flags.fold ? "])" : "]");
    return 0;
}
