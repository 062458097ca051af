/* SPDX-License-Identifier: Apache-2.0
 * A query over rows, stage by stage; see kql.h. Without an order rows come in none in particular,
 * and those with equal keys, too: the real service promises nothing, and clients must not rely on
 * what it happens to do. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/kql_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows between two stages. */
struct rows {
    struct kql_value *cells;
    size_t width, count, cap;
};

struct run {
    const struct kql_source *source;
    struct kql_schema schema;
    struct rows rows;
    int64_t now_ns;
};

static void rows_add(struct rows *rows, const struct kql_value *row)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 256;
        rows->cells = xrealloc(rows->cells, rows->cap * rows->width * sizeof *rows->cells);
    }
    memcpy(rows->cells + rows->count++ * rows->width, row, rows->width * sizeof *row);
}

static bool passes(const struct kql_stage *stage, const struct kql_value *row, int64_t now_ns)
{
    return kql_eval(stage->items[0].node, row, now_ns).integer;
}

/* ---- stages ---- */

static void filter(struct run *r, const struct kql_stage *stage)
{
    struct rows *rows = &r->rows;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct kql_value *row = rows->cells + i * rows->width;
        if (passes(stage, row, r->now_ns))
            memmove(rows->cells + kept++ * rows->width, row, rows->width * sizeof *row);
    }
    rows->count = kept;
}

/* width_before: of the rows as they are; r->schema is what they become. */
static void compute(struct run *r, const struct kql_stage *stage)
{
    struct rows before = r->rows;
    struct kql_value row[KQL_COLUMNS_MAX];
    r->rows = (struct rows){.width = r->schema.count};
    for (size_t i = 0; i < before.count; i++) {
        const struct kql_value *old = before.cells + i * before.width;
        if (stage->kind == KQL_EXTEND)
            memcpy(row, old, before.width * sizeof *old);
        for (size_t k = 0; k < stage->count; k++) {
            size_t at = k;
            for (size_t c = 0; stage->kind == KQL_EXTEND && c < r->schema.count; c++)
                if (!strcmp(r->schema.columns[c].name, stage->items[k].name))
                    at = c;
            row[at] = kql_eval(stage->items[k].node, old, r->now_ns);
        }
        rows_add(&r->rows, row);
    }
    free(before.cells);
}

struct order {
    const struct run *run;
    const struct kql_stage *stage;
};

/* In no particular order, but always in the same. */
static size_t scramble(const struct rows *rows, const struct kql_value *row)
{
    size_t hash = 1469598103934665603u;
    for (size_t i = 0; i < rows->width; i++) {
        hash = (hash ^ (size_t)row[i].integer) * 1099511628211u;
        for (size_t k = 0; k < row[i].len; k++)
            hash = (hash ^ (unsigned char)row[i].text[k]) * 1099511628211u;
    }
    return hash;
}

static int by_keys(const void *a, const void *b, void *ctx)
{
    const struct order *o = ctx;
    const struct kql_value *x = *(const struct kql_value *const *)a,
                           *y = *(const struct kql_value *const *)b;
    for (size_t i = 0; i < o->stage->count; i++) {
        const struct kql_item *item = &o->stage->items[i];
        struct kql_value u = kql_eval(item->node, x, o->run->now_ns);
        struct kql_value v = kql_eval(item->node, y, o->run->now_ns);
        if (u.null != v.null)
            return u.null == item->nulls_first ? -1 : 1;
        int order = u.null ? 0 : kql_compare(&u, &v);
        if (order)
            return item->ascending ? order : -order;
    }
    size_t s = scramble(&o->run->rows, x), t = scramble(&o->run->rows, y);
    return (s > t) - (s < t);
}

static void sort(struct run *r, const struct kql_stage *stage)
{
    struct rows before = r->rows;
    struct order order = {r, stage};
    const struct kql_value **pointers = xcalloc(before.count + 1, sizeof *pointers);
    for (size_t i = 0; i < before.count; i++)
        pointers[i] = before.cells + i * before.width;
    qsort_r(pointers, before.count, sizeof *pointers, by_keys, &order);
    r->rows = (struct rows){.width = before.width};
    for (size_t i = 0; i < before.count; i++)
        rows_add(&r->rows, pointers[i]);
    free(pointers);
    free(before.cells);
}

static void cut(struct run *r, int64_t limit)
{
    if (limit < (int64_t)r->rows.count)
        r->rows.count = (size_t)limit;
}

static void apply(struct run *r, const struct kql_stage *stage)
{
    switch (stage->kind) {
    case KQL_WHERE: filter(r, stage); break;
    case KQL_PROJECT:
    case KQL_EXTEND: compute(r, stage); break;
    case KQL_SORT: sort(r, stage); break;
    case KQL_TOP: sort(r, stage);
    /* fall through */
    case KQL_TAKE: cut(r, stage->limit); break;
    case KQL_COUNT: {
        struct kql_value count = {.type = KQL_LONG, .integer = (int64_t)r->rows.count};
        free(r->rows.cells);
        r->rows = (struct rows){.width = 1};
        rows_add(&r->rows, &count);
    }
    }
}

/* ---- the whole ---- */

/* The newest come first. What the first where does not let pass is not copied. */
static void scan(struct run *r, const struct kql_stage *first)
{
    const struct kql_source *s = r->source;
    struct kql_value row[KQL_COLUMNS_MAX];
    r->rows.width = s->column_count;
    for (size_t i = s->row_count; i-- > 0;) {
        for (size_t c = 0; c < s->column_count; c++)
            s->cell(s->ctx, i, c, &row[c]);
        if (!first || passes(first, row, r->now_ns))
            rows_add(&r->rows, row);
    }
}

static bool begin(struct run *r, const struct kql_query *query, struct kql_problem *problem)
{
    if (!r->source)
        return kql_problem_at(problem, NULL, &query->at, "SEM0100",
                              "'where' operator: Failed to resolve table or column expression "
                              "named '%s'",
                              query->table);
    r->schema.count = r->source->column_count;
    memcpy(r->schema.columns, r->source->columns,
           r->source->column_count * sizeof *r->source->columns);
    return true;
}

/* All stages are checked before a row is looked at. */
static bool check(const struct run *r, struct kql_query *query, struct kql_problem *problem)
{
    struct kql_schema schema = r->schema;
    for (size_t i = 0; i < query->count; i++)
        if (!kql_bind(&query->stages[i], &schema, problem))
            return false;
    return true;
}

int kql_run(struct kql_query *query, const struct kql_source *source, int64_t now_ns,
            struct kql_result *result, struct kql_problem *problem)
{
    struct run r = {.source = source, .now_ns = now_ns};
    if (!begin(&r, query, problem) || !check(&r, query, problem))
        return -1;
    size_t done = query->count && query->stages[0].kind == KQL_WHERE;
    scan(&r, done ? &query->stages[0] : NULL);
    for (size_t i = 0; i < query->count; i++) {
        (void)!kql_bind(&query->stages[i], &r.schema, problem);
        if (i >= done)
            apply(&r, &query->stages[i]);
    }
    *result = (struct kql_result){
        .cells = r.rows.cells, .row_count = r.rows.count, .column_count = r.schema.count};
    memcpy(result->columns, r.schema.columns, r.schema.count * sizeof *result->columns);
    return 0;
}

void kql_result_fini(struct kql_result *result)
{
    free(result->cells);
    *result = (struct kql_result){0};
}
