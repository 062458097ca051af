/* SPDX-License-Identifier: Apache-2.0
 * The parser: recursive descent into stages and trees; see kql.h. */
#include "base/alloc.h"
#include "base/timefmt.h"
#include "base/str.h"
#include "test/sim/azure/kql_node.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 64, ITEMS_MAX = KQL_COLUMNS_MAX };

struct parser {
    struct kql_lexer lexer;
    int depth;
};

/* ---- trees ---- */

struct kql_node *kql_node_new(enum kql_kind kind, const struct kql_token *at)
{
    struct kql_node *n = NEW(struct kql_node);
    n->kind = kind;
    n->at = *at;
    return n;
}

void kql_node_add(struct kql_node *node, struct kql_node *child)
{
    node->children = xrealloc(node->children, (node->count + 1) * sizeof *node->children);
    node->children[node->count++] = child;
}

void kql_node_free(struct kql_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->count; i++)
        kql_node_free(node->children[i]);
    free(node->children);
    free(node->name);
    free(node);
}

static void stage_fini(struct kql_stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        kql_node_free(stage->items[i].node);
        free(stage->items[i].name);
    }
    free(stage->items);
}

void kql_free(struct kql_query *query)
{
    if (!query)
        return;
    for (size_t i = 0; i < query->count; i++)
        stage_fini(&query->stages[i]);
    free(query->stages);
    free(query->table);
    free(query);
}

const char *kql_table(const struct kql_query *query)
{
    return query->table;
}

/* ---- words ---- */

static struct kql_node *bad(struct parser *p, const char *what)
{
    const struct kql_token *at = &p->lexer.token;
    kql_problem_at(p->lexer.problem, p->lexer.text, at, "SYN0002",
                   "Query could not be parsed at '%.*s': %s", (int)(at->len < 60 ? at->len : 60),
                   at->start, what);
    return NULL;
}

static bool next(struct parser *p)
{
    return kql_lexer_next(&p->lexer);
}

static bool is(const struct parser *p, const char *text)
{
    return kql_token_is(&p->lexer.token, text);
}

static bool expect(struct parser *p, const char *text)
{
    AUTO_FREE char *what = xasprintf("expected %s", text);
    if (is(p, text))
        return next(p);
    bad(p, what);
    return false;
}

static char *token_text(const struct kql_token *token)
{
    return xstrndup(token->start, token->len);
}

/* A name, or one in brackets: ['name']. Heap; NULL: the problem is set. */
static char *take_name(struct parser *p)
{
    if (p->lexer.token.kind == KQL_TOKEN_NAME) {
        char *name = token_text(&p->lexer.token);
        if (strlen(name) < KQL_NAME_MAX && !strchr(name, '~') && next(p))
            return name;
        free(name);
        bad(p, "expected a name");
        return NULL;
    }
    if (!is(p, "[") || !next(p) || p->lexer.token.kind != KQL_TOKEN_STRING ||
        p->lexer.string_len >= KQL_NAME_MAX) {
        bad(p, "expected a name");
        return NULL;
    }
    char *name = xstrdup(p->lexer.string);
    if (next(p) && expect(p, "]"))
        return name;
    free(name);
    return NULL;
}

/* ---- literals ---- */

static struct kql_node *literal(struct parser *p, enum kql_type type)
{
    struct kql_node *n = kql_node_new(KQL_LITERAL, &p->lexer.token);
    n->value = (struct kql_value){
        .type = type, .integer = p->lexer.token.integer, .real = p->lexer.token.real};
    if (type == KQL_STRING) {
        n->value.len = p->lexer.string_len;
        n->name = xmalloc(n->value.len + 1);
        memcpy(n->name, p->lexer.string, n->value.len + 1);
        n->value.text = n->name;
    }
    if (next(p))
        return n;
    kql_node_free(n);
    return NULL;
}

bool kql_parse_datetime(const char *text, size_t len, int64_t *ns)
{
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd";
    char full[] = "0000-01-01T00:00:00";
    long fraction = 0;
    size_t n = 0;
    while (n < len && n < sizeof pattern - 1) {
        char c = pattern[n];
        if (c == 'd' ? !isdigit((unsigned char)text[n])
                     : text[n] != c && !(c == 'T' && text[n] == ' '))
            break;
        full[n] = c == 'T' ? 'T' : text[n];
        n++;
    }
    if (n != 10 && n != 16 && n != 19)
        return false;
    if (n == 19 && n < len && text[n] == '.') {
        long unit = 1000000000;
        size_t digits = 0;
        for (n++; n < len && isdigit((unsigned char)text[n]); n++, digits++)
            fraction += (text[n] - '0') * (unit /= 10);
        if (digits == 0 || digits > 7)
            return false;
    }
    if (n < len && (text[n] == 'Z' || text[n] == 'z'))
        n++;
    AUTO_FREE char *rfc3339 = xasprintf("%sZ", full);
    if (n != len || !timefmt_parse_rfc3339(rfc3339, ns))
        return false;
    *ns += fraction;
    return true;
}

/* Behind "datetime": "(2026-01-02 …)", with quotes or without. */
static struct kql_node *datetime_literal(struct parser *p, const struct kql_token *at)
{
    const char *text;
    size_t len;
    struct kql_node *n = kql_node_new(KQL_LITERAL, at);
    n->value.type = KQL_DATETIME;
    if (!is(p, "(")) {
        bad(p, "expected (");
    } else if (kql_lexer_raw(&p->lexer, &text, &len)) {
        while (len && *text == ' ')
            text++, len--;
        while (len && text[len - 1] == ' ')
            len--;
        if (len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text)
            text++, len -= 2;
        n->value.null = len == 4 && !strncmp(text, "null", 4);
        if (n->value.null || kql_parse_datetime(text, len, &n->value.integer))
            return n;
        kql_problem_at(p->lexer.problem, p->lexer.text, at, "SYN0002",
                       "Query could not be parsed at 'datetime': '%.*s' is no datetime",
                       (int)(len < 60 ? len : 60), text);
    }
    kql_node_free(n);
    return NULL;
}

/* ---- expressions ---- */

static struct kql_node *parse_or(struct parser *p);

/* "(a, b)"; into n's children. */
static bool take_list(struct parser *p, struct kql_node *n)
{
    if (!expect(p, "("))
        return false;
    while (!is(p, ")")) {
        struct kql_node *child = parse_or(p);
        if (!child)
            return false;
        kql_node_add(n, child);
        if (!is(p, ")") && !expect(p, ","))
            return false;
    }
    return next(p);
}

static struct kql_node *call(struct parser *p, const struct kql_token *at)
{
    static const struct {
        const char *name;
        enum kql_function function;
        size_t least, most;
    } functions[] = {{"not", KQL_NOT, 1, 1},
                     {"now", KQL_NOW, 0, 0},
                     {"ago", KQL_AGO, 1, 1},
                     {"isempty", KQL_ISEMPTY, 1, 1},
                     {"isnotempty", KQL_ISNOTEMPTY, 1, 1},
                     {"isnull", KQL_ISNULL, 1, 1},
                     {"isnotnull", KQL_ISNOTNULL, 1, 1},
                     {"tostring", KQL_TOSTRING, 1, 1},
                     {"todatetime", KQL_TODATETIME, 1, 1},
                     {"iff", KQL_IFF, 3, 3},
                     {"iif", KQL_IFF, 3, 3},
                     {"coalesce", KQL_COALESCE, 2, 64},
                     {"column_ifexists", KQL_COLUMN_IFEXISTS, 2, 2}};
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (!kql_token_is(at, functions[i].name))
            continue;
        struct kql_node *n = kql_node_new(KQL_CALL, at);
        n->function = functions[i].function;
        n->name = xstrdup(functions[i].name);
        if (take_list(p, n) && n->count >= functions[i].least && n->count <= functions[i].most)
            return n;
        if (!*p->lexer.problem->code)
            kql_problem_at(p->lexer.problem, p->lexer.text, at, "SEM0219",
                           "%s(): function expects %zu to %zu argument(s)", n->name,
                           functions[i].least, functions[i].most);
        kql_node_free(n);
        return NULL;
    }
    kql_problem_at(p->lexer.problem, p->lexer.text, at, "SEM0260", "Unknown function: '%.*s'.",
                   (int)(at->len < 60 ? at->len : 60), at->start);
    return NULL;
}

static struct kql_node *name_or_call(struct parser *p)
{
    struct kql_token at = p->lexer.token;
    bool is_name = at.kind == KQL_TOKEN_NAME;
    char *name = take_name(p);
    if (!name)
        return NULL;
    if (is_name && is(p, "(")) {
        bool datetime = !strcmp(name, "datetime");
        free(name);
        return datetime ? datetime_literal(p, &at) : call(p, &at);
    }
    struct kql_node *n;
    if (is_name && (!strcmp(name, "true") || !strcmp(name, "false"))) {
        n = kql_node_new(KQL_LITERAL, &at);
        n->value = (struct kql_value){.type = KQL_BOOL, .integer = name[0] == 't'};
        free(name);
    } else {
        n = kql_node_new(KQL_COLUMN, &at);
        n->name = name;
    }
    return n;
}

static struct kql_node *parse_operand(struct parser *p)
{
    switch (p->lexer.token.kind) {
    case KQL_TOKEN_STRING: return literal(p, KQL_STRING);
    case KQL_TOKEN_LONG: return literal(p, KQL_LONG);
    case KQL_TOKEN_REAL: return literal(p, KQL_REAL);
    case KQL_TOKEN_TIMESPAN: return literal(p, KQL_TIMESPAN);
    case KQL_TOKEN_NAME: return name_or_call(p);
    case KQL_TOKEN_SIGN:
        if (is(p, "["))
            return name_or_call(p);
        break;
    case KQL_TOKEN_END: break;
    }
    return bad(p, "expected an expression");
}

static struct kql_node *parse_primary(struct parser *p)
{
    if (!is(p, "("))
        return parse_operand(p);
    if (++p->depth > DEPTH_MAX)
        return bad(p, "the query is nested too deeply");
    struct kql_node *n = next(p) ? parse_or(p) : NULL;
    p->depth--;
    if (n && expect(p, ")"))
        return n;
    kql_node_free(n);
    return NULL;
}

static const struct {
    const char *text;
    enum kql_kind kind;
    enum kql_operator op;
    bool negated, ignore_case;
} operators[] = {{"==", KQL_COMPARE, KQL_EQUAL, false, false},
                 {"!=", KQL_COMPARE, KQL_NOT_EQUAL, false, false},
                 {"<", KQL_COMPARE, KQL_LESS, false, false},
                 {"<=", KQL_COMPARE, KQL_LESS_EQUAL, false, false},
                 {">", KQL_COMPARE, KQL_GREATER, false, false},
                 {">=", KQL_COMPARE, KQL_GREATER_EQUAL, false, false},
                 {"=~", KQL_MATCH, KQL_EQUAL, false, true},
                 {"!~", KQL_MATCH, KQL_EQUAL, true, true},
                 {"startswith", KQL_MATCH, KQL_STARTS, false, true},
                 {"!startswith", KQL_MATCH, KQL_STARTS, true, true},
                 {"startswith_cs", KQL_MATCH, KQL_STARTS, false, false},
                 {"!startswith_cs", KQL_MATCH, KQL_STARTS, true, false},
                 {"endswith", KQL_MATCH, KQL_ENDS, false, true},
                 {"!endswith", KQL_MATCH, KQL_ENDS, true, true},
                 {"endswith_cs", KQL_MATCH, KQL_ENDS, false, false},
                 {"!endswith_cs", KQL_MATCH, KQL_ENDS, true, false},
                 {"contains", KQL_MATCH, KQL_CONTAINS, false, true},
                 {"!contains", KQL_MATCH, KQL_CONTAINS, true, true},
                 {"contains_cs", KQL_MATCH, KQL_CONTAINS, false, false},
                 {"!contains_cs", KQL_MATCH, KQL_CONTAINS, true, false},
                 {"has", KQL_MATCH, KQL_HAS, false, true},
                 {"!has", KQL_MATCH, KQL_HAS, true, true},
                 {"has_cs", KQL_MATCH, KQL_HAS, false, false},
                 {"!has_cs", KQL_MATCH, KQL_HAS, true, false},
                 {"in", KQL_IN, KQL_EQUAL, false, false},
                 {"!in", KQL_IN, KQL_EQUAL, true, false},
                 {"in~", KQL_IN, KQL_EQUAL, false, true},
                 {"!in~", KQL_IN, KQL_EQUAL, true, true},
                 {"between", KQL_BETWEEN, KQL_EQUAL, false, false},
                 {"!between", KQL_BETWEEN, KQL_EQUAL, true, false}};

/* "(a .. b)" */
static bool take_range(struct parser *p, struct kql_node *n)
{
    for (int i = 0; i < 2; i++) {
        struct kql_node *end = expect(p, i ? ".." : "(") ? parse_primary(p) : NULL;
        if (!end)
            return false;
        kql_node_add(n, end);
    }
    return expect(p, ")");
}

static struct kql_node *parse_comparison(struct parser *p)
{
    struct kql_node *left = parse_primary(p);
    for (size_t i = 0; left && i < ARRAY_LEN(operators); i++) {
        if (!is(p, operators[i].text))
            continue;
        struct kql_node *n = kql_node_new(operators[i].kind, &p->lexer.token), *right = NULL;
        n->op = operators[i].op;
        n->negated = operators[i].negated;
        n->ignore_case = operators[i].ignore_case;
        kql_node_add(n, left);
        bool good = next(p);
        if (good && n->kind == KQL_IN)
            good = take_list(p, n) && (n->count > 1 || bad(p, "expected a value"));
        else if (good && n->kind == KQL_BETWEEN)
            good = take_range(p, n);
        else if (good && (good = (right = parse_primary(p)) != NULL))
            kql_node_add(n, right);
        if (good)
            return n;
        kql_node_free(n);
        return NULL;
    }
    return left;
}

static struct kql_node *parse_chain(struct parser *p, enum kql_kind kind, const char *word,
                                    struct kql_node *(*part)(struct parser *p))
{
    struct kql_node *first = part(p), *n = NULL;
    while (first && is(p, word)) {
        if (!n) {
            n = kql_node_new(kind, &p->lexer.token);
            kql_node_add(n, first);
        }
        struct kql_node *more = next(p) ? part(p) : NULL;
        if (!more) {
            kql_node_free(n);
            return NULL;
        }
        kql_node_add(n, more);
    }
    return n ? n : first;
}

static struct kql_node *parse_and(struct parser *p)
{
    return parse_chain(p, KQL_AND, "and", parse_comparison);
}

/* Arguments of functions nest, too. */
static struct kql_node *parse_or(struct parser *p)
{
    if (++p->depth > DEPTH_MAX)
        return bad(p, "the query is nested too deeply");
    struct kql_node *n = parse_chain(p, KQL_OR, "or", parse_and);
    p->depth--;
    return n;
}

/* ---- stages ---- */

static struct kql_item *add_item(struct kql_stage *stage)
{
    stage->items = xrealloc(stage->items, (stage->count + 1) * sizeof *stage->items);
    stage->items[stage->count] = (struct kql_item){0};
    return &stage->items[stage->count++];
}

/* "name = expression", or an expression alone. */
static bool take_column(struct parser *p, struct kql_item *item)
{
    item->node = parse_or(p);
    if (!item->node || !is(p, "="))
        return item->node;
    if (item->node->kind != KQL_COLUMN || !next(p))
        return bad(p, "expected a name before =");
    item->name = STEAL(item->node->name);
    kql_node_free(item->node);
    item->node = parse_or(p);
    return item->node;
}

/* Without a word, order by and top are descending; nulls come first when ascending. */
static bool take_order(struct parser *p, struct kql_item *item)
{
    item->node = parse_or(p);
    if (!item->node)
        return false;
    item->ascending = is(p, "asc");
    if ((is(p, "asc") || is(p, "desc")) && !next(p))
        return false;
    item->nulls_first = item->ascending;
    if (!is(p, "nulls"))
        return true;
    if (!next(p) || (!is(p, "first") && !is(p, "last")))
        return bad(p, "expected first or last");
    item->nulls_first = is(p, "first");
    return next(p);
}

static bool take_items(struct parser *p, struct kql_stage *stage,
                       bool (*take)(struct parser *p, struct kql_item *item))
{
    do {
        if (stage->count >= ITEMS_MAX)
            return bad(p, "too many columns");
        if (!take(p, add_item(stage)))
            return false;
    } while (is(p, ",") && next(p));
    return !*p->lexer.problem->code;
}

static bool take_limit(struct parser *p, struct kql_stage *stage)
{
    if (p->lexer.token.kind != KQL_TOKEN_LONG)
        return bad(p, "expected a number");
    stage->limit = p->lexer.token.integer;
    return next(p);
}

static bool take_stage(struct parser *p, struct kql_stage *stage)
{
    static const struct {
        const char *name;
        enum kql_stage_kind kind;
    } kinds[] = {{"where", KQL_WHERE},   {"filter", KQL_WHERE}, {"project", KQL_PROJECT},
                 {"extend", KQL_EXTEND}, {"order", KQL_SORT},   {"sort", KQL_SORT},
                 {"top", KQL_TOP},       {"take", KQL_TAKE},    {"limit", KQL_TAKE},
                 {"count", KQL_COUNT}};
    size_t i = 0;
    while (i < ARRAY_LEN(kinds) && !is(p, kinds[i].name))
        i++;
    if (i == ARRAY_LEN(kinds))
        return bad(p, "expected an operator");
    stage->kind = kinds[i].kind;
    if (!next(p))
        return false;
    switch (stage->kind) {
    case KQL_WHERE: return (add_item(stage)->node = parse_or(p));
    case KQL_PROJECT:
    case KQL_EXTEND: return take_items(p, stage, take_column);
    case KQL_SORT: return expect(p, "by") && take_items(p, stage, take_order);
    case KQL_TOP:
        return take_limit(p, stage) && expect(p, "by") && take_items(p, stage, take_order);
    case KQL_TAKE: return take_limit(p, stage);
    case KQL_COUNT: return true;
    }
    return false;
}

static bool take_query(struct parser *p, struct kql_query *query)
{
    if (!next(p))
        return false;
    query->at = p->lexer.token;
    if (!(query->table = take_name(p)))
        return false;
    while (is(p, "|")) {
        if (query->count >= KQL_STAGES_MAX)
            return bad(p, "too many operators");
        query->stages = xrealloc(query->stages, (query->count + 1) * sizeof *query->stages);
        query->stages[query->count] = (struct kql_stage){0};
        if (!next(p) || !take_stage(p, &query->stages[query->count++]))
            return false;
    }
    if (is(p, ";") && !next(p))
        return false;
    return p->lexer.token.kind == KQL_TOKEN_END || bad(p, "expected | or the end");
}

struct kql_query *kql_parse(const char *text, struct kql_problem *problem)
{
    struct parser p = {0};
    struct kql_query *query = NEW(struct kql_query);
    *problem = (struct kql_problem){0};
    kql_lexer_init(&p.lexer, text, problem);
    bool good = take_query(&p, query);
    kql_lexer_fini(&p.lexer);
    if (good)
        return query;
    kql_free(query);
    return NULL;
}
