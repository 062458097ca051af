/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Google Cloud from outside: its process, a small registry, and executions that are
 * containers which really run. Needs root.
 */
#include "base/log.h"
#include "test/sim/http/value.h"
#include "test/kit/sim_kit.h"
#include "test/kit/test.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#define PARENT "/v2/projects/sockerless-sim/locations/us-central1"
#define SCOPE "https://www.googleapis.com/auth/cloud-platform"

static struct kit_registry registry;
static struct kit_sim sim;
static pthread_t drain;
static char token[128];

/* ---- calls ---- */

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    buf_append(user, data, size * count);
    return size * count;
}

/* The answer's status; the answer as JSON (new reference) when asked for. body NULL: none. */
static long call_as(const char *bearer, const char *method, const char *path, const char *body,
                    json_t **out)
{
    struct buf answer = BUF_INIT;
    long status = 0;
    CURL *curl = curl_easy_init();
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d%s", sim.port, path);
    AUTO_FREE char *authorization = xasprintf("Authorization: Bearer %s", bearer);
    struct curl_slist *headers = curl_slist_append(NULL, "Metadata-Flavor: Google");
    if (*bearer)
        headers = curl_slist_append(headers, authorization);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (out)
        *out = json_loadb(str_or_empty(answer.data), answer.len, 0, NULL);
    buf_free(&answer);
    return status;
}

static void take_token(void)
{
    json_t *given;
    assert_int_equal(call_as("", "POST", "/_sim/tokens", "{}", &given), 200);
    snprintf(token, sizeof token, "%s", value_string(given, "token"));
    json_decref(given);
}

/* A call that must end with that status; its answer as JSON (new reference, NULL: none). */
static json_t *answer_at(int line, long status, const char *method, const char *path,
                         const char *body)
{
    json_t *out;
    long got = call_as(token, method, path, body, &out);
    if (got != status)
        print_error("%s %s:\n", method, path);
    _assert_int_equal((LargestIntegralType)got, (LargestIntegralType)status, __FILE__, line);
    return out;
}
#define answer(status, method, path, body) answer_at(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))

static void configure(const char *settings)
{
    expect(200, "POST", "/_sim/config", settings);
}

/* An operation through :wait to its end; freed. Its final form is returned. */
static json_t *await(json_t *operation)
{
    for (int i = 0; i < 10 && !value_bool(operation, "done", false); i++) {
        AUTO_FREE char *path = xasprintf("/v2/%s:wait", value_string(operation, "name"));
        json_decref(operation);
        operation = answer(200, "POST", path, "{\"timeout\":\"10s\"}");
    }
    assert_true(value_bool(operation, "done", false));
    return operation;
}

#define JOB(containers, more)                                                                      \
    "{\"template\":{\"template\":{\"containers\":[" containers "]" more "}}}"

static void create(const char *id, const char *script, const char *task_more)
{
    json_auto_t *argument = value_text(script);
    AUTO_FREE char *path = xasprintf(PARENT "/jobs?jobId=%s", id);
    AUTO_FREE char *quoted = json_dumps(argument, JSON_ENCODE_ANY);
    AUTO_FREE char *body =
        xasprintf(JOB("{\"image\":\"docker.io/library/tool:1\",\"command\":[\"/bin/sh\",\"-c\"],"
                      "\"args\":[%s],\"env\":[{\"name\":\"GREETING\",\"value\":\"hi\"}]}",
                      "%s"),
                  quoted, task_more);
    json_auto_t *operation = await(answer(200, "POST", path, body));
    assert_non_null(json_object_get(operation, "response"));
}

static json_t *start(const char *id)
{
    AUTO_FREE char *path = xasprintf(PARENT "/jobs/%s:run", id);
    json_t *operation = answer(200, "POST", path, "{}");
    assert_non_null(strstr(value_string(json_object_get(operation, "metadata"), "name"), id));
    return operation;
}

static char *execution_id(const json_t *operation)
{
    const char *name = value_string(json_object_get(operation, "metadata"), "name");
    return xstrdup(strrchr(name, '/') + 1);
}

/* One execution to its end; its id, which the caller frees. */
static char *run(const char *job)
{
    json_auto_t *operation = await(start(job));
    return execution_id(operation);
}

static void delete_job(const char *id)
{
    AUTO_FREE char *path = xasprintf(PARENT "/jobs/%s", id);
    json_decref(await(answer(200, "DELETE", path, NULL)));
    expect(404, "GET", path, NULL);
}

static json_t *list_logs(const char *execution, const char *more, const char *paging)
{
    AUTO_FREE char *body = xasprintf(
        "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"resource.type=\\\"cloud_run"
        "_job\\\" AND labels.\\\"run.googleapis.com/execution_name\\\"=\\\"%s\\\" %s\"%s}",
        execution, more, paging);
    return answer(200, "POST", "/v2/entries:list", body);
}

static size_t count_of(const json_t *list)
{
    return json_array_size(json_object_get(list, "entries"));
}

static const json_t *entry_at(const json_t *list, size_t i)
{
    return json_array_get(json_object_get(list, "entries"), i);
}

static const char *text_at(const json_t *list, size_t i)
{
    return value_string(entry_at(list, i), "textPayload");
}

/* The one task of an execution; new reference. */
static json_t *task_of(const char *job, const char *execution)
{
    AUTO_FREE char *path = xasprintf(PARENT "/jobs/%s/executions/%s/tasks", job, execution);
    json_auto_t *list = answer(200, "GET", path, NULL);
    return json_incref(json_array_get(json_object_get(list, "tasks"), 0));
}

/* ---- tests ---- */

TEST(life)
{
    create("life", "echo $GREETING; echo oops >&2; echo '{\"severity\":\"ERROR\",\"a\":1}'", "");
    json_auto_t *operation = await(start("life"));
    const json_t *execution = json_object_get(operation, "response");
    assert_int_equal(value_int(execution, "succeededCount", 0), 1);
    assert_null(json_object_get(execution, "failedCount"));
    AUTO_FREE char *id = execution_id(operation);

    json_auto_t *task = task_of("life", id);
    assert_null(json_object_get(json_object_get(task, "lastAttemptResult"), "exitCode"));
    assert_non_null(json_object_get(task, "lastAttemptResult"));

    json_auto_t *out = list_logs(id, "AND logName:\\\"stdout\\\"", "");
    assert_int_equal(count_of(out), 2);
    assert_string_equal(text_at(out, 0), "hi");
    const json_t *second = entry_at(out, 1);
    assert_string_equal(value_string(second, "severity"), "ERROR");
    assert_int_equal(value_int(json_object_get(second, "jsonPayload"), "a", 0), 1);
    json_auto_t *errors = list_logs(id, "AND log_id(\\\"run.googleapis.com/stderr\\\")", "");
    assert_string_equal(text_at(errors, 0), "oops");
    delete_job("life");
}

TEST(exit_code_and_retries)
{
    create("failing", "echo $CLOUD_RUN_TASK_ATTEMPT; exit 3", ",\"maxRetries\":1");
    json_auto_t *operation = await(start("failing"));
    assert_non_null(json_object_get(operation, "error"));
    AUTO_FREE char *id = execution_id(operation);
    json_auto_t *task = task_of("failing", id);
    assert_int_equal(value_int(json_object_get(task, "lastAttemptResult"), "exitCode", 0), 3);
    assert_int_equal(value_int(task, "retried", 0), 1);
    json_auto_t *out = list_logs(id, "", "");
    assert_int_equal(count_of(out), 2);
    assert_string_equal(text_at(out, 1), "1");
    delete_job("failing");
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
    create("endless", "trap 'exit 7' TERM; while :; do sleep 0.1; done", ",\"maxRetries\":0");
    json_t *operation = start("endless");
    AUTO_FREE char *get =
        xasprintf("/v2/%s", value_string(json_object_get(operation, "metadata"), "name"));
    AUTO_FREE char *cancel = xasprintf("%s:cancel", get);
    await_running(get);
    json_decref(await(answer(200, "POST", cancel, "{}")));
    json_decref(await(operation));
    json_auto_t *execution = answer(200, "GET", get, NULL);
    assert_int_equal(value_int(execution, "cancelledCount", 0), 1);
    expect(400, "POST", cancel, "{}");
    delete_job("endless");
}

TEST(timeout_ends_it)
{
    create("slow", "exec sleep 600", ",\"maxRetries\":0,\"timeout\":\"1s\"");
    configure("{\"stop_grace_ms\":100}");
    json_auto_t *operation = await(start("slow"));
    const json_t *error = json_object_get(operation, "error");
    assert_non_null(strstr(value_string(error, "message"), "timeout"));
    AUTO_FREE char *id = execution_id(operation);
    json_auto_t *task = task_of("slow", id);
    assert_int_equal(value_int(json_object_get(task, "lastAttemptResult"), "termSignal", 0), 9);
    delete_job("slow");
}

TEST(no_such_image)
{
    json_decref(await(answer(200, "POST", PARENT "/jobs?jobId=lost",
                             JOB("{\"image\":\"docker.io/library/none:1\"}", ""))));
    json_auto_t *operation = await(start("lost"));
    assert_non_null(strstr(value_string(json_object_get(operation, "error"), "message"), "none:1"));
    delete_job("lost");
}

TEST(log_pages)
{
    create("lines", "seq 1 25", "");
    AUTO_FREE char *id = run("lines");
    AUTO_FREE char *next = xstrdup("");
    size_t seen = 0;
    configure("{\"log_empty_pages\":1}");
    do { /* an empty page with a token means: go on */
        AUTO_FREE char *paging = xasprintf(",\"pageSize\":10,\"pageToken\":\"%s\"", next);
        json_auto_t *page = list_logs(id, "", paging);
        for (size_t i = 0; i < count_of(page); i++)
            assert_int_equal(atoi(text_at(page, i)), ++seen);
        free(next);
        next = xstrdup(value_string(page, "nextPageToken"));
    } while (*next);
    assert_int_equal(seen, 25);
    json_auto_t *last = list_logs(id, "", ",\"pageSize\":1,\"orderBy\":\"timestamp desc\"");
    assert_string_equal(text_at(last, 0), "25");
    assert_non_null(json_object_get(last, "nextPageToken"));
    delete_job("lines");
}

/* Entries that come twice, dated back, or not yet. */
TEST(log_disorder)
{
    create("disorder", "seq 1 3", "");
    configure("{\"log_duplicate\":1,\"log_skew\":1,\"log_skew_ms\":5000}");
    AUTO_FREE char *id = run("disorder");
    json_auto_t *out = list_logs(id, "", "");
    assert_int_equal(count_of(out), 4);
    assert_string_equal(value_string(entry_at(out, 0), "insertId"),
                        value_string(entry_at(out, 1), "insertId"));
    assert_string_equal(text_at(out, 3), "3");
    configure("{\"log_late\":1,\"log_late_ms\":600000}");
    AUTO_FREE char *again = run("disorder");
    json_auto_t *late = list_logs(again, "", "");
    assert_int_equal(count_of(late), 2);
    assert_string_equal(text_at(late, 0), "2");
    delete_job("disorder");
}

TEST(refusals)
{
    assert_int_equal(call_as("", "GET", PARENT "/jobs", NULL, NULL), 401);
    assert_int_equal(call_as("ya29.none", "GET", PARENT "/jobs", NULL, NULL), 401);
    json_auto_t *none = answer(404, "GET", PARENT "/jobs/none", NULL);
    const json_t *error = json_object_get(none, "error");
    assert_int_equal(value_int(error, "code", 0), 404);
    assert_string_equal(value_string(error, "status"), "NOT_FOUND");
    expect(400, "POST", PARENT "/jobs?jobId=Bad", "{}");
    expect(403, "GET", "/v2/projects/other/locations/us-central1/jobs", NULL);
    expect(400, "POST", "/v2/entries:list",
           "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"((\"}");
    create("twice", "true", "");
    expect(409, "POST", PARENT "/jobs?jobId=twice", JOB("{\"image\":\"x\"}", ""));
    delete_job("twice");
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
        AUTO_FREE char *body = xasprintf(JOB("{\"image\":\"%s\"}", ""), refused[i]);
        json_auto_t *out = answer(400, "POST", PARENT "/jobs?jobId=foreign", body);
        const char *text = value_string(json_object_get(out, "error"), "message");
        assert_non_null(strstr(text, "Expected an image path like [host/]repo-path"));
        assert_non_null(strstr(text, refused[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        AUTO_FREE char *body = xasprintf(JOB("{\"image\":\"%s\"}", ""), accepted[i]);
        expect(200, "POST", PARENT "/jobs?jobId=native&validateOnly=true", body);
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
            xasprintf(JOB("{\"image\":\"busybox\"}", ",\"vpcAccess\":%s"), cases[i].access);
        expect(cases[i].status, "POST", PARENT "/jobs?jobId=network&validateOnly=true", body);
    }
}

TEST(faults)
{
    expect(200, "POST", "/_sim/faults",
           "[{\"operation\":\"run.jobs.list\",\"kind\":\"throttle\",\"latency_ms\":2000},"
           "{\"operation\":\"run.jobs.list\",\"kind\":\"error\",\"status\":503},"
           "{\"operation\":\"run.jobs.list\",\"kind\":\"drop_connection\"}]");
    expect(429, "GET", PARENT "/jobs", NULL);
    expect(503, "GET", PARENT "/jobs", NULL);
    expect(0, "GET", PARENT "/jobs", NULL);
    expect(200, "GET", PARENT "/jobs", NULL);
}

TEST(log_quota)
{
    static const char body[] = "{\"resourceNames\":[\"projects/sockerless-sim\"]}";
    int refused = 0;
    configure("{\"throttling\":1}");
    for (int i = 0; i < 70; i++)
        refused += call_as(token, "POST", "/v2/entries:list", body, NULL) == 429;
    configure("{\"throttling\":0}");
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
    assert_int_equal(call_as(bearer, "GET", PARENT "/jobs", NULL, NULL), 200);
    json_auto_t *refused = answer(400, "POST", "/token", "grant_type=refresh_token");
    assert_string_equal(value_string(refused, "error"), "invalid_client");
    json_auto_t *instance =
        answer(200, "GET", "/computeMetadata/v1/instance/service-accounts/default/token", NULL);
    assert_int_equal(
        call_as(value_string(instance, "access_token"), "POST",
                "/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken",
                "{\"scope\":[\"" SCOPE "\"],\"lifetime\":\"3600s\"}", NULL),
        200);
    json_auto_t *exchanged =
        answer(200, "POST", "/v1/token",
               "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&audience=%2F%2Fiam."
               "googleapis.com%2Fprojects%2F1&subject_token=x&subject_token_type=urn:x");
    bearer = value_string(exchanged, "access_token");
    assert_int_equal(call_as(bearer, "GET", PARENT "/jobs", NULL, NULL), 200);
    expect(200, "DELETE", "/_sim/tokens", NULL);
    expect(401, "GET", PARENT "/jobs", NULL);
    take_token();
}

TEST(objects)
{
    AUTO_FREE char *dir = xasprintf("%s/gcs/agents", sim.state_dir);
    AUTO_FREE char *path = xasprintf("%s/agent", dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("\"binary\"", f);
    fclose(f);
    assert_int_equal(call_as("", "GET", "/agents/agent", NULL, NULL), 200);
    assert_int_equal(call_as("", "GET", "/agents/../lock", NULL, NULL), 404);
    assert_int_equal(call_as("", "GET", "/storage/v1/b/agents/o/agent?alt=media", NULL, NULL), 401);
    expect(200, "GET", "/storage/v1/b/agents/o/agent?alt=media", NULL);
    expect(404, "GET", "/storage/v1/b/agents/o/none?alt=media", NULL);
}

/* ---- the harness ---- */

static int setup(void **state)
{
    const char *binary = kit_sim_binary(test_program, "SIM_GCP_BIN", "sockerless-sim-gcp");
    (void)state;
    if (!binary || geteuid() != 0) {
        fprintf(stderr, "skipped: needs root and sockerless-sim-gcp (set SIM_GCP_BIN)\n");
        exit(getenv("CI") ? 1 : 0);
    }
    kit_registry_start(&registry);
    if (!kit_sim_start(&sim, binary, registry.mock->port))
        return -1;
    pthread_create(&drain, NULL, kit_sim_drain, &sim);
    take_token();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bool orderly = kit_sim_stop(&sim);
    pthread_join(drain, NULL);
    close(sim.output);
    kit_registry_stop(&registry);
    return orderly ? 0 : -1;
}

TEST_GROUP(setup, teardown);
