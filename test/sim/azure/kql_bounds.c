/* SPDX-License-Identifier: Apache-2.0
 * What a query says about times before a row is looked at; see kql_bounds in kql.h. */
#include "test/sim/azure/kql_node.h"

#include <string.h>

struct span {
    int64_t from_ns, to_ns;
};
static const struct span everything = {INT64_MIN, INT64_MAX};

static bool is_column(const struct kql_node *n, const char *column)
{
    return n->kind == KQL_COLUMN && !strcmp(n->name, column);
}

static bool is_time(const struct kql_node *n)
{
    return n->kind == KQL_LITERAL && n->value.type == KQL_DATETIME && !n->value.null;
}

static struct span compared(enum kql_operator op, int64_t ns)
{
    switch (op) {
    case KQL_EQUAL: return (struct span){ns, ns};
    case KQL_LESS:
    case KQL_LESS_EQUAL: return (struct span){INT64_MIN, ns};
    case KQL_GREATER:
    case KQL_GREATER_EQUAL: return (struct span){ns, INT64_MAX};
    default: return everything;
    }
}

static struct span span_of(const struct kql_node *n, const char *column);

/* and: what is in all; or: from the first to the last of any. */
static struct span joined(const struct kql_node *n, const char *column)
{
    struct span all = span_of(n->children[0], column);
    for (size_t i = 1; i < n->count; i++) {
        struct span one = span_of(n->children[i], column);
        bool wider = n->kind == KQL_OR;
        if ((one.from_ns < all.from_ns) == wider)
            all.from_ns = one.from_ns;
        if ((one.to_ns > all.to_ns) == wider)
            all.to_ns = one.to_ns;
    }
    return all;
}

static struct span span_of(const struct kql_node *n, const char *column)
{
    if (n->kind == KQL_AND || n->kind == KQL_OR)
        return joined(n, column);
    if (n->count < 2 || !is_column(n->children[0], column) || !is_time(n->children[1]))
        return everything;
    if (n->kind == KQL_COMPARE)
        return compared(n->op, n->children[1]->value.integer);
    if (n->kind == KQL_BETWEEN && !n->negated && is_time(n->children[2]))
        return (struct span){n->children[1]->value.integer, n->children[2]->value.integer};
    return everything;
}

/* Does the stage leave the column what it is? */
static bool keeps(const struct kql_stage *stage, const char *column)
{
    for (size_t i = 0; i < stage->count; i++) {
        const struct kql_item *item = &stage->items[i];
        if (is_column(item->node, column) && (!item->name || !strcmp(item->name, column)))
            return true;
        if (item->name && !strcmp(item->name, column))
            return false;
    }
    return stage->kind == KQL_EXTEND;
}

void kql_bounds(const struct kql_query *query, const char *column, int64_t *from_ns, int64_t *to_ns)
{
    struct span all = everything;
    for (size_t i = 0; i < query->count; i++) {
        const struct kql_stage *stage = &query->stages[i];
        if (stage->kind == KQL_WHERE) {
            struct span one = span_of(stage->items[0].node, column);
            all.from_ns = one.from_ns > all.from_ns ? one.from_ns : all.from_ns;
            all.to_ns = one.to_ns < all.to_ns ? one.to_ns : all.to_ns;
        } else if ((stage->kind != KQL_PROJECT && stage->kind != KQL_EXTEND) ||
                   !keeps(stage, column)) {
            break;
        }
    }
    *from_ns = all.from_ns;
    *to_ns = all.to_ns;
}
