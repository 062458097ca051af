/* SPDX-License-Identifier: Apache-2.0
 * Strings; see str.h. */
#include "base/str.h"

#include "base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

char *str_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

bool str_to_i64(const char *s, int64_t *out)
{
    if (!s || !*s || *s == ' ' || *s == '\t' || *s == '\n')
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}

void hex_encode(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = '\0';
}

bool str_is_hex(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
            return false;
    return true;
}

char *base64_encode(const void *bytes, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    char *out = xmalloc((len + 2) / 3 * 4 + 1);
    char *to = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)in[i] << 16;
        if (left > 1)
            v |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            v |= in[i + 2];
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[(v >> 12) & 63];
        *to++ = left > 1 ? alphabet[(v >> 6) & 63] : '=';
        *to++ = left > 2 ? alphabet[v & 63] : '=';
    }
    *to = '\0';
    return out;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

unsigned char *base64_decode(const char *text, size_t len, size_t *out_len)
{
    while (len && text[len - 1] == '=')
        len--;
    if (len % 4 == 1)
        return NULL;
    unsigned char *out = xmalloc(len / 4 * 3 + 3);
    size_t n = 0;
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        int v = base64_value(text[i]);
        if (v < 0) {
            free(out);
            return NULL;
        }
        acc = (acc << 6 | (uint32_t)v) & 0xFFFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (unsigned char)(acc >> bits);
        }
    }
    out[n] = '\0';
    *out_len = n;
    return out;
}

bool str_equal_secret(const char *expected, const char *given)
{
    size_t expected_len = strlen(expected), given_len = strlen(given);
    unsigned char diff = expected_len != given_len;
    for (size_t i = 0; i < given_len; i++)
        diff |=
            (unsigned char)given[i] ^ (unsigned char)expected[expected_len ? i % expected_len : 0];
    return diff == 0;
}

void strv_push_owned(struct strv *v, char *text)
{
    if (v->count + 2 > v->cap) {
        v->cap = v->cap ? v->cap * 2 : 8;
        v->items = xrealloc(v->items, v->cap * sizeof *v->items);
    }
    v->items[v->count++] = text;
    v->items[v->count] = NULL;
}

void strv_push(struct strv *v, const char *text)
{
    strv_push_owned(v, xstrdup(text));
}

void strv_push_list(struct strv *v, const char *text)
{
    while (text && *text) {
        size_t n = strcspn(text, ",");
        const char *end = text + n, *start = text;
        text = end + (*end == ',');
        while (start < end && isspace((unsigned char)*start))
            start++;
        while (start < end && isspace((unsigned char)end[-1]))
            end--;
        if (start < end)
            strv_push_owned(v, xstrndup(start, (size_t)(end - start)));
    }
}

/* Before the next separators behind which a URL begins, or the end of the text. */
static const char *url_end(const char *text, const char *separators)
{
    const char *at = text + strcspn(text, separators);
    while (*at) {
        const char *next = at + strspn(at, separators);
        size_t scheme = strspn(next, "abcdefghijklmnopqrstuvwxyz");
        if (!*next || (scheme && str_starts(next + scheme, "://")))
            break;
        at = next + strcspn(next, separators);
    }
    return at;
}

void strv_push_urls(struct strv *v, const char *text)
{
    static const char separators[] = ", ";
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        const char *end = url_end(text, separators);
        strv_push_owned(v, xstrndup(text, (size_t)(end - text)));
        text = end;
    }
}

void strv_free(struct strv *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i]);
    free(v->items);
    *v = STRV_INIT;
}
