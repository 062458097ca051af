/* SPDX-License-Identifier: Apache-2.0
 * The query API's bodies; see log_query.h. */
#include "test/sim/azure/log_query.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/http/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void log_query_fini(struct log_query *q)
{
    json_decref(q->body);
    kql_free(q->kql);
    *q = (struct log_query){0};
}

/* ---- errors ---- */

/* inner: transferred; NULL for none. */
static void refuse(struct log_answer *answer, const char *code, const char *message, json_t *inner)
{
    char correlation[37];
    value_uuid(correlation);
    json_t *error = json_pack("{s:s, s:s, s:s}", "message", message, "code", code, "correlationId",
                              correlation);
    if (inner)
        json_object_set_new(error, "innererror", inner);
    answer->status = 400;
    json_decref(answer->body);
    answer->body = json_pack("{s:o}", "error", error);
}

/* As the service nests it: the kind of the error, and in it what is wrong. */
static void refuse_kql(struct log_answer *answer, const struct kql_problem *p)
{
    bool syntax = str_starts(p->code, "SYN");
    json_t *inner = json_pack("{s:s, s:s}", "code", p->code, "message", p->message);
    if (syntax) {
        json_object_set_new(inner, "line", json_integer(p->line));
        json_object_set_new(inner, "pos", json_integer(p->position));
        value_set_text(inner, "token", p->token);
    }
    refuse(answer, "BadArgumentError", "The request had some invalid properties",
           json_pack("{s:s, s:s, s:o}", "code", syntax ? "SyntaxError" : "SemanticError", "message",
                     syntax ? "A recognition error occurred in the query."
                            : "A semantic error occurred.",
                     "innererror", inner));
}

/* ---- the request ---- */

/* "P1DT2H3M4.5S" */
static bool parse_period(const char *text, int64_t *ns)
{
    static const char date[] = "D", time[] = "HMS";
    static const double seconds[] = {86400, 3600, 60, 1};
    bool in_time = false;
    double total = 0;
    if (*text++ != 'P' || !*text)
        return false;
    while (*text) {
        char *end;
        if (*text == 'T' && !in_time) {
            in_time = true;
            text++;
            continue;
        }
        double number = isdigit((unsigned char)*text) ? strtod(text, &end) : -1;
        const char *unit = number < 0 || !*end ? NULL : strchr(in_time ? time : date, *end);
        if (!unit)
            return false;
        total += number * seconds[in_time ? unit - time + 1 : 0];
        text = end + 1;
    }
    *ns = (int64_t)(total * 1e9);
    return total < 9e9;
}

static bool parse_time(const char *text, int64_t *ns)
{
    return kql_parse_datetime(text, strlen(text), ns) || timefmt_parse_rfc3339(text, ns);
}

/* "PERIOD", "FROM/TO", "FROM/PERIOD" or "PERIOD/TO". */
static bool parse_timespan(const char *text, struct log_query *q)
{
    const char *slash = strchr(text, '/');
    int64_t period;
    if (!slash) {
        if (!parse_period(text, &period))
            return false;
        q->from_ns = time_now_ns() - period;
        return true;
    }
    AUTO_FREE char *first = xstrndup(text, (size_t)(slash - text));
    const char *second = slash + 1;
    if (parse_period(first, &period)) {
        bool good = parse_time(second, &q->to_ns);
        q->from_ns = q->to_ns - period;
        return good;
    }
    if (!parse_time(first, &q->from_ns))
        return false;
    if (!parse_period(second, &period))
        return parse_time(second, &q->to_ns);
    q->to_ns = q->from_ns + period;
    return true;
}

static bool members_known(const json_t *body, struct log_answer *answer)
{
    static const char *const known[] = {"query", "timespan", "workspaces"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)body, name, value)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(known) && strcmp(known[i], name) != 0)
            i++;
        if (i < ARRAY_LEN(known))
            continue;
        AUTO_FREE char *message = xasprintf("The request has an unknown property: %s", name);
        refuse(answer, "BadArgumentError", message, NULL);
        return false;
    }
    return true;
}

bool log_query_read(struct log_query *q, const char *text, size_t len, struct log_answer *answer)
{
    struct kql_problem problem;
    q->from_ns = INT64_MIN;
    q->to_ns = INT64_MAX;
    q->body = json_loadb(text, len, 0, NULL);
    const char *query = value_string(q->body, "query"), *span = value_string(q->body, "timespan");
    if (!json_is_object(q->body) || !*query) {
        refuse(answer, "BadArgumentError",
               "The request had some invalid properties: a JSON object with a query is expected",
               NULL);
        return false;
    }
    if (!members_known(q->body, answer))
        return false;
    if (*span && !parse_timespan(span, q)) {
        refuse(answer, "BadArgumentError", "The timespan is not valid", NULL);
        return false;
    }
    q->kql = kql_parse(query, &problem);
    if (!q->kql) {
        refuse_kql(answer, &problem);
        return false;
    }
    int64_t from_ns, to_ns;
    kql_bounds(q->kql, "TimeGenerated", &from_ns, &to_ns);
    q->from_ns = from_ns > q->from_ns ? from_ns : q->from_ns;
    q->to_ns = to_ns < q->to_ns ? to_ns : q->to_ns;
    return true;
}

/* ---- the answer ---- */

static json_t *cell_json(const struct kql_value *v)
{
    char text[TIMEFMT_RFC3339_MAX];
    if (v->null)
        return json_null();
    switch (v->type) {
    case KQL_BOOL: return json_boolean(v->integer);
    case KQL_LONG: return json_integer(v->integer);
    case KQL_REAL: return json_real(v->real);
    case KQL_DATETIME: return value_text(timefmt_rfc3339nano(v->integer, text));
    case KQL_TIMESPAN: return json_integer(v->integer / 100);
    case KQL_STRING:
    case KQL_GUID: break;
    }
    return value_bytes(str_or_empty(v->text), v->len);
}

static size_t cell_bytes(const struct kql_value *v)
{
    return v->type == KQL_STRING || v->type == KQL_GUID ? v->len : 8;
}

/* *cut: the limits have left something out. */
static json_t *rows_json(const struct kql_result *result, const struct log_limits *limits,
                         bool *cut)
{
    json_t *rows = json_array();
    size_t bytes = 0, most = limits->half ? result->row_count / 2 : limits->rows;
    for (size_t i = 0; i < result->row_count; i++) {
        const struct kql_value *cells = result->cells + i * result->column_count;
        for (size_t c = 0; c < result->column_count; c++)
            bytes += cell_bytes(&cells[c]);
        if (i >= most || i >= limits->rows || bytes > limits->bytes) {
            *cut = true;
            break;
        }
        json_t *row = json_array();
        for (size_t c = 0; c < result->column_count; c++)
            json_array_append_new(row, cell_json(&cells[c]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *columns_json(const struct kql_result *result)
{
    json_t *out = json_array();
    for (size_t i = 0; i < result->column_count; i++)
        json_array_append_new(out, json_pack("{s:s, s:s}", "name", result->columns[i].name, "type",
                                             kql_type_name(result->columns[i].type)));
    return out;
}

static json_t *partial_error(const struct log_limits *limits)
{
    AUTO_FREE char *message =
        limits->half
            ? xstrdup("Query execution was interrupted on a part of the data; the results may be "
                      "incorrect or incomplete.")
            : xasprintf("The results of this query exceed the set limit of %zu records or %zu "
                        "bytes, so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, "
                        "0x80DA0003). See https://aka.ms/kustoquerylimits for more information "
                        "and possible solutions.",
                        limits->rows, limits->bytes);
    return json_pack("{s:s, s:s, s:[{s:s, s:s, s:{s:s, s:s}}]}", "code", "PartialError", "message",
                     "There were some errors when processing your query.", "details", "code",
                     "EngineError", "message",
                     "Something went wrong processing your query on the server.", "innererror",
                     "code", "-2133196797", "message", message);
}

void log_query_run(struct log_query *q, const struct kql_source *source,
                   const struct log_limits *limits, struct log_answer *answer)
{
    struct kql_result result;
    struct kql_problem problem = {0};
    bool cut = limits->half;
    if (kql_run(q->kql, source, time_now_ns(), &result, &problem)) {
        refuse_kql(answer, &problem);
        return;
    }
    json_t *rows = rows_json(&result, limits, &cut);
    answer->status = 200;
    answer->body = json_pack("{s:[{s:s, s:o, s:o}]}", "tables", "name", "PrimaryResult", "columns",
                             columns_json(&result), "rows", rows);
    if (cut)
        json_object_set_new(answer->body, "error", partial_error(limits));
    kql_result_fini(&result);
}
