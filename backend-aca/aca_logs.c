/* SPDX-License-Identifier: Apache-2.0
 * Reading logs; see aca_logs.h. Which rows make a page is log_batch.c's; this is what queries and
 * answers look like. A page continues at the time of its last row, which the next one has again. */
#include "aca_logs.h"

#include "aca_names.h"
#include "aca_rows.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_error.h"
#include "cloud/log_batch.h"
#include "json/json_doc.h"

#include <string.h>

enum { SAME_TIME_MAX = 64 * 1024 }; /* rows of one time that are read */

/* Rows become visible in any order, one or two minutes late. */

enum { LATER_S = 300, GAP_WAIT_MS = 120000, GAP_OLD_S = 300 };

/* One round of queries. */
struct reading {
    struct aca_log_source *source;
    struct aca_rows rows;
};

static bool log_key(const char *log_ref, char out[LOG_KEY_SIZE])
{
    struct aca_execution execution;
    if (!aca_execution_parse(log_ref, &execution))
        return false;
    strcpy(out, execution.name);
    return true;
}

static void filter_open(void *arg, struct buf *out)
{
    (void)arg;
    aca_query_open(out);
}

static void filter_add(void *arg, struct buf *out, const struct log_part *part, bool first)
{
    (void)arg;
    aca_query_add(out, part, first);
}

static void filter_close(void *arg, struct buf *out)
{
    (void)arg;
    aca_query_close(out);
}

/* ---- answers ---- */

/* A result with an error beside it is a part: its rows count, and what is missing is asked for
 * again. */
static int check_partial(const json_t *answer, bool *partial, struct error *err)
{
    const json_t *error = json_object_get(answer, "error");
    struct cloud_error why;
    *partial = json_is_object(error);
    if (!*partial)
        return 0;
    azure_error_from(error, &why);
    const json_t *table = json_array_get(json_object_get(answer, "tables"), 0);
    (void)!cloud_error_fill(&why, "log analytics", "query", err);
    if (!json_array_size(json_object_get(table, "rows")))
        return -1;
    log_warn("a part of a log could not be read", LOG_STR("error", err->message));
    return 0;
}

static int64_t time_of(const struct aca_rows *r, const json_t *row)
{
    int64_t ns;
    const char *text = json_string_value(json_array_get(row, (size_t)r->time));
    return text && timefmt_parse_rfc3339(text, &ns) ? ns : 0;
}

/* A full page is followed by another, from its last row's time on. */
static char *next_page(const struct aca_rows *r, int limit, bool partial)
{
    size_t count = json_array_size(r->rows);
    if (!count || (count < (size_t)limit && !partial))
        return NULL;
    return xasprintf("%lld", (long long)time_of(r, json_array_get(r->rows, count - 1)));
}

/* The whole page is of one time: what is behind it needs a larger one. */
static bool is_stuck(const struct aca_rows *r, int limit, int64_t from_ns)
{
    size_t count = json_array_size(r->rows);
    return count >= (size_t)limit && limit < SAME_TIME_MAX && from_ns &&
           time_of(r, json_array_get(r->rows, 0)) == time_of(r, json_array_get(r->rows, count - 1));
}

/* ---- calls ---- */

static int co_query(struct reading *r, const struct aca_query *query, json_t **reply,
                    struct error *err)
{
    struct aca_log_source *source = r->source;
    struct aca_query one = *query;
    *reply = NULL;
    for (int tries = 0; tries < ACA_LOG_TABLES; tries++) {
        AUTO(buf) struct buf text = BUF_INIT;
        bool missing = false;
        one.table = source->table;
        aca_query_write(&text, &one);
        if (source->co_fetch(source->arg, text.data, reply, &missing, err))
            return -1;
        source->table_known |= !missing;
        if (!missing || source->table_known)
            return 0;
        source->table = (enum aca_log_table)((source->table + 1) % ACA_LOG_TABLES);
    }
    return 0; /* nothing has been logged yet */
}

static int co_fetch(void *arg, const struct log_request *request, struct log_answer *out,
                    struct error *err)
{
    struct reading *r = arg;
    struct aca_query query = {.condition = request->filter,
                              .newest_first = request->newest_first,
                              .limit = request->page_size};
    bool partial;
    if (request->page_token && !str_to_i64(request->page_token, &query.from_ns))
        return error_set(err, ERROR_INVALID_PARAMETER, "logs: bad page token");
    for (;; query.limit *= 4) {
        aca_rows_close(&r->rows);
        json_decref(out->doc);
        out->doc = NULL;
        if (co_query(r, &query, &out->doc, err))
            return -1;
        if (!out->doc)
            return 0;
        if (check_partial(out->doc, &partial, err))
            return -1;
        if (!aca_rows_open(out->doc, &r->rows))
            return error_set(err, ERROR_UNAVAILABLE,
                             "log analytics: query: the answer has no table of lines");
        if (!is_stuck(&r->rows, query.limit, query.from_ns))
            break;
    }
    out->items = r->rows.rows;
    out->next = next_page(&r->rows, query.limit, partial);
    return 0;
}

static bool read_row(void *arg, const json_t *item, struct log_entry *out)
{
    struct reading *r = arg;
    return aca_rows_read(&r->rows, item, out);
}

static void make_event(void *arg, const json_t *item, const struct log_entry *entry,
                       struct arena *arena, struct log_event *out)
{
    const struct reading *r = arg;
    aca_rows_event(&r->rows, item, entry, arena, out);
}

int co_aca_log_pages(struct aca_log_source *source, const struct log_query *queries, size_t count,
                     struct log_page *pages, struct error *err)
{
    static const struct log_protocol protocol = {
        .filter_max = ACA_QUERY_MAX,
        .page_size = ACA_LOG_PAGE,
        .later_ns = LATER_S * INT64_C(1000000000),
        .gap_wait_ms = GAP_WAIT_MS,
        .gap_old_ns = GAP_OLD_S * INT64_C(1000000000),
        .names_grow = true,
        .key = log_key,
        .filter_open = filter_open,
        .filter_add = filter_add,
        .filter_close = filter_close,
        .co_fetch = co_fetch,
        .read = read_row,
        .event = make_event,
    };
    struct reading r = {.source = source};
    int rc = co_log_batch_pages(&protocol, &r, queries, count, pages, err);
    aca_rows_close(&r.rows);
    return rc;
}
