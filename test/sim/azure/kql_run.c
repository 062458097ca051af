/* SPDX-License-Identifier: Apache-2.0
 * A query over rows; see kql.h. Stages that look at one row at a time are one pass; then comes what
 * needs all rows. Without an order rows come in none in particular, and those with equal keys, too:
 * the real service promises nothing, and clients must not rely on what it happens to do. */
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
    const struct kql_query *query;
    const struct kql_source *source;
    struct kql_schema schemas[KQL_STAGES_MAX + 1]; /* before each stage, and at the end */
    bool needed[KQL_COLUMNS_MAX];                  /* columns of the source that are looked at */
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

/* ---- stages that look at one row ---- */

static bool is_row_wise(const struct kql_stage *stage)
{
    return stage->kind == KQL_WHERE || stage->kind == KQL_PROJECT || stage->kind == KQL_EXTEND;
}

static size_t column_of(const struct kql_schema *schema, const char *name)
{
    size_t i = 0;
    while (i < schema->count && strcmp(schema->columns[i].name, name) != 0)
        i++;
    return i;
}

static void compute(const struct run *r, size_t at, struct kql_value row[KQL_COLUMNS_MAX])
{
    const struct kql_stage *stage = &r->query->stages[at];
    struct kql_value fresh[KQL_COLUMNS_MAX];
    for (size_t i = 0; i < stage->count; i++)
        fresh[i] = kql_eval(stage->items[i].node, row, r->now_ns);
    for (size_t i = 0; i < stage->count; i++)
        row[stage->kind == KQL_PROJECT ? i : column_of(&r->schemas[at + 1], stage->items[i].name)] =
            fresh[i];
}

/* Takes a row through the stages [from, to); false: a where did not let it pass. */
static bool pass(const struct run *r, size_t from, size_t to, struct kql_value row[KQL_COLUMNS_MAX])
{
    for (size_t i = from; i < to; i++) {
        const struct kql_stage *stage = &r->query->stages[i];
        if (stage->kind != KQL_WHERE)
            compute(r, i, row);
        else if (!kql_eval(stage->items[0].node, row, r->now_ns).integer)
            return false;
    }
    return true;
}

static void map(struct run *r, size_t from, size_t to)
{
    struct rows before = r->rows;
    struct kql_value row[KQL_COLUMNS_MAX];
    r->rows = (struct rows){.width = r->schemas[to].count};
    for (size_t i = 0; i < before.count; i++) {
        memcpy(row, before.cells + i * before.width, before.width * sizeof *row);
        if (pass(r, from, to, row))
            rows_add(&r->rows, row);
    }
    free(before.cells);
}

/* ---- stages that need all rows ---- */

struct ranked {
    const struct kql_value *row;
    struct kql_value *keys;
    size_t scramble; /* in no particular order, but always in the same */
};

static size_t scramble(const struct kql_value *row, size_t width)
{
    size_t hash = 1469598103934665603u;
    for (size_t i = 0; i < width; i++) {
        hash = (hash ^ (size_t)row[i].integer) * 1099511628211u;
        for (size_t k = 0; k < row[i].len; k++)
            hash = (hash ^ (unsigned char)row[i].text[k]) * 1099511628211u;
    }
    return hash;
}

static int compare_keys(const struct kql_stage *stage, const struct kql_value *x,
                        const struct kql_value *y)
{
    for (size_t i = 0; i < stage->count; i++) {
        const struct kql_item *item = &stage->items[i];
        if (x[i].null != y[i].null)
            return x[i].null == item->nulls_first ? -1 : 1;
        int order = x[i].null ? 0 : kql_compare(&x[i], &y[i]);
        if (order)
            return item->ascending ? order : -order;
    }
    return 0;
}

static int by_keys(const void *a, const void *b, void *ctx)
{
    const struct ranked *x = a, *y = b;
    int order = compare_keys(ctx, x->keys, y->keys);
    return order ? order : (x->scramble > y->scramble) - (x->scramble < y->scramble);
}

static void eval_keys(const struct run *r, const struct kql_stage *stage,
                      const struct kql_value *row, struct kql_value *keys)
{
    for (size_t i = 0; i < stage->count; i++)
        keys[i] = kql_eval(stage->items[i].node, row, r->now_ns);
}

static void sort(struct run *r, struct kql_stage *stage)
{
    struct rows before = r->rows;
    struct ranked *ranked = xcalloc(before.count + 1, sizeof *ranked);
    struct kql_value *keys = xcalloc(before.count * stage->count + 1, sizeof *keys);
    for (size_t i = 0; i < before.count; i++) {
        const struct kql_value *row = before.cells + i * before.width;
        ranked[i] = (struct ranked){row, keys + i * stage->count, scramble(row, before.width)};
        eval_keys(r, stage, row, ranked[i].keys);
    }
    qsort_r(ranked, before.count, sizeof *ranked, by_keys, stage);
    r->rows = (struct rows){.width = before.width};
    for (size_t i = 0; i < before.count; i++)
        rows_add(&r->rows, ranked[i].row);
    free(ranked);
    free(keys);
    free(before.cells);
}

static void cut(struct run *r, int64_t limit)
{
    if (limit < (int64_t)r->rows.count)
        r->rows.count = (size_t)limit;
}

static void count(struct run *r)
{
    struct kql_value value = {.type = KQL_LONG, .integer = (int64_t)r->rows.count};
    free(r->rows.cells);
    r->rows = (struct rows){.width = 1};
    rows_add(&r->rows, &value);
}

static void apply(struct run *r, struct kql_stage *stage)
{
    switch (stage->kind) {
    case KQL_SORT: sort(r, stage); break;
    case KQL_TOP: sort(r, stage);
    /* fall through */
    case KQL_TAKE: cut(r, stage->limit); break;
    case KQL_COUNT: count(r); break;
    case KQL_WHERE:
    case KQL_PROJECT:
    case KQL_EXTEND: break;
    }
}

/* ---- the first pass ---- */

/* A top that follows the first pass: most rows are seen to be too late without being kept. */
struct best {
    struct kql_stage *stage; /* NULL: all are kept */
    size_t limit;
    bool full;
    struct kql_value worst[KQL_COLUMNS_MAX]; /* keys of the last one kept, when full */
};

static void best_init(struct best *b, const struct kql_query *query, size_t at)
{
    *b = (struct best){0};
    if (at < query->count && query->stages[at].kind == KQL_TOP) {
        b->stage = &query->stages[at];
        b->limit = b->stage->limit > 0 ? (size_t)b->stage->limit : 0;
    }
}

static bool is_wanted(const struct run *r, const struct best *b, const struct kql_value *row)
{
    struct kql_value keys[KQL_COLUMNS_MAX];
    if (!b->full)
        return true;
    eval_keys(r, b->stage, row, keys);
    return compare_keys(b->stage, keys, b->worst) <= 0;
}

static void prune(struct run *r, struct best *b)
{
    if (!b->stage || !b->limit || r->rows.count < 2 * b->limit + 64)
        return;
    sort(r, b->stage);
    cut(r, (int64_t)b->limit);
    b->full = true;
    eval_keys(r, b->stage, r->rows.cells + (b->limit - 1) * r->rows.width, b->worst);
}

/* The newest come first, unless the oldest are asked for. */
static void scan(struct run *r, size_t to)
{
    const struct kql_source *s = r->source;
    struct kql_value row[KQL_COLUMNS_MAX] = {{0}};
    struct best best;
    best_init(&best, r->query, to);
    bool oldest_first = best.stage && best.stage->items[0].ascending;
    r->rows.width = r->schemas[to].count;
    for (size_t i = 0; i < s->row_count; i++) {
        for (size_t c = 0; c < s->column_count; c++)
            if (r->needed[c])
                s->cell(s->ctx, oldest_first ? i : s->row_count - 1 - i, c, &row[c]);
        if (!pass(r, 0, to, row) || !is_wanted(r, &best, row))
            continue;
        rows_add(&r->rows, row);
        prune(r, &best);
    }
}

/* ---- the whole ---- */

static void note_columns(struct run *r, const struct kql_node *node)
{
    if (node->kind == KQL_COLUMN && node->column < KQL_COLUMNS_MAX)
        r->needed[node->column] = true;
    for (size_t i = 0; i < node->count; i++)
        note_columns(r, node->children[i]);
}

/* Up to where the columns become others. */
static void find_needed(struct run *r)
{
    bool others = false;
    for (size_t i = 0; i < r->query->count && !others; i++) {
        const struct kql_stage *stage = &r->query->stages[i];
        for (size_t k = 0; k < stage->count; k++)
            note_columns(r, stage->items[k].node);
        others = stage->kind == KQL_PROJECT || stage->kind == KQL_COUNT;
    }
    if (!others)
        memset(r->needed, true, sizeof r->needed);
}

/* All stages are checked before a row is looked at. */
static bool check(struct run *r, struct kql_problem *problem)
{
    const struct kql_query *query = r->query;
    if (!r->source)
        return kql_problem_at(problem, NULL, &query->at, "SEM0100",
                              "'where' operator: Failed to resolve table or column expression "
                              "named '%s'",
                              query->table);
    r->schemas[0].count = r->source->column_count;
    memcpy(r->schemas[0].columns, r->source->columns,
           r->source->column_count * sizeof *r->source->columns);
    for (size_t i = 0; i < query->count; i++) {
        r->schemas[i + 1] = r->schemas[i];
        if (!kql_bind(&query->stages[i], &r->schemas[i + 1], problem))
            return false;
    }
    return true;
}

static size_t row_wise_until(const struct kql_query *query, size_t at)
{
    while (at < query->count && is_row_wise(&query->stages[at]))
        at++;
    return at;
}

static void run(struct run *r)
{
    const struct kql_query *query = r->query;
    size_t at = row_wise_until(query, 0);
    find_needed(r);
    scan(r, at);
    while (at < query->count) {
        size_t next = row_wise_until(query, at);
        if (next > at) {
            map(r, at, next);
            at = next;
        } else {
            apply(r, &query->stages[at++]);
        }
    }
}

int kql_run(struct kql_query *query, const struct kql_source *source, int64_t now_ns,
            struct kql_result *result, struct kql_problem *problem)
{
    struct run *r = NEW(struct run);
    r->query = query;
    r->source = source;
    r->now_ns = now_ns;
    bool good = check(r, problem);
    if (good) {
        run(r);
        const struct kql_schema *last = &r->schemas[query->count];
        *result = (struct kql_result){
            .cells = r->rows.cells, .row_count = r->rows.count, .column_count = last->count};
        memcpy(result->columns, last->columns, last->count * sizeof *result->columns);
    }
    free(r);
    return good ? 0 : -1;
}

void kql_result_fini(struct kql_result *result)
{
    free(result->cells);
    *result = (struct kql_result){0};
}
