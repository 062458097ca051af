/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole driver against a scripted Google Cloud: what it sends, and what it makes of refusals,
 * lost answers, throttling and expired tokens.
 */
#include "backend-cloudrun/driver.h"

#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/test.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PARENT "projects/p-1/locations/europe-west1"
#define JOB_ID "sockerless-0123456789ab-00ff00ff"
#define JOB PARENT "/jobs/" JOB_ID
#define EXECUTION JOB "/executions/" JOB_ID "-x7k2p"
#define OPERATION PARENT "/operations/op-1"
#define DONE "{\"name\":\"" OPERATION "\",\"done\":true,\"response\":{}}"
#define PENDING "{\"name\":\"" OPERATION "\",\"metadata\":{\"name\":\"" JOB "\"}}"
#define RUNNING "{\"name\":\"" OPERATION "\",\"metadata\":{\"name\":\"" EXECUTION "\"}}"
#define PLAIN_JOB "{\"name\":\"" JOB "\",\"annotations\":{\"sockerless.dev/run\":\"00ff00ff-1\"}}"
#define RUN_JOB "{\"name\":\"" JOB "\",\"latestCreatedExecution\":{\"name\":\"" JOB_ID "-x7k2p\"}}"
#define REFUSED(code, status, text)                                                                \
    "{\"error\":{\"code\":" #code ",\"status\":\"" status "\",\"message\":\"" text "\"}}"

static struct cloudrun_config config;
static struct cloud_driver driver;
static struct workload w;
static struct workload_status status;
static struct error problem;
static int result;
static char *key_path;

static char *argv[] = {"--", "echo", "hi there"};
static char *env[] = {"A=1", "B=x=y", "A=2", "SOCKERLESS_AGENT_TOKEN=mine"};
static char *agent_env[] = {"SOCKERLESS_AGENT_TOKEN=t0k"};
static Sockerless__KeyValue label = {.key = "com.example/Odd Key", .value = "V\"1"};
static Sockerless__KeyValue *labels[] = {&label};
static Sockerless__ContainerConfig container = {.n_labels = 1, .labels = labels};
static Sockerless__HostOptions host;
static struct workload_spec spec = {
    .container_id = ID,
    .container_name = "web",
    .instance = "Inst/1",
    .run_token = "00ff00ff-1",
    .image = "busybox",
    .agent_argv = argv,
    .agent_argc = 3,
    .env = env,
    .env_count = 4,
    .agent_env = agent_env,
    .agent_env_count = 1,
    .config = &container,
    .host = &host,
    .stop_timeout_s = 10,
};

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    key_path = xasprintf("/tmp/sockerless-run-%d.json", (int)getpid());
    FILE *f = fopen(key_path, "w");
    fprintf(f,
            "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\","
            "\"token_url\":\"%s/token\",\"credential_source\":{\"file\":\"%s\"}}",
            h->url, key_path);
    fclose(f);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", key_path, 1);
    setenv("NO_GCE_CHECK", "true", 1);
    harness_rule(h, "POST /token", 200,
                 "{\"access_token\":\"ya29.one\",\"expires_in\":3600,\"token_type\":\"Bearer\"}",
                 0);
    host = (Sockerless__HostOptions){.memory = 1LL << 30, .nano_cpus = 1500000000};
    config = (struct cloudrun_config){
        .project = "p-1",
        .region = "europe-west1",
        .endpoint_url = h->url,
        .log_id = "sockerless",
        .gcs_bucket = "agents",
        .gcs_object = "sockerless-agent",
        .service_account = "r@p-1.iam.gserviceaccount.com",
        .connector_name = PARENT "/connectors/c",
        .task_timeout_s = 86400,
        .log_reads_per_min = 60000,
        .rate_percent = 100,
    };
    cloudrun_driver_open(&h->loop, h->http, &config, &driver);
    w = (struct workload){0};
    problem = (struct error){0};
    result = 0;
    return 0;
}

static int fixture_teardown(void **state)
{
    driver.close(driver.self);
    remove(key_path);
    free(key_path);
    return harness_teardown(state);
}

static void expect_success(void)
{
    if (result)
        fail_msg("%s", problem.message);
}

static void expect_problem(enum error_code code, const char *text)
{
    assert_int_equal(result, -1);
    if (problem.code != code || !strstr(problem.message, text))
        fail_msg("%s: %s", error_code_name(problem.code), problem.message);
}

static void co_prepare(struct harness *h)
{
    (void)h;
    result = driver.co_prepare(driver.self, &spec, &w, &problem);
}

static void co_run(struct harness *h)
{
    (void)h;
    strcpy(w.definition, JOB);
    result = driver.co_run(driver.self, &spec, &w, &problem);
}

static void set_run(void)
{
    strcpy(w.definition, JOB);
    strcpy(w.resource, EXECUTION);
}

static void co_describe(struct harness *h)
{
    (void)h;
    const struct workload *list[] = {&w};
    set_run();
    result = driver.co_describe(driver.self, list, 1, &status, &problem);
}

static void co_stop(struct harness *h)
{
    (void)h;
    set_run();
    result = driver.co_stop(driver.self, &w, "bye", &problem);
}

static void co_delete(struct harness *h)
{
    (void)h;
    set_run();
    result = driver.co_delete(driver.self, &w, &problem);
}

/* ---- jobs ---- */

/* The body of the only request that has this text. */
static json_t *sent(struct harness *h, const char *text)
{
    struct error err;
    for (size_t i = 0; i < h->seen_count; i++)
        if (strstr(h->seen[i], text)) {
            const char *body = strstr(h->seen[i], "\r\n\r\n");
            json_t *doc = json_doc_load(body + 5, strlen(body + 5), &err);
            if (!doc)
                fail_msg("%s", err.message);
            return doc;
        }
    fail_msg("%s was not sent", text);
    return NULL;
}

static const char *at(const json_t *object, const char *a, const char *b)
{
    return str_or_empty(json_doc_string(json_object_get(object, a), b));
}

TEST_USING(fixture, a_job_as_it_is_sent)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/" PARENT "/jobs?jobId=" JOB_ID, 200, PENDING, 0);
    harness_rule(h, "GET /v2/" OPERATION, 200, PENDING, 1);
    harness_rule(h, "GET /v2/" OPERATION, 200, DONE, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_string_equal(w.definition, JOB);
    assert_int_equal(harness_seen(h, "Authorization: Bearer ya29.one"), 3);
    json_t *job AUTO(json) = sent(h, "jobs?jobId=");
    assert_string_equal(at(job, "labels", "sockerless-container"), "0123456789ab");
    assert_true(str_starts(at(job, "labels", "sockerless-instance"), "inst_1-"));
    assert_string_equal(at(job, "annotations", "sockerless.dev/instance"), "Inst/1");
    assert_string_equal(at(job, "annotations", "sockerless.dev/docker-labels"),
                        "{\"com.example/Odd Key\":\"V\\\"1\"}");
    const json_t *execution = json_object_get(job, "template");
    const json_t *task = json_object_get(execution, "template");
    assert_int_equal(json_integer_value(json_object_get(execution, "taskCount")), 1);
    assert_true(json_is_integer(json_object_get(task, "maxRetries")));
    assert_int_equal(json_integer_value(json_object_get(task, "maxRetries")), 0);
    assert_string_equal(json_doc_string(task, "timeout"), "86400s");
    assert_string_equal(json_doc_string(task, "serviceAccount"), config.service_account);
    assert_string_equal(at(task, "vpcAccess", "connector"), PARENT "/connectors/c");
    const json_t *main = json_array_get(json_object_get(task, "containers"), 0);
    assert_string_equal(json_doc_string(main, "image"), "busybox");
    const json_t *limits = json_object_get(json_object_get(main, "resources"), "limits");
    assert_string_equal(json_doc_string(limits, "cpu"), "2");
    assert_string_equal(json_doc_string(limits, "memory"), "1024Mi");
    AUTO_FREE char *variables = json_dumps(json_object_get(main, "env"), JSON_COMPACT);
    assert_string_equal(variables, "[{\"name\":\"B\",\"value\":\"x=y\"},{\"name\":\"A\",\"value\":"
                                   "\"2\"},{\"name\":\"SOCKERLESS_AGENT_TOKEN\",\"value\":\"t0k\"},"
                                   "{\"name\":\"SOCKERLESS_AGENT_SHELL\",\"value\":\"1\"}]");
    AUTO_FREE char *args = json_dumps(json_object_get(main, "args"), JSON_COMPACT);
    assert_string_equal(args, "[\"--\",\"echo\",\"hi there\"]");
    const json_t *command = json_object_get(main, "command");
    assert_string_equal(json_string_value(json_array_get(command, 0)), "/bin/sh");
    assert_int_equal(json_array_size(command), 4);
}

TEST_USING(fixture, an_image_with_the_agent_needs_no_shell)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 200, DONE, 0);
    spec.agent_in_image = true;
    harness_run(h, co_prepare);
    spec.agent_in_image = false;
    expect_success();
    assert_int_equal(harness_seen(h, "\"command\":[\"/sockerless-agent\"]"), 1);
    config.injection = CLOUDRUN_INJECT_IMAGE_LAYER;
    harness_run(h, co_prepare);
    expect_problem(ERROR_SYSTEM, "was not given the agent");
}

/* What Cloud Run reserves, and what a shell would not pass on as it is. */
TEST_USING(fixture, odd_variables_are_carried)
{
    struct harness *h = *state;
    char *odd[] = {"INPUT_WHO-TO-GREET=you=me", "CLOUD_RUN_JOB=mine", "PWD=/x", "a.b", "OK=1"};
    char *const *plain = spec.env;
    spec.env = odd;
    spec.env_count = ARRAY_LEN(odd);
    harness_rule(h, "POST /v2/", 200, DONE, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "{\"name\":\"SOCKERLESS_AGENT_ENV_0\",\"value\":"
                                     "\"INPUT_WHO-TO-GREET=you=me\"}"),
                     1);
    assert_int_equal(harness_seen(h, "_ENV_1\",\"value\":\"CLOUD_RUN_JOB=mine\""), 1);
    assert_int_equal(harness_seen(h, "_ENV_2\",\"value\":\"PWD=/x\""), 1);
    assert_int_equal(harness_seen(h, "_ENV_3\",\"value\":\"a.b=\""), 1);
    assert_int_equal(harness_seen(h, "{\"name\":\"OK\",\"value\":\"1\"}"), 1);
    spec.agent_in_image = true; /* no shell: PWD is a variable like others */
    harness_run(h, co_prepare);
    spec.agent_in_image = false;
    expect_success();
    assert_int_equal(harness_seen(h, "{\"name\":\"PWD\",\"value\":\"/x\"}"), 1);
    assert_int_equal(harness_seen(h, "SOCKERLESS_AGENT_SHELL"), 1);
    char *many[1001];
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = "X=1";
    spec.env = many;
    spec.env_count = ARRAY_LEN(many);
    harness_run(h, co_prepare);
    expect_problem(ERROR_INVALID_PARAMETER, "1003 environment variables are more than");
    AUTO_FREE char *value = xmalloc(40001);
    memset(value, 's', 40000);
    value[40000] = '\0';
    AUTO_FREE char *large = xasprintf("SECRET=%s", value);
    AUTO_FREE char *odd_large = xasprintf("odd-secret=%s", value);
    many[0] = large;
    spec.env_count = 1;
    harness_run(h, co_prepare);
    expect_problem(ERROR_INVALID_PARAMETER, "environment variable SECRET: Cloud Run takes");
    many[0] = odd_large;
    harness_run(h, co_prepare);
    expect_problem(ERROR_INVALID_PARAMETER, "environment variable odd-secret: Cloud Run takes");
    spec.env = plain;
    spec.env_count = 4;
}

TEST_USING(fixture, a_job_made_before_is_adopted)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 0, NULL, 1);
    harness_rule(h, "POST /v2/", 409, REFUSED(409, "ALREADY_EXISTS", "there"), 0);
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    harness_run(h, co_prepare);
    expect_success();
    spec.run_token = "00ff00ff-2"; /* the same name, another run */
    harness_run(h, co_prepare);
    spec.run_token = "00ff00ff-1";
    expect_problem(ERROR_CONFLICT, "is not ours");
}

TEST_USING(fixture, an_operation_that_fails)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 200,
                 "{\"name\":\"" OPERATION "\",\"done\":true,\"error\":{\"code\":5,\"message\":"
                 "\"Image 'busybox' not found.\"}}",
                 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_NOT_FOUND, "run: create job: NOT_FOUND: Image 'busybox' not found.");
    assert_string_equal(w.definition, JOB); /* to be removed */
}

TEST_USING(fixture, refusals_carry_the_service_s_words)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 403,
                 "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\",\"message\":\"No.\","
                 "\"details\":[{\"@type\":\"x\"},{\"requestId\":\"req-9\"}]}}",
                 1);
    harness_rule(h, "POST /v2/", 400, REFUSED(400, "INVALID_ARGUMENT", "bad"), 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_FORBIDDEN, "PERMISSION_DENIED: No.; the backend's account lacks");
    expect_problem(ERROR_FORBIDDEN, "(request id req-9)");
    harness_run(h, co_prepare);
    expect_problem(ERROR_INVALID_PARAMETER, "INVALID_ARGUMENT: bad");
}

TEST_USING(fixture, a_refused_token_is_renewed_once)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 401, REFUSED(401, "UNAUTHENTICATED", "expired"), 1);
    harness_rule(h, "POST /v2/", 200, DONE, 1);
    harness_rule(h, "POST /v2/", 401, REFUSED(401, "UNAUTHENTICATED", "expired"), 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "POST /token"), 2);
    harness_run(h, co_prepare);
    expect_problem(ERROR_FORBIDDEN, "UNAUTHENTICATED");
    assert_int_equal(harness_seen(h, "POST /v2/"), 4);
}

TEST_USING(fixture, throttling_is_waited_for)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 429, REFUSED(429, "RESOURCE_EXHAUSTED", "slow"), 1);
    h->rules[h->rule_count - 1].headers = "Retry-After: 1\r\n";
    harness_rule(h, "POST /v2/", 503, "<html>", 1);
    harness_rule(h, "POST /v2/", 200, DONE, 0);
    int64_t began = time_mono_ms();
    harness_run(h, co_prepare);
    expect_success();
    assert_true(time_mono_ms() - began >= 1000);
    assert_int_equal(harness_seen(h, "POST /v2/"), 3);
}

/* ---- executions ---- */

TEST_USING(fixture, a_run_names_its_execution)
{
    struct harness *h = *state;
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    harness_rule(h, "POST /v2/" JOB ":run", 200, RUNNING, 0);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, EXECUTION);
    assert_string_equal(w.log_ref, EXECUTION);
}

TEST_USING(fixture, a_run_that_began_is_not_begun_again)
{
    struct harness *h = *state;
    harness_rule(h, "GET /v2/" JOB, 200, RUN_JOB, 0);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, EXECUTION);
    assert_int_equal(harness_seen(h, ":run"), 0);
}

TEST_USING(fixture, a_lost_answer_is_looked_for)
{
    struct harness *h = *state;
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 2);
    harness_rule(h, "GET /v2/" JOB, 200, RUN_JOB, 0);
    harness_rule(h, "POST /v2/" JOB ":run", 0, NULL, 0);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, EXECUTION);
    assert_int_equal(harness_seen(h, "POST /v2/" JOB ":run"), 1);
}

TEST_USING(fixture, a_run_is_never_repeated_blindly)
{
    struct harness *h = *state;
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    harness_rule(h, "POST /v2/" JOB ":run", 500, REFUSED(500, "INTERNAL", "oops"), 0);
    harness_run(h, co_run);
    expect_problem(ERROR_UNAVAILABLE, "run: run job: INTERNAL: oops");
    assert_int_equal(harness_seen(h, "POST /v2/" JOB ":run"), 1);
}

TEST_USING(fixture, an_end_is_described)
{
    struct harness *h = *state;
    harness_rule(h, "GET /v2/" EXECUTION "/tasks", 200,
                 "{\"tasks\":[{\"startTime\":\"2026-01-01T00:00:01Z\",\"lastAttemptResult\":{"
                 "\"exitCode\":3,\"status\":{\"code\":9}}}]}",
                 0);
    harness_rule(h, "GET /v2/" EXECUTION, 200,
                 "{\"name\":\"" EXECUTION "\",\"failedCount\":1,\"completionTime\":"
                 "\"2026-01-01T00:00:09Z\",\"conditions\":[{\"type\":\"Completed\",\"state\":"
                 "\"CONDITION_FAILED\",\"message\":\"The container exited with an error.\","
                 "\"executionReason\":\"NON_ZERO_EXIT_CODE\"}]}",
                 1);
    harness_rule(h, "GET /v2/" EXECUTION, 404, REFUSED(404, "NOT_FOUND", "gone"), 0);
    harness_run(h, co_describe);
    expect_success();
    assert_int_equal(status.phase, WORKLOAD_STOPPED);
    assert_true(status.has_exit_code);
    assert_int_equal(status.exit_code, 3);
    harness_run(h, co_describe);
    expect_success();
    assert_int_equal(status.phase, WORKLOAD_MISSING);
}

TEST_USING(fixture, stopping_what_is_over_is_no_failure)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/" EXECUTION ":cancel", 200, RUNNING, 1);
    harness_rule(h, "POST /v2/" EXECUTION ":cancel", 404, REFUSED(404, "NOT_FOUND", "gone"), 1);
    harness_rule(h, "POST /v2/" EXECUTION ":cancel", 400,
                 REFUSED(400, "FAILED_PRECONDITION", "completed"), 0);
    harness_rule(h, "GET /v2/" EXECUTION "/tasks", 200, "{}", 0);
    harness_rule(h, "GET /v2/" EXECUTION, 200,
                 "{\"completionTime\":\"2026-01-01T00:00:09Z\",\"succeededCount\":1}", 1);
    harness_rule(h, "GET /v2/" EXECUTION, 200,
                 "{\"runningCount\":1,\"conditions\":[{\"type\":\"Completed\",\"state\":"
                 "\"CONDITION_RECONCILING\",\"executionReason\":\"CANCELLING\"}]}",
                 1);
    harness_rule(h, "GET /v2/" EXECUTION, 200, "{\"runningCount\":1}", 0);
    for (int i = 0; i < 4; i++) {
        harness_run(h, co_stop);
        expect_success();
    }
    harness_run(h, co_stop);
    expect_problem(ERROR_INVALID_PARAMETER, "FAILED_PRECONDITION: completed");
}

TEST_USING(fixture, deleting_cancels_what_runs)
{
    struct harness *h = *state;
    harness_rule(h, "DELETE /v2/" JOB, 400, REFUSED(400, "FAILED_PRECONDITION", "runs"), 1);
    harness_rule(h, "POST /v2/" EXECUTION ":cancel", 200, DONE, 0);
    harness_rule(h, "DELETE /v2/" JOB, 200, PENDING, 1);
    harness_rule(h, "GET /v2/" OPERATION, 200, DONE, 0);
    harness_rule(h, "DELETE /v2/" JOB, 404, REFUSED(404, "NOT_FOUND", "gone"), 0);
    harness_run(h, co_delete);
    expect_success();
    assert_int_equal(harness_seen(h, "DELETE /v2/" JOB), 2);
    harness_run(h, co_delete);
    expect_success();
}

/* ---- list ---- */

static void co_list(struct harness *h)
{
    AUTO(arena) struct arena arena;
    struct workload_found *found;
    size_t count;
    (void)h;
    arena_init(&arena);
    result = driver.co_list(driver.self, "Inst/1", &arena, &found, &count, &problem);
    expect_success();
    assert_int_equal(count, 2);
    assert_string_equal(found[0].container_id, ID);
    assert_string_equal(found[0].container_name, "web");
    assert_string_equal(found[0].workload.definition, JOB);
    assert_string_equal(found[0].workload.resource, "");
    assert_string_equal(found[1].workload.resource, EXECUTION);
}

#define NOTES(instance)                                                                            \
    "\"annotations\":{\"sockerless.dev/instance\":\"" instance                                     \
    "\",\"sockerless.dev/container-id\":\"" ID "\",\"sockerless.dev/container-name\":\"web\"}"

TEST_USING(fixture, our_jobs_are_found_on_all_pages)
{
    struct harness *h = *state;
    harness_rule(h, "pageToken=a%2Fb", 200,
                 "{\"jobs\":[{\"name\":\"" JOB
                 "\"," NOTES("Inst/1") ",\"latestCreatedExecution\":{"
                                       "\"name\":\"" EXECUTION
                                       "\"}},{\"name\":\"../../x\"," NOTES("Inst/1") "}]}",
                 0);
    harness_rule(h, "GET /v2/" PARENT "/jobs?pageSize=100", 200,
                 "{\"jobs\":[{\"name\":\"" JOB
                 "\"," NOTES("Inst/1") "},{\"name\":\"" JOB
                                       "\"," NOTES("other") "},{\"name\":\"" JOB
                                                            "\"}],\"nextPageToken\":\"a/b\"}",
                 0);
    harness_run(h, co_list);
}
