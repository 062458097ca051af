/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading logs from Cloud Logging: the filter as it is sent, quoting, cursors that neither lose nor
 * repeat at equal timestamps or with late and doubled entries, the tail, many followers with one
 * call.
 */
#include "cloud/gcp/gcp_log_entry.h"

#include "base/alloc.h"
#include "cloud/query_quote.h"
#include "json/json_doc.h"
#include "test/kit/log_service.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

#define REF(n) "projects/p-1/locations/r-1/jobs/job-" n "/executions/job-" n "-x"

TEST_RIG(service, log_service_reset(), (void)state);

/* ---- filter ---- */

TEST_USING(service, values_are_quoted)
{
    AUTO(buf) struct buf out = BUF_INIT;
    const char text[] = "a\" OR \\ \n x";
    query_quote(&out, text, sizeof text - 1);
    assert_string_equal(out.data, "\"a\\\" OR \\\\ \\u000a x\"");
}

TEST_USING(service, the_filter_as_it_is_sent)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service_read(&r);
    assert_string_equal(
        log_service.last_filter,
        "resource.type=\"cloud_run_job\" AND resource.labels.location=\"r-1\" AND "
        "(logName=\"projects/p-1/logs/run.googleapis.com%2Fstdout\" OR "
        "logName=\"projects/p-1/logs/run.googleapis.com%2Fstderr\" OR "
        "logName=\"projects/p-1/logs/sockerless\") AND ((resource.labels.job_name=\"job-1\" AND "
        "labels.\"run.googleapis.com/execution_name\"=\"job-1-x\" AND "
        "timestamp>=\"2023-11-14T22:13:20.000000000Z\"))");
    free(r.token);
}

TEST_USING(service, bad_references_are_refused)
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
        assert_int_equal(co_gcp_log_pages(&log_service_source, &query, 1, &page, &err), -1);
        strcpy(w.log_ref, REF("1"));
        query.token = "F 12 nonsense";
        assert_int_equal(co_gcp_log_pages(&log_service_source, &query, 1, &page, &err), -1);
        arena_fini(&page.arena);
    }
    assert_int_equal(log_service.calls, 0);
}

/* ---- following ---- */

TEST_USING(service, nothing_is_lost_or_repeated_at_one_time)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service_say(1, 0, 5, "a");
    log_service_say(1, 0, 7, "b");
    log_service_read_expect(&r, "a b ");
    log_service_say(1, 0, 3, "c"); /* the same instant, and before the others */
    log_service_say(1, 0, 9, "d");
    log_service_say(1, 0, 9, "d"); /* taken in twice */
    log_service_read_expect(&r, "c d ");
    log_service_read_expect(&r, "");
    free(r.token);
}

/* More of one time than a cursor tells apart, and than a page holds. */
TEST_USING(service, a_crowd_at_one_time_comes_whole)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service_say(1, 1, 0, "a");
    for (int i = 1; i < 3000; i++)
        log_service_say(1, log_service_second, i, "x");
    log_service_say(1, 2 * log_service_second, 0, "z");
    for (int reads = 0; !r.at_end && reads < 10; reads++)
        log_service_read(&r);
    assert_true(r.at_end);
    assert_int_equal(strlen(r.got), 3001 * 2);
    assert_string_equal(r.got + strlen(r.got) - 4, "x z ");
    free(r.token);
}

TEST_USING(service, late_entries_come_late_but_come)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service_say(1, 20 * log_service_second, 1, "new");
    log_service_read(&r);
    log_service_say(1, 15 * log_service_second, 2, "late");
    log_service_say(1, 5 * log_service_second, 3, "too-late");
    log_service_say(1, 21 * log_service_second, 4, "newer");
    log_service_read_expect(&r, "new late newer ");
    free(r.token);
}

TEST_USING(service, pages_go_on_where_they_ended)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service.page_limit = 2;
    for (int i = 0; i < 60; i++)
        log_service_say(1, i / 5 * log_service_second / 10, 100 - i, "x");
    for (int reads = 0; !r.at_end && reads < 100; reads++)
        log_service_read(&r);
    assert_true(r.at_end);
    assert_int_equal(strlen(r.got), 120);
    log_service_read(&r);
    assert_int_equal(strlen(r.got), 120);
    free(r.token);
}

TEST_USING(service, large_entries_come_in_smaller_pages)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service.too_large_above = 1;
    log_service_say(1, 1, 1, "a");
    log_service_say(1, 2, 2, "b");
    for (int i = 0; i < 5; i++)
        log_service_read(&r);
    log_service_expect(&r, "a b ");
    free(r.token);
}

/* ---- tail ---- */

TEST_USING(service, the_tail_and_what_follows)
{
    struct log_service_reader r = log_service_reader_of(1);
    log_service.page_limit = 4; /* the last of them may have namesakes that are not in the page */
    for (int i = 0; i < 6; i++)
        log_service_say(1, i * log_service_second, i,
                        (const char *[]){"0", "1", "2", "3", "4", "5"}[i]);
    r.backward = true;
    log_service_read_expect(&r, "3 4 5 ");
    log_service_say(1, 5 * log_service_second, 9, "6");
    log_service_read_expect(&r, "6 ");
    free(r.token);
}

/* What is read backward is in the order in which it is read forward. */
TEST_USING(service, one_time_has_one_order)
{
    for (int turn = 0; turn < 2; turn++) {
        struct log_service_reader forward = log_service_reader_of(1),
                                  backward = log_service_reader_of(1);
        log_service_reset();
        log_service.ids_ascend = turn;
        backward.backward = true;
        for (int i = 0; i < 6; i++)
            log_service_say(1, i / 3 * log_service_second, 10 - i,
                            (const char *[]){"2", "1", "0", "5", "4", "3"}[i]);
        log_service_read(&forward);
        log_service_read(&backward);
        log_service_expect(&forward, "0 1 2 3 4 5 ");
        log_service_expect(&backward, "0 1 2 3 4 5 ");
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
        assert_int_equal(co_gcp_log_pages(&log_service_source, &query, 1, &page, &err), 0);
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

TEST_USING(service, backward_to_the_beginning)
{
    for (int i = 0; i < 7; i++)
        log_service_say(1, i / 3 * log_service_second, i,
                        (const char *[]){"0", "1", "2", "3", "4", "5", "6"}[i]);
    log_service.page_limit = 2; /* the service's */
    expect_backward(0);
    log_service.page_limit = 0; /* ours */
    expect_backward(0);
    assert_int_equal(largest_page, 7);
    for (int limit = 1; limit <= 8; limit++) {
        expect_backward(limit);
        assert_in_range(largest_page, 1, limit + 3); /* three of one time stay together */
    }
    log_service.ids_ascend = true; /* a page that ends within a time has the wrong ones of it */
    for (int limit = 1; limit <= 8; limit++)
        expect_backward(limit);
    for (log_service.page_limit = 1; log_service.page_limit <= 8; log_service.page_limit++)
        expect_backward(0);
}

/* ---- many ---- */

TEST_USING(service, many_followers_share_calls)
{
    static struct log_service_reader readers[100];
    struct log_service_reader *list[100];
    for (int i = 0; i < 100; i++) {
        readers[i] = log_service_reader_of(i + 100);
        list[i] = &readers[i];
        log_service_say(i + 100, i, i, "x");
    }
    log_service_read_all(list, 100);
    assert_in_range(log_service.calls, 1, 2);
    assert_in_range(log_service.longest_filter, 1000, GCP_LOG_FILTER_MAX);
    print_message("100 followed containers: %d calls of entries.list a round\n", log_service.calls);
    log_service_read_all(list, 100);
    for (int i = 0; i < 100; i++) {
        log_service_expect(&readers[i], "x ");
        free(readers[i].token);
    }
}

static void say_numbers(int from, int to)
{
    static char texts[LOG_SERVICE_MAX][8];
    for (int i = from; i < to; i++) {
        snprintf(texts[i], sizeof texts[i], "%d", i);
        log_service_say(1, i * log_service_second / 100, i, texts[i]);
    }
}

/* The numbers that a reader of job 1 got, each once and in order; empties it. */
static void expect_numbers(struct log_service_reader *r, int from, int to)
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
    for (const char *at = log_service.last_filter; (at = strstr(at, "job_name=")); at++)
        count++;
    return count;
}

/* As the log hub does it: who is at the end is not asked for before the others are. */
static void read_to_the_end(struct log_service_reader **readers, size_t count)
{
    struct log_service_reader *list[16];
    size_t n = count;
    memcpy(list, readers, count * sizeof *list);
    for (int rounds = 0; n && rounds < 500; rounds++) {
        size_t left = 0;
        log_service_read_all(list, n);
        for (size_t i = 0; i < n; i++)
            if (!list[i]->at_end)
                list[left++] = list[i];
        n = left;
    }
    assert_int_equal(n, 0);
}

/* Three cursors in one log, and another log between them: each gets what is behind its own cursor,
 * and together they cost little more than the one that is furthest back costs alone. */
TEST_USING(service, followers_of_one_log_have_their_own_cursors)
{
    struct log_service_reader early = log_service_reader_of(1), other = log_service_reader_of(2),
                              middle = log_service_reader_of(1), late = log_service_reader_of(1),
                              alone = log_service_reader_of(1), *lonely = &alone;
    struct log_service_reader *list[] = {&early, &other, &middle, &late};
    say_numbers(0, 2500);
    log_service_say(2, 1, 5000, "other");
    middle.since_ns = log_service_epoch + 1500 * log_service_second / 100;
    late.since_ns = log_service_epoch + 2400 * log_service_second / 100;
    read_to_the_end(&lonely, 1);
    int most = log_service.calls + 2;
    log_service.calls = 0;
    read_to_the_end(list, ARRAY_LEN(list));
    assert_in_range(log_service.calls, 1, most);
    log_service_expect(&other, "other ");
    expect_numbers(&early, 0, 2500);
    expect_numbers(&middle, 1500, 2500);
    expect_numbers(&late, 2400, 2500);
    say_numbers(2500, 2510);
    log_service.calls = 0;
    log_service_read_all(list, ARRAY_LEN(list));
    assert_int_equal(log_service.calls, 1);
    assert_int_equal(count_parts(), 2); /* a part for each log */
    expect_numbers(&early, 2500, 2510);
    expect_numbers(&middle, 2500, 2510);
    expect_numbers(&late, 2500, 2510);
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        free(list[i]->token);
    free(alone.token);
}

/* Reading a long log from its beginning keeps nobody from what is new in another. */
TEST_USING(service, a_reader_far_behind_delays_nobody)
{
    struct log_service_reader behind = log_service_reader_of(1), other = log_service_reader_of(2);
    struct log_service_reader *list[] = {&behind, &other};
    for (int i = 0; i < 600; i++) /* more than a window has, when two logs share it */
        log_service_say(2, 200 * log_service_second + i, 5000 + i, "a");
    log_service_read(&other);
    other.got[0] = '\0';
    say_numbers(0, 3000);
    log_service_say(2, 201 * log_service_second, 6000, "b");
    log_service.calls = 0;
    log_service_read_all(list, ARRAY_LEN(list));
    log_service_expect(&other, "b ");
    assert_true(other.at_end && !behind.at_end);
    assert_int_equal(log_service.calls, 2);
    while (!behind.at_end && log_service.calls < 20)
        log_service_read(&behind);
    expect_numbers(&behind, 0, 3000);
    log_service.calls = 0;
    log_service_read_all(list, ARRAY_LEN(list));
    assert_int_equal(log_service.calls, 1); /* both at their end */
    free(behind.token);
    free(other.token);
}

/* Nor does a log that grows faster than it is read, however long ago the other one's last line is.
 */
TEST_USING(service, a_flood_delays_no_other_log)
{
    struct log_service_reader flood = log_service_reader_of(1), other = log_service_reader_of(2);
    struct log_service_reader *list[] = {&flood, &other};
    log_service_say(2, 0, 5000, "a");
    log_service_read_all(list, ARRAY_LEN(list));
    log_service_expect(&other, "a ");
    say_numbers(100, 3900);
    log_service_say(2, 60 * log_service_second, 5001, "b");
    log_service.calls = 0;
    log_service_read_all(list, ARRAY_LEN(list));
    log_service_expect(&other, "b ");
    assert_true(other.at_end && !flood.at_end);
    assert_int_equal(log_service.calls, 2);
    while (!flood.at_end && log_service.calls < 20)
        log_service_read(&flood);
    expect_numbers(&flood, 100, 3900);
    free(flood.token);
    free(other.token);
}

/* A query's own end holds, though another query of the log has none. */
TEST_USING(service, parts_of_one_log_have_their_own_ends)
{
    struct log_service_reader whole = log_service_reader_of(1), head = log_service_reader_of(1);
    struct log_service_reader *list[] = {&head, &whole};
    say_numbers(0, 100);
    head.until_ns = log_service_epoch + 9 * log_service_second / 100;
    log_service_read_all(list, ARRAY_LEN(list));
    expect_numbers(&whole, 0, 100);
    expect_numbers(&head, 0, 10);
    free(whole.token);
    free(head.token);
}

/* Time goes on, or not, and some logs get lines. */
static void say_random(int64_t *now, int64_t step_ns, int jobs)
{
    static char texts[LOG_SERVICE_MAX][8];
    for (int n = rand() % 120; n > 0 && log_service.line_count < LOG_SERVICE_MAX; n--) {
        snprintf(texts[log_service.line_count], sizeof texts[0], "%zu", log_service.line_count);
        *now += rand() % 4 * step_ns;
        log_service_say(1 + rand() % jobs, *now, (int)log_service.line_count,
                        texts[log_service.line_count]);
    }
}

static void expect_all(struct log_service_reader *r, int job)
{
    AUTO(buf) struct buf wanted = BUF_INIT;
    buf_puts(&wanted, "");
    for (size_t i = 0; i < log_service.line_count; i++)
        if (log_service.lines[i].job == job && log_service.lines[i].ns >= r->since_ns)
            buf_printf(&wanted, "%s ", log_service.lines[i].text);
    log_service_expect(r, wanted.data);
}

/* Readers of a few logs, from different times on, some of them asked in each round: each gets every
 * line once and in order. */
TEST_USING(service, any_readers_in_any_rounds)
{
    enum { READERS = 12, JOBS = 5 };
    static struct log_service_reader readers[READERS];
    struct log_service_reader *asked[READERS];
    for (unsigned seed = 1; seed <= 4; seed++) {
        int64_t now = 0, step_ns = seed % 2 ? log_service_second / 1000 : log_service_second / 10;
        log_service_reset();
        srand(seed);
        log_service.page_limit = (int[]){0, 0, 300}[seed % 3];
        for (int i = 0; i < READERS; i++) {
            readers[i] = log_service_reader_of(1 + i % JOBS);
            readers[i].since_ns = log_service_epoch + rand() % 2000 * step_ns;
        }
        for (int round = 0; round < 60; round++) {
            size_t n = 0;
            say_random(&now, step_ns, JOBS);
            for (int i = 0; i < READERS; i++)
                if (rand() % (1 + i * i) == 0)
                    asked[n++] = &readers[i];
            log_service_read_all(asked, n);
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

TEST_USING(service, entries_become_lines)
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
        struct log_entry entry;
        struct log_event event;
        AUTO_FREE char *text =
            xasprintf("{\"timestamp\":\"2026-01-01T00:00:00.5Z\",%s}", cases[i].entry);
        struct error err;
        json_t *doc AUTO(json) = json_doc_load_with_nul(text, strlen(text), &err);
        arena_init(&arena);
        assert_true(gcp_log_entry_read(doc, cloudrun_log_kind.run_label, &entry));
        gcp_log_entry_event(doc, &entry, &arena, &event);
        assert_string_equal(event.text, cases[i].text);
        assert_int_equal(event.len, strlen(cases[i].text));
    }
    json_t *audit AUTO(json) =
        json_loads("{\"timestamp\":\"2026-01-01T00:00:00Z\",\"protoPayload\":{}}", 0, NULL);
    struct log_entry ignored;
    assert_false(gcp_log_entry_read(audit, cloudrun_log_kind.run_label, &ignored));
}

/* One line that is nested too deep does not hide the others of its page. */
TEST_USING(service, deep_payloads_are_cut)
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
