/* SPDX-License-Identifier: Apache-2.0
 * Columns and types of a stage's expressions; see kql_node.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/kql_node.h"

#include <stdio.h>
#include <string.h>

struct binder {
    const struct kql_schema *schema;
    struct kql_problem *problem;
    const char *stage; /* name of the operator, for messages */
};

const char *kql_type_name(enum kql_type type)
{
    static const char *const names[] = {"bool",     "long",   "real", "datetime",
                                        "timespan", "string", "guid"};
    return names[type];
}

static bool find_column(const struct kql_schema *schema, const char *name, size_t *out)
{
    for (size_t i = 0; i < schema->count; i++)
        if (!strcmp(schema->columns[i].name, name)) {
            *out = i;
            return true;
        }
    return false;
}

static bool fail(const struct binder *b, const struct kql_node *n, const char *code,
                 const char *message)
{
    return kql_problem_at(b->problem, NULL, &n->at, code, "'%s' operator: %s", b->stage, message);
}

static bool is_number(enum kql_type type)
{
    return type == KQL_LONG || type == KQL_REAL;
}

static bool is_text(enum kql_type type)
{
    return type == KQL_STRING || type == KQL_GUID;
}

/* Numbers of both kinds, and strings with guids. */
static bool comparable(enum kql_type a, enum kql_type b)
{
    return a == b || (is_number(a) && is_number(b)) || (is_text(a) && is_text(b));
}

static bool bind(const struct binder *b, struct kql_node *n);

static bool bind_column(const struct binder *b, struct kql_node *n)
{
    if (find_column(b->schema, n->name, &n->column)) {
        n->type = b->schema->columns[n->column].type;
        return true;
    }
    AUTO_FREE char *message =
        xasprintf("Failed to resolve column or scalar expression named '%s'", n->name);
    return fail(b, n, "SEM0100", message);
}

static bool all_of(const struct binder *b, const struct kql_node *n, bool (*is)(enum kql_type type),
                   const char *code, const char *message)
{
    for (size_t i = 0; i < n->count; i++)
        if (!is(n->children[i]->type))
            return fail(b, n->children[i], code, message);
    return true;
}

static bool is_bool(enum kql_type type)
{
    return type == KQL_BOOL;
}

static bool same_types(const struct binder *b, const struct kql_node *n, size_t first)
{
    for (size_t i = first + 1; i < n->count; i++) {
        enum kql_type a = n->children[first]->type, other = n->children[i]->type;
        if (comparable(a, other))
            continue;
        AUTO_FREE char *message =
            xasprintf("Cannot compare values of types %s and %s. Try adding explicit casts",
                      kql_type_name(a), kql_type_name(other));
        return fail(b, n->children[i], "SEM0064", message);
    }
    return true;
}

/* Becomes what it stands for: the column, or the default. */
static bool bind_if_exists(const struct binder *b, struct kql_node *n)
{
    const struct kql_node *name = n->children[0];
    if (name->kind != KQL_LITERAL || name->type != KQL_STRING)
        return fail(b, n, "SEM0079", "column_ifexists(): the first argument must be a string");
    if (!find_column(b->schema, name->name, &n->column)) {
        n->type = n->children[1]->type;
        return true;
    }
    n->kind = KQL_COLUMN;
    free(n->name);
    n->name = xstrdup(name->name);
    n->type = b->schema->columns[n->column].type;
    return true;
}

static bool bind_call(const struct binder *b, struct kql_node *n)
{
    const enum kql_type first = n->count ? n->children[0]->type : KQL_BOOL;
    n->type = KQL_BOOL;
    switch (n->function) {
    case KQL_NOT: return all_of(b, n, is_bool, "SEM0233", "not(): the argument must be a boolean");
    case KQL_NOW: n->type = KQL_DATETIME; return true;
    case KQL_AGO:
        n->type = KQL_DATETIME;
        return first == KQL_TIMESPAN ||
               fail(b, n, "SEM0233", "ago(): the argument must be a timespan");
    case KQL_ISEMPTY:
    case KQL_ISNOTEMPTY:
    case KQL_ISNULL:
    case KQL_ISNOTNULL: return true;
    case KQL_TOSTRING:
        n->type = KQL_STRING;
        return is_text(first) || fail(b, n, "SEM0233", "tostring(): strings only, here");
    case KQL_TODATETIME:
        n->type = KQL_DATETIME;
        return is_text(first) || first == KQL_DATETIME ||
               fail(b, n, "SEM0233", "todatetime(): the argument must be a string");
    case KQL_IFF:
        n->type = n->children[1]->type;
        return first == KQL_BOOL ? same_types(b, n, 1)
                                 : fail(b, n, "SEM0233", "iff(): a boolean is expected first");
    case KQL_COALESCE: n->type = first; return same_types(b, n, 0);
    case KQL_COLUMN_IFEXISTS: return bind_if_exists(b, n);
    }
    return false;
}

static bool bind_node(const struct binder *b, struct kql_node *n)
{
    n->type = KQL_BOOL;
    switch (n->kind) {
    case KQL_LITERAL: n->type = n->value.type; return true;
    case KQL_COLUMN: return bind_column(b, n);
    case KQL_AND:
    case KQL_OR: return all_of(b, n, is_bool, "SEM0028", "'and' and 'or' need boolean operands");
    case KQL_MATCH: return all_of(b, n, is_text, "SEM0025", "a string operator needs strings");
    case KQL_COMPARE:
    case KQL_IN:
    case KQL_BETWEEN: return same_types(b, n, 0);
    case KQL_CALL: return bind_call(b, n);
    }
    return false;
}

static bool bind(const struct binder *b, struct kql_node *n)
{
    for (size_t i = 0; i < n->count; i++)
        if (!bind(b, n->children[i]))
            return false;
    return bind_node(b, n);
}

/* ---- what a stage leaves ---- */

static bool set_column(const struct binder *b, struct kql_schema *schema, const char *name,
                       const struct kql_node *n, bool replace)
{
    size_t at;
    bool known = find_column(schema, name, &at);
    if (known && !replace)
        return fail(b, n, "SEM0022", "a column is given twice");
    if (!known && schema->count == KQL_COLUMNS_MAX)
        return fail(b, n, "SEM0023", "too many columns");
    if (!known)
        at = schema->count++;
    schema->columns[at] = (struct kql_column){name, n->type};
    return true;
}

static const char *item_name(struct kql_item *item, size_t i)
{
    if (!item->name)
        item->name = item->node->kind == KQL_COLUMN && item->node->count == 0
                         ? xstrdup(item->node->name)
                         : xasprintf("Column%zu", i + 1);
    return item->name;
}

bool kql_bind(struct kql_stage *stage, struct kql_schema *schema, struct kql_problem *problem)
{
    static const char *const names[] = {"where", "project", "extend", "order",
                                        "top",   "take",    "count"};
    struct kql_schema after = {.count = 0};
    struct binder b = {schema, problem, names[stage->kind]};
    if (stage->kind == KQL_EXTEND)
        after = *schema;
    for (size_t i = 0; i < stage->count; i++) {
        struct kql_item *item = &stage->items[i];
        if (!bind(&b, item->node))
            return false;
        if (stage->kind == KQL_WHERE && item->node->type != KQL_BOOL)
            return fail(&b, item->node, "SEM0080", "the predicate must be a boolean expression");
        if ((stage->kind == KQL_PROJECT || stage->kind == KQL_EXTEND) &&
            !set_column(&b, &after, item_name(item, i), item->node, stage->kind == KQL_EXTEND))
            return false;
    }
    if (stage->kind == KQL_COUNT)
        after = (struct kql_schema){{{"Count", KQL_LONG}}, 1};
    if (stage->kind == KQL_PROJECT || stage->kind == KQL_EXTEND || stage->kind == KQL_COUNT)
        *schema = after;
    return true;
}
