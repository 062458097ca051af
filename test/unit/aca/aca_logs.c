/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs out of Log Analytics: the queries as they are sent, rows of both tables and of odd shapes,
 * tables that do not exist yet, partial results, and a service as bad as this one may be: times cut
 * to milliseconds, thousands of rows of one time in any order, rows that become visible late.
 */
#include "backend-aca/aca_logs.h"

#include "backend-aca/aca_query.h"
#include "base/alloc.h"
#include "cloud/query_quote.h"
#include "base/log_label.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "test/kit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REF(job, execution)                                                                        \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/" job "/executions/" execution

enum { RECORDS = 100000, CROWD_BEGIN = 20000, CROWD_LEN = 5000, READS_MAX = 4000, CALLS_MAX = 64 };

static const int64_t ms = 1000000, base_ns = 1767225600 * INT64_C(1000000000);

static struct {
    char *queries[CALLS_MAX];
    int calls;
    /* canned answers, in turn; the last one for ever */
    const char *answers[8];
    bool missing[ACA_LOG_TABLES];
} service;
static struct error problem;
static struct aca_log_source source;

static void forget_queries(void)
{
    for (int i = 0; i < CALLS_MAX; i++) {
        free(service.queries[i]);
        service.queries[i] = NULL;
    }
}

static void note_query(const char *query)
{
    assert_true(strlen(query) <= ACA_QUERY_MAX + 1024);
    if (service.calls < CALLS_MAX)
        service.queries[service.calls] = xstrdup(query);
    service.calls++;
}

static bool is_missing(const char *query)
{
    return service.missing[str_starts(query, "ContainerAppConsoleLogs_CL\n") ? ACA_LOG_CUSTOM
                                                                             : ACA_LOG_MONITOR];
}

static int co_canned(void *arg, const char *query, json_t **reply, bool *missing, struct error *err)
{
    (void)arg;
    note_query(query);
    if ((*missing = is_missing(query)))
        return 0;
    size_t i = 0;
    if (!service.answers[0])
        return error_set(err, ERROR_SYSTEM, "no answer");
    while (service.answers[i + 1])
        i++;
    const char *text = service.answers[0];
    if (i > 0)
        memmove(service.answers, service.answers + 1, i * sizeof service.answers[0]);
    if (i > 0)
        service.answers[i] = NULL;
    *reply = json_doc_load_with_nul(text, strlen(text), err);
    if (!*reply)
        fail_msg("%s: %s", err->message, text);
    return 0;
}

static int fixture_setup(void **state)
{
    (void)state;
    memset(&service, 0, sizeof service);
    problem = (struct error){0};
    source = (struct aca_log_source){.co_fetch = co_canned};
    return 0;
}

static int fixture_teardown(void **state)
{
    (void)state;
    forget_queries();
    return 0;
}

/* ---- reading ---- */

static const struct workload run = {.log_ref = REF("sk-a", "sk-a-1")};

/* One page into *page, which the caller releases. */
static void read_page(const struct log_query *query, struct log_page *page)
{
    *page = (struct log_page){0};
    arena_init(&page->arena);
    if (co_aca_log_pages(&source, query, 1, page, &problem))
        fail_msg("%s", problem.message);
}

static void expect_events(const struct log_page *page, const char *const *texts, size_t count)
{
    assert_int_equal(page->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(page->events[i].text, texts[i]);
}

#define COLUMNS(list) "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[" list "],\"rows\":["
#define COLUMN(name) "{\"name\":\"" name "\",\"type\":\"string\"}"
#define USUAL                                                                                      \
    COLUMNS(COLUMN("TimeGenerated") "," COLUMN("Group") "," COLUMN("Log") "," COLUMN("Stream"))
#define END "]}]}"

/* ---- queries ---- */

/* ACA-003, lines 1, 3 and 5. */
TEST_USING(fixture, the_query_of_one_log)
{
    const struct log_query query = {.workload = &run, .since_ns = base_ns + 1234567};
    struct log_page page;
    service.answers[0] = USUAL END;
    read_page(&query, &page);
    arena_fini(&page.arena);
    assert_string_equal(
        service.queries[0],
        "ContainerAppConsoleLogs_CL\n"
        "| project TimeGenerated, Job = ContainerJobName_s, Group = ContainerGroupName_s, "
        "Container = ContainerName_s, Log = Log_s, Stream = column_ifexists(\"Stream_s\", \"\")\n"
        "| where Container == \"main\" and ((Job == \"sk-a\" and Group startswith_cs \"sk-a-1\" "
        "and TimeGenerated >= datetime(2026-01-01T00:00:00.0010000Z)))\n"
        "| top 2000 by TimeGenerated asc\n");
}

TEST_USING(fixture, the_query_of_a_tail)
{
    const struct log_query query = {
        .workload = &run, .backward = true, .limit = 5, .until_ns = base_ns + 1};
    struct log_page page;
    source.table = ACA_LOG_MONITOR;
    source.table_known = true;
    service.answers[0] = USUAL END;
    read_page(&query, &page);
    arena_fini(&page.arena);
    const char *text = service.queries[0];
    assert_true(str_starts(text,
                           "ContainerAppConsoleLogs\n| project TimeGenerated, Job = JobName, "
                           "Group = ContainerGroupName, Container = ContainerName, Log = Log, "
                           "Stream = column_ifexists(\"Stream\", \"\")\n"));
    assert_non_null(strstr(text, "\n| top 5 by TimeGenerated desc\n"));
    /* Rows have later times than what was printed. */
    assert_non_null(strstr(text, "TimeGenerated <= datetime(2026-01-01T00:05:00.0000001Z)"));
}

TEST(quoting_leaves_no_way_out)
{
    AUTO(buf) struct buf out = BUF_INIT;
    static const char hostile[] = "a\"b\\c\n|\r\t\0\x7f\xc3\xa4'";
    query_quote(&out, hostile, sizeof hostile - 1);
    assert_string_equal(out.data, "\"a\\\"b\\\\c\\u000a|\\u000d\\u0009\\u0000\\u007f\xc3\xa4'\"");
}

TEST_USING(fixture, a_log_reference_that_is_none)
{
    static const char *const bad[] = {"x",          REF("a\"b", "e"), REF("j", "e | take 1"),
                                      REF("j", ""), REF("j", "e/f"),  "/jobs/j"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct workload w = {0};
        struct log_page page = {0};
        const struct log_query query = {.workload = &w};
        snprintf(w.log_ref, sizeof w.log_ref, "%s", bad[i]);
        arena_init(&page.arena);
        assert_int_equal(co_aca_log_pages(&source, &query, 1, &page, &problem), -1);
        assert_string_equal(problem.message, "logs: bad log reference");
        arena_fini(&page.arena);
    }
    assert_int_equal(service.calls, 0);
}

/* Many followers, one call; each gets its own lines, also where one's name begins with the other's.
 */
TEST_USING(fixture, one_query_for_many)
{
    const struct workload other = {.log_ref = REF("sk-a", "sk-a-12")}, none = {.log_ref = ""};
    const struct log_query queries[] = {
        {.workload = &run}, {.workload = &other}, {.workload = &none}, {.workload = &run}};
    struct log_page pages[4] = {0};
    service.answers[0] = USUAL "[\"2026-01-01T00:00:01Z\",\"sk-a-1-r2d2c\",\"one\",\"stdout\"],"
                               "[\"2026-01-01T00:00:01Z\",\"sk-a-12-abcde\",\"two\",\"stderr\"],"
                               "[\"2026-01-01T00:00:01Z\",\"sk-a-123-abcde\",\"three\",\"stdout\"],"
                               "[\"2026-01-01T00:00:02Z\",\"sk-a-1\",\"four\",\"\"]" END;
    for (int i = 0; i < 4; i++)
        arena_init(&pages[i].arena);
    assert_int_equal(co_aca_log_pages(&source, queries, 4, pages, &problem), 0);
    assert_int_equal(service.calls, 1);
    static const char *const first[] = {"one", "four"}, *const second[] = {"\001etwo"};
    expect_events(&pages[0], first, 2);
    expect_events(&pages[1], second, 1);
    expect_events(&pages[2], NULL, 0);
    expect_events(&pages[3], first, 2);
    for (int i = 0; i < 4; i++)
        arena_fini(&pages[i].arena);
}

/* ---- rows ---- */

#define LABEL(letter, number)                                                                      \
    "\\\"logging.googleapis.com/labels\\\":{\\\"sockerless/record\\\":\\\"" letter " " number      \
    " 1767225601000000007\\\"}"

/* Line 7; and nanoseconds (line 4), which the table does not have. */
TEST_USING(fixture, rows_by_the_names_of_their_columns)
{
    const struct log_query query = {.workload = &run};
    struct log_page page;
    service
        .answers[0] = COLUMNS(COLUMN("Log") "," COLUMN("X") "," COLUMN("TimeGenerated") "," COLUMN(
        "Group")) "[\"{\\\"message\\\":\\\"a\\\"," LABEL("o",
                                                         "1") "}\",1,\"2026-01-01T00:00:01.1Z\","
                                                              "\"sk-a-1-r\"],"
                                                              "[\"{\\\"message\\\":"
                                                              "\\\"b\\\"," LABEL(
                                                                  "e",
                                                                  "2") "}\",null,\"2026-01-01T00:"
                                                                       "00:01.1Z\","
                                                                       "\"sk-a-1-r\"],"
                                                                       "[\"{\\\"message\\\":"
                                                                       "\\\"mine\\\"}\",true,"
                                                                       "\"2026-01-01T00:00:01.2Z\","
                                                                       "\"sk-a-1-r\"],"
                                                                       "[null,0,\"2026-01-01T00:00:"
                                                                       "01.3Z\",\"sk-a-1-r\"],"
                                                                       "[\"no "
                                                                       "time\",0,null,\"sk-a-1-r\"]"
                                                                       ","
                                                                       "[\"no "
                                                                       "group\",0,\"2026-01-01T00:"
                                                                       "00:01.3Z\",null]" END;
    read_page(&query, &page);
    static const char *const texts[] = {"\001oa", "\001eb", "{\"message\":\"mine\"}", ""};
    expect_events(&page, texts, 4);
    assert_true(page.events[0].timestamp_ns == base_ns + 1000000007);
    assert_true(page.events[2].timestamp_ns == base_ns + 1200 * ms);
    assert_true(page.at_end);
    arena_fini(&page.arena);
}

TEST_USING(fixture, an_answer_without_a_table)
{
    struct log_page page = {0};
    const struct log_query query = {.workload = &run};
    arena_init(&page.arena);
    service.answers[0] = "{\"tables\":[]}";
    assert_int_equal(co_aca_log_pages(&source, &query, 1, &page, &problem), -1);
    assert_non_null(strstr(problem.message, "has no table of lines"));
    arena_fini(&page.arena);
}

/* ---- tables ---- */

TEST_USING(fixture, a_table_that_does_not_exist_is_empty)
{
    const struct log_query query = {.workload = &run};
    struct log_page page;
    service.missing[ACA_LOG_CUSTOM] = service.missing[ACA_LOG_MONITOR] = true;
    read_page(&query, &page);
    assert_int_equal(page.count, 0);
    assert_true(page.at_end);
    arena_fini(&page.arena);
    assert_int_equal(service.calls, 2);
    /* Its first line makes it. */
    service.missing[ACA_LOG_MONITOR] = false;
    service.answers[0] = USUAL "[\"2026-01-01T00:00:01Z\",\"sk-a-1-r\",\"one\",\"\"]" END;
    read_page(&query, &page);
    assert_int_equal(page.count, 1);
    arena_fini(&page.arena);
    assert_int_equal(service.calls, 4);
    read_page(&query, &page); /* known from now on */
    arena_fini(&page.arena);
    assert_int_equal(service.calls, 5);
    assert_true(str_starts(service.queries[4], "ContainerAppConsoleLogs\n"));
}

/* ---- partial results ---- */

#define PARTIAL                                                                                    \
    "]}],\"error\":{\"code\":\"PartialError\",\"message\":\"There were some errors\","             \
    "\"innererror\":{\"code\":\"-2133196797\",\"message\":\"The query hit its limits\"}}}"

TEST_USING(fixture, a_partial_result_is_read_on)
{
    const struct log_query query = {.workload = &run};
    struct log_page page;
    service.answers[0] = USUAL "[\"2026-01-01T00:00:01Z\",\"sk-a-1-r\",\"one\",\"\"]" PARTIAL;
    read_page(&query, &page);
    static const char *const first[] = {"one"}, *const rest[] = {"two"};
    expect_events(&page, first, 1);
    assert_false(page.at_end);
    service.answers[0] = USUAL "[\"2026-01-01T00:00:01Z\",\"sk-a-1-r\",\"one\",\"\"],"
                               "[\"2026-01-01T00:00:02Z\",\"sk-a-1-r\",\"two\",\"\"]" END;
    AUTO_FREE char *token = xstrdup(page.next_token);
    arena_fini(&page.arena);
    read_page(&(struct log_query){.workload = &run, .token = token}, &page);
    expect_events(&page, rest, 1);
    assert_true(page.at_end);
    arena_fini(&page.arena);
}

TEST_USING(fixture, a_partial_result_of_nothing_is_a_failure)
{
    struct log_page page = {0};
    const struct log_query query = {.workload = &run};
    arena_init(&page.arena);
    service.answers[0] = USUAL PARTIAL;
    assert_int_equal(co_aca_log_pages(&source, &query, 1, &page, &problem), -1);
    assert_string_equal(problem.message, "log analytics: query: PartialError: There were some "
                                         "errors: The query hit its limits");
    arena_fini(&page.arena);
}

/* The first record is missing, and the service has nothing further: it is not asked without end. */
TEST_USING(fixture, a_part_that_stays_the_same_is_a_failure)
{
    struct log_page page = {0};
    const struct log_query query = {.workload = &run};
    arena_init(&page.arena);
    service.answers[0] =
        USUAL "[\"2026-01-01T00:00:01Z\",\"sk-a-1-r\",\"{\\\"message\\\":\\\"b\\\"," LABEL(
            "o", "2") "}\",\"\"]" PARTIAL;
    assert_int_equal(co_aca_log_pages(&source, &query, 1, &page, &problem), -1);
    assert_string_equal(problem.message, "logs: a page of the log is followed by itself");
    arena_fini(&page.arena);
}

/* ---- a bad service ---- */

struct record {
    int64_t exact_ns, cut_ns;
    uint64_t number, shuffle;
    bool hidden;
};
static struct record records[RECORDS];
static struct record *rising[RECORDS];
static size_t record_count;

static int by_time(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    int time = (x->cut_ns > y->cut_ns) - (x->cut_ns < y->cut_ns);
    return time ? time : (x->shuffle > y->shuffle) - (x->shuffle < y->shuffle);
}

static void print_records(size_t count)
{
    int64_t ns = base_ns;
    srand(7);
    record_count = count;
    for (size_t i = 0; i < count; i++) {
        bool crowd = i >= CROWD_BEGIN && i < CROWD_BEGIN + CROWD_LEN;
        ns += crowd ? 1 : 1 + rand() % 40000;
        records[i] = (struct record){.exact_ns = ns,
                                     .cut_ns = ns - ns % ms,
                                     .number = i + 1,
                                     .shuffle = (i + 1) * 0x9e3779b97f4a7c15u};
        rising[i] = &records[i];
    }
    qsort(rising, count, sizeof *rising, by_time);
}

/* The strictest of the bounds: all of one log are joined by "and". */
static int64_t bound_of(const char *query, const char *comparison, int64_t otherwise, bool most)
{
    int64_t found = otherwise, ns;
    char when[40];
    for (const char *at = query; (at = strstr(at, comparison)); at++) {
        assert_int_equal(sscanf(at + strlen(comparison), " datetime(%39[^)])", when), 1);
        assert_true(timefmt_parse_rfc3339(when, &ns));
        found = most == (ns > found) ? ns : found;
    }
    return found;
}

static json_t *row_of(const struct record *r)
{
    char when[TIMEFMT_RFC3339_MAX], label[LOG_LABEL_MAX];
    const struct log_label parts = {r->number == record_count ? 'x' : 'o', r->number, r->exact_ns};
    AUTO_FREE char *line = xasprintf("{\"message\":\"%" PRIu64 "\",\"" LOG_LABEL_FIELD
                                     "\":{\"" LOG_LABEL_KEY "\":\"%s\"}}",
                                     r->number, log_label_format(&parts, label));
    return json_pack("[s,s,s,s]", timefmt_rfc3339nano(r->cut_ns, when), "sk-a-1-r2d2c", line,
                     "stdout");
}

static int co_bad_service(void *arg, const char *query, json_t **reply, bool *missing,
                          struct error *err)
{
    int64_t from = bound_of(query, "TimeGenerated >=", 0, true);
    int64_t to = bound_of(query, "TimeGenerated <=", INT64_MAX, false);
    const char *top = strstr(query, "| top ");
    bool falling = strstr(query, "TimeGenerated desc") != NULL;
    json_t *rows = json_array();
    (void)arg, (void)err;
    *missing = false;
    service.calls++;
    size_t limit = (size_t)atoi(top + strlen("| top "));
    for (size_t i = 0; i < record_count && json_array_size(rows) < limit; i++) {
        const struct record *r = rising[falling ? record_count - 1 - i : i];
        if (!r->hidden && r->cut_ns >= from && r->cut_ns <= to)
            json_array_append_new(rows, row_of(r));
    }
    *reply =
        json_pack("{s:[{s:[{s:s},{s:s},{s:s},{s:s}],s:o}]}", "tables", "columns", "name",
                  "TimeGenerated", "name", "Group", "name", "Log", "name", "Stream", "rows", rows);
    return 0;
}

static char *take_token(char *old, const struct log_page *page)
{
    char *token = page->next_token ? xstrdup(page->next_token) : NULL;
    free(old);
    return token;
}

/* Forward from the token until the end; every record must be the next one. Returns the last. */
static uint64_t read_on(char **token, uint64_t last)
{
    for (int i = 0; i < READS_MAX; i++) {
        struct log_page page;
        read_page(&(struct log_query){.workload = &run, .token = *token}, &page);
        for (size_t k = 0; k < page.count; k++) {
            uint64_t number = strtoull(page.events[k].text + 2, NULL, 10);
            if (number != last + 1)
                fail_msg("%" PRIu64 " follows %" PRIu64, number, last);
            last = number;
        }
        bool end = page.at_end;
        *token = take_token(*token, &page);
        arena_fini(&page.arena);
        if (end)
            return last;
    }
    fail_msg("the log has no end");
    return 0;
}

/* 100,000 lines, thousands of one time. */
TEST_USING(fixture, each_record_once_and_in_order)
{
    char *token = NULL;
    source.co_fetch = co_bad_service;
    print_records(RECORDS);
    assert_int_equal(read_on(&token, 0), RECORDS);
    assert_in_range(service.calls, 1, 3 * RECORDS / ACA_LOG_PAGE);
    assert_int_equal(read_on(&token, RECORDS), RECORDS);
    free(token);
}

/* What arrives late, between others of the same times, is waited for and comes in its place. */
TEST_USING(fixture, late_arrivals_come_in_their_places)
{
    char *token = NULL;
    source.co_fetch = co_bad_service;
    print_records(3000);
    int64_t shift = time_now_ns() - base_ns;
    for (size_t i = 0; i < record_count; i++) { /* now: what is old is not waited for */
        records[i].exact_ns += shift;
        records[i].cut_ns = records[i].exact_ns - records[i].exact_ns % ms;
        records[i].hidden = (i >= 1000 && i < 1500) || i % 7 == 3;
    }
    assert_int_equal(read_on(&token, 0), 3);
    for (size_t i = 0; i < record_count; i++)
        records[i].hidden = i >= 1000 && i < 1500;
    assert_int_equal(read_on(&token, 3), 1000);
    for (size_t i = 0; i < record_count; i++)
        records[i].hidden = false;
    assert_int_equal(read_on(&token, 1000), 3000);
    free(token);
}

/* Line 3: the newest, and from there on towards the beginning. */
TEST_USING(fixture, backward_from_the_newest)
{
    uint64_t next = 0;
    char *token = NULL;
    bool end = false;
    source.co_fetch = co_bad_service;
    print_records(12000);
    next = record_count + 1;
    for (int i = 0; !end && i < READS_MAX; i++) {
        struct log_page page;
        read_page(
            &(struct log_query){
                .workload = &run, .token = token, .backward = true, .limit = i ? 0 : 10},
            &page);
        for (size_t k = page.count; k-- > 0;) {
            uint64_t number = strtoull(page.events[k].text + 2, NULL, 10);
            if (number != next - 1)
                fail_msg("%" PRIu64 " precedes %" PRIu64, number, next);
            next = number;
        }
        end = page.at_end;
        token = take_token(token, &page);
        arena_fini(&page.arena);
    }
    assert_int_equal(next, 1);
    free(token);
}
