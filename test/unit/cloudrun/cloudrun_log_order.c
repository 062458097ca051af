/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of agents in a log service as bad as Cloud Logging may be: timestamps cut to
 * microseconds, those of one time in the order of a hash, entries that become visible late. Whoever
 * reads gets each record once and in the order in which it was printed.
 */
#include "cloud/gcp/gcp_log_entry.h"
#include "backend-cloudrun/cloudrun_logs.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/kit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 50000, CROWD_BEGIN = 20000, CROWD_LEN = 2500, READS_MAX = 2000 };

static const int64_t second = 1000000000;

struct entry {
    int64_t exact_ns, cut_ns;
    uint64_t number, id;
    bool hidden;
};
static struct entry entries[RECORDS];                    /* by number */
static struct entry *rising[RECORDS], *falling[RECORDS]; /* as the service lists them */
static size_t count;
static int calls;

/* ---- the service ---- */

static int by_time(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    int time = (x->cut_ns > y->cut_ns) - (x->cut_ns < y->cut_ns);
    return time ? time : (x->id > y->id) - (x->id < y->id);
}

/* ListLogEntriesRequest: those of one time by insertId, in this direction, too. */
static int by_time_falling(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    int time = (x->cut_ns > y->cut_ns) - (x->cut_ns < y->cut_ns);
    return time ? -time : (x->id > y->id) - (x->id < y->id);
}

/* Bursts: some microseconds have many records, one has more than pages and tokens hold. Ends with
 * an exit record in the microsecond of the last lines. */
static void print_records(size_t records, int64_t begin_ns)
{
    int64_t ns = begin_ns;
    count = records;
    calls = 0;
    srand(5);
    for (size_t i = 0; i < records; i++) {
        bool crowd = i >= CROWD_BEGIN && i < CROWD_BEGIN + CROWD_LEN;
        ns += crowd ? 0 : rand() % 20 == 0 ? rand() % 400000 : 1 + rand() % 30;
        entries[i] = (struct entry){.exact_ns = ns,
                                    .cut_ns = ns - ns % 1000,
                                    .number = i + 1,
                                    .id = (i + 1) * 0x9e3779b97f4a7c15u};
        rising[i] = falling[i] = &entries[i];
    }
    if (records > 1)
        entries[records - 1].cut_ns = entries[records - 2].cut_ns;
    qsort(rising, records, sizeof *rising, by_time);
    qsort(falling, records, sizeof *falling, by_time_falling);
}

static json_t *entry_json(const struct entry *e)
{
    char when[TIMEFMT_RFC3339_MAX];
    AUTO_FREE char *text = xasprintf(
        "{\"insertId\":\"%016" PRIx64 "\",\"timestamp\":\"%s\",\"resource\":{\"labels\":{"
        "\"job_name\":\"job-1\"}},\"labels\":{\"run.googleapis.com/execution_name\":\"job-1-x\","
        "\"sockerless/record\":\"%c %" PRIu64 " %" PRId64 "\"},\"textPayload\":\"%" PRIu64 "\"}",
        e->id, timefmt_rfc3339nano(e->cut_ns, when), e->number == count ? 'x' : 'o', e->number,
        e->exact_ns, e->number);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static int64_t bound_of(const char *filter, const char *comparison, int64_t otherwise)
{
    char when[TIMEFMT_RFC3339_MAX] = "";
    int64_t ns = otherwise;
    const char *at = strstr(filter, comparison);
    if (at && sscanf(at + strlen(comparison), "\"%39[^\"]", when) == 1)
        assert_true(timefmt_parse_rfc3339(when, &ns));
    return ns;
}

static int co_fetch_records(void *arg, const struct log_request *request, json_t **reply,
                            struct error *err)
{
    struct entry **list = request->newest_first ? falling : rising;
    int64_t from = bound_of(request->filter, "timestamp>=", 0), at = 0;
    int64_t to = bound_of(request->filter, "timestamp<=", INT64_MAX);
    json_t *found = json_array();
    (void)arg;
    (void)err;
    calls++;
    if (request->page_token)
        assert_true(str_to_i64(request->page_token, &at));
    for (; at < (int64_t)count && json_array_size(found) < (size_t)request->page_size; at++)
        if (!list[at]->hidden && list[at]->cut_ns >= from && list[at]->cut_ns <= to)
            json_array_append_new(found, entry_json(list[at]));
    *reply = json_pack("{s:o}", "entries", found);
    if (at < (int64_t)count) {
        AUTO_FREE char *token = xasprintf("%" PRId64, at);
        json_object_set_new(*reply, "nextPageToken", json_string(token));
    }
    return 0;
}

static const struct gcp_log_source source = {
    .kind = &cloudrun_log_kind, .project = "p-1", .region = "r-1", .co_fetch = co_fetch_records};

/* ---- readers ---- */

struct reader {
    char *token;
    bool backward, at_end, has_gap;
    int64_t since_ns;
    int limit;
    size_t got;
    uint64_t numbers[RECORDS + 1];
};

static void reader_take(struct reader *r, const struct log_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct log_event *e = &page->events[r->backward ? page->count - 1 - i : i];
        uint64_t number = strtoull(e->text + 2, NULL, 10);
        assert_in_range(number, 1, count);
        assert_int_equal(e->timestamp_ns, entries[number - 1].exact_ns); /* every nanosecond */
        assert_int_equal(e->text[1], number == count ? 'x' : 'o');
        if (e->timestamp_ns < r->since_ns)
            continue; /* a driver may return more */
        assert_true(r->got < RECORDS);
        r->numbers[r->got++] = number;
    }
}

static void read_page(struct reader *r)
{
    struct workload workload = {.log_ref =
                                    "projects/p-1/locations/r-1/jobs/job-1/executions/job-1-x"};
    struct log_query query = {.workload = &workload,
                              .token = r->token,
                              .backward = r->backward,
                              .since_ns = r->since_ns,
                              .limit = r->limit};
    struct log_page page = {0};
    struct error err;
    arena_init(&page.arena);
    if (co_gcp_log_pages(&source, &query, 1, &page, &err))
        fail_msg("%s", err.message);
    reader_take(r, &page);
    free(r->token);
    r->token = page.next_token ? xstrdup(page.next_token) : NULL;
    r->at_end = page.at_end;
    r->has_gap = page.has_gap;
    if (r->backward && page.forward_token && r->limit) { /* go on forward from here */
        free(r->token);
        r->token = xstrdup(page.forward_token);
        r->backward = false;
    }
    arena_fini(&page.arena);
}

static void read_to_the_end(struct reader *r)
{
    r->at_end = false;
    for (int reads = 0; !r->at_end; reads++) {
        assert_true(reads < READS_MAX);
        read_page(r);
    }
}

/* r->numbers is from … to. */
static void expect_in_order(struct reader *r, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < r->got; i++)
        if (r->numbers[i] != (r->backward ? to - i : from + i))
            fail_msg("record %zu of %zu is number %" PRIu64, i, r->got, r->numbers[i]);
    assert_int_equal(r->got, to - from + 1);
    free(r->token);
    r->token = NULL;
}

/* ---- tests ---- */

static struct reader one, two;

TEST(fifty_thousand_lines_forward)
{
    one = (struct reader){0};
    print_records(RECORDS, time_now_ns());
    read_to_the_end(&one);
    expect_in_order(&one, 1, RECORDS);
    assert_in_range(calls, 1, RECORDS / 1000 * 3 / 2);
}

TEST(fifty_thousand_lines_backward)
{
    one = (struct reader){.backward = true};
    print_records(RECORDS, time_now_ns());
    read_to_the_end(&one);
    expect_in_order(&one, 1, RECORDS);
    assert_in_range(calls, 1, RECORDS / 1000 * 3 / 2);
}

/* The tail's first page, and what follows it. */
TEST(tails_of_any_length)
{
    for (int limit = 1; limit < 700; limit += limit < 20 ? 1 : 97) {
        print_records(1500, time_now_ns());
        for (size_t i = 1000; i < 1500; i++)
            entries[i].hidden = true;
        one = (struct reader){.backward = true, .limit = limit};
        read_page(&one);
        assert_in_range(one.got, 1, 1000);
        size_t tail = one.got;
        for (size_t i = 0; i < tail; i++) /* newest first so far */
            assert_int_equal(one.numbers[i], 1000 - i);
        one.got = 0;
        for (size_t i = 1000; i < 1500; i++)
            entries[i].hidden = false;
        read_to_the_end(&one);
        expect_in_order(&one, 1001, 1500);
    }
}

static int by_number(const void *a, const void *b)
{
    return (*(const uint64_t *)a > *(const uint64_t *)b) -
           (*(const uint64_t *)a < *(const uint64_t *)b);
}

/* Records become visible in any order; one reader follows from the beginning, another one joins at
 * a moment of which not all is visible yet. */
TEST(followers_while_records_arrive_late)
{
    enum { PRINTED = 8000, AT_ONCE = 500 };
    for (unsigned seed = 0; seed < 3; seed++) {
        print_records(PRINTED, time_now_ns());
        uint64_t join = 1500 + 1000 * seed;
        one = (struct reader){0};
        two = (struct reader){.since_ns = entries[join - 1].exact_ns};
        for (size_t i = 0; i < PRINTED; i++)
            entries[i].hidden = true;
        for (size_t printed = AT_ONCE; printed <= PRINTED; printed += AT_ONCE) {
            for (size_t i = printed >= 2 * AT_ONCE ? printed - 2 * AT_ONCE : 0; i < printed; i++)
                if (i < printed - AT_ONCE || rand() % 10)
                    entries[i].hidden = false; /* at the second time at the latest */
            read_page(&one);
            if (printed > join)
                read_page(&two);
        }
        for (size_t i = 0; i < PRINTED; i++)
            entries[i].hidden = false;
        read_to_the_end(&one);
        read_to_the_end(&two);
        expect_in_order(&one, 1, PRINTED);
        qsort(two.numbers, two.got, sizeof *two.numbers, by_number);
        expect_in_order(&two, join, PRINTED);
    }
}

/* What is behind a record that has not arrived is held back, and said to be. */
TEST(a_missing_record_is_waited_for)
{
    print_records(100, time_now_ns());
    entries[49].hidden = true;
    one = (struct reader){0};
    two = (struct reader){.backward = true, .limit = 100};
    read_page(&one);
    assert_true(one.has_gap && one.at_end);
    assert_int_equal(one.got, 49);
    read_page(&one);
    assert_true(one.has_gap);
    assert_int_equal(one.got, 49);
    read_page(&two);
    assert_true(two.has_gap);
    entries[49].hidden = false;
    read_page(&one);
    assert_false(one.has_gap);
    expect_in_order(&one, 1, 100);
    free(two.token);
}

/* Of an old log nothing is waited for: the service has lost it. */
TEST(a_record_that_was_lost_long_ago)
{
    print_records(100, time_now_ns() - 3600 * second);
    entries[49].hidden = entries[0].hidden = true;
    one = (struct reader){0};
    two = (struct reader){.backward = true, .limit = 100};
    read_page(&one);
    read_page(&two);
    assert_int_equal(one.got, 98);
    assert_int_equal(two.got, 98);
    assert_false(one.has_gap || two.has_gap);
    free(one.token);
    free(two.token);
}

/* ---- text ---- */

/* The one record of a log with this payload and letter. */
static void expect_text(const char *json, const char *letter, const char *wanted, size_t len)
{
    AUTO(arena) struct arena arena;
    struct log_entry entry;
    struct log_event event;
    AUTO_FREE char *text =
        xasprintf("{\"timestamp\":\"2026-01-01T00:00:00.5Z\",\"severity\":\"ERROR\",%s,"
                  "\"labels\":{\"sockerless/record\":\"%s 7 1700000000123456789\"}}",
                  json, letter);
    json_t *doc = json_loads(text, JSON_ALLOW_NUL, NULL);
    arena_init(&arena);
    assert_true(gcp_log_entry_read(doc, cloudrun_log_kind.run_label, &entry) && entry.is_record);
    gcp_log_entry_event(doc, &entry, &arena, &event);
    assert_int_equal(event.len, len);
    assert_memory_equal(event.text, wanted, len);
    assert_int_equal(event.timestamp_ns, 1700000000123456789);
    json_decref(doc);
}

TEST(texts_come_back_as_printed)
{
#define RECORD(json, letter, wanted) expect_text(json, letter, wanted, sizeof(wanted) - 1)
    RECORD("\"textPayload\":\"{\\\"severity\\\":\\\"ERROR\\\",  \\\"message\\\":1.0}\"", "o",
           "\001o{\"severity\":\"ERROR\",  \"message\":1.0}");
    RECORD("\"textPayload\":\"gr\\u0001fc\\u000100\\u000101\"", "E", "\001egr\xfc\0\001");
    RECORD("\"textPayload\":\"\\u000141\\n\"", "p", "\001p\00141\n");
    RECORD("\"textPayload\":\"\"", "q", "\001q");
    RECORD("\"textPayload\":\" \"", "Q", "\001q");
    RECORD("\"textPayload\":\" \"", "q", "\001q ");
    RECORD("\"jsonPayload\":{\"message\":\"m\",\"x\":1}", "o", "\001om");
    RECORD("\"x\":1", "o", "\001o");
}

/* A collector that does not know the field of labels leaves it in the payload. */
TEST(labels_in_the_payload)
{
    AUTO(arena) struct arena arena;
    struct log_entry entry;
    struct log_event event;
    json_t *doc =
        json_loads("{\"timestamp\":\"2026-01-01T00:00:00.5Z\",\"jsonPayload\":{\"message\":"
                   "\"m\",\"logging.googleapis.com/labels\":{\"sockerless/record\":"
                   "\"e 8 1700000000123456789\"}}}",
                   0, NULL);
    arena_init(&arena);
    assert_true(gcp_log_entry_read(doc, cloudrun_log_kind.run_label, &entry) && entry.is_record);
    assert_int_equal(entry.label.number, 8);
    gcp_log_entry_event(doc, &entry, &arena, &event);
    assert_string_equal(event.text, "\001em");
    json_decref(doc);
}
