/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's syntax (regexp/syntax, flags Perl) to PCRE2's; see go_regex.h. One pass: every atom of Go's
 * becomes one atom of PCRE2's, with the flags that hold for it written out, so that flags need no
 * groups. Whether a repeat takes much or little makes no difference to whether there is a match.
 */
#include "backend/api/go_regex_internal.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void put_atom(struct translation *t, const char *pcre)
{
    go_regex_atom_begin(t);
    buf_puts(t->out, pcre);
}

static void put_literal(struct translation *t, uint32_t c)
{
    go_regex_atom_begin(t);
    if (t->flags.fold)
        buf_printf(t->out, "(?i:\\x{%x})", c);
    else if (c < 0x80 && isalnum((int)c))
        buf_putc(t->out, (char)c);
    else
        buf_printf(t->out, "\\x{%x}", c);
}

/* ---- outside of classes ---- */

/* What follows \Q: literals up to \E, or to the end. */
static void take_quoted(struct translation *t)
{
    while (*t->at && strncmp(t->at, "\\E", 2) != 0)
        put_literal(t, go_regex_take_character(t));
    t->at += *t->at ? 2 : 0;
}

static int take_backslash(struct translation *t)
{
    static const struct {
        char letter;
        const char *pcre;
    } places[] = {{'A', "(?:\\A)"}, {'b', "(?:\\b)"}, {'B', "(?:\\B)"}, {'z', "(?:\\z)"}};
    uint32_t c;
    if (t->at[1] == 'Q') {
        t->at += 2;
        take_quoted(t);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (t->at[1] == places[i].letter) {
            put_atom(t, places[i].pcre);
            t->at += 2;
            return 0;
        }
    if (go_regex_is_class_escape(t->at))
        return go_regex_take_class_escape(t);
    if (go_regex_take_escape(t, &c))
        return -1;
    put_literal(t, c);
    return 0;
}

/* ---- groups ---- */

static int group_open(struct translation *t, struct flags inside)
{
    if (t->depth == DEPTH_MAX)
        return error_set(t->err, ERROR_INVALID_PARAMETER,
                         "error parsing regexp: expression nests too deeply");
    t->levels[++t->depth] = (struct level){.flags = t->flags, .start = t->out->len, .weight = 1};
    t->flags = inside;
    buf_puts(t->out, "(?:");
    t->has_atom = false;
    return 0;
}

static void weigh(struct translation *t)
{
    struct level *level = &t->levels[t->depth];
    if (t->has_atom && t->atom_weight > level->weight)
        level->weight = t->atom_weight;
}

static int group_close(struct translation *t, const char *whole)
{
    if (t->depth == 0)
        return go_regex_refuse_rest(t, "unexpected )", whole);
    weigh(t);
    struct level *level = &t->levels[t->depth--];
    buf_putc(t->out, ')');
    t->flags = level->flags;
    t->has_atom = true;
    t->atom_start = level->start;
    t->atom_weight = level->weight;
    t->atom_repeated = false;
    return 0;
}

/* "P<name>" after "(?". */
static int take_group_name(struct translation *t, const char *from)
{
    const char *name = t->at + 2, *end = strchr(name, '>');
    size_t len = end ? (size_t)(end - name) : 0;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            len = 0;
    if (!len)
        return go_regex_refuse_rest(t, "invalid named capture", from);
    t->at = end + 1;
    return 0;
}

/* The letters after "(?", up to and with the ":" or ")". */
static int take_flags(struct translation *t, const char *from)
{
    struct flags flags = t->flags;
    bool set = true, seen = false;
    for (;; t->at++) {
        switch (*t->at) {
        case 'i': flags.fold = set; break;
        case 'm': flags.multi_line = set; break;
        case 's': flags.dot_newline = set; break;
        case 'U': break;
        case '-':
            if (!set)
                return go_regex_refuse(t, "invalid or unsupported Perl syntax", from,
                                       (size_t)(t->at + 1 - from));
            set = seen = false;
            continue;
        case ':':
        case ')':
            if (!set && !seen)
                return go_regex_refuse(t, "invalid or unsupported Perl syntax", from,
                                       (size_t)(t->at + 1 - from));
            if (*t->at++ == ':')
                return group_open(t, flags);
            t->flags = flags;
            return 0;
        default:
            return go_regex_refuse(
                t, *t->at ? "invalid or unsupported Perl syntax" : "missing closing )", from,
                (size_t)(t->at - from) + (*t->at != '\0'));
        }
        seen = true;
    }
}

/* t->at is at the parenthesis. */
static int take_open(struct translation *t)
{
    const char *from = t->at++;
    if (*t->at != '?')
        return group_open(t, t->flags);
    t->at++;
    if (t->at[0] != 'P' || t->at[1] != '<')
        return take_flags(t, from);
    return take_group_name(t, from) ? -1 : group_open(t, t->flags);
}

/* ---- repeats ---- */

/* A number without leading zeros; -1: too large. False: none. */
static bool take_count(const char **at, int *out)
{
    const char *p = *at;
    if (!isdigit((unsigned char)*p) || (p[0] == '0' && isdigit((unsigned char)p[1])))
        return false;
    for (*out = 0; isdigit((unsigned char)*p); p++)
        *out = *out < 0 || *out > REPEAT_MAX ? -1 : *out * 10 + (*p - '0');
    *at = p;
    return true;
}

/* "{n}", "{n,}", "{n,m}"; *most -1: no end. False: it is none and the brace is a literal. */
static bool take_braces(const char **at, int *least, int *most)
{
    const char *p = *at + 1;
    if (!take_count(&p, least))
        return false;
    *most = *least;
    if (*p == ',') {
        p++;
        *most = -1;
        if (*p != '}' && !take_count(&p, most))
            return false;
        if (p[-1] != ',' && *most < 0)
            *most = REPEAT_MAX + 1;
    }
    if (*p != '}')
        return false;
    *at = p + 1;
    return true;
}

static int apply_repeat(struct translation *t, const char *from, const char *op, unsigned weight)
{
    size_t len = (size_t)(t->at - from);
    if (!t->has_atom)
        return go_regex_refuse(t, "missing argument to repetition operator", from, len);
    if (t->just_repeated)
        return go_regex_refuse(t, "invalid nested repetition operator", from, len);
    if (weight > 1 && t->atom_weight * weight > REPEAT_MAX)
        return go_regex_refuse(t, "invalid repeat count", from, len);
    t->atom_weight *= weight > 1 ? weight : 1;
    if (t->atom_repeated) {
        AUTO_FREE char *atom = xstrndup(t->out->data + t->atom_start, t->out->len - t->atom_start);
        t->out->len = t->atom_start;
        buf_printf(t->out, "(?:%s)", atom);
    }
    buf_puts(t->out, op);
    t->at += *t->at == '?'; /* takes as little as it can */
    t->atom_repeated = t->just_repeated = true;
    return 0;
}

static int take_repeat(struct translation *t)
{
    const char *from = t->at;
    char op[32] = {*t->at, '\0'};
    int least = 0, most = 0;
    if (*t->at != '{') {
        t->at++;
        return apply_repeat(t, from, op, 1);
    }
    if (!take_braces(&t->at, &least, &most)) {
        t->at++;
        weigh(t);
        t->just_repeated = false;
        put_literal(t, '{');
        return 0;
    }
    if (least < 0 || least > REPEAT_MAX || most > REPEAT_MAX || (most >= 0 && most < least))
        return go_regex_refuse(t, "invalid repeat count", from, (size_t)(t->at - from));
    if (most < 0)
        snprintf(op, sizeof op, "{%d,}", least);
    else
        snprintf(op, sizeof op, "{%d,%d}", least, most);
    return apply_repeat(t, from, op, (unsigned)(most < 0 ? least : most));
}

/* ---- the whole ---- */

static int take_one(struct translation *t, const char *whole)
{
    switch (*t->at) {
    case '(': return take_open(t);
    case ')': t->at++; return group_close(t, whole);
    case '[': return go_regex_take_class(t);
    case '\\': return take_backslash(t);
    case '|':
        weigh(t);
        t->has_atom = false;
        break;
    case '^': put_atom(t, t->flags.multi_line ? "(?:\\A|(?<=\\n))" : "(?:\\A)"); break;
    case '$': put_atom(t, t->flags.multi_line ? "(?:\\z|(?=\\n))" : "(?:\\z)"); break;
    case '.': put_atom(t, t->flags.dot_newline ? "[\\x{0}-\\x{10ffff}]" : "[^\\n]"); break;
    default: put_literal(t, go_regex_take_character(t)); return 0;
    }
    if (*t->at == '|')
        buf_putc(t->out, '|');
    t->at++;
    return 0;
}

static bool is_repeat(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

static int translate(struct translation *t, const char *whole)
{
    while (*t->at) {
        if (is_repeat(*t->at)) {
            if (take_repeat(t))
                return -1;
            continue;
        }
        weigh(t);
        t->just_repeated = false;
        if (take_one(t, whole))
            return -1;
    }
    return t->depth ? go_regex_refuse_rest(t, "missing closing )", whole) : 0;
}

int go_regex_translate(const char *text, struct buf *out, struct error *err)
{
    if (strlen(text) > GO_REGEX_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "the regular expression is longer than %d bytes", GO_REGEX_MAX);
    AUTO_FREE struct level *levels = xcalloc(DEPTH_MAX + 1, sizeof *levels);
    struct translation t = {.at = text, .out = out, .err = err, .levels = levels};
    levels[0].weight = 1;
    return translate(&t, text);
}
