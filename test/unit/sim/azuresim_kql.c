/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Kusto query language: what it finds, what it refuses, and how strings are quoted.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/timefmt.h"
#include "test/kit/test.h"
#include "test/sim/azure/kql.h"

#include <stdio.h>
#include <string.h>

static struct kql_problem problem; /* of the last call */

/* ---- a small table ---- */

static const struct kql_column columns[] = {
    {"TimeGenerated", KQL_DATETIME}, {"Job_s", KQL_STRING}, {"Group_s", KQL_STRING},
    {"Log_s", KQL_STRING},           {"Size_d", KQL_REAL},  {"Count_d", KQL_LONG}};

struct sample {
    const char *time, *job, *group, *log;
    double size;
    int64_t count; /* -1: null */
};

static const struct sample samples[] = {
    {"2026-01-02T03:04:05.1234567Z", "sk-1", "sk-1-abc-x1", "first", 1.5, 3},
    {"2026-01-02T03:04:06Z", "sk-1", "sk-1-abc-x1", "Second line", 2, -1},
    {"2026-01-02T03:04:07Z", "sk-2", "sk-2-abc-y1", "it's \"quoted\" \\ here | ok", 0, 1},
    {"2026-01-02T03:04:08Z", "SK-1", "sk-10-abc-z1", "", -1, 2}};

static void cell(const void *ctx, size_t row, size_t column, struct kql_value *out)
{
    const struct sample *s = (const struct sample *)ctx + row;
    const char *texts[] = {s->job, s->group, s->log};
    *out = (struct kql_value){.type = columns[column].type};
    if (column == 0) {
        (void)timefmt_parse_rfc3339(s->time, &out->integer);
    } else if (column == 4) {
        out->real = s->size;
    } else if (column == 5) {
        out->integer = s->count;
        out->null = s->count < 0;
    } else {
        out->text = texts[column - 1];
        out->len = strlen(out->text);
    }
}

static const struct kql_source source = {"T",  columns, ARRAY_LEN(columns), ARRAY_LEN(samples),
                                         cell, samples};

/* The rows that a query leaves, by the first letter of their log: "f", "S", "i", "-" (empty). */
static const char *found(const char *text)
{
    static char out[64];
    struct kql_result result;
    struct kql_query *query = kql_parse(text, &problem);
    int64_t now;
    assert_true(timefmt_parse_rfc3339("2026-01-02T03:04:09Z", &now));
    out[0] = '\0';
    if (!query || kql_run(query, &source, now, &result, &problem)) {
        snprintf(out, sizeof out, "%s", problem.code);
    } else {
        size_t log = 0;
        while (log < result.column_count && strcmp(result.columns[log].name, "Log_s") != 0)
            log++;
        for (size_t i = 0; i < result.row_count && log < result.column_count; i++) {
            const struct kql_value *v = &result.cells[i * result.column_count + log];
            out[i] = v->len ? v->text[0] : '-';
            out[i + 1] = '\0';
        }
        kql_result_fini(&result);
    }
    kql_free(query);
    return out;
}

struct expectation {
    const char *query, *found;
};

static void check_all(const struct expectation *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(found(list[i].query), list[i].found) != 0)
            fail_msg("%s\nfinds \"%s\", not \"%s\": %s", list[i].query, found(list[i].query),
                     list[i].found, problem.message);
}

#define CHECK_ALL(list) check_all(list, ARRAY_LEN(list))
#define ORDERED " | order by TimeGenerated asc"

TEST(where_finds)
{
    static const struct expectation list[] = {
        {"T" ORDERED, "fSi-"},
        {"T | where Job_s == 'sk-1'" ORDERED, "fS"},
        {"T | where Job_s =~ \"sk-1\"" ORDERED, "fS-"},
        {"T | where Job_s != 'sk-1'" ORDERED, "i-"},
        {"T | where Job_s in ('sk-2', 'SK-1')" ORDERED, "i-"},
        {"T | where Job_s in~ ('sk-1')" ORDERED, "fS-"},
        {"T | where Job_s !in ('sk-2')" ORDERED, "fS-"},
        {"T | where Group_s startswith 'SK-1-'" ORDERED, "fS"},
        {"T | where Group_s startswith_cs 'SK-1-'" ORDERED, ""},
        {"T | where Group_s !startswith 'sk-1'" ORDERED, "i"},
        {"T | where Log_s contains 'LINE' or Log_s endswith 'st'" ORDERED, "fS"},
        {"T | where Log_s has 'second'" ORDERED, "S"},
        {"T | where Log_s has 'secon'" ORDERED, ""},
        {"T | where isempty(Log_s)", "-"},
        {"T | where isnotempty(Log_s) and not(Job_s == 'sk-1')", "i"},
        {"T | where Size_d > 1 and Size_d < 2", "f"},
        {"T | where Size_d >= 2", "S"},
        {"T | where isnull(Count_d)", "S"},
        {"T | where Count_d >= 0" ORDERED, "fi-"},
        {"T | where Job_s == 'sk-1' or Job_s == 'sk-2' and Log_s == 'first'" ORDERED, "fS"},
        {"T | where (Job_s == 'sk-1' or Job_s == 'sk-2') and Log_s == 'first'", "f"},
        {"T\n// everything\n| where true" ORDERED, "fSi-"},
        {"T | where ['Job_s'] == \"sk-\" \"2\"", "i"},
        {"T | where iff(Count_d == 3, Job_s, 'none') == 'sk-1'", "f"},
        {"T | where column_ifexists('None_s', 'x') == 'x' and Log_s == 'first'", "f"},
        {"T | where column_ifexists('Job_s', 'x') == 'sk-2'", "i"},
        {"T | where coalesce(Log_s, 'none') == 'none'", "-"},
        {"T;", "-iSf"}};
    CHECK_ALL(list);
}

TEST(times)
{
    static const struct expectation list[] = {
        {"T | where TimeGenerated >= datetime(2026-01-02T03:04:05.1234567Z)" ORDERED, "fSi-"},
        {"T | where TimeGenerated > datetime(2026-01-02 03:04:05.1234567)" ORDERED, "Si-"},
        {"T | where TimeGenerated < datetime('2026-01-02T03:04:06Z')", "f"},
        {"T | where TimeGenerated between (datetime(2026-01-02T03:04:06Z) .. "
         "datetime(\"2026-01-02T03:04:07Z\"))" ORDERED,
         "Si"},
        {"T | where TimeGenerated > ago(2500ms)" ORDERED, "i-"},
        {"T | where TimeGenerated == todatetime('2026-01-02T03:04:07Z')", "i"},
        {"T | where TimeGenerated > datetime(2026-01-02) and TimeGenerated < now()" ORDERED,
         "fSi-"},
        {"T | where TimeGenerated > datetime(null)", ""},
        /* eight digits and more are more than a datetime has */
        {"T | where TimeGenerated > datetime(2026-01-02T03:04:05.12345678Z)", "SYN0002"},
        {"T | where TimeGenerated > datetime(yesterday)", "SYN0002"},
        {"T | where TimeGenerated > datetime(2026-01-02", "SYN0002"},
        {"T | where TimeGenerated > datetime(2026-13-02)", "SYN0002"},
        {"T | where TimeGenerated > '2026-01-02'", "SEM0064"}};
    CHECK_ALL(list);
}

TEST(orders)
{
    static const struct expectation list[] = {
        {"T | order by TimeGenerated", "-iSf"}, /* descending, when not said */
        {"T | sort by TimeGenerated desc", "-iSf"},
        {"T | top 2 by TimeGenerated", "-i"},
        {"T | top 2 by TimeGenerated asc", "fS"},
        {"T | order by Job_s asc, TimeGenerated desc", "-Sfi"},
        {"T | order by Count_d", "f-iS"}, /* nulls last */
        {"T | order by Count_d asc", "Si-f"},
        {"T | order by Count_d asc nulls last", "i-fS"},
        {"T | order by Size_d asc | take 1", "-"},
        {"T | order by TimeGenerated asc | limit 0", ""},
        {"T | project TimeGenerated, Log_s | where Log_s == 'first'", "f"},
        {"T | project T2 = TimeGenerated, Log_s | order by T2 asc", "fSi-"},
        {"T | extend Log_s = Job_s | order by TimeGenerated asc", "sssS"},
        {"T | project Log_s | where Job_s == 'sk-1'", "SEM0100"},
        {"T | top 2 by TimeGenerated | order by TimeGenerated asc", "i-"}};
    CHECK_ALL(list);
    struct kql_result result;
    struct kql_query *query = kql_parse("T | where Job_s == 'sk-1' | count", &problem);
    assert_int_equal(kql_run(query, &source, 0, &result, &problem), 0);
    assert_int_equal(result.row_count, 1);
    assert_int_equal(result.cells[0].integer, 2);
    assert_string_equal(result.columns[0].name, "Count");
    kql_result_fini(&result);
    kql_free(query);
}

/* The same text in every form of a string; what is not closed or not known is refused. */
TEST(strings)
{
    static const struct expectation list[] = {
        {"T | where Log_s == 'it\\'s \"quoted\" \\\\ here | ok'", "i"},
        {"T | where Log_s == \"it's \\\"quoted\\\" \\\\ here | ok\"", "i"},
        {"T | where Log_s == @'it''s \"quoted\" \\ here | ok'", "i"},
        {"T | where Log_s == @\"it's \"\"quoted\"\" \\ here | ok\"", "i"},
        {"T | where Log_s == ```it's \"quoted\" \\ here | ok```", "i"},
        {"T | where Log_s == h'first'", "f"},
        {"T | where Log_s == '\\u0066irst'", "f"},
        {"T | where Log_s == '\\x66irs\\U00000074'", "f"},
        {"T | where Log_s == 'fir\\st'", "SYN0002"},
        {"T | where Log_s == '\\q'", "SYN0002"},
        {"T | where Log_s == '\\u00'", "SYN0002"},
        {"T | where Log_s == '\\ud800'", "SYN0002"},
        {"T | where Log_s == 'first", "SYN0002"},
        {"T | where Log_s == 'first\n'", "SYN0002"},
        {"T | where Log_s == 'first\\'", "SYN0002"},
        {"T | where Log_s == @'first", "SYN0002"},
        {"T | where Log_s == @'a''", "SYN0002"},
        {"T | where Log_s == ```first", "SYN0002"}};
    CHECK_ALL(list);
}

/* A value put between quotes without quoting: each of these says something else than it seems, or
 * is refused. None finds what was meant. */
TEST(hostile_values)
{
    static const char *const values[] = {"x' or '1' == '1",
                                         "x' or Job_s != '",
                                         "x') or (Job_s == 'sk-1",
                                         "x'\n| where true //",
                                         "x' | take 1 | project 'a",
                                         "\\' or true //",
                                         "x'; T | take 1",
                                         "x' or true //",
                                         "x'.Log_s"};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        AUTO_FREE char *bare = xasprintf("T | where Log_s == '%s'", values[i]);
        struct buf quoted AUTO(buf) = BUF_INIT;
        buf_puts(&quoted, "T | where Log_s == '");
        for (const char *c = values[i]; *c; c++) {
            if (strchr("\\'\n", *c))
                buf_putc(&quoted, '\\');
            buf_putc(&quoted, *c == '\n' ? 'n' : *c);
        }
        buf_putc(&quoted, '\'');
        assert_string_equal(found(quoted.data), "");
        (void)found(bare);
    }
    assert_string_equal(found("T | where Log_s == 'x' or true //'" ORDERED), "-iSf");
}

TEST(refusals)
{
    static const struct expectation list[] = {
        {"", "SYN0002"},
        {"T |", "SYN0002"},
        {"T | where", "SYN0002"},
        {"T | where Job_s", "SEM0080"},
        {"T | where Job_s = 'sk-1'", "SYN0002"},
        {"T | where Job_s == sk-1", "SYN0002"},
        {"T | where Job_s == None_s", "SEM0100"},
        {"T | where Job_s == 1", "SEM0064"},
        {"T | where Job_s like 'x'", "SYN0002"},
        {"T | where Job_s == 'a' && Job_s == 'b'", "SYN0002"},
        {"T | where Job_s in ()", "SYN0002"},
        {"T | where Job_s in ('a'", "SYN0002"},
        {"T | where evaluate('x')", "SEM0260"},
        {"T | where not(Job_s)", "SEM0233"},
        {"T | where Job_s startswith 5", "SEM0025"},
        {"T | where Job_s and true", "SEM0028"},
        {"T | where isempty()", "SEM0219"},
        {"T | take", "SYN0002"},
        {"T | take x", "SYN0002"},
        {"T | top by Job_s", "SYN0002"},
        {"T | order TimeGenerated", "SYN0002"},
        {"T | project Job_s, Job_s", "SEM0022"},
        {"T | project Nothing", "SEM0100"},
        {"T | summarize count()", "SYN0002"},
        {"T | join T", "SYN0002"},
        {"T | invoke x()", "SYN0002"},
        {"T | where Job_s == 'a' T", "SYN0002"},
        {"T; T", "SYN0002"},
        {"let x = 1; T", "SYN0002"},
        {"T | where Size_d > 1x", "SYN0002"},
        {"T | where Count_d > 99999999999999999999", "SYN0002"},
        {"T | where Job_s == 'a' # b", "SYN0002"}};
    CHECK_ALL(list);
    AUTO_FREE char *deep = xmalloc(2001);
    memset(deep, '(', 2000);
    deep[2000] = '\0';
    AUTO_FREE char *query = xasprintf("T | where %s", deep);
    assert_string_equal(found(query), "SYN0002");
    AUTO_FREE char *calls = xmalloc(8 * 500 + 1);
    for (int i = 0; i < 500; i++)
        memcpy(calls + (ptrdiff_t)4 * i, "not(", 5);
    AUTO_FREE char *nested = xasprintf("T | where %s", calls);
    assert_string_equal(found(nested), "SYN0002");
    struct kql_result result;
    struct kql_query *absent = kql_parse("Absent_CL | take 1", &problem);
    assert_string_equal(kql_table(absent), "Absent_CL");
    assert_int_equal(kql_run(absent, NULL, 0, &result, &problem), -1);
    assert_string_equal(problem.code, "SEM0100");
    assert_non_null(strstr(problem.message, "'Absent_CL'"));
    kql_free(absent);
}

/* Thousands of rows, of which a top keeps few: it finds what an order and a take do. */
static void many_cell(const void *ctx, size_t row, size_t column, struct kql_value *out)
{
    (void)ctx;
    *out = (struct kql_value){.type = columns[column].type};
    if (column == 0) {
        out->integer = (int64_t)(row / 3) * 100;
    } else if (column == 5) {
        out->integer = (int64_t)(row * 7919 % 5003);
        out->null = row % 10 == 0;
    } else if (column != 4) {
        out->text = "x";
        out->len = 1;
    }
}

TEST(top_is_order_and_take)
{
    static const struct kql_source many = {"T", columns, ARRAY_LEN(columns), 5000, many_cell, NULL};
    static const char *const orders[] = {"TimeGenerated asc", "TimeGenerated desc", "Count_d asc",
                                         "Count_d desc nulls first", "Count_d asc, TimeGenerated"};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        AUTO_FREE char *top = xasprintf("T | where Count_d != 5 | top 40 by %s", orders[i]);
        AUTO_FREE char *sorted =
            xasprintf("T | where Count_d != 5 | order by %s | take 40", orders[i]);
        struct kql_query *queries[] = {kql_parse(top, &problem), kql_parse(sorted, &problem)};
        struct kql_result results[2];
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(kql_run(queries[k], &many, 0, &results[k], &problem), 0);
        assert_int_equal(results[0].row_count, 40);
        for (size_t k = 0; k < 40 * results[0].column_count; k++)
            assert_true(results[0].cells[k].integer == results[1].cells[k].integer &&
                        results[0].cells[k].null == results[1].cells[k].null);
        for (size_t k = 0; k < 2; k++) {
            kql_result_fini(&results[k]);
            kql_free(queries[k]);
        }
    }
}

TEST(bounds_of_time)
{
    static const struct {
        const char *query;
        int64_t from_ns, to_ns;
    } cases[] = {
        {"T", INT64_MIN, INT64_MAX},
        {"T | where TimeGenerated >= datetime(1970-01-01T00:00:05Z)", 5000000000, INT64_MAX},
        {"T | where TimeGenerated > datetime(1970-01-01T00:00:05Z) and TimeGenerated < "
         "datetime(1970-01-01T00:00:09Z)",
         5000000000, 9000000000},
        {"T | where TimeGenerated >= datetime(1970-01-01T00:00:05Z) or TimeGenerated >= "
         "datetime(1970-01-01T00:00:03Z)",
         3000000000, INT64_MAX},
        {"T | where TimeGenerated >= datetime(1970-01-01T00:00:05Z) or Job_s == 'a'", INT64_MIN,
         INT64_MAX},
        {"T | where not(TimeGenerated >= datetime(1970-01-01T00:00:05Z))", INT64_MIN, INT64_MAX},
        {"T | project TimeGenerated | where TimeGenerated >= datetime(1970-01-01T00:00:05Z) | "
         "where TimeGenerated <= datetime(1970-01-01T00:00:09Z)",
         5000000000, 9000000000},
        {"T | extend TimeGenerated = now() | where TimeGenerated >= datetime(1970-01-01)",
         INT64_MIN, INT64_MAX},
        {"T | take 5 | where TimeGenerated >= datetime(1970-01-01)", INT64_MIN, INT64_MAX},
        {"T | where TimeGenerated between (datetime(1970-01-01T00:00:05Z) .. "
         "datetime(1970-01-01T00:00:09Z))",
         5000000000, 9000000000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t from_ns, to_ns;
        struct kql_query *query = kql_parse(cases[i].query, &problem);
        assert_non_null(query);
        kql_bounds(query, "TimeGenerated", &from_ns, &to_ns);
        if (from_ns != cases[i].from_ns || to_ns != cases[i].to_ns)
            fail_msg("%s", cases[i].query);
        kql_free(query);
    }
}
