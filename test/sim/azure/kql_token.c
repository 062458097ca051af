/* SPDX-License-Identifier: Apache-2.0
 * The lexer ("The string data type", "The datetime data type", "The timespan data type" and
 * "Entity names" in the documentation of the Kusto query language); see kql_token.h. */
#include "test/sim/azure/kql_token.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void kql_lexer_init(struct kql_lexer *l, const char *text, struct kql_problem *problem)
{
    *l = (struct kql_lexer){.text = text, .at = text, .problem = problem};
}

void kql_lexer_fini(struct kql_lexer *l)
{
    free(l->string);
    l->string = NULL;
}

bool kql_problem_at(struct kql_problem *problem, const char *text, const struct kql_token *at,
                    const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(problem->message, sizeof problem->message, fmt, args);
    va_end(args);
    snprintf(problem->code, sizeof problem->code, "%s", code);
    snprintf(problem->token, sizeof problem->token, "%.*s", (int)(at->len < 60 ? at->len : 60),
             str_or_empty(at->start));
    problem->line = 1;
    problem->position = 0;
    for (const char *p = text; p && at->start && p < at->start; p++) {
        problem->line += *p == '\n';
        problem->position = *p == '\n' ? 0 : problem->position + 1;
    }
    return false;
}

static bool bad(struct kql_lexer *l, const char *what)
{
    struct kql_token here = {.start = l->at, .len = *l->at ? 1 : 0};
    return kql_problem_at(l->problem, l->text, &here, "SYN0002", "A recognition error occurred: %s",
                          what);
}

static void skip_blanks(struct kql_lexer *l)
{
    for (;;) {
        l->at += strspn(l->at, " \t\r\n");
        if (!str_starts(l->at, "//"))
            return;
        l->at += strcspn(l->at, "\n");
    }
}

/* ---- strings ---- */

static bool hex_escape(struct kql_lexer *l, int digits, struct buf *out)
{
    unsigned long value = 0;
    for (int i = 0; i < digits; i++) {
        char c = l->at[i];
        if (!isxdigit((unsigned char)c))
            return bad(l, "an escape has too few hexadecimal digits");
        value = value * 16 +
                (unsigned long)(isdigit((unsigned char)c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return bad(l, "an escape is no character");
    l->at += digits;
    char bytes[4];
    buf_append(out, bytes, utf8_encode((uint32_t)value, bytes));
    return true;
}

/* Behind the backslash. */
static bool escape(struct kql_lexer *l, struct buf *out)
{
    static const char letters[] = "abfnrtv0\\'\"", meanings[] = "\a\b\f\n\r\t\v\0\\'\"";
    char c = *l->at;
    const char *found = c ? strchr(letters, c) : NULL;
    if (found) {
        l->at++;
        buf_putc(out, meanings[found - letters]);
        return true;
    }
    if (c == 'x' || c == 'u' || c == 'U') {
        l->at++;
        return hex_escape(l, c == 'x' ? 2 : c == 'u' ? 4 : 8, out);
    }
    return bad(l, "a string has an unknown escape");
}

/* @'…': a quote is written twice, a backslash is itself. */
static bool verbatim(struct kql_lexer *l, struct buf *out)
{
    char quote = *l->at++;
    for (;; l->at++) {
        if (!*l->at || *l->at == '\n' || *l->at == '\r')
            return bad(l, "a string has no end");
        if (*l->at != quote) {
            buf_putc(out, *l->at);
        } else if (l->at[1] == quote) {
            buf_putc(out, quote);
            l->at++;
        } else {
            l->at++;
            return true;
        }
    }
}

static bool quoted(struct kql_lexer *l, struct buf *out)
{
    char quote = *l->at++;
    while (*l->at != quote) {
        if (!*l->at || *l->at == '\n' || *l->at == '\r')
            return bad(l, "a string has no end");
        if (*l->at != '\\') {
            buf_putc(out, *l->at++);
            continue;
        }
        l->at++;
        if (!escape(l, out))
            return false;
    }
    l->at++;
    return true;
}

/* ```…```: as it is, over lines. */
static bool multi_line(struct kql_lexer *l, struct buf *out)
{
    const char *end = strstr(l->at + 3, "```");
    if (!end)
        return bad(l, "a string has no end");
    buf_append(out, l->at + 3, (size_t)(end - l->at - 3));
    l->at = end + 3;
    return true;
}

/* 'h' before a string hides it in traces. */
static const char *string_start(const char *at)
{
    if ((*at == 'h' || *at == 'H') && (strchr("@'\"", at[1]) || str_starts(at + 1, "```")) && at[1])
        at++;
    if (*at == '@' && (at[1] == '\'' || at[1] == '"'))
        return at;
    return *at == '\'' || *at == '"' || str_starts(at, "```") ? at : NULL;
}

static bool string_token(struct kql_lexer *l)
{
    struct buf out AUTO(buf) = BUF_INIT;
    const char *start;
    /* strings with nothing but blanks between them are one */
    while ((start = string_start(l->at))) {
        l->at = start + (*start == '@');
        bool good = *start == '@'   ? verbatim(l, &out)
                    : *start == '`' ? multi_line(l, &out)
                                    : quoted(l, &out);
        if (!good)
            return false;
        l->token.len = (size_t)(l->at - l->token.start);
        skip_blanks(l);
    }
    l->token.kind = KQL_TOKEN_STRING;
    l->string_len = out.len;
    free(l->string);
    l->string = buf_steal(&out);
    return true;
}

/* ---- numbers and timespans ---- */

static bool number_token(struct kql_lexer *l)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {
        {"d", 86400e9},        {"day", 86400e9},     {"days", 86400e9},     {"h", 3600e9},
        {"hour", 3600e9},      {"hours", 3600e9},    {"m", 60e9},           {"minute", 60e9},
        {"minutes", 60e9},     {"s", 1e9},           {"second", 1e9},       {"seconds", 1e9},
        {"ms", 1e6},           {"millisecond", 1e6}, {"milliseconds", 1e6}, {"microsecond", 1e3},
        {"microseconds", 1e3}, {"tick", 100},        {"ticks", 100}};
    char *end;
    size_t digits = strspn(l->at, "0123456789");
    bool is_real = l->at[digits] == '.' && isdigit((unsigned char)l->at[digits + 1]);
    if (is_real)
        digits += 1 + strspn(l->at + digits + 1, "0123456789");
    if (digits > 30)
        return bad(l, "a number is too long");
    AUTO_FREE char *text = xstrndup(l->at, digits);
    l->token.real = strtod(text, &end);
    l->at += digits;
    size_t letters = 0;
    while (isalnum((unsigned char)l->at[letters]) || l->at[letters] == '_')
        letters++;
    if (letters) {
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
            if (strlen(units[i].unit) == letters && !strncmp(units[i].unit, l->at, letters)) {
                double ns = l->token.real * units[i].ns;
                if (ns > 9e18)
                    return bad(l, "a timespan is too long");
                l->at += letters;
                l->token.kind = KQL_TOKEN_TIMESPAN;
                l->token.integer = (int64_t)ns;
                return true;
            }
        return bad(l, "a number is followed by letters that are no unit of time");
    }
    l->token.kind = is_real ? KQL_TOKEN_REAL : KQL_TOKEN_LONG;
    return is_real || str_to_i64(text, &l->token.integer) || bad(l, "a number is too large");
}

/* ---- the next token ---- */

static bool name_token(struct kql_lexer *l)
{
    while (isalnum((unsigned char)*l->at) || *l->at == '_')
        l->at++;
    if (*l->at == '~')
        l->at++;
    l->token.kind = KQL_TOKEN_NAME;
    return true;
}

static bool sign_token(struct kql_lexer *l)
{
    static const char *const signs[] = {"==", "!=", "=~", "!~", "<=", ">=", "..", "<", ">",
                                        "=",  "|",  "(",  ")",  "[",  "]",  ",",  ";"};
    l->token.kind = KQL_TOKEN_SIGN;
    if (*l->at == '!' && isalpha((unsigned char)l->at[1])) {
        l->at++;
        name_token(l);
        l->token.kind = KQL_TOKEN_SIGN;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (str_starts(l->at, signs[i])) {
            l->at += strlen(signs[i]);
            return true;
        }
    return bad(l, "a character has no meaning here");
}

bool kql_lexer_next(struct kql_lexer *l)
{
    skip_blanks(l);
    l->token = (struct kql_token){.kind = KQL_TOKEN_END, .start = l->at};
    if (!*l->at)
        return true;
    if (string_start(l->at))
        return string_token(l);
    bool good = isdigit((unsigned char)*l->at)                    ? number_token(l)
                : isalpha((unsigned char)*l->at) || *l->at == '_' ? name_token(l)
                                                                  : sign_token(l);
    l->token.len = (size_t)(l->at - l->token.start);
    return good;
}

bool kql_token_is(const struct kql_token *token, const char *text)
{
    return (token->kind == KQL_TOKEN_NAME || token->kind == KQL_TOKEN_SIGN) &&
           strlen(text) == token->len && !strncmp(token->start, text, token->len);
}

/* The lexer stands at the '(' token: its `at` is right behind it. */
bool kql_lexer_raw(struct kql_lexer *l, const char **start, size_t *len)
{
    size_t n = strcspn(l->at, ")\n");
    *start = l->at;
    *len = n;
    if (l->at[n] != ')')
        return bad(l, "expected )");
    l->at += n + 1;
    return kql_lexer_next(l);
}
