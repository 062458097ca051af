/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole driver against a scripted Google Cloud: what Google answers in each situation of the
 * suite that all drivers pass, and what is Cloud Run's own.
 */
#include "backend-cloudrun/driver.h"

#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/driver_suite.h"
#include "test/kit/google_rig.h"
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
    key_path = google_rig_federate(h);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.one"), 0);
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
    const struct driver_env opened_with = {.loop = &h->loop, .http = h->http, .instance = "Inst/1"};
    assert_int_equal(cloudrun_driver_open(&config, &opened_with, &driver, &problem), 0);
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
    result = driver.workload->co_prepare(driver.self, &spec, &w, &problem);
}

static void co_run(struct harness *h)
{
    (void)h;
    strcpy(w.definition, JOB);
    result = driver.workload->co_run(driver.self, &spec, &w, &problem);
}

/* ---- what every driver does ---- */

#define NOTES(instance)                                                                            \
    "\"annotations\":{\"sockerless.dev/instance\":\"" instance                                     \
    "\",\"sockerless.dev/container-id\":\"" ID "\",\"sockerless.dev/container-name\":\"web\"}"
#define OTHER PARENT "/jobs/sockerless-other/executions/sockerless-other-1"
#define GONE REFUSED(404, "NOT_FOUND", "gone")
#define ENTRY(id, second, text)                                                                    \
    "{\"insertId\":\"" id "\",\"timestamp\":\"2026-01-01T00:00:0" second                           \
    "Z\",\"textPayload\":\"" text                                                                  \
    "\",\"logName\":\"projects/p-1/logs/run.googleapis.com%2Fstdout\",\"resource\":{\"labels\":{"  \
    "\"job_name\":\"" JOB_ID "\"}},\"labels\":{\"run.googleapis.com/execution_name\":\"" JOB_ID    \
    "-x7k2p\"}}"
#define ENTRIES(list) "{\"entries\":[" list "]}"
#define LIST_LOG "POST /v2/entries:list"

static const struct driver_suite suite = {
    .setup = fixture_setup,
    .teardown = fixture_teardown,
    .driver = &driver,
    .spec = &spec,
    .run = {.definition = JOB, .resource = EXECUTION, .log_ref = EXECUTION},
    .other = {.definition = PARENT "/jobs/sockerless-other", .resource = OTHER, .log_ref = OTHER},
    .prepare =
        {{{"POST /v2/" PARENT "/jobs?jobId=" JOB_ID, .status = 200, .body = PENDING, .times = 1},
          {"POST /v2/", .status = 409, .body = REFUSED(409, "ALREADY_EXISTS", "there")},
          {"GET /v2/" OPERATION, .status = 200, .body = PENDING, .times = 1},
          {"GET /v2/" OPERATION, .status = 200, .body = DONE},
          {"GET /v2/" JOB, .status = 200, .body = PLAIN_JOB}},
         {{"POST /v2/", 2}, {"GET /v2/" OPERATION, 2}, {"Authorization: Bearer ya29.one", 5}}},
    .prepare_lost = {{{"POST /v2/", .status = 0, .times = 1},
                      {"POST /v2/", .status = 409, .body = REFUSED(409, "ALREADY_EXISTS", "there")},
                      {"GET /v2/" JOB, .status = 200, .body = PLAIN_JOB}},
                     {{"POST /v2/", 2}}},
    .begin = {{{"GET /v2/" JOB, .status = 200, .body = PLAIN_JOB},
               {"POST /v2/" JOB ":run", .status = 200, .body = RUNNING}},
              {{"POST /v2/" JOB ":run", 1}}},
    /* Looked for, since the call has no token. */
    .begin_lost = {{{"GET /v2/" JOB, .status = 200, .body = PLAIN_JOB, .times = 2},
                    {"GET /v2/" JOB, .status = 200, .body = RUN_JOB},
                    {"POST /v2/" JOB ":run", .status = 0}},
                   {{"POST /v2/" JOB ":run", 1}}},
    .begun_before = {{{"GET /v2/" JOB, .status = 200, .body = RUN_JOB}}, {{":run", 0}}},
    .throttled = {{{"POST /v2/", .status = 429, .body = REFUSED(429, "RESOURCE_EXHAUSTED", "slow"),
                    .headers = "Retry-After: 1\r\n", .times = 1},
                   {"POST /v2/", .status = 503, .body = "<html>", .times = 1},
                   {"POST /v2/", .status = 200, .body = DONE}},
                  {{"POST /v2/", 3}}},
    .throttled_ms = 1000,
    .expired = {{{"POST /v2/", .status = 401, .body = REFUSED(401, "UNAUTHENTICATED", "expired"),
                  .times = 1},
                 {"POST /v2/", .status = 200, .body = DONE, .times = 1},
                 {"POST /v2/", .status = 401, .body = REFUSED(401, "UNAUTHENTICATED", "expired")}},
                {{"POST /v2/", 4}, {"POST /token", 3}}},
    .locked_out = {.code = ERROR_FORBIDDEN, .words = {"UNAUTHENTICATED"}},
    .refused = {.seen = {{"POST /v2/", 2}}},
    .refusals = {{{"POST /v2/", .status = 403,
                   .body = "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\",\"message\":"
                           "\"No.\",\"details\":[{\"@type\":\"x\"},{\"requestId\":\"req-9\"}]}}"},
                  ERROR_FORBIDDEN,
                  {"PERMISSION_DENIED: No.; the backend's account lacks", "(request id req-9)"}},
                 {{"POST /v2/", .status = 400, .body = REFUSED(400, "INVALID_ARGUMENT", "bad")},
                  ERROR_INVALID_PARAMETER,
                  {"INVALID_ARGUMENT: bad"}}},
    .refused_definition = JOB, /* it may exist all the same */
    .running = {{{"GET /v2/" OTHER, .status = 404, .body = GONE},
                 {"GET /v2/" EXECUTION, .status = 200, .body = "{\"runningCount\":1}"}},
                {{"GET /v2/" OTHER, 1}, {"GET /v2/" EXECUTION, 1}}},
    .ended = {{{"GET /v2/" EXECUTION "/tasks", .status = 200,
                .body =
                    "{\"tasks\":[{\"startTime\":\"2026-01-01T00:00:01Z\",\"lastAttemptResult\":{"
                    "\"exitCode\":3,\"status\":{\"code\":9}}}]}"},
               {"GET /v2/" EXECUTION, .status = 200,
                .body =
                    "{\"name\":\"" EXECUTION "\",\"failedCount\":1,\"completionTime\":"
                    "\"2026-01-01T00:00:09Z\",\"conditions\":[{\"type\":\"Completed\",\"state\":"
                    "\"CONDITION_FAILED\",\"message\":\"The container exited with an error.\","
                    "\"executionReason\":\"NON_ZERO_EXIT_CODE\"}]}"}},
              {{"GET /v2/" EXECUTION, 2}}},
    .exit_code = 3,
    .one_unknown = {{{"GET /v2/" OTHER, .status = 404, .body = GONE},
                     {"GET /v2/" EXECUTION, .status = 403,
                      .body = REFUSED(403, "PERMISSION_DENIED", "No.")}},
                    {{"GET /v2/", 2}}},
    .unknown_reason = "PERMISSION_DENIED: No.",
    .none_known = {.seen = {{"GET /v2/", 1}}},
    .none_known_why = {{"GET /v2/" EXECUTION, .status = 403,
                        .body = REFUSED(403, "PERMISSION_DENIED", "No.")},
                       ERROR_FORBIDDEN,
                       {"run: get execution: PERMISSION_DENIED: No."}},
    .stop = {{{"POST /v2/" EXECUTION ":cancel", .status = 200, .body = RUNNING, .times = 1},
              {"POST /v2/" EXECUTION ":cancel", .status = 404, .body = GONE, .times = 1},
              {"POST /v2/" EXECUTION ":cancel", .status = 400, .times = 2,
               .body = REFUSED(400, "FAILED_PRECONDITION", "completed")},
              {"GET /v2/" EXECUTION "/tasks", .status = 200, .body = "{}"},
              {"GET /v2/" EXECUTION, .status = 200, .times = 1,
               .body = "{\"completionTime\":\"2026-01-01T00:00:09Z\",\"succeededCount\":1}"},
              {"GET /v2/" EXECUTION, .status = 200, .times = 1,
               .body = "{\"runningCount\":1,\"conditions\":[{\"type\":\"Completed\",\"state\":"
                       "\"CONDITION_RECONCILING\",\"executionReason\":\"CANCELLING\"}]}"},
              {"GET /v2/" EXECUTION, .status = 200, .body = "{\"runningCount\":1}"}},
             {{":cancel", 5}}},
    .stops = 4,
    .stop_refused = {{"POST /v2/" EXECUTION ":cancel", .status = 400,
                      .body = REFUSED(400, "FAILED_PRECONDITION", "completed")},
                     ERROR_INVALID_PARAMETER,
                     {"FAILED_PRECONDITION: completed"}},
    /* What runs cannot be deleted: it is cancelled first. */
    .removal = {{{"DELETE /v2/" JOB, .status = 400,
                  .body = REFUSED(400, "FAILED_PRECONDITION", "runs"), .times = 1},
                 {"POST /v2/" EXECUTION ":cancel", .status = 200, .body = DONE},
                 {"DELETE /v2/" JOB, .status = 200, .body = PENDING, .times = 1},
                 {"GET /v2/" OPERATION, .status = 200, .body = DONE},
                 {"DELETE /v2/" JOB, .status = 404, .body = GONE}},
                {{"DELETE /v2/" JOB, 3}, {":cancel", 1}}},
    .list = {{{"pageToken=a%2Fb", .status = 200,
               .body = "{\"jobs\":[{\"name\":\"" JOB
                       "\"," NOTES("Inst/1") ",\"latestCreatedExecution\":{"
                                             "\"name\":\"" EXECUTION
                                             "\"}},{\"name\":\"../../x\"," NOTES("Inst/1") "}]}"},
              {"GET /v2/" PARENT "/jobs?pageSize=100", .status = 200,
               .body = "{\"jobs\":[{\"name\":\"" JOB
                       "\"," NOTES("Inst/1") "},{\"name\":\"" JOB "\"," NOTES(
                           "other") "},{\"name\":\"" JOB "\"}],\"nextPageToken\":\"a/b\"}"}},
             {{"GET /v2/", 2}}},
    .listed = {{.container_id = ID, .container_name = "web", .workload = {.definition = JOB}},
               {.container_id = ID,
                .container_name = "web",
                .workload = {.definition = JOB, .resource = EXECUTION, .log_ref = EXECUTION}}},
    .listed_count = 2,
    /* One question about both logs a round. */
    .log = {{{LIST_LOG, .contains = "2026-01-01T00:00:00", .status = 200,
              .body = ENTRIES(ENTRY("a", "1", "one")), .times = 1},
             {LIST_LOG, .status = 200,
              .body = ENTRIES(
                  ENTRY("a", "1", "one") "," ENTRY("b", "1", "two") "," ENTRY("c", "2", "three")),
              .times = 1},
             {LIST_LOG, .status = 200, .body = ENTRIES(ENTRY("c", "2", "three"))}},
            {{LIST_LOG, 3}}},
    .log_since_ns = 1767225600 * INT64_C(1000000000), /* 2026-01-01T00:00:00Z */
    .login = {.seen = {{"POST /token", 1}}},
    .registry_host = "europe-west1-docker.pkg.dev",
    .username = "oauth2accesstoken",
    .password = "ya29.one",
};
DRIVER_SUITE(suite);

/* ---- jobs ---- */

static const char *at(const json_t *object, const char *a, const char *b)
{
    return str_or_empty(json_doc_string(json_object_get(object, a), b));
}

TEST_WITH(fixture, struct harness *h, a_job_as_it_is_sent)
{
    harness_rule(h, "POST /v2/" PARENT "/jobs?jobId=" JOB_ID, 200, PENDING, 0);
    harness_rule(h, "GET /v2/" OPERATION, 200, PENDING, 1);
    harness_rule(h, "GET /v2/" OPERATION, 200, DONE, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_string_equal(w.definition, JOB);
    assert_int_equal(harness_seen(h, "Authorization: Bearer ya29.one"), 3);
    json_t *job AUTO(json) = harness_sent(h, "jobs?jobId=");
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

TEST_WITH(fixture, struct harness *h, direct_vpc_egress)
{
    config.connector_name = NULL;
    config.vpc_network = (char *)"projects/host/global/networks/n";
    config.vpc_subnetwork = (char *)"s";
    strv_push_list(&config.network_tags, "ci,sockerless");
    config.all_egress = true;
    harness_rule(h, "POST /v2/", 200, DONE, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "\"vpcAccess\":{\"networkInterfaces\":[{\"network\":"
                                     "\"projects/host/global/networks/n\",\"subnetwork\":\"s\","
                                     "\"tags\":[\"ci\",\"sockerless\"]}],"
                                     "\"egress\":\"ALL_TRAFFIC\"}"),
                     1);
    strv_free(&config.network_tags);
}

TEST_WITH(fixture, struct harness *h, an_image_with_the_agent_needs_no_shell)
{
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
TEST_WITH(fixture, struct harness *h, odd_variables_are_carried)
{
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

TEST_WITH(fixture, struct harness *h, a_job_of_another_run_is_not_adopted)
{
    harness_rule(h, "POST /v2/", 409, REFUSED(409, "ALREADY_EXISTS", "there"), 0);
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    spec.run_token = "00ff00ff-2"; /* the same name, another run */
    harness_run(h, co_prepare);
    spec.run_token = "00ff00ff-1";
    expect_problem(ERROR_CONFLICT, "is not ours");
}

TEST_WITH(fixture, struct harness *h, an_operation_that_fails)
{
    harness_rule(h, "POST /v2/", 200,
                 "{\"name\":\"" OPERATION "\",\"done\":true,\"error\":{\"code\":5,\"message\":"
                 "\"Image 'busybox' not found.\"}}",
                 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_NOT_FOUND, "run: create job: NOT_FOUND: Image 'busybox' not found.");
    assert_string_equal(w.definition, JOB); /* to be removed */
}

/* ---- executions ---- */

TEST_WITH(fixture, struct harness *h, a_run_is_never_repeated_blindly)
{
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    harness_rule(h, "POST /v2/" JOB ":run", 500, REFUSED(500, "INTERNAL", "oops"), 0);
    harness_run(h, co_run);
    expect_problem(ERROR_UNAVAILABLE, "run: run job: INTERNAL: oops");
    assert_int_equal(harness_seen(h, "POST /v2/" JOB ":run"), 1);
}

/* Google's services learn late what another call has just made. */
TEST_USING(fixture, an_operation_that_is_not_known_yet)
{
    struct harness *h = *state;
    harness_rule(h, "POST /v2/", 200, PENDING, 0);
    harness_rule(h, "GET /v2/" OPERATION, 404, REFUSED(404, "NOT_FOUND", "no operation"), 3);
    harness_rule(h, "GET /v2/" OPERATION, 200, DONE, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "GET /v2/" OPERATION), 4);
}

TEST_USING(fixture, a_job_that_is_not_ready_or_known_yet_is_run_again)
{
    struct harness *h = *state;
    strcpy(w.definition, JOB);
    harness_rule(h, "GET /v2/" JOB, 404, REFUSED(404, "NOT_FOUND", "no job"), 2);
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    harness_rule(h, "POST /v2/" JOB ":run", 400, REFUSED(400, "FAILED_PRECONDITION", "not ready"),
                 3);
    harness_rule(h, "POST /v2/" JOB ":run", 404, REFUSED(404, "NOT_FOUND", "no job"), 1);
    harness_rule(h, "POST /v2/" JOB ":run", 200, RUNNING, 0);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, EXECUTION);
    assert_int_equal(harness_seen(h, "POST /v2/" JOB ":run"), 5);
}

/* It says so itself: no second try. */
TEST_USING(fixture, a_job_that_has_failed)
{
    struct harness *h = *state;
    strcpy(w.definition, JOB);
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 1);
    harness_rule(h, "GET /v2/" JOB, 200,
                 "{\"name\":\"" JOB "\",\"terminalCondition\":{\"state\":\"CONDITION_FAILED\","
                 "\"message\":\"Image 'a' not found.\"}}",
                 0);
    harness_rule(h, "POST /v2/" JOB ":run", 400, REFUSED(400, "FAILED_PRECONDITION", "not ready"),
                 0);
    harness_run(h, co_run);
    expect_problem(ERROR_INVALID_PARAMETER,
                   "run: run job: FAILED_PRECONDITION: not ready: Image 'a' not found.");
    assert_int_equal(harness_seen(h, "POST /v2/" JOB ":run"), 1);
}

/* The same refusal again and again is believed, with the service's words. */
TEST_USING(fixture, a_job_that_never_gets_ready)
{
    struct harness *h = *state;
    strcpy(w.definition, JOB);
    harness_rule(h, "GET /v2/" JOB, 200, PLAIN_JOB, 0);
    harness_rule(h, "POST /v2/" JOB ":run", 400, REFUSED(400, "FAILED_PRECONDITION", "a quota"), 0);
    harness_run(h, co_run);
    expect_problem(ERROR_INVALID_PARAMETER, "run: run job: FAILED_PRECONDITION: a quota");
}
