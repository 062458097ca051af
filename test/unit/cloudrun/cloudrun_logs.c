/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading logs from Cloud Logging: the filter as it is sent, quoting, cursors that neither lose nor
 * repeat at equal timestamps or with late and doubled entries, the tail, many followers with one
 * call.
 */
#include "backend-cloudrun/cloudrun_cursor.h"
#include "backend-cloudrun/cloudrun_entry.h"
#include "backend-cloudrun/cloudrun_filter.h"
#include "backend-cloudrun/cloudrun_logs.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

#define REF(n) "projects/p-1/locations/r-1/jobs/job-" n "/executions/job-" n "-x"

enum { LOG_MAX = 4096, PAGES_MAX_HERE = 300 };

static const int64_t second = 1000000000;
static const int64_t epoch = 1700000000 * (int64_t)1000000000;

/* A log service of our own: entries in the order of their arrival; it understands of a filter the
 * times and names that our parts have, no more. */
struct line {
    int64_t ns;
    int id, job;
    const char *text;
};
static struct line lines[LOG_MAX];
static size_t line_count;
static int calls, page_limit;
static char last_filter[CLOUDRUN_FILTER_MAX + 1];
static size_t longest_filter;
static int too_large_above;
static bool ids_ascend; /* newest first, too, those of one time */

static struct cloudrun_config config = {.project = "p-1", .region = "r-1", .log_id = "sockerless"};

static void say(int job, int64_t ns, int id, const char *text)
{
    lines[line_count++] = (struct line){.ns = epoch + ns, .id = id, .job = job, .text = text};
}

static int by_time_and_id(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->id - y->id;
}

static int newest_first(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return x->ns == y->ns && ids_ascend ? x->id - y->id : by_time_and_id(b, a);
}

static bool has_time(const char *part, const char *comparison, int64_t *ns)
{
    char mark[32];
    const char *end = strchr(part, ')');
    snprintf(mark, sizeof mark, "timestamp%s\"", comparison);
    const char *found = strstr(part, mark);
    if (!found || found > end)
        return false;
    AUTO_FREE char *when = xstrndup(found + strlen(mark), strcspn(found + strlen(mark), "\""));
    return timefmt_parse_rfc3339(when, ns);
}

static bool matches(const char *filter, const struct line *line)
{
    char name[64];
    int64_t from, to;
    snprintf(name, sizeof name, "job_name=\"job-%d\"", line->job);
    for (const char *part = strstr(filter, name); part; part = strstr(part + 1, name)) {
        assert_true(has_time(part, ">=", &from));
        if (line->ns >= from && (!has_time(part, "<=", &to) || line->ns <= to))
            return true;
    }
    return false;
}

static json_t *entry_of(const struct line *line)
{
    char when[TIMEFMT_RFC3339_MAX], job[32], execution[40], id[16];
    snprintf(job, sizeof job, "job-%d", line->job);
    snprintf(execution, sizeof execution, "job-%d-x", line->job);
    snprintf(id, sizeof id, "i%06d", line->id);
    timefmt_rfc3339nano(line->ns, when);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:{s:s}}, s:{s:s}}", "insertId", id, "timestamp",
                     when, "textPayload", line->text, "logName", "projects/p-1/logs/x", "resource",
                     "labels", "job_name", job, "labels", "run.googleapis.com/execution_name",
                     execution);
}

/* Not a coroutine here: nothing suspends. */
static int co_fake_fetch(void *arg, const struct cloudrun_log_request *request, json_t **reply,
                         struct error *err)
{
    static struct line sorted[LOG_MAX];
    size_t n = 0, size = (size_t)request->page_size;
    int64_t skip = 0;
    (void)arg;
    calls++;
    if (too_large_above && request->page_size > too_large_above)
        return error_set(err, ERROR_TOO_LARGE, "too large");
    if (page_limit && size > (size_t)page_limit)
        size = (size_t)page_limit;
    snprintf(last_filter, sizeof last_filter, "%s", request->filter);
    if (strlen(request->filter) > longest_filter)
        longest_filter = strlen(request->filter);
    for (size_t i = 0; i < line_count; i++)
        if (matches(request->filter, &lines[i]))
            sorted[n++] = lines[i];
    qsort(sorted, n, sizeof *sorted, request->newest_first ? newest_first : by_time_and_id);
    if (request->page_token)
        assert_true(str_to_i64(request->page_token, &skip));
    json_t *entries = json_array();
    for (size_t i = (size_t)skip; i < n && i < (size_t)skip + size; i++)
        json_array_append_new(entries, entry_of(&sorted[i]));
    *reply = json_pack("{s:o}", "entries", entries);
    if ((size_t)skip + size < n) {
        char token[24];
        snprintf(token, sizeof token, "%zu", (size_t)skip + size);
        json_object_set_new(*reply, "nextPageToken", json_string(token));
    }
    return 0;
}

static const struct cloudrun_log_source source = {.config = &config, .co_fetch = co_fake_fetch};

static int setup(void **state)
{
    (void)state;
    line_count = longest_filter = 0;
    calls = page_limit = too_large_above = 0;
    ids_ascend = false;
    return 0;
}

/* One reader with its token and what it has read. */
struct reader {
    struct workload workload;
    char *token;
    bool backward, at_end;
    int64_t since_ns, until_ns;
    char got[32768];
};

static struct reader reader_of(int job)
{
    struct reader r = {.since_ns = epoch};
    snprintf(r.workload.log_ref, sizeof r.workload.log_ref,
             "projects/p-1/locations/r-1/jobs/job-%d/executions/job-%d-x", job, job);
    return r;
}

static void read_all(struct reader **readers, size_t count)
{
    static struct log_query queries[PAGES_MAX_HERE];
    static struct log_page pages[PAGES_MAX_HERE];
    struct error err = {0};
    for (size_t i = 0; i < count; i++) {
        queries[i] = (struct log_query){.workload = &readers[i]->workload,
                                        .token = readers[i]->token,
                                        .backward = readers[i]->backward,
                                        .since_ns = readers[i]->since_ns,
                                        .until_ns = readers[i]->until_ns};
        memset(&pages[i], 0, sizeof pages[i]);
        arena_init(&pages[i].arena);
    }
    if (co_cloudrun_log_pages(&source, queries, count, pages, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < count; i++) {
        struct reader *r = readers[i];
        for (size_t k = 0; k < pages[i].count; k++) {
            size_t len = strlen(r->got);
            snprintf(r->got + len, sizeof r->got - len, "%s ", pages[i].events[k].text);
        }
        free(r->token);
        r->token = pages[i].next_token ? xstrdup(pages[i].next_token) : NULL;
        r->at_end = pages[i].at_end;
        if (r->backward && pages[i].forward_token) { /* go on forward from here */
            free(r->token);
            r->token = xstrdup(pages[i].forward_token);
            r->backward = false;
        }
        arena_fini(&pages[i].arena);
    }
}

static void read_one(struct reader *r)
{
    read_all(&r, 1);
}

static void expect(struct reader *r, const char *text)
{
    assert_string_equal(r->got, text);
    r->got[0] = '\0';
}

/* ---- filter ---- */

TEST_CASE(values_are_quoted, setup, NULL)
{
    AUTO(buf) struct buf out = BUF_INIT;
    const char text[] = "a\" OR \\ \n x";
    filter_quote(&out, text, sizeof text - 1);
    assert_string_equal(out.data, "\"a\\\" OR \\\\ \\u000a x\"");
}

TEST_CASE(the_filter_as_it_is_sent, setup, NULL)
{
    struct reader r = reader_of(1);
    read_one(&r);
    assert_string_equal(
        last_filter,
        "resource.type=\"cloud_run_job\" AND resource.labels.location=\"r-1\" AND "
        "(logName=\"projects/p-1/logs/run.googleapis.com%2Fstdout\" OR "
        "logName=\"projects/p-1/logs/run.googleapis.com%2Fstderr\" OR "
        "logName=\"projects/p-1/logs/sockerless\") AND ((resource.labels.job_name=\"job-1\" AND "
        "labels.\"run.googleapis.com/execution_name\"=\"job-1-x\" AND "
        "timestamp>=\"2023-11-14T22:13:20.000000000Z\"))");
    free(r.token);
}

TEST_CASE(bad_references_are_refused, setup, NULL)
{
    static const char *const refs[] = {"x", "projects/p/locations/l/jobs/j",
                                       "projects/p/locations/l/jobs/j\"/executions/e",
                                       "projects/p/locations/l/jobs/j/executions/e/f"};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
        struct workload w = {0};
        struct log_page page = {0};
        struct log_query query = {.workload = &w};
        arena_init(&page.arena);
        strcpy(w.log_ref, refs[i]);
        assert_int_equal(co_cloudrun_log_pages(&source, &query, 1, &page, &err), -1);
        strcpy(w.log_ref, REF("1"));
        query.token = "F 12 nonsense";
        assert_int_equal(co_cloudrun_log_pages(&source, &query, 1, &page, &err), -1);
        arena_fini(&page.arena);
    }
    assert_int_equal(calls, 0);
}

/* ---- following ---- */

TEST_CASE(nothing_is_lost_or_repeated_at_one_time, setup, NULL)
{
    struct reader r = reader_of(1);
    say(1, 0, 5, "a");
    say(1, 0, 7, "b");
    read_one(&r);
    expect(&r, "a b ");
    say(1, 0, 3, "c"); /* the same instant, and before the others */
    say(1, 0, 9, "d");
    say(1, 0, 9, "d"); /* taken in twice */
    read_one(&r);
    expect(&r, "c d ");
    read_one(&r);
    expect(&r, "");
    free(r.token);
}

/* More of one time than a cursor tells apart, and than a page holds. */
TEST_CASE(a_crowd_at_one_time_comes_whole, setup, NULL)
{
    struct reader r = reader_of(1);
    say(1, 1, 0, "a");
    for (int i = 1; i < 3000; i++)
        say(1, second, i, "x");
    say(1, 2 * second, 0, "z");
    for (int reads = 0; !r.at_end && reads < 10; reads++)
        read_one(&r);
    assert_true(r.at_end);
    assert_int_equal(strlen(r.got), 3001 * 2);
    assert_string_equal(r.got + strlen(r.got) - 4, "x z ");
    free(r.token);
}

TEST_CASE(late_entries_come_late_but_come, setup, NULL)
{
    struct reader r = reader_of(1);
    say(1, 20 * second, 1, "new");
    read_one(&r);
    say(1, 15 * second, 2, "late");
    say(1, 5 * second, 3, "too-late");
    say(1, 21 * second, 4, "newer");
    read_one(&r);
    expect(&r, "new late newer ");
    free(r.token);
}

TEST_CASE(pages_go_on_where_they_ended, setup, NULL)
{
    struct reader r = reader_of(1);
    page_limit = 2;
    for (int i = 0; i < 60; i++)
        say(1, i / 5 * second / 10, 100 - i, "x");
    for (int reads = 0; !r.at_end && reads < 100; reads++)
        read_one(&r);
    assert_true(r.at_end);
    assert_int_equal(strlen(r.got), 120);
    read_one(&r);
    assert_int_equal(strlen(r.got), 120);
    free(r.token);
}

TEST_CASE(large_entries_come_in_smaller_pages, setup, NULL)
{
    struct reader r = reader_of(1);
    too_large_above = 1;
    say(1, 1, 1, "a");
    say(1, 2, 2, "b");
    for (int i = 0; i < 5; i++)
        read_one(&r);
    expect(&r, "a b ");
    free(r.token);
}

/* ---- tail ---- */

TEST_CASE(the_tail_and_what_follows, setup, NULL)
{
    struct reader r = reader_of(1);
    page_limit = 4; /* the last of them may have namesakes that are not in the page */
    for (int i = 0; i < 6; i++)
        say(1, i * second, i, (const char *[]){"0", "1", "2", "3", "4", "5"}[i]);
    r.backward = true;
    read_one(&r);
    expect(&r, "3 4 5 ");
    say(1, 5 * second, 9, "6");
    read_one(&r);
    expect(&r, "6 ");
    free(r.token);
}

/* What is read backward is in the order in which it is read forward. */
TEST_CASE(one_time_has_one_order, setup, NULL)
{
    for (int turn = 0; turn < 2; turn++) {
        struct reader forward = reader_of(1), backward = reader_of(1);
        setup(NULL);
        ids_ascend = turn;
        backward.backward = true;
        for (int i = 0; i < 6; i++)
            say(1, i / 3 * second, 10 - i, (const char *[]){"2", "1", "0", "5", "4", "3"}[i]);
        read_one(&forward);
        read_one(&backward);
        expect(&forward, "0 1 2 3 4 5 ");
        expect(&backward, "0 1 2 3 4 5 ");
        free(forward.token);
        free(backward.token);
    }
}

static size_t largest_page;

/* Seven entries, three at a time of one instant, from the newest on. */
static void expect_backward(int limit)
{
    struct workload w = {0};
    char got[256] = "";
    AUTO_FREE char *token = NULL;
    strcpy(w.log_ref, REF("1"));
    largest_page = 0;
    for (bool at_end = false; !at_end;) {
        struct error err;
        struct log_page page = {0};
        struct log_query query = {.workload = &w, .token = token, .backward = true, .limit = limit};
        arena_init(&page.arena);
        assert_int_equal(co_cloudrun_log_pages(&source, &query, 1, &page, &err), 0);
        for (size_t i = page.count; i-- > 0;)
            strcat(got, page.events[i].text);
        if (page.count > largest_page)
            largest_page = page.count;
        at_end = page.at_end;
        free(token);
        token = page.next_token ? xstrdup(page.next_token) : NULL;
        arena_fini(&page.arena);
    }
    assert_string_equal(got, "6543210");
}

TEST_CASE(backward_to_the_beginning, setup, NULL)
{
    for (int i = 0; i < 7; i++)
        say(1, i / 3 * second, i, (const char *[]){"0", "1", "2", "3", "4", "5", "6"}[i]);
    page_limit = 2; /* the service's */
    expect_backward(0);
    page_limit = 0; /* ours */
    expect_backward(0);
    assert_int_equal(largest_page, 7);
    for (int limit = 1; limit <= 8; limit++) {
        expect_backward(limit);
        assert_in_range(largest_page, 1, limit + 3); /* three of one time stay together */
    }
    ids_ascend = true; /* a page that ends within a time has the wrong ones of it */
    for (int limit = 1; limit <= 8; limit++)
        expect_backward(limit);
    for (page_limit = 1; page_limit <= 8; page_limit++)
        expect_backward(0);
}

/* ---- many ---- */

TEST_CASE(many_followers_share_calls, setup, NULL)
{
    static struct reader readers[100];
    struct reader *list[100];
    for (int i = 0; i < 100; i++) {
        readers[i] = reader_of(i + 100);
        list[i] = &readers[i];
        say(i + 100, i, i, "x");
    }
    read_all(list, 100);
    assert_in_range(calls, 1, 2);
    assert_in_range(longest_filter, 1000, CLOUDRUN_FILTER_MAX);
    print_message("100 followed containers: %d calls of entries.list a round\n", calls);
    read_all(list, 100);
    for (int i = 0; i < 100; i++) {
        expect(&readers[i], "x ");
        free(readers[i].token);
    }
}

static void say_numbers(int from, int to)
{
    static char texts[LOG_MAX][8];
    for (int i = from; i < to; i++) {
        snprintf(texts[i], sizeof texts[i], "%d", i);
        say(1, i * second / 100, i, texts[i]);
    }
}

/* The numbers that a reader of job 1 got, each once and in order; empties it. */
static void expect_numbers(struct reader *r, int from, int to)
{
    char *at = r->got;
    for (int i = from; i < to; i++)
        assert_int_equal(strtol(at, &at, 10), i);
    assert_string_equal(at, to > from ? " " : "");
    r->got[0] = '\0';
}

static size_t count_parts(void)
{
    size_t count = 0;
    for (const char *at = last_filter; (at = strstr(at, "job_name=")); at++)
        count++;
    return count;
}

/* As the log hub does it: who is at the end is not asked for before the others are. */
static void read_to_the_end(struct reader **readers, size_t count)
{
    struct reader *list[16];
    size_t n = count;
    memcpy(list, readers, count * sizeof *list);
    for (int rounds = 0; n && rounds < 500; rounds++) {
        size_t left = 0;
        read_all(list, n);
        for (size_t i = 0; i < n; i++)
            if (!list[i]->at_end)
                list[left++] = list[i];
        n = left;
    }
    assert_int_equal(n, 0);
}

/* Three cursors in one log, and another log between them: each gets what is behind its own cursor,
 * and together they cost little more than the one that is furthest back costs alone. */
TEST_CASE(followers_of_one_log_have_their_own_cursors, setup, NULL)
{
    struct reader early = reader_of(1), other = reader_of(2), middle = reader_of(1),
                  late = reader_of(1), alone = reader_of(1), *lonely = &alone;
    struct reader *list[] = {&early, &other, &middle, &late};
    say_numbers(0, 2500);
    say(2, 1, 5000, "other");
    middle.since_ns = epoch + 1500 * second / 100;
    late.since_ns = epoch + 2400 * second / 100;
    read_to_the_end(&lonely, 1);
    int most = calls + 2;
    calls = 0;
    read_to_the_end(list, ARRAY_LEN(list));
    assert_in_range(calls, 1, most);
    expect(&other, "other ");
    expect_numbers(&early, 0, 2500);
    expect_numbers(&middle, 1500, 2500);
    expect_numbers(&late, 2400, 2500);
    say_numbers(2500, 2510);
    calls = 0;
    read_all(list, ARRAY_LEN(list));
    assert_int_equal(calls, 1);
    assert_int_equal(count_parts(), 2); /* a part for each log */
    expect_numbers(&early, 2500, 2510);
    expect_numbers(&middle, 2500, 2510);
    expect_numbers(&late, 2500, 2510);
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        free(list[i]->token);
    free(alone.token);
}

/* Reading a long log from its beginning keeps nobody from what is new in another. */
TEST_CASE(a_reader_far_behind_delays_nobody, setup, NULL)
{
    struct reader behind = reader_of(1), other = reader_of(2);
    struct reader *list[] = {&behind, &other};
    for (int i = 0; i < 600; i++) /* more than a window has, when two logs share it */
        say(2, 200 * second + i, 5000 + i, "a");
    read_one(&other);
    other.got[0] = '\0';
    say_numbers(0, 3000);
    say(2, 201 * second, 6000, "b");
    calls = 0;
    read_all(list, ARRAY_LEN(list));
    expect(&other, "b ");
    assert_true(other.at_end && !behind.at_end);
    assert_int_equal(calls, 2);
    while (!behind.at_end && calls < 20)
        read_one(&behind);
    expect_numbers(&behind, 0, 3000);
    calls = 0;
    read_all(list, ARRAY_LEN(list));
    assert_int_equal(calls, 1); /* both at their end */
    free(behind.token);
    free(other.token);
}

/* Nor does a log that grows faster than it is read, however long ago the other one's last line is.
 */
TEST_CASE(a_flood_delays_nobody, setup, NULL)
{
    struct reader flood = reader_of(1), other = reader_of(2);
    struct reader *list[] = {&flood, &other};
    say(2, 0, 5000, "a");
    read_all(list, ARRAY_LEN(list));
    expect(&other, "a ");
    say_numbers(100, 3900);
    say(2, 60 * second, 5001, "b");
    calls = 0;
    read_all(list, ARRAY_LEN(list));
    expect(&other, "b ");
    assert_true(other.at_end && !flood.at_end);
    assert_int_equal(calls, 2);
    while (!flood.at_end && calls < 20)
        read_one(&flood);
    expect_numbers(&flood, 100, 3900);
    free(flood.token);
    free(other.token);
}

/* A query's own end holds, though another query of the log has none. */
TEST_CASE(parts_of_one_log_have_their_own_ends, setup, NULL)
{
    struct reader whole = reader_of(1), head = reader_of(1);
    struct reader *list[] = {&head, &whole};
    say_numbers(0, 100);
    head.until_ns = epoch + 9 * second / 100;
    read_all(list, ARRAY_LEN(list));
    expect_numbers(&whole, 0, 100);
    expect_numbers(&head, 0, 10);
    free(whole.token);
    free(head.token);
}

/* Time goes on, or not, and some logs get lines. */
static void say_random(int64_t *now, int64_t step_ns, int jobs)
{
    static char texts[LOG_MAX][8];
    for (int n = rand() % 120; n > 0 && line_count < LOG_MAX; n--) {
        snprintf(texts[line_count], sizeof texts[0], "%zu", line_count);
        *now += rand() % 4 * step_ns;
        say(1 + rand() % jobs, *now, (int)line_count, texts[line_count]);
    }
}

static void expect_all(struct reader *r, int job)
{
    AUTO(buf) struct buf wanted = BUF_INIT;
    buf_puts(&wanted, "");
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].job == job && lines[i].ns >= r->since_ns)
            buf_printf(&wanted, "%s ", lines[i].text);
    expect(r, wanted.data);
}

/* Readers of a few logs, from different times on, some of them asked in each round: each gets every
 * line once and in order. */
TEST_CASE(any_readers_in_any_rounds, setup, NULL)
{
    enum { READERS = 12, JOBS = 5 };
    static struct reader readers[READERS];
    struct reader *asked[READERS];
    for (unsigned seed = 1; seed <= 4; seed++) {
        int64_t now = 0, step_ns = seed % 2 ? second / 1000 : second / 10;
        setup(state);
        srand(seed);
        page_limit = (int[]){0, 0, 300}[seed % 3];
        for (int i = 0; i < READERS; i++) {
            readers[i] = reader_of(1 + i % JOBS);
            readers[i].since_ns = epoch + rand() % 2000 * step_ns;
        }
        for (int round = 0; round < 60; round++) {
            size_t n = 0;
            say_random(&now, step_ns, JOBS);
            for (int i = 0; i < READERS; i++)
                if (rand() % (1 + i * i) == 0)
                    asked[n++] = &readers[i];
            read_all(asked, n);
        }
        for (int i = 0; i < READERS; i++)
            asked[i] = &readers[i];
        read_to_the_end(asked, READERS);
        for (int i = 0; i < READERS; i++) {
            expect_all(&readers[i], 1 + i % JOBS);
            free(readers[i].token);
        }
    }
}

/* ---- entries ---- */

TEST_CASE(entries_become_lines, setup, NULL)
{
    static const struct {
        const char *entry, *text;
    } cases[] = {
        {"\"textPayload\":\"plain\\n\"", "plain"},
        {"\"textPayload\":\"oops\",\"severity\":\"ERROR\"", "\001eoops"},
        {"\"textPayload\":\"x\",\"logName\":\"projects/p/logs/run.googleapis.com%2Fstderr\"",
         "\001ex"},
        {"\"textPayload\":\"\\u0001o\",\"severity\":\"ALERT\"", "\001e\001o"},
        {"\"jsonPayload\":{\"b\":[1,2],\"a\":\"\\n\"},\"severity\":\"INFO\"",
         "{\"b\":[1,2],\"a\":\"\\n\"}"},
        {"\"jsonPayload\":{\"x\":0.1,\"n\":-1.5e-7,\"i\":3.0,\"p\":3.1415926535897931,"
         "\"t\":[true,false,null,{}],\"\\u00e9\":\"\\\"\"}",
         "{\"x\":0.1,\"n\":-1.5e-07,\"i\":3,\"p\":3.141592653589793,"
         "\"t\":[true,false,null,{}],\"\xc3\xa9\":\"\\\"\"}"},
        {"\"jsonPayload\":{\"id\":12345678901234567890}", "{\"id\":1.2345678901234567e+19}"},
        {"\"jsonPayload\":{\"a\\u0000b\":1}", "{\"a\xef\xbf\xbd"
                                              "b\":1}"},
        {"\"jsonPayload\":{\"v\":\"a\\u0000\\\\\",\"\\\\\\u0000\" :2}",
         "{\"v\":\"a\\u0000\\\\\",\"\\\\\xef\xbf\xbd\":2}"},
        {"\"severity\":\"INFO\"", ""},
        {"\"severity\":\"ERROR\"", "\001e"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(arena) struct arena arena;
        struct cloudrun_entry entry;
        struct log_event event;
        AUTO_FREE char *text =
            xasprintf("{\"timestamp\":\"2026-01-01T00:00:00.5Z\",%s}", cases[i].entry);
        struct error err;
        json_t *doc AUTO(json) = json_doc_load_with_nul(text, strlen(text), &err);
        arena_init(&arena);
        assert_true(cloudrun_entry_read(doc, &entry));
        cloudrun_entry_event(doc, &entry, &arena, &event);
        assert_string_equal(event.text, cases[i].text);
        assert_int_equal(event.len, strlen(cases[i].text));
    }
    json_t *audit AUTO(json) =
        json_loads("{\"timestamp\":\"2026-01-01T00:00:00Z\",\"protoPayload\":{}}", 0, NULL);
    struct cloudrun_entry ignored;
    assert_false(cloudrun_entry_read(audit, &ignored));
}

/* One line that is nested too deep does not hide the others of its page. */
TEST_CASE(deep_payloads_are_cut, setup, NULL)
{
    AUTO(buf) struct buf text = BUF_INIT;
    struct error err;
    buf_puts(&text, "{\"entries\":[{\"jsonPayload\":");
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, "{\"a\":");
    buf_puts(&text, "\"}]\"");
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, "}");
    buf_puts(&text, "},{\"textPayload\":\"next\"}]}");
    json_t *doc AUTO(json) = json_doc_load_with_nul(text.data, text.len, &err);
    if (!doc)
        fail_msg("%s", err.message);
    const json_t *entries = json_object_get(doc, "entries");
    assert_int_equal(json_array_size(entries), 2);
    assert_string_equal(json_doc_string(json_array_get(entries, 1), "textPayload"), "next");
    assert_null(json_doc_load_with_nul("{\"a\":1", 6, &err));
}
