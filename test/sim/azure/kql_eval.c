/* SPDX-License-Identifier: Apache-2.0
 * Values of expressions; see kql_node.h. Comparisons with a null are false, but for !=. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/kql_node.h"

#include <ctype.h>
#include <string.h>

static struct kql_value boolean(bool value)
{
    return (struct kql_value){.type = KQL_BOOL, .integer = value};
}

static bool is_text(const struct kql_value *v)
{
    return v->type == KQL_STRING || v->type == KQL_GUID;
}

int kql_compare(const struct kql_value *a, const struct kql_value *b)
{
    if (is_text(a)) {
        int order =
            memcmp(str_or_empty(a->text), str_or_empty(b->text), a->len < b->len ? a->len : b->len);
        return order ? order : (a->len > b->len) - (a->len < b->len);
    }
    if (a->type == KQL_REAL || b->type == KQL_REAL) {
        double x = a->type == KQL_REAL ? a->real : (double)a->integer;
        double y = b->type == KQL_REAL ? b->real : (double)b->integer;
        return (x > y) - (x < y);
    }
    return (a->integer > b->integer) - (a->integer < b->integer);
}

/* ---- strings ---- */

static bool same_bytes(const char *a, const char *b, size_t len, bool ignore_case)
{
    if (!ignore_case)
        return !memcmp(a, b, len);
    for (size_t i = 0; i < len; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

static bool is_term(char c)
{
    return isalnum((unsigned char)c) || (c & 0x80);
}

/* has: the text with no letter or digit before and behind. */
static bool is_whole(const struct kql_value *a, size_t at, size_t len)
{
    return (at == 0 || !is_term(a->text[at - 1])) &&
           (at + len == a->len || !is_term(a->text[at + len]));
}

static bool text_matches(const struct kql_node *n, const struct kql_value *a,
                         const struct kql_value *b)
{
    const char *text = str_or_empty(a->text), *wanted = str_or_empty(b->text);
    if (b->len > a->len)
        return false;
    switch (n->op) {
    case KQL_EQUAL: return a->len == b->len && same_bytes(text, wanted, b->len, n->ignore_case);
    case KQL_STARTS: return same_bytes(text, wanted, b->len, n->ignore_case);
    case KQL_ENDS: return same_bytes(text + a->len - b->len, wanted, b->len, n->ignore_case);
    default: break;
    }
    for (size_t i = 0; i + b->len <= a->len; i++)
        if (same_bytes(text + i, wanted, b->len, n->ignore_case) &&
            (n->op == KQL_CONTAINS || is_whole(a, i, b->len)))
            return true;
    return false;
}

/* ---- comparisons ---- */

static bool compare(enum kql_operator op, const struct kql_value *a, const struct kql_value *b)
{
    if (a->null || b->null)
        return op == KQL_NOT_EQUAL && a->null != b->null;
    int order = kql_compare(a, b);
    switch (op) {
    case KQL_EQUAL: return order == 0;
    case KQL_NOT_EQUAL: return order != 0;
    case KQL_LESS: return order < 0;
    case KQL_LESS_EQUAL: return order <= 0;
    case KQL_GREATER: return order > 0;
    case KQL_GREATER_EQUAL: return order >= 0;
    default: return false;
    }
}

static bool is_in(const struct kql_node *n, const struct kql_value *row, int64_t now_ns)
{
    struct kql_value a = kql_eval(n->children[0], row, now_ns);
    for (size_t i = 1; i < n->count; i++) {
        struct kql_value b = kql_eval(n->children[i], row, now_ns);
        if (n->ignore_case && is_text(&a) ? text_matches(n, &a, &b) : compare(KQL_EQUAL, &a, &b))
            return true;
    }
    return false;
}

static bool is_between(const struct kql_node *n, const struct kql_value *row, int64_t now_ns)
{
    struct kql_value a = kql_eval(n->children[0], row, now_ns);
    struct kql_value low = kql_eval(n->children[1], row, now_ns);
    struct kql_value high = kql_eval(n->children[2], row, now_ns);
    return compare(KQL_GREATER_EQUAL, &a, &low) && compare(KQL_LESS_EQUAL, &a, &high);
}

/* ---- functions ---- */

static struct kql_value to_datetime(struct kql_value v)
{
    if (v.type == KQL_DATETIME)
        return v;
    struct kql_value out = {.type = KQL_DATETIME};
    out.null = !kql_parse_datetime(str_or_empty(v.text), v.len, &out.integer);
    return out;
}

static struct kql_value evaluate_call(const struct kql_node *n, const struct kql_value *row,
                                      int64_t now_ns)
{
    struct kql_value a = {0};
    if (n->count)
        a = kql_eval(n->children[0], row, now_ns);
    switch (n->function) {
    case KQL_NOT: return boolean(!a.integer);
    case KQL_NOW: return (struct kql_value){.type = KQL_DATETIME, .integer = now_ns};
    case KQL_AGO: return (struct kql_value){.type = KQL_DATETIME, .integer = now_ns - a.integer};
    case KQL_ISEMPTY: return boolean(is_text(&a) ? a.len == 0 : a.null);
    case KQL_ISNOTEMPTY: return boolean(is_text(&a) ? a.len > 0 : !a.null);
    case KQL_ISNULL: return boolean(a.null);
    case KQL_ISNOTNULL: return boolean(!a.null);
    case KQL_TOSTRING: a.type = KQL_STRING; return a;
    case KQL_TODATETIME: return to_datetime(a);
    case KQL_IFF: return kql_eval(n->children[a.integer ? 1 : 2], row, now_ns);
    case KQL_COALESCE:
        for (size_t i = 1; i < n->count && (a.null || (is_text(&a) && a.len == 0)); i++)
            a = kql_eval(n->children[i], row, now_ns);
        return a;
    case KQL_COLUMN_IFEXISTS: return kql_eval(n->children[1], row, now_ns);
    }
    return a;
}

struct kql_value kql_eval(const struct kql_node *n, const struct kql_value *row, int64_t now_ns)
{
    switch (n->kind) {
    case KQL_LITERAL: return n->value;
    case KQL_COLUMN: return row[n->column];
    case KQL_AND:
    case KQL_OR:
        for (size_t i = 0; i < n->count; i++)
            if (kql_eval(n->children[i], row, now_ns).integer == (n->kind == KQL_OR))
                return boolean(n->kind == KQL_OR);
        return boolean(n->kind == KQL_AND);
    case KQL_COMPARE: {
        struct kql_value a = kql_eval(n->children[0], row, now_ns);
        struct kql_value b = kql_eval(n->children[1], row, now_ns);
        return boolean(compare(n->op, &a, &b));
    }
    case KQL_MATCH: {
        struct kql_value a = kql_eval(n->children[0], row, now_ns);
        struct kql_value b = kql_eval(n->children[1], row, now_ns);
        return boolean(text_matches(n, &a, &b) != n->negated);
    }
    case KQL_IN: return boolean(is_in(n, row, now_ns) != n->negated);
    case KQL_BETWEEN: return boolean(is_between(n, row, now_ns) != n->negated);
    case KQL_CALL: return evaluate_call(n, row, now_ns);
    }
    return boolean(false);
}
