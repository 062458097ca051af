/* SPDX-License-Identifier: Apache-2.0
 *
 * WWW-Authenticate; see www_authenticate.h. The list is ambiguous at commas (the next word may be a
 * parameter of this challenge or the name of the next scheme): a word followed by '=' is a
 * parameter.
 */
#include "oci/registry/www_authenticate.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MAX = 1024 };

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* A quoted string into out ("" if it does not fit). Returns what follows; NULL: unterminated. */
static const char *take_quoted(const char *p, char out[VALUE_MAX])
{
    size_t n = 0;
    for (p++; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        if (*p == '\0')
            return NULL;
        if (n < VALUE_MAX)
            out[n++] = *p;
    }
    out[n < VALUE_MAX ? n : 0] = '\0';
    return p + 1;
}

static const char *take_token(const char *p, char out[VALUE_MAX])
{
    size_t n = strspn(p, token_chars);
    size_t kept = n < VALUE_MAX ? n : 0;
    memcpy(out, p, kept);
    out[kept] = '\0';
    return p + n;
}

static void set_param(struct www_challenge *c, const char *name, size_t name_len, const char *value)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } known[] = {
        {"realm", c->realm, sizeof c->realm},
        {"service", c->service, sizeof c->service},
        {"scope", c->scope, sizeof c->scope},
        {"error", c->error, sizeof c->error},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strlen(known[i].name) == name_len && strncasecmp(name, known[i].name, name_len) == 0 &&
            strlen(value) < known[i].size)
            memcpy(known[i].to, value, strlen(value) + 1);
}

static enum auth_scheme scheme_of(const char *word, size_t len)
{
    if (len == 5 && strncasecmp(word, "Basic", 5) == 0)
        return AUTH_BASIC;
    if (len == 6 && strncasecmp(word, "Bearer", 6) == 0)
        return AUTH_BEARER;
    return AUTH_OTHER;
}

/* `= value` of a parameter; p is at the '='. NULL: malformed. */
static const char *take_param(const char *p, const char *name, size_t name_len,
                              struct www_challenge *c)
{
    char value[VALUE_MAX];
    p = skip_blanks(p + 1);
    p = *p == '"' ? take_quoted(p, value) : take_token(p, value);
    if (p && c)
        set_param(c, name, name_len, value);
    return p;
}

/* token68 after a scheme ("Negotiate abc=="): letters, digits, -._~+/ and trailing '='. */
static const char *skip_token68(const char *p)
{
    size_t n = strspn(p, "-._~+/0123456789abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    n += strspn(p + n, "=");
    const char *after = skip_blanks(p + n);
    return n && (*after == ',' || *after == '\0') ? after : p;
}

int www_authenticate_parse(const char *value, struct www_challenge *out, size_t max)
{
    size_t count = 0;
    struct www_challenge dropped, *now = NULL;
    const char *p = value;
    for (;;) {
        p += strspn(p, " \t,");
        if (*p == '\0')
            return (int)count;
        const char *word = p;
        size_t len = strspn(p, token_chars);
        if (len == 0)
            return -1;
        p = skip_blanks(word + len);
        if (*p == '=') {
            if (!now || !(p = take_param(p, word, len, now)))
                return -1;
            p = skip_blanks(p);
            if (*p != ',' && *p != '\0')
                return -1;
            continue;
        }
        now = count < max ? &out[count++] : &dropped;
        *now = (struct www_challenge){.scheme = scheme_of(word, len)};
        p = skip_token68(p);
    }
}
