/* SPDX-License-Identifier: Apache-2.0
 * Words of Dockerfile instructions; see dockerfile_words.h. */
#include "oci/dockerfile/dockerfile_words.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <string.h>

bool dockerfile_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- splitting ---- */

/* Copies one word, from *at to a space or the end. keep: quotes and backslashes stay in it. A
 * backslash at the very end is dropped. True when there was a word, if only "". */
static bool word_take(const char **at, bool keep, struct buf *word)
{
    const char *p = *at;
    bool quoted = false;
    char quote = '\0';
    buf_clear(word);
    for (; *p && (quote || !dockerfile_is_space(*p)); p++) {
        bool is_quote = quote ? *p == quote : *p == '"' || *p == '\'';
        bool is_escape = *p == '\\' && !(keep && quote == '\'');
        if (is_escape && p[1] == '\0')
            continue;
        if (is_quote) {
            quote = quote ? '\0' : *p;
            quoted = true;
        }
        if (keep || !(is_quote || is_escape))
            buf_putc(word, *p);
        if (is_escape)
            buf_putc(word, *++p);
    }
    *at = p;
    return quoted || word->len;
}

void dockerfile_words_split(const char *text, struct strv *out)
{
    struct buf word AUTO(buf) = BUF_INIT;
    while (*text) {
        while (dockerfile_is_space(*text))
            text++;
        if (word_take(&text, true, &word))
            strv_push(out, word.len ? word.data : "");
    }
}

const char *dockerfile_flags_split(const char *text, struct strv *out)
{
    struct buf word AUTO(buf) = BUF_INIT;
    for (;;) {
        while (dockerfile_is_space(*text))
            text++;
        if (text[0] != '-' || text[1] != '-')
            return text;
        if (!word_take(&text, false, &word))
            continue;
        if (strcmp(word.data, "--") == 0)
            return text;
        strv_push(out, word.data);
    }
}

/* ---- expanding ---- */

struct lexer {
    const char *at;
    struct dockerfile_scope *scope;
    int depth;
};

enum { NESTING_MAX = 32 }; /* of ${a:-${b:-…}} */

static const char *env_get(const struct strv *env, const char *name, size_t len)
{
    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
            return env->items[i] + len + 1;
    return NULL;
}

/* letters, digits and _; or digits; or one special character */
static size_t name_length(const char *at)
{
    size_t n = 0;
    if (isdigit((unsigned char)*at)) {
        while (isdigit((unsigned char)at[n]))
            n++;
        return n;
    }
    if (*at && strchr("@*#?-$!", *at))
        return 1;
    while (isalnum((unsigned char)at[n]) || at[n] == '_')
        n++;
    return n;
}

static int expand_until(struct lexer *lex, char stop, struct buf *out, struct error *err);

/* The operator of ${name:-word}, applied. */
static int apply(char operator, const char * name, const char *value, const char *word,
                 struct buf *out, struct error *err)
{
    bool has_value = !str_empty(value);
    switch (operator) {
    case '-': buf_puts(out, has_value ? value : word); return 0;
    case '+': buf_puts(out, has_value ? word : ""); return 0;
    case '?':
        if (has_value) {
            buf_puts(out, value);
            return 0;
        }
        return error_set(err, ERROR_INVALID_PARAMETER, "%.100s: %.300s", name,
                         *word ? word : "is not allowed to be unset");
    default:
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "unsupported modifier (%c) in substitution", operator);
    }
}

static int expand_braces(struct lexer *lex, struct buf *out, struct error *err)
{
    if (*lex->at == '\0')
        return error_set(err, ERROR_INVALID_PARAMETER, "syntax error: missing '}'");
    if (strchr("{}:", *lex->at))
        return error_set(err, ERROR_INVALID_PARAMETER, "syntax error: bad substitution");
    size_t len = name_length(lex->at);
    const char *name = arena_strndup(lex->scope->arena, lex->at, len);
    const char *value = env_get(&lex->scope->env, name, len);
    lex->at += len;
    if (*lex->at == '}') {
        lex->at++;
        buf_puts(out, str_or_empty(value));
        return 0;
    }
    if (lex->at[0] != ':' || lex->at[1] == '\0')
        return error_set(err, ERROR_INVALID_PARAMETER, "missing ':' in substitution");
    char operator= lex->at[1];
    struct buf word AUTO(buf) = BUF_INIT;
    lex->at += 2;
    if (expand_until(lex, '}', &word, err))
        return -1;
    return apply(operator, name, value, word.len ? word.data : "", out, err);
}

static int expand_dollar(struct lexer *lex, struct buf *out, struct error *err)
{
    lex->at++;
    if (*lex->at == '{') {
        lex->at++;
        return expand_braces(lex, out, err);
    }
    size_t len = name_length(lex->at);
    if (len == 0)
        buf_putc(out, '$');
    else
        buf_puts(out, str_or_empty(env_get(&lex->scope->env, lex->at, len)));
    lex->at += len;
    return 0;
}

static int unmatched(const char *what, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "unexpected end of statement while looking for matching %s", what);
}

static int expand_double_quoted(struct lexer *lex, struct buf *out, struct error *err)
{
    lex->at++;
    while (*lex->at != '"') {
        if (*lex->at == '\0')
            return unmatched("double-quote", err);
        if (*lex->at == '$') {
            if (expand_dollar(lex, out, err))
                return -1;
            if (out->len > lex->scope->room)
                return error_set(err, ERROR_INVALID_PARAMETER, "changes expand to too much text");
            continue;
        }
        if (*lex->at == '\\' && lex->at[1] && strchr("\"$\\", lex->at[1]))
            lex->at++; /* other backslashes stay */
        else if (*lex->at == '\\' && lex->at[1] == '\0')
            return unmatched("double-quote", err);
        buf_putc(out, *lex->at++);
    }
    lex->at++;
    return 0;
}

static int expand_single_quoted(struct lexer *lex, struct buf *out, struct error *err)
{
    const char *end = strchr(lex->at + 1, '\'');
    if (!end)
        return unmatched("single-quote", err);
    buf_append(out, lex->at + 1, (size_t)(end - lex->at - 1));
    lex->at = end + 1;
    return 0;
}

static int expand_one(struct lexer *lex, struct buf *out, struct error *err)
{
    switch (*lex->at) {
    case '\'': return expand_single_quoted(lex, out, err);
    case '"': return expand_double_quoted(lex, out, err);
    case '$': return expand_dollar(lex, out, err);
    case '\\':
        lex->at++;
        if (*lex->at)
            buf_putc(out, *lex->at++);
        return 0;
    default: buf_putc(out, *lex->at++); return 0;
    }
}

static int expand_until(struct lexer *lex, char stop, struct buf *out, struct error *err)
{
    if (++lex->depth > NESTING_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "substitutions nested too deeply");
    while (*lex->at && *lex->at != stop) {
        if (expand_one(lex, out, err))
            return -1;
        if (out->len > lex->scope->room)
            return error_set(err, ERROR_INVALID_PARAMETER, "changes expand to too much text");
    }
    lex->depth--;
    if (*lex->at != stop)
        return error_set(err, ERROR_INVALID_PARAMETER, "syntax error: missing '}'");
    if (stop)
        lex->at++;
    return 0;
}

/* As Go's %q has it, near enough. */
static char *quoted(const char *word, struct arena *arena)
{
    struct buf out AUTO(buf) = BUF_INIT;
    buf_putc(&out, '"');
    for (; *word && out.len < 300; word++) {
        if (*word == '"' || *word == '\\')
            buf_putc(&out, '\\');
        buf_putc(&out, *word);
    }
    buf_putc(&out, '"');
    return arena_strndup(arena, out.data, out.len);
}

char *dockerfile_word_expand(const char *word, struct dockerfile_scope *scope, struct error *err)
{
    struct lexer lex = {.at = word, .scope = scope};
    struct buf out AUTO(buf) = BUF_INIT;
    if (expand_until(&lex, '\0', &out, err)) {
        error_wrap(err, "failed to process %s", quoted(word, scope->arena));
        return NULL;
    }
    scope->room -= out.len;
    return arena_strndup(scope->arena, out.len ? out.data : "", out.len);
}

char *dockerfile_text_clean(const char *text, struct arena *arena)
{
    struct buf json AUTO(buf) = BUF_INIT;
    struct json_writer w;
    struct error ignored;
    json_writer_init(&w, &json);
    json_object_open(&w);
    json_member_string(&w, "text", text);
    json_object_close(&w);
    json_t *doc AUTO(json) = json_doc_load(json.data, json.len, &ignored);
    return arena_strdup(arena, str_or_empty(json_doc_string(doc, "text")));
}
