/* SPDX-License-Identifier: Apache-2.0
 *
 * A query's tree: between kql_parse.c, which makes it, kql_bind.c, which finds its columns and
 * types, and kql_run.c, which evaluates it.
 */
#ifndef SOCKERLESS_SIM_AZURE_KQL_NODE_H
#define SOCKERLESS_SIM_AZURE_KQL_NODE_H

#include "test/sim/azure/kql.h"
#include "test/sim/azure/kql_token.h"

enum kql_kind {
    KQL_LITERAL,
    KQL_COLUMN,
    KQL_AND,
    KQL_OR,
    KQL_COMPARE, /* two children */
    KQL_MATCH,   /* of strings: two children */
    KQL_IN,      /* the first child in the others */
    KQL_BETWEEN, /* three children */
    KQL_CALL
};

enum kql_operator {
    KQL_EQUAL,
    KQL_NOT_EQUAL,
    KQL_LESS,
    KQL_LESS_EQUAL,
    KQL_GREATER,
    KQL_GREATER_EQUAL,
    KQL_STARTS,
    KQL_ENDS,
    KQL_CONTAINS,
    KQL_HAS
};

enum kql_function {
    KQL_NOT,
    KQL_NOW,
    KQL_AGO,
    KQL_ISEMPTY,
    KQL_ISNOTEMPTY,
    KQL_ISNULL,
    KQL_ISNOTNULL,
    KQL_TOSTRING,
    KQL_TODATETIME,
    KQL_IFF,
    KQL_COALESCE,
    KQL_COLUMN_IFEXISTS
};

struct kql_node {
    enum kql_kind kind;
    enum kql_operator op;
    enum kql_function function;
    bool negated, ignore_case;
    struct kql_node **children;
    size_t count;
    struct kql_value value; /* of a literal; its text is `name` */
    char *name;             /* of a column, a function, a literal */
    struct kql_token at;    /* where it is in the text */
    size_t column;          /* index, when bound */
    enum kql_type type;     /* when bound */
};

/* name = expression, with the order where there is one. */
struct kql_item {
    char *name; /* NULL: the expression's own */
    struct kql_node *node;
    bool ascending, nulls_first;
};

enum kql_stage_kind { KQL_WHERE, KQL_PROJECT, KQL_EXTEND, KQL_SORT, KQL_TOP, KQL_TAKE, KQL_COUNT };

struct kql_stage {
    enum kql_stage_kind kind;
    struct kql_item *items;
    size_t count;
    int64_t limit; /* of top and take */
};

struct kql_query {
    char *table;
    struct kql_token at;
    struct kql_stage *stages;
    size_t count;
};

/* Columns and types while stages are gone through. */
struct kql_schema {
    struct kql_column columns[KQL_COLUMNS_MAX];
    size_t count;
};

struct kql_node *kql_node_new(enum kql_kind kind, const struct kql_token *at);
void kql_node_add(struct kql_node *node, struct kql_node *child);
void kql_node_free(struct kql_node *node);

/* kql_bind.c: finds columns and types of a stage's expressions; *schema becomes what the stage
 * leaves. False: *problem says why. */
bool kql_bind(struct kql_stage *stage, struct kql_schema *schema, struct kql_problem *problem);

/* kql_eval.c: the value of a bound expression for a row. */
struct kql_value kql_eval(const struct kql_node *node, const struct kql_value *row, int64_t now_ns);
/* < 0, 0, > 0; both have one type, neither is null. */
int kql_compare(const struct kql_value *a, const struct kql_value *b);

#endif
