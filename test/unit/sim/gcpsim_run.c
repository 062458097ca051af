/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Google Cloud from outside: its process, a small registry, and executions that are
 * containers which really run. Needs root.
 */
#include "test/kit/gcpsim_rig.h"

#include <sys/stat.h>

#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define answer(status, method, path, body) gcpsim_rig_answer(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))

TEST_GROUP(gcpsim_rig_setup, gcpsim_rig_teardown);

TEST(life)
{
    gcpsim_rig_create("life",
                      "echo $GREETING; echo oops >&2; echo '{\"severity\":\"ERROR\",\"a\":1}'", "");
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_start("life"));
    const json_t *execution = json_object_get(operation, "response");
    assert_int_equal(value_int(execution, "succeededCount", 0), 1);
    assert_null(json_object_get(execution, "failedCount"));
    AUTO_FREE char *id = gcpsim_rig_execution_id(operation);

    json_auto_t *task = gcpsim_rig_task("life", id);
    assert_null(json_object_get(json_object_get(task, "lastAttemptResult"), "exitCode"));
    assert_non_null(json_object_get(task, "lastAttemptResult"));

    json_auto_t *out = gcpsim_rig_logs(id, "AND logName:\\\"stdout\\\"", "");
    assert_int_equal(gcpsim_rig_count(out), 2);
    assert_string_equal(gcpsim_rig_text(out, 0), "hi");
    const json_t *second = gcpsim_rig_entry(out, 1);
    assert_string_equal(value_string(second, "severity"), "ERROR");
    assert_int_equal(value_int(json_object_get(second, "jsonPayload"), "a", 0), 1);
    json_auto_t *errors = gcpsim_rig_logs(id, "AND log_id(\\\"run.googleapis.com/stderr\\\")", "");
    assert_string_equal(gcpsim_rig_text(errors, 0), "oops");
    gcpsim_rig_delete("life");
}

TEST(exit_code_and_retries)
{
    gcpsim_rig_create("failing", "echo $CLOUD_RUN_TASK_ATTEMPT; exit 3", ",\"maxRetries\":1");
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_start("failing"));
    assert_non_null(json_object_get(operation, "error"));
    AUTO_FREE char *id = gcpsim_rig_execution_id(operation);
    json_auto_t *task = gcpsim_rig_task("failing", id);
    assert_int_equal(value_int(json_object_get(task, "lastAttemptResult"), "exitCode", 0), 3);
    assert_int_equal(value_int(task, "retried", 0), 1);
    json_auto_t *out = gcpsim_rig_logs(id, "", "");
    assert_int_equal(gcpsim_rig_count(out), 2);
    assert_string_equal(gcpsim_rig_text(out, 1), "1");
    gcpsim_rig_delete("failing");
}

/* Polls until the execution runs; its address is where the simulator promises it. */
static void await_running(const char *path)
{
    for (int i = 0; i < 2000; i++) {
        json_auto_t *execution = answer(200, "GET", path, NULL);
        const char *address =
            value_string(json_object_get(execution, "annotations"), "sockerless.dev/sim-address");
        if (value_int(execution, "runningCount", 0) == 1) {
            assert_true(str_starts(address, "198.19."));
            return;
        }
    }
    fail_msg("%s does not run", path);
}

TEST(cancelled)
{
    gcpsim_rig_create("endless", "trap 'exit 7' TERM; while :; do sleep 0.1; done",
                      ",\"maxRetries\":0");
    json_t *operation = gcpsim_rig_start("endless");
    AUTO_FREE char *get =
        xasprintf("/v2/%s", value_string(json_object_get(operation, "metadata"), "name"));
    AUTO_FREE char *cancel = xasprintf("%s:cancel", get);
    await_running(get);
    json_decref(gcpsim_rig_await(answer(200, "POST", cancel, "{}")));
    json_decref(gcpsim_rig_await(operation));
    json_auto_t *execution = answer(200, "GET", get, NULL);
    assert_int_equal(value_int(execution, "cancelledCount", 0), 1);
    expect(400, "POST", cancel, "{}");
    gcpsim_rig_delete("endless");
}

TEST(timeout_ends_it)
{
    gcpsim_rig_create("slow", "exec sleep 600", ",\"maxRetries\":0,\"timeout\":\"1s\"");
    gcpsim_rig_configure("{\"stop_grace_ms\":100}");
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_start("slow"));
    const json_t *error = json_object_get(operation, "error");
    assert_non_null(strstr(value_string(error, "message"), "timeout"));
    AUTO_FREE char *id = gcpsim_rig_execution_id(operation);
    json_auto_t *task = gcpsim_rig_task("slow", id);
    assert_int_equal(value_int(json_object_get(task, "lastAttemptResult"), "termSignal", 0), 9);
    gcpsim_rig_delete("slow");
}

TEST(no_such_image)
{
    json_decref(
        gcpsim_rig_await(answer(200, "POST", GCPSIM_PARENT "/jobs?jobId=lost",
                                GCPSIM_JOB("{\"image\":\"docker.io/library/none:1\"}", ""))));
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_start("lost"));
    assert_non_null(strstr(value_string(json_object_get(operation, "error"), "message"), "none:1"));
    gcpsim_rig_delete("lost");
}

/* Prints structured lines with a time of 2026 and numbers 101 … 125 as message and insertId. */
#define STRUCTURED                                                                                 \
    "for i in $(seq 101 125); do echo '{\"message\":\"'$i'\",'"                                    \
    "'\"time\":\"2026-01-01T00:00:00.123456789Z\",\"logging.googleapis.com/insertId\":\"'$i'\"}';" \
    "done"

TEST(log_pages)
{
    gcpsim_rig_create("lines", STRUCTURED, "");
    AUTO_FREE char *id = gcpsim_rig_run("lines");
    AUTO_FREE char *next = xstrdup("");
    size_t seen = 100;
    gcpsim_rig_configure("{\"log_empty_pages\":1}");
    do { /* an empty page with a token means: go on */
        AUTO_FREE char *paging = xasprintf(",\"pageSize\":10,\"pageToken\":\"%s\"", next);
        json_auto_t *page = gcpsim_rig_logs(id, "", paging);
        for (size_t i = 0; i < gcpsim_rig_count(page); i++)
            assert_int_equal(atoi(gcpsim_rig_text(page, i)), ++seen);
        free(next);
        next = xstrdup(value_string(page, "nextPageToken"));
    } while (*next);
    assert_int_equal(seen, 125);
    json_auto_t *last = gcpsim_rig_logs(id, "", ",\"pageSize\":1,\"orderBy\":\"timestamp desc\"");
    assert_non_null(json_object_get(last, "nextPageToken"));
    gcpsim_rig_delete("lines");
}

static bool is_ordered(const json_t *page)
{
    bool ordered = true;
    for (size_t i = 1; i < gcpsim_rig_count(page); i++)
        ordered = ordered && atoi(gcpsim_rig_text(page, i)) > atoi(gcpsim_rig_text(page, i - 1));
    return ordered;
}

/* Of one instant, insertIds order the entries, and those that the service gives say nothing about
 * the order of arrival; timestamps have microseconds. */
TEST(log_order)
{
    gcpsim_rig_create("order", STRUCTURED, "");
    AUTO_FREE char *id = gcpsim_rig_run("order");
    json_auto_t *own = gcpsim_rig_logs(id, "", "");
    assert_int_equal(gcpsim_rig_count(own), 25);
    assert_true(is_ordered(own));
    for (size_t i = 0; i < 25; i++)
        assert_string_equal(value_string(gcpsim_rig_entry(own, i), "timestamp"),
                            "2026-01-01T00:00:00.123456Z");
    json_auto_t *down = gcpsim_rig_logs(id, "", ",\"orderBy\":\"timestamp desc\"");
    assert_string_equal(gcpsim_rig_text(down, 0),
                        "101"); /* newest first, but by ascending insertId */
    gcpsim_rig_configure("{\"log_own_ids\":1}");
    AUTO_FREE char *again = gcpsim_rig_run("order");
    gcpsim_rig_configure("{\"log_own_ids\":0}");
    json_auto_t *hashed = gcpsim_rig_logs(again, "", "");
    assert_int_equal(gcpsim_rig_count(hashed), 25);
    assert_false(is_ordered(hashed));
    gcpsim_rig_create("bare", "seq 1 25", "");
    gcpsim_rig_configure("{\"log_same_time\":25}");
    AUTO_FREE char *bare = gcpsim_rig_run("bare");
    gcpsim_rig_configure("{\"log_same_time\":0}");
    json_auto_t *plain = gcpsim_rig_logs(bare, "", "");
    assert_int_equal(gcpsim_rig_count(plain), 25);
    assert_false(is_ordered(plain));
    gcpsim_rig_delete("order");
    gcpsim_rig_delete("bare");
}

/* Entries that come twice, dated back, or not yet. */
TEST(log_disorder)
{
    gcpsim_rig_create("disorder", "for i in 1 2 3; do echo $i; sleep 0.01; done", "");
    gcpsim_rig_configure("{\"log_duplicate\":1,\"log_skew\":1,\"log_skew_ms\":5000}");
    AUTO_FREE char *id = gcpsim_rig_run("disorder");
    json_auto_t *out = gcpsim_rig_logs(id, "", "");
    assert_int_equal(gcpsim_rig_count(out), 4);
    assert_string_equal(value_string(gcpsim_rig_entry(out, 0), "insertId"),
                        value_string(gcpsim_rig_entry(out, 1), "insertId"));
    assert_string_equal(gcpsim_rig_text(out, 3), "3");
    gcpsim_rig_configure("{\"log_late\":1,\"log_late_ms\":600000}");
    AUTO_FREE char *again = gcpsim_rig_run("disorder");
    json_auto_t *late = gcpsim_rig_logs(again, "", "");
    assert_int_equal(gcpsim_rig_count(late), 2);
    assert_string_equal(gcpsim_rig_text(late, 0), "2");
    gcpsim_rig_delete("disorder");
}

TEST(refusals)
{
    assert_int_equal(gcpsim_rig_call_as("", "GET", GCPSIM_PARENT "/jobs", NULL, NULL), 401);
    assert_int_equal(gcpsim_rig_call_as("ya29.none", "GET", GCPSIM_PARENT "/jobs", NULL, NULL),
                     401);
    json_auto_t *none = answer(404, "GET", GCPSIM_PARENT "/jobs/none", NULL);
    const json_t *error = json_object_get(none, "error");
    assert_int_equal(value_int(error, "code", 0), 404);
    assert_string_equal(value_string(error, "status"), "NOT_FOUND");
    expect(400, "POST", GCPSIM_PARENT "/jobs?jobId=Bad", "{}");
    expect(403, "GET", "/v2/projects/other/locations/us-central1/jobs", NULL);
    expect(400, "POST", "/v2/entries:list",
           "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"((\"}");
    gcpsim_rig_create("twice", "true", "");
    expect(409, "POST", GCPSIM_PARENT "/jobs?jobId=twice", GCPSIM_JOB("{\"image\":\"x\"}", ""));
    gcpsim_rig_delete("twice");
}

/* What Cloud Run pulls from, and what it tells whoever names another registry. */
TEST(registries_that_cloud_run_pulls_from)
{
    static const char *const refused[] = {"quay.io/a/b:1",
                                          "ghcr.io/a/b",
                                          "registry.example.com:5000/a",
                                          "127.0.0.1:5000/a/b",
                                          "public.ecr.aws/a/b",
                                          "evilgcr.io/a/b",
                                          "docker.pkg.dev.example.com/a/b",
                                          "mcr.microsoft.com/a"};
    static const char *const accepted[] = {
        "busybox",         "docker.io/library/busybox:1",        "gcr.io/p/a",
        "eu.gcr.io/p/a:1", "us-central1-docker.pkg.dev/p/r/a:1", "us-docker.pkg.dev/p/r/a"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        AUTO_FREE char *body = xasprintf(GCPSIM_JOB("{\"image\":\"%s\"}", ""), refused[i]);
        json_auto_t *out = answer(400, "POST", GCPSIM_PARENT "/jobs?jobId=foreign", body);
        const char *text = value_string(json_object_get(out, "error"), "message");
        assert_non_null(strstr(text, "Expected an image path like [host/]repo-path"));
        assert_non_null(strstr(text, refused[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        AUTO_FREE char *body = xasprintf(GCPSIM_JOB("{\"image\":\"%s\"}", ""), accepted[i]);
        expect(200, "POST", GCPSIM_PARENT "/jobs?jobId=native&validateOnly=true", body);
    }
}

TEST(vpc_access)
{
    static const struct {
        long status;
        const char *access;
    } cases[] = {
        {200, "{\"connector\":\"projects/p/locations/us-central1/connectors/c\"}"},
        {200, "{\"networkInterfaces\":[{\"network\":\"default\"}],\"egress\":\"ALL_TRAFFIC\"}"},
        {200,
         "{\"networkInterfaces\":[{\"network\":\"projects/h/global/networks/n\",\"subnetwork\":"
         "\"projects/h/regions/us-central1/subnetworks/"
         "s\",\"tags\":[\"a\",\"b-1\"]}],\"egress\":2}"},
        {400, "{\"networkInterfaces\":[{}]}"},
        {400, "{\"networkInterfaces\":[{\"network\":\"a\"},{\"network\":\"b\"}]}"},
        {400, "{\"networkInterfaces\":[{\"network\":\"a\"}],\"connector\":\"c\"}"},
        {400, "{\"networkInterfaces\":[{\"network\":\"a\",\"tags\":[\"Bad_Tag\"]}]}"},
        {400, "{\"networkInterfaces\":[{\"network\":\"projects/p/networks/n\"}]}"},
        {400, "{\"networkInterfaces\":[{\"subnet\":\"s\"}]}"},
        {400, "{\"networkInterfaces\":[{\"network\":\"a\"}],\"egress\":\"SOME\"}"},
        {400, "{\"connector\":\"projects/p/connectors/c\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *body =
            xasprintf(GCPSIM_JOB("{\"image\":\"busybox\"}", ",\"vpcAccess\":%s"), cases[i].access);
        expect(cases[i].status, "POST", GCPSIM_PARENT "/jobs?jobId=network&validateOnly=true",
               body);
    }
}

TEST(faults)
{
    expect(200, "POST", "/_sim/faults",
           "[{\"operation\":\"run.jobs.list\",\"kind\":\"throttle\",\"latency_ms\":2000},"
           "{\"operation\":\"run.jobs.list\",\"kind\":\"error\",\"status\":503},"
           "{\"operation\":\"run.jobs.list\",\"kind\":\"drop_connection\"}]");
    expect(429, "GET", GCPSIM_PARENT "/jobs", NULL);
    expect(503, "GET", GCPSIM_PARENT "/jobs", NULL);
    expect(0, "GET", GCPSIM_PARENT "/jobs", NULL);
    expect(200, "GET", GCPSIM_PARENT "/jobs", NULL);
}

TEST(log_quota)
{
    static const char body[] = "{\"resourceNames\":[\"projects/sockerless-sim\"]}";
    int refused = 0;
    gcpsim_rig_configure("{\"throttling\":1}");
    for (int i = 0; i < 70; i++)
        refused +=
            gcpsim_rig_call_as(gcpsim_rig_token, "POST", "/v2/entries:list", body, NULL) == 429;
    gcpsim_rig_configure("{\"throttling\":0}");
    assert_true(refused > 0 && refused <= 10);
}

TEST(tokens)
{
    json_auto_t *refreshed =
        answer(200, "POST", "/token",
               "grant_type=refresh_token&client_id=sockerless-sim.apps.googleusercontent.com&"
               "client_secret=sockerless-sim-client-secret&refresh_token=1%2F%2Fsockerless-sim-"
               "refresh-token");
    const char *bearer = value_string(refreshed, "access_token");
    assert_int_equal(gcpsim_rig_call_as(bearer, "GET", GCPSIM_PARENT "/jobs", NULL, NULL), 200);
    json_auto_t *refused = answer(400, "POST", "/token", "grant_type=refresh_token");
    assert_string_equal(value_string(refused, "error"), "invalid_client");
    json_auto_t *instance =
        answer(200, "GET", "/computeMetadata/v1/instance/service-accounts/default/token", NULL);
    assert_int_equal(
        gcpsim_rig_call_as(
            value_string(instance, "access_token"), "POST",
            "/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken",
            "{\"scope\":[\"" SCOPE "\"],\"lifetime\":\"3600s\"}", NULL),
        200);
    json_auto_t *exchanged =
        answer(200, "POST", "/v1/token",
               "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&audience=%2F%2Fiam."
               "googleapis.com%2Fprojects%2F1&subject_token=x&subject_token_type=urn:x");
    bearer = value_string(exchanged, "access_token");
    assert_int_equal(gcpsim_rig_call_as(bearer, "GET", GCPSIM_PARENT "/jobs", NULL, NULL), 200);
    expect(200, "DELETE", "/_sim/tokens", NULL);
    expect(401, "GET", GCPSIM_PARENT "/jobs", NULL);
    gcpsim_rig_take_token();
}

TEST(objects)
{
    AUTO_FREE char *dir = xasprintf("%s/gcs/agents", sim_rig.sim.state_dir);
    AUTO_FREE char *path = xasprintf("%s/agent", dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("\"binary\"", f);
    fclose(f);
    assert_int_equal(gcpsim_rig_call_as("", "GET", "/agents/agent", NULL, NULL), 200);
    assert_int_equal(gcpsim_rig_call_as("", "GET", "/agents/../lock", NULL, NULL), 404);
    assert_int_equal(
        gcpsim_rig_call_as("", "GET", "/storage/v1/b/agents/o/agent?alt=media", NULL, NULL), 401);
    expect(200, "GET", "/storage/v1/b/agents/o/agent?alt=media", NULL);
    expect(404, "GET", "/storage/v1/b/agents/o/none?alt=media", NULL);
}
