/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Logging query language, the path patterns of methods, and the rules of a Job.
 */
#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/gcp/dispatch.h"
#include "test/sim/gcp/logging_filter.h"
#include "test/sim/gcp/run.h"
#include "test/kit/test.h"

#include <string.h>

static struct error err; /* of the last call */

static const char entry_text[] =
    "{\"insertId\":\"000a\",\"logName\":\"projects/p/logs/run.googleapis.com%2Fstdout\","
    "\"timestamp\":\"2026-01-02T03:04:05.006Z\",\"textPayload\":\"Hello\",\"resource\":{\"type\":"
    "\"cloud_run_job\",\"labels\":{\"job_name\":\"sk-1\",\"location\":\"us-central1\"}},"
    "\"labels\":{\"run.googleapis.com/execution_name\":\"sk-1-abcde\"}}";

static const struct {
    const char *filter;
    bool matches;
} filters[] = {
    {"", true},
    {"resource.type=\"cloud_run_job\"", true},
    {"resource.type=cloud_run_job resource.labels.job_name=\"sk-1\"", true},
    {"resource.type = \"cloud_run_job\"\nAND resource.labels.job_name = \"sk-2\"", false},
    {"labels.\"run.googleapis.com/execution_name\"=\"sk-1-abcde\"", true},
    {"labels.\"run.googleapis.com/execution_name\"=(\"x\" OR \"sk-1-abcde\")", true},
    {"labels.\"run.googleapis.com/execution_name\"=(\"x\" OR \"y\")", false},
    {"resource.labels.job_name=\"x\" OR resource.labels.job_name=\"sk-1\"", true},
    /* OR binds tighter than AND */
    {"textPayload=\"no\" AND resource.type=\"x\" OR resource.type=\"cloud_run_job\"", false},
    {"(textPayload=\"no\" AND resource.type=\"x\") OR resource.type=\"cloud_run_job\"", true},
    {"timestamp>=\"2026-01-02T03:04:05.006Z\"", true},
    {"timestamp>\"2026-01-02T03:04:05.006Z\"", false},
    {"timestamp>\"2026-01-02T03:04:05.006Z\" OR (timestamp=\"2026-01-02T03:04:05.006Z\" AND "
     "insertId>\"0009\")",
     true},
    {"timestamp<=\"2026-01-02T03:04:05Z\"", false},
    {"NOT textPayload=\"hello\"", false},
    {"-textPayload:\"ell\"", false},
    {"severity>=ERROR", false},
    {"severity<ERROR", true},
    {"log_id(\"run.googleapis.com/stdout\")", true},
    {"log_id(\"run.googleapis.com/stderr\")", false},
    {"logName=\"projects/p/logs/run.googleapis.com%2Fstdout\"", true},
    {"jsonPayload.a=\"1\"", false},
    {"jsonPayload.a!=\"1\"", true},
};

TEST(filter_matches)
{
    json_t *entry = json_loads(entry_text, 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct logging_filter *f = logging_filter_parse(filters[i].filter, &err);
        if (!f || logging_filter_matches(f, entry) != filters[i].matches)
            fail_msg("%s", filters[i].filter);
        logging_filter_free(f);
    }
    json_decref(entry);
}

TEST(filter_refuses)
{
    static const char *const bad[] = {"(",          ")",
                                      "a",          "a=",
                                      "a=\"b",      "a=\"b\" AND",
                                      "a=\"b\" OR", "(a=\"b\"",
                                      "a=(\"b\"",   "timestamp>=\"yesterday\"",
                                      "a=~\"b.*\"", "log_id(\"x\"",
                                      "NOT"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct logging_filter *f = logging_filter_parse(bad[i], &err);
        if (f)
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    }
    AUTO_FREE char *deep = xmalloc(1001);
    memset(deep, '(', 1000);
    deep[1000] = '\0';
    assert_null(logging_filter_parse(deep, &err));
}

TEST(filter_bounds)
{
    int64_t first;
    assert_true(timefmt_parse_rfc3339("2026-01-02T03:04:05Z", &first));
    struct logging_filter *f =
        logging_filter_parse("resource.type=\"x\" AND (timestamp>\"2026-01-02T03:04:06Z\" OR "
                             "timestamp=\"2026-01-02T03:04:05Z\")",
                             &err);
    assert_non_null(f);
    assert_true(logging_filter_since(f) == first);
    logging_filter_free(f);
    assert_non_null(f = logging_filter_parse("NOT timestamp>\"2026-01-02T03:04:06Z\"", &err));
    assert_true(logging_filter_since(f) == INT64_MIN);
    logging_filter_free(f);
}

TEST(paths_match)
{
    char part[GCP_PATH_PARTS][GCP_PART_MAX];
    assert_true(
        dispatch_path_match("/v2/projects/*/jobs/*:run", "/v2/projects/p/jobs/j:run", part));
    assert_string_equal(part[0], "p");
    assert_string_equal(part[1], "j");
    assert_true(dispatch_path_match("/b/*/o/*", "/b/x/o/a%2Fb", part));
    assert_string_equal(part[1], "a/b");
    assert_false(dispatch_path_match("/jobs/*", "/jobs/j:run", part));
    assert_false(dispatch_path_match("/jobs/*", "/jobs/", part));
    assert_false(dispatch_path_match("/jobs/*", "/jobs/a/b", part));
    assert_string_equal(dispatch_short_name("projects.locations.jobs.create"), "jobs.create");
    assert_string_equal(dispatch_short_name("entries.list"), "entries.list");
}

#define CONTAINER "{\"image\":\"busybox\"}"
#define JOB(task, more)                                                                            \
    "{\"template\":{\"template\":{\"containers\":[" CONTAINER "]" task "}}" more "}"

static const struct {
    const char *job, *problem; /* NULL: good */
} jobs[] = {
    {JOB("", ""), NULL},
    {JOB(",\"maxRetries\":0,\"timeout\":\"3600s\"", ",\"labels\":{\"a\":\"b-1\"}"), NULL},
    {JOB("", ",\"annotations\":{\"sockerless.dev/x\":\"Any Text=\"}"), NULL},
    {JOB(",\"maxRetries\":11", ""), "max_retries"},
    {JOB(",\"timeout\":\"700000s\"", ""), "timeout"},
    {JOB(",\"timeout\":\"600\"", ""), "timeout"},
    {JOB(",\"retries\":1", ""), "Unknown name \"retries\""},
    {JOB("", ",\"labels\":{\"A\":\"b\"}"), "labels"},
    {JOB("", ",\"labels\":{\"run.googleapis.com\":\"b\"}"), "reserved"},
    {JOB("", ",\"annotations\":{\"run.googleapis.com/x\":\"b\"}"), "reserved"},
    {"{}", "template.template"},
    {"{\"template\":{\"template\":{\"containers\":[{\"name\":\"x\"}]}}}", "image"},
    {"{\"template\":{\"template\":{\"containers\":[{\"image\":\"x\",\"resources\":{\"limits\":{"
     "\"cpu\":\"1\",\"memory\":\"8Gi\"}}}]}}}",
     "memory"},
    {"{\"template\":{\"template\":{\"containers\":[{\"image\":\"x\",\"resources\":{\"limits\":{"
     "\"cpu\":\"3\"}}}]}}}",
     "cpu"},
    {"{\"template\":{\"template\":{\"containers\":[{\"image\":\"x\",\"env\":[{\"name\":\"A\","
     "\"value\":\"b\",\"values\":1}]}]}}}",
     "Unknown name \"values\""},
};

TEST(jobs_are_checked)
{
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        err = (struct error){0};
        json_t *job = json_loads(jobs[i].job, 0, NULL);
        assert_non_null(job);
        int rc = job_check(job, &err);
        if (jobs[i].problem ? rc == 0 || !strstr(err.message, jobs[i].problem) : rc != 0)
            fail_msg("%s: %s", jobs[i].job, err.message);
        json_decref(job);
    }
}

TEST(job_defaults)
{
    json_t *job = json_loads(JOB("", ",\"uid\":\"mine\""), 0, NULL);
    assert_int_equal(job_check(job, &err), 0);
    const json_t *task = json_object_get(json_object_get(job, "template"), "template");
    assert_int_equal(value_int(task, "maxRetries", -1), 3);
    assert_string_equal(value_string(task, "timeout"), "600s");
    assert_null(json_object_get(job, "uid"));
    json_decref(job);
    assert_true(job_id_valid("sockerless-0123456789ab"));
    assert_false(job_id_valid("Sockerless"));
    assert_false(job_id_valid("a-"));
    assert_false(job_id_valid("1a"));
}
