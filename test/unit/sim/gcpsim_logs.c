/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Cloud Logging's store: what it finds is what looking at every entry finds, in every
 * order and page by page; and it is bounded.
 */
#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/gcp/gcp.h"
#include "test/sim/gcp/log_store.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 3000, JOBS = 7, BYTES_MAX = 1 << 20 };

static const int64_t epoch = 1700000000 * (int64_t)1000000000;

static const char *const jobs[JOBS] = {"a", "b", "c", "d", "e", "f", "g"};

static void add(struct log_store *s, int job, bool is_stderr, int64_t time_ns, uint64_t id,
                const char *text)
{
    const struct log_source source = {
        .job = jobs[job], .execution = jobs[job], .is_stderr = is_stderr};
    struct log_entry like = {.time_ns = time_ns, .received_ns = time_ns};
    snprintf(like.id, sizeof like.id, "%016llx", (unsigned long long)id);
    log_store_add(s, &source, log_entry_new(&like, text, strlen(text)));
}

static struct logging_filter *parse(const char *text)
{
    struct error err;
    struct logging_filter *f = logging_filter_parse(text, &err);
    if (!f)
        fail_msg("%s: %s", text, err.message);
    return f;
}

/* ---- what of a log can match ---- */

#define T(n) "\"2023-11-14T22:13:2" #n "Z\""

TEST(spans)
{
    static const int64_t second = 1000000000, most = INT64_MAX, least = INT64_MIN;
    const struct {
        const char *filter;
        int64_t from_ns, to_ns;
        bool exact;
    } cases[] = {
        {"", least, most, true},
        {"resource.type=\"cloud_run_job\" AND resource.labels.location=\"r\"", least, most, true},
        {"resource.labels.job_name=\"b\"", 1, 0, true},
        {"log_id(\"run.googleapis.com/stdout\")", least, most, true},
        {"log_id(\"run.googleapis.com/stderr\")", 1, 0, true},
        {"NOT resource.labels.job_name=\"b\"", least, most, true},
        {"NOT resource.labels.job_name=\"a\"", 1, 0, true},
        {"textPayload=\"x\"", least, most, false},
        {"NOT textPayload=\"x\"", least, most, false},
        {"timestamp>=" T(0) " AND timestamp<" T(1), epoch, epoch + second - 1, true},
        {"timestamp>" T(0) " AND timestamp<=" T(1) " AND severity=ERROR", epoch + 1, epoch + second,
         false},
        {"timestamp<" T(0) " AND timestamp>" T(1), 1, 0, true},
        {"timestamp=" T(0) " OR timestamp>" T(3), epoch, most, false},
        {"timestamp<=" T(3) " OR timestamp>" T(3), least, most, true},
        {"(resource.labels.job_name=\"a\" AND timestamp>=" T(
             1) ") OR "
                "(resource.labels.job_name=\"b\" AND timestamp>=" T(0) ")",
         epoch + second, most, true},
        {"(resource.labels.job_name=\"a\" AND timestamp>=" T(
             1) ") OR "
                "(labels.\"run.googleapis.com/execution_name\"=\"a\" AND timestamp>=" T(0) ")",
         epoch, most, true},
    };
    const struct logging_source source = {
        {[LOGGING_LOG_NAME] = "projects/p/logs/run.googleapis.com%2Fstdout",
         [LOGGING_TYPE] = "cloud_run_job",
         [LOGGING_PROJECT] = "p",
         [LOGGING_LOCATION] = "r",
         [LOGGING_JOB] = "a",
         [LOGGING_EXECUTION] = "a"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct logging_filter *f = parse(cases[i].filter);
        struct logging_span s = logging_filter_span(f, &source);
        if (s.from_ns != cases[i].from_ns || s.to_ns != cases[i].to_ns || s.exact != cases[i].exact)
            fail_msg("%s: %lld to %lld, %s", cases[i].filter, (long long)s.from_ns,
                     (long long)s.to_ns, s.exact ? "exact" : "not exact");
        logging_filter_free(f);
    }
}

/* ---- against looking at every entry ---- */

struct plain {
    int64_t ns;
    const char *id; /* of the JSON */
    json_t *json;
};
static struct plain plain[ENTRIES];
static size_t plain_count;
static bool descending, ascending_ids;

static int plain_order(const void *a, const void *b)
{
    const struct plain *x = a, *y = b;
    int time = (x->ns > y->ns) - (x->ns < y->ns), id = strcmp(x->id, y->id);
    return time ? (descending ? -time : time) : ascending_ids ? id : -id;
}

/* All pages of a query as one list of JSON. */
static json_t *find_all(struct log_store *s, const struct logging_filter *filter, size_t page_size)
{
    struct log_store_query q = {.filter = filter,
                                .descending = descending,
                                .ids_ascend = ascending_ids,
                                .page_size = page_size};
    json_t *out = json_array();
    char after_id[LOG_INSERT_ID_MAX] = "";
    q.after_id = after_id;
    for (bool more = true; more;) {
        struct log_store_page page = {0};
        log_store_find(s, &q, &page);
        more = page.more;
        assert_true(page.count >= page_size || !more);
        for (size_t i = 0; i < page.count; i++) {
            json_array_append_new(out, log_entry_json(page.items[i].alike, page.items[i].entry));
            q.after_ns = page.items[i].entry->time_ns;
            memcpy(after_id, page.items[i].entry->id, sizeof after_id);
        }
        q.after = true;
        log_store_page_fini(&page);
    }
    return out;
}

/* Of an entry that is stored twice, a page may end with the first. */
static void compare(struct log_store *s, const char *text, size_t page_size)
{
    struct logging_filter *filter = parse(text);
    json_t *found = find_all(s, filter, page_size);
    size_t n = 0;
    qsort(plain, plain_count, sizeof *plain, plain_order);
    for (size_t i = 0; i < plain_count; i++) {
        if (!logging_filter_matches(filter, plain[i].json))
            continue;
        bool twin = i && !strcmp(plain[i].id, plain[i - 1].id) && plain[i].ns == plain[i - 1].ns;
        bool same = json_equal(json_array_get(found, n), plain[i].json);
        if (!same && !twin)
            fail_msg("%s: entry %zu", text, n);
        n += same;
    }
    assert_int_equal(json_array_size(found), n);
    json_decref(found);
    logging_filter_free(filter);
}

/* Times and ids that often meet, some entries twice, some lines of JSON. */
static void add_random(struct log_store *s)
{
    static const char *const texts[] = {"plain", "{\"severity\":\"ERROR\",\"message\":\"m\"}",
                                        "{\"a\":1}", ""};
    int job = 0, text = 0;
    bool is_stderr = false;
    int64_t ns = epoch;
    plain_count = 0;
    for (int i = 0; i < ENTRIES; i++) {
        bool twin = i % 10 == 9;
        if (!twin) {
            job = rand() % JOBS;
            is_stderr = rand() % 3 == 0;
            ns = epoch + rand() % 50 * (int64_t)100000000;
            text = rand() % (int)ARRAY_LEN(texts);
        }
        add(s, job, is_stderr, ns, (uint64_t)(i - twin) * 0x9e3779b97f4a7c15u, texts[text]);
    }
    struct logging_filter *all = parse("");
    json_t *list = find_all(s, all, ENTRIES);
    for (; plain_count < json_array_size(list); plain_count++) {
        json_t *json = json_array_get(list, plain_count);
        struct plain *p = &plain[plain_count];
        assert_true(timefmt_parse_rfc3339(value_string(json, "timestamp"), &p->ns));
        p->id = value_string(json, "insertId");
        p->json = json_incref(json);
    }
    json_decref(list);
    logging_filter_free(all);
}

TEST(finds_what_is_there)
{
    static const char *const filters[] = {
        "",
        "resource.labels.job_name=\"a\"",
        "resource.labels.job_name=\"none\"",
        "resource.labels.job_name=\"a\" AND log_id(\"run.googleapis.com/stderr\")",
        "severity=ERROR",
        "NOT (resource.labels.job_name=\"a\" OR textPayload:\"lai\")",
        "jsonPayload.a=1 AND timestamp>" T(1),
        "timestamp>=" T(1) " AND timestamp<=" T(3),
        "timestamp=" T(1) " OR timestamp=" T(3),
        "timestamp!=" T(1),
        "(resource.labels.job_name=\"a\" AND timestamp>=" T(
            1) ") OR "
               "(resource.labels.job_name=\"b\" AND timestamp<=" T(2) ") OR insertId>=\"9\"",
    };
    struct log_store *s = log_store_new("p", "r", SIZE_MAX);
    srand(7);
    descending = false;
    ascending_ids = true;
    add_random(s);
    assert_int_equal(plain_count, ENTRIES);
    for (int order = 0; order < 4; order++) {
        descending = order & 1;
        ascending_ids = order & 2;
        for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
            compare(s, filters[i], 1000);
            compare(s, filters[i], 1 + i * 5);
        }
    }
    for (size_t i = 0; i < plain_count; i++)
        json_decref(plain[i].json);
    log_store_free(s);
}

/* ---- structured lines ---- */

static json_t *entry_of(const char *line)
{
    json_t *alike = json_pack("{s:{s:s}}", "labels", "a", "b");
    struct log_entry e = {.time_ns = epoch, .received_ns = epoch, .id = "own"};
    log_entry_take_fields(&e, line, strlen(line));
    struct log_entry *entry = log_entry_new(&e, line, strlen(line));
    json_t *out = log_entry_json(alike, entry);
    assert_int_equal(json_object_size(json_object_get(alike, "labels")), 1);
    json_object_del(out, "receiveTimestamp");
    json_decref(alike);
    free(entry);
    return out;
}

/* As Cloud Logging's documentation of structured logging describes it. */
TEST(special_fields_become_the_entrys)
{
#define OWN "'insertId':'own', 'timestamp':'2023-11-14T22:13:20Z', 'labels':{'a':'b'}"
    static const char *const cases[][2] = {
        {"text", "{" OWN ", 'textPayload':'text'}"},
        {"{'message':'m', 'severity':'ERROR'}", "{" OWN ", 'severity':'ERROR', 'textPayload':'m'}"},
        {"{'message':'m', 'x':1.50}", "{" OWN ", 'jsonPayload':{'message':'m', 'x':1.5}}"},
        {"{'message':'m','time':'2023-11-14T22:13:21.5Z','logging.googleapis.com/insertId':'i',"
         "'logging.googleapis.com/labels':{'c':'d'}}",
         "{'insertId':'i','timestamp':'2023-11-14T22:13:21.5Z','labels':{'a':'b','c':'d'},"
         "'textPayload':'m'}"},
        {"{'message':1,'timestamp':{'seconds':1700000001,'nanos':5000}}",
         "{'insertId':'own','timestamp':'2023-11-14T22:13:21.000005Z','labels':{'a':'b'},"
         "'jsonPayload':{'message':1}}"},
        {"{'time':'never','logging.googleapis.com/insertId':7}",
         "{" OWN ", 'jsonPayload':{'logging.googleapis.com/insertId':7}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *line = xstrdup(cases[i][0]), *wanted_text = xstrdup(cases[i][1]);
        for (char *at = line; (at = strchr(at, '\''));)
            *at = '"';
        for (char *at = wanted_text; (at = strchr(at, '\''));)
            *at = '"';
        json_t *found = entry_of(line), *wanted = json_loads(wanted_text, 0, NULL);
        char *text = json_dumps(found, JSON_SORT_KEYS);
        if (!json_equal(found, wanted))
            fail_msg("%s became %s", line, text);
        json_decref(found);
        json_decref(wanted);
        free(text);
        free(line);
        free(wanted_text);
    }
}

/* ---- bounds ---- */

static size_t count_of(struct log_store *s, const char *filter)
{
    struct logging_filter *f = parse(filter);
    json_t *all = find_all(s, f, 1000);
    size_t count = json_array_size(all);
    json_decref(all);
    logging_filter_free(f);
    return count;
}

static const char *long_line(void)
{
    static char line[1000];
    memset(line, 'x', sizeof line - 1);
    return line;
}

TEST(the_oldest_logs_are_forgotten)
{
    struct log_store *s = log_store_new("p", "r", BYTES_MAX);
    uint64_t n = 0;
    descending = false;
    ascending_ids = true;
    for (int job = 0; job < JOBS; job++)
        for (int i = 0; i < 200; i++) {
            if (i == 100)
                add(s, 0, false, epoch + (int64_t)n, n, "still written to");
            add(s, job, false, epoch + (int64_t)n, n, long_line());
            n++;
        }
    assert_int_equal(count_of(s, "resource.labels.job_name=\"b\""), 0);
    assert_int_equal(count_of(s, "resource.labels.job_name=\"c\""), 0);
    assert_int_equal(count_of(s, "resource.labels.job_name=\"a\""), 200 + JOBS);
    assert_int_equal(count_of(s, "resource.labels.job_name=\"g\""), 200);
    assert_int_equal(log_store_count(s), count_of(s, ""));
    add(s, 1, true, epoch + 20000, ++n, "again");
    assert_int_equal(count_of(s, "resource.labels.job_name=\"b\""), 1);
    log_store_free(s);
}

/* One log that is too long alone costs no other one its entries. */
TEST(a_flood_loses_its_own_beginning)
{
    enum { FLOOD = 3000 };
    struct log_store *s = log_store_new("p", "r", BYTES_MAX);
    uint64_t n = 0;
    descending = false;
    ascending_ids = true;
    add(s, 0, false, epoch, ++n, "quiet");
    for (int i = 0; i < FLOOD; i++)
        add(s, 1, false, epoch + i, ++n, long_line());
    assert_int_equal(count_of(s, "resource.labels.job_name=\"a\""), 1);
    assert_in_range(count_of(s, "resource.labels.job_name=\"b\""), 300, BYTES_MAX / 1000);
    assert_int_equal(count_of(s, "timestamp>=\"2023-11-14T22:13:20.000002800Z\""), 200);
    log_store_free(s);
}
