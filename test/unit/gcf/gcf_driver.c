/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole driver against a scripted Google Cloud: what Google answers in each situation of the
 * suite that all drivers pass, and what is Cloud Functions' own.
 */
#include "backend-gcf/driver.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/driver_suite.h"
#include "test/kit/google_rig.h"
#include "test/kit/test.h"

#include <stdio.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PARENT "projects/p-1/locations/europe-west1"
#define IMAGE "r/img@sha256:1"
#define FUNCTION_ID "sockerless-a0d66d09-39aa1c3301a76d19e1cf7ce8"
#define FUNCTION PARENT "/functions/" FUNCTION_ID
#define SERVICE PARENT "/services/" FUNCTION_ID
#define RUN FUNCTION "/runs/00ff00ff-1"
#define OTHER_FUNCTION PARENT "/functions/sockerless-other"
#define OPERATION PARENT "/operations/op-1"
#define DONE "{\"name\":\"" OPERATION "\",\"done\":true,\"response\":{}}"
#define PENDING "{\"name\":\"" OPERATION "\"}"
#define FAILED(text)                                                                               \
    "{\"name\":\"" OPERATION "\",\"done\":true,\"error\":{\"code\":3,\"message\":\"" text "\"}}"
#define REFUSED(code, status, text)                                                                \
    "{\"error\":{\"code\":" #code ",\"status\":\"" status "\",\"message\":\"" text "\"}}"
#define GONE REFUSED(404, "NOT_FOUND", "gone")
#define LIMITS "\"resources\":{\"limits\":{\"cpu\":\"2\",\"memory\":\"1Gi\"}}"
#define STUB                                                                                       \
    "{\"template\":{\"revision\":\"old-1\",\"timeout\":\"3600s\",\"containers\":[{\"image\":"      \
    "\"stub\",\"baseImageUri\":\"python\",\"env\":[{\"name\":\"X\",\"value\":\"1\"}]," LIMITS      \
    "}]},\"etag\":\"e1\"}"
#define CONTAINER(image)                                                                           \
    "{\"image\":\"" image "\",\"command\":[\"/sockerless-agent\"],\"args\":[\"--serve\"]," LIMITS  \
    "}"
#define TEMPLATE(image)                                                                            \
    "\"template\":{\"timeout\":\"3600s\",\"executionEnvironment\":\"EXECUTION_ENVIRONMENT_GEN2\"," \
    "\"serviceAccount\":\"r@p-1.iam.gserviceaccount.com\",\"maxInstanceRequestConcurrency\":1,"    \
    "\"containers\":[" CONTAINER(image) "]}"
#define READY "\"terminalCondition\":{\"type\":\"Ready\",\"state\":\"CONDITION_SUCCEEDED\"}"
#define SERVING "{" TEMPLATE(IMAGE) "," READY ",\"uri\":\"http://127.0.0.1:1/\"}"
/* {"exp":4102444800} */
#define ID_TOKEN "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"
#define AGENT "Sockerless-Agent: 1\r\n"
#define CREATE "POST /v2/" PARENT "/functions?functionId=" FUNCTION_ID
#define UPLOAD "POST /v2/" PARENT "/functions:generateUploadUrl"

static struct gcf_config config;
static struct cloud_driver driver;
static struct workload w;
static struct error problem;
static int result;
static char *key_path;
/* With the mock's URL. */
static char active[512], upload_url[256];

static char *argv[] = {"--", "echo", "hi there"};
static char *env[] = {"A=1", "B=x=y", "SOCKERLESS_AGENT_TOKEN=mine"};
static char *agent_env[] = {"SOCKERLESS_AGENT_TOKEN=t0k"};
static Sockerless__ContainerConfig container;
static Sockerless__HostOptions host;
static struct workload_spec spec = {
    .container_id = ID,
    .container_name = "web",
    .instance = "Inst/1",
    .run_token = "00ff00ff-1",
    .image = IMAGE,
    .agent_in_image = true,
    .agent_argv = argv,
    .agent_argc = 3,
    .env = env,
    .env_count = 3,
    .agent_env = agent_env,
    .agent_env_count = 1,
    .config = &container,
    .host = &host,
    .stop_timeout_s = 10,
};

static void configure(struct harness *h)
{
    config = (struct gcf_config){
        .project = "p-1",
        .region = "europe-west1",
        .endpoint_url = h->url,
        .service_account = "r@p-1.iam.gserviceaccount.com",
        .memory = "1Gi",
        .cpu = "1",
        .runtime = "python312",
        .prepare = "create",
        .timeout_s = 3600,
        .max_instances = 100,
        .pool_max = 10,
        .pool_idle_s = 3600,
        .helper_stop_ms = 500,
        .log_reads_per_min = 60000,
        .rate_percent = 10000,
    };
    if (gcf_config_finish(&config, "linux/amd64", "ws://backend:9113", &problem))
        fail_msg("%s", problem.message);
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    key_path = google_rig_federate_account(h);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("own"), 0);
    harness_rule(h, "POST /sa:generateAccessToken", 200,
                 "{\"accessToken\":\"ya29.one\",\"expireTime\":\"2099-01-01T00:00:00Z\"}", 0);
    harness_rule(h, "POST /sa:generateIdToken", 200, "{\"token\":\"" ID_TOKEN "\"}", 0);
    host = (Sockerless__HostOptions){.memory = 1LL << 30, .nano_cpus = 1500000000};
    container = (Sockerless__ContainerConfig){0};
    spec.container_name = "web";
    configure(h);
    snprintf(active, sizeof active,
             "{\"name\":\"" FUNCTION
             "\",\"state\":\"ACTIVE\",\"serviceConfig\":{\"service\":\"" SERVICE
             "\",\"uri\":\"%s/fn\"}}",
             h->url);
    snprintf(upload_url, sizeof upload_url,
             "{\"uploadUrl\":\"%s/upload?sig=1\",\"storageSource\":{\"bucket\":\"b\",\"object\":"
             "\"o.zip\"}}",
             h->url);
    const struct driver_env opened_with = {.loop = &h->loop, .http = h->http, .instance = "Inst/1"};
    assert_int_equal(gcf_driver_open(&config, &opened_with, &driver, &problem), 0);
    w = (struct workload){0};
    problem = (struct error){0};
    result = 0;
    return 0;
}

/* Requests of runs stay open behind the test. */
static int fixture_teardown(void **state)
{
    struct harness *h = *state;
    co_cancel_all(&h->loop);
    while (co_live(&h->loop))
        uv_run(&h->loop.uv, UV_RUN_ONCE);
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

/* ---- what every driver does ---- */

#define OURS(id, instance)                                                                         \
    "{\"name\":\"" PARENT "/functions/" id "\",\"labels\":{\"sockerless-instance\":\"" instance    \
    "\"}}"
#define ENTRY(number, second, text)                                                                \
    "{\"insertId\":\"" number "\",\"timestamp\":\"2026-01-01T00:00:0" second                       \
    "Z\",\"textPayload\":\"" text                                                                  \
    "\",\"logName\":\"projects/p-1/logs/run.googleapis.com%2Fstdout\",\"labels\":{"                \
    "\"sockerless/run\":\"00ff00ff-1\"}}"
#define ENTRIES(list) "{\"entries\":[" list "]}"
#define LIST_LOG "POST /v2/entries:list"
#define GET_FUNCTION "GET /v2/" FUNCTION
#define GET_SERVICE "GET /v2/" SERVICE

static const struct driver_suite suite = {
    .setup = fixture_setup,
    .teardown = fixture_teardown,
    .driver = &driver,
    .spec = &spec,
    .run = {.definition = FUNCTION, .resource = RUN, .log_ref = RUN},
    .other = {.definition = OTHER_FUNCTION,
              .resource = OTHER_FUNCTION "/runs/x",
              .log_ref = OTHER_FUNCTION "/runs/x"},
    .prepare = {{{GET_FUNCTION, .status = 404, .body = GONE, .times = 1},
                 {GET_FUNCTION, .status = 200, .body = active},
                 {UPLOAD, .status = 200, .body = upload_url},
                 {"PUT /upload?sig=1", .status = 200, .body = ""},
                 {CREATE, .status = 200, .body = DONE},
                 {"PATCH /v2/" SERVICE, .status = 200, .body = DONE},
                 {GET_SERVICE, .status = 200, .body = STUB, .times = 1},
                 {GET_SERVICE, .status = 200, .body = SERVING}},
                {{CREATE, 1}, {"PATCH ", 1}, {"PUT /upload", 1}, {GET_SERVICE, 3}}},
    .prepare_lost = {{{GET_FUNCTION, .status = 404, .body = GONE, .times = 1},
                      {GET_FUNCTION, .status = 200, .body = active},
                      {UPLOAD, .status = 200, .body = upload_url},
                      {"PUT /upload?sig=1", .status = 200, .body = ""},
                      {CREATE, .status = 0, .times = 1},
                      {CREATE, .status = 409, .body = REFUSED(409, "ALREADY_EXISTS", "there")},
                      {GET_SERVICE, .status = 200, .body = SERVING}},
                     {{CREATE, 2}}},
    /* No call before the request itself, which is not waited for. */
    .begin = {{{GET_FUNCTION, .status = 200, .body = active}}, {{"PATCH", 0}}},
    .begin_lost = {{{GET_FUNCTION, .status = 200, .body = active}}, {{"PATCH", 0}}},
    .begun_before = {{{GET_FUNCTION, .status = 200, .body = active}}, {{"PATCH", 0}}},
    .throttled = {{{GET_FUNCTION, .status = 429, .body = REFUSED(429, "RESOURCE_EXHAUSTED", "slow"),
                    .headers = "Retry-After: 1\r\n", .times = 1},
                   {GET_FUNCTION, .status = 503, .body = "<html>", .times = 1},
                   {GET_FUNCTION, .status = 200, .body = active},
                   {GET_SERVICE, .status = 200, .body = SERVING}},
                  {{GET_FUNCTION, 3}}},
    .throttled_ms = 1000,
    .expired = {{{GET_FUNCTION, .status = 401, .body = REFUSED(401, "UNAUTHENTICATED", "expired"),
                  .times = 1},
                 {GET_FUNCTION, .status = 200, .body = active, .times = 1},
                 {GET_SERVICE, .status = 200, .body = SERVING},
                 {GET_FUNCTION, .status = 401, .body = REFUSED(401, "UNAUTHENTICATED", "expired")}},
                {{GET_FUNCTION, 4}, {"POST /token", 3}}},
    .locked_out = {.code = ERROR_FORBIDDEN, .words = {"UNAUTHENTICATED"}},
    .refused = {{{GET_FUNCTION, .status = 404, .body = GONE},
                 {UPLOAD, .status = 200, .body = upload_url},
                 {"PUT /upload?sig=1", .status = 200, .body = ""},
                 {"DELETE /v2/" FUNCTION, .status = 200, .body = DONE}},
                {{CREATE, 3}, {"DELETE ", 1}}},
    .refusals = {{{CREATE, .status = 403,
                   .body = "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\",\"message\":"
                           "\"No.\",\"details\":[{\"requestId\":\"req-9\"}]}}"},
                  ERROR_FORBIDDEN,
                  {"cloudfunctions: create function: PERMISSION_DENIED: No.; the backend's account "
                   "lacks",
                   "(request id req-9)"}},
                 {{CREATE, .status = 400, .body = REFUSED(400, "INVALID_ARGUMENT", "bad")},
                  ERROR_INVALID_PARAMETER,
                  {"INVALID_ARGUMENT: bad"}},
                 /* It fails late: nothing of it stays. */
                 {{CREATE, .status = 200, .body = FAILED("Build failed: no such runtime")},
                  ERROR_INVALID_PARAMETER,
                  {"Build failed: no such runtime"}}},
    .refused_definition = FUNCTION, /* it may exist all the same */
    .running = {{{"GET /v2/" OTHER_FUNCTION, .status = 404, .body = GONE},
                 {GET_FUNCTION, .status = 200, .body = active},
                 {"POST /fn", .status = 0}},
                {{"GET /v2/" OTHER_FUNCTION, 1}, {GET_FUNCTION, 1}}},
    .ended = {{{GET_FUNCTION, .status = 200, .body = active},
               {"POST /fn", .status = 200, .headers = AGENT,
                .body = "{\"exit_code\":3,\"started_ms\":1767225600000,\"finished_ms\":"
                        "1767225609000}"}},
              {{"POST /fn", 1}, {"Authorization: Bearer " ID_TOKEN, 1}}},
    .exit_code = 3,
    .one_unknown = {{{"GET /v2/" OTHER_FUNCTION, .status = 404, .body = GONE},
                     {GET_FUNCTION, .status = 200, .body = active},
                     {"POST /fn", .status = 403, .body = "<html><h1>Forbidden</h1></html>"}},
                    {{"POST /fn", 1}}},
    .unknown_reason = "HTTP 403: Forbidden; the backend's identity lacks roles/run.invoker",
    .none_known = {{{GET_FUNCTION, .status = 200, .body = active}}, {{"POST /fn", 1}}},
    .none_known_why = {{"POST /fn", .status = 403, .body = "Forbidden"},
                       ERROR_FORBIDDEN,
                       {"cloudfunctions: invoke function: HTTP 403: Forbidden"}},
    /* A function serves other runs, too: a run's end costs no call. */
    .removal = {.seen = {{"/v2/", 0}}},
    /* Functions of no container come into the pool; runs cannot be listed. */
    .list = {{{"pageToken=a%2Fb", .status = 200,
               .body = "{\"functions\":[" OURS("sockerless-2", "inst_1-a0d66d0918037eeb") "]}"},
              {"GET /v2/" PARENT "/functions?filter=labels.sockerless-instance%3A%22inst_1-",
               .status = 200,
               .body = "{\"functions\":[" OURS("sockerless-1", "other") "],\"nextPageToken\":"
                                                                        "\"a/b\"}"}},
             {{"GET /v2/", 2}}},
    .log = {{{LIST_LOG, .contains = "2026-01-01T00:00:00", .status = 200,
              .body = ENTRIES(ENTRY("a", "1", "one")), .times = 1},
             {LIST_LOG, .status = 200,
              .body = ENTRIES(
                  ENTRY("a", "1", "one") "," ENTRY("b", "1", "two") "," ENTRY("c", "2", "three")),
              .times = 1},
             {LIST_LOG, .status = 200, .body = ENTRIES(ENTRY("c", "2", "three"))}},
            {{LIST_LOG, 3}, {"resource.type=\\\"cloud_run_revision\\\"", 3}}},
    .log_since_ns = 1767225600 * INT64_C(1000000000), /* 2026-01-01T00:00:00Z */
    .login = {.seen = {{"POST /token", 1}}},
    .registry_host = "europe-west1-docker.pkg.dev",
    .username = "oauth2accesstoken",
    .password = "ya29.one",
};
DRIVER_SUITE(suite);

/* ---- functions ---- */

static void co_prepare(struct harness *h)
{
    (void)h;
    result = driver.workload->co_prepare(driver.self, &spec, &w, &problem);
}

static const char *at(const json_t *object, const char *a, const char *b)
{
    return str_or_empty(json_doc_string(json_object_get(object, a), b));
}

static void script_new_function(struct harness *h)
{
    harness_rule(h, GET_FUNCTION, 404, GONE, 1);
    harness_rule(h, GET_FUNCTION, 200, active, 0);
    harness_rule(h, UPLOAD, 200, upload_url, 0);
    harness_rule(h, "PUT /upload", 200, "", 0);
    harness_rule(h, CREATE, 200, DONE, 0);
    harness_rule(h, "PATCH ", 200, DONE, 0);
}

TEST_WITH(fixture, struct harness *h, a_function_as_it_is_made)
{
    script_new_function(h);
    harness_rule(h, GET_SERVICE, 200, STUB, 1);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_string_equal(w.owned, FUNCTION "#" ID);
    json_t *function AUTO(json) = harness_sent(h, CREATE);
    assert_string_equal(json_doc_text(function, "environment"), "GEN_2");
    assert_string_equal(at(function, "labels", "sockerless-managed"), "true");
    assert_true(str_starts(at(function, "labels", "sockerless-instance"), "inst_1-"));
    assert_string_equal(at(function, "labels", "sockerless-pool"), "39aa1c3301a76d19e1cf7ce8");
    assert_string_equal(at(function, "buildConfig", "runtime"), "python312");
    const json_t *source = json_object_get(json_object_get(function, "buildConfig"), "source");
    assert_string_equal(at(source, "storageSource", "object"), "o.zip");
    assert_string_equal(at(function, "serviceConfig", "availableMemory"), "1024Mi");
    json_t *patch AUTO(json) = harness_sent(h, "PATCH ");
    const json_t *template = json_object_get(patch, "template");
    const json_t *only = json_array_get(json_object_get(template, "containers"), 0);
    assert_null(json_object_get(template, "revision"));
    assert_string_equal(json_doc_text(only, "image"), IMAGE);
    assert_null(json_object_get(only, "env"));
    assert_null(json_object_get(only, "baseImageUri"));
    assert_true(json_is_false(json_object_get(json_object_get(only, "resources"), "cpuIdle")));
    assert_int_equal(json_integer_value(json_object_get(template, "maxInstanceRequestConcurrency")),
                     1);
    assert_string_equal(json_doc_text(patch, "etag"), "e1");
    assert_int_equal(harness_seen(h, "updateMask=template"), 1);
    /* No authorization but the URL's. */
    for (size_t i = 0; i < h->seen_count; i++)
        if (str_starts(h->seen[i], "PUT ")) {
            assert_null(strstr(h->seen[i], "Authorization:"));
            assert_non_null(strstr(h->seen[i], "Content-Type: application/zip"));
        }
}

/* Twenty containers of one image: it is made once, and all have it. */
TEST_WITH(fixture, struct harness *h, many_at_once_share_a_function)
{
    config.check_ms = 30000;
    script_new_function(h);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_run_many(h, co_prepare, 20);
    expect_success();
    assert_int_equal(harness_seen(h, CREATE), 1);
    assert_int_equal(harness_seen(h, "PATCH "), 0);
    assert_int_equal(harness_seen(h, GET_SERVICE), 1);
}

TEST_WITH(fixture, struct harness *h, a_failure_is_told_to_all_who_wait)
{
    harness_rule(h, GET_FUNCTION, 403, REFUSED(403, "PERMISSION_DENIED", "No."), 1);
    harness_rule(h, GET_FUNCTION, 404, GONE, 0);
    harness_run_many(h, co_prepare, 5);
    expect_problem(ERROR_FORBIDDEN, "PERMISSION_DENIED: No.");
    assert_int_equal(harness_seen(h, GET_FUNCTION), 1);
}

/* What has failed stays as a function: it is deleted and made anew. */
TEST_WITH(fixture, struct harness *h, a_failed_function_is_made_anew)
{
    harness_rule(h, GET_FUNCTION, 200, "{\"state\":\"FAILED\"}", 1);
    harness_rule(h, "DELETE /v2/" FUNCTION, 200, DONE, 0);
    script_new_function(h);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "DELETE "), 1);
    assert_int_equal(harness_seen(h, CREATE), 1);
}

TEST_WITH(fixture, struct harness *h, an_image_that_does_not_stay_is_an_error)
{
    harness_rule(h, GET_FUNCTION, 200, active, 0);
    harness_rule(h, GET_SERVICE, 200, STUB, 0);
    harness_rule(h, "PATCH ", 200, DONE, 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_SYSTEM, "was given the container's image and does not keep it");
    assert_int_equal(harness_seen(h, "PATCH "), 2);
}

TEST_WITH(fixture, struct harness *h, a_quota_in_disguise_is_named)
{
    static const struct {
        const char *body, *words;
    } cases[] = {
        {FAILED("Quota exceeded for total allowable CPU per project per region."),
         "Quota exceeded for total allowable CPU per project per region.; free CPU of the region"},
        {FAILED("Container Healthcheck failed."), "the region's CPU quota may be used up"},
        {FAILED("The user-provided container failed to start and listen on the port defined "
                "provided by the PORT=8080 environment variable"),
         "the region's CPU quota may be used up"},
    };
    harness_rule(h, GET_FUNCTION, 200, active, 0);
    harness_rule(h, GET_SERVICE, 200, STUB, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        harness_rule(h, "PATCH ", 200, cases[i].body, 1);
        harness_run(h, co_prepare);
        assert_int_equal(result, -1);
        if (!strstr(problem.message, cases[i].words))
            fail_msg("%s", problem.message);
    }
}

/* ---- runs ---- */

static struct workload_status status;
static int64_t deadline_ms;

static void co_begin(struct harness *h)
{
    (void)h;
    strcpy(w.definition, FUNCTION);
    result = driver.workload->co_run(driver.self, &spec, &w, &problem);
}

static void co_look(struct harness *h)
{
    (void)h;
    const struct workload *list[] = {&w};
    result = driver.workload->co_describe(driver.self, list, 1, &status, &problem);
    if (result == 0 && status.phase != WORKLOAD_STOPPED)
        result = co_sleep(10, &problem);
}

static bool has_stopped(struct harness *h)
{
    (void)h;
    if (time_mono_ms() > deadline_ms)
        fail_msg("it does not end: %s", status.reason);
    return status.phase == WORKLOAD_STOPPED;
}

static void run_to_its_end(struct harness *h)
{
    deadline_ms = time_mono_ms() + 15000;
    harness_rule(h, GET_FUNCTION, 200, active, 0);
    harness_run(h, co_begin);
    expect_success();
    status = (struct workload_status){0};
    harness_repeat(h, co_look, has_stopped, &result);
    expect_success();
}

TEST_WITH(fixture, struct harness *h, a_run_is_one_request)
{
    harness_rule(h, "POST /fn", 200, "{\"exit_code\":7,\"started_ms\":1,\"finished_ms\":2}", 0);
    h->rules[h->rule_count - 1].headers = AGENT;
    run_to_its_end(h);
    assert_true(status.has_exit_code);
    assert_int_equal(status.exit_code, 7);
    assert_int_equal(harness_seen(h, "POST /fn"), 1);
    assert_int_equal(harness_seen(h, "GET /fn"), 0);
}

/* A request whose answer was lost is sent again: the agent joins the run, or is turned away. */
TEST_WITH(fixture, struct harness *h, a_lost_answer_is_asked_for_again)
{
    harness_rule(h, "POST /fn", 0, NULL, 2);
    harness_rule(h, "POST /fn", 503, "Service Unavailable", 1);
    harness_rule(h, "POST /fn", 429, "{\"error\":\"another run is here\"}", 1);
    h->rules[h->rule_count - 1].headers = AGENT;
    harness_rule(h, "POST /fn", 200, "{\"exit_code\":0}", 0);
    h->rules[h->rule_count - 1].headers = AGENT;
    run_to_its_end(h);
    assert_true(status.has_exit_code);
    assert_int_equal(status.exit_code, 0);
    assert_int_equal(harness_seen(h, "POST /fn"), 5);
}

TEST_WITH(fixture, struct harness *h, reasons_of_runs_that_did_not_begin)
{
    static const struct {
        int status;
        const char *headers, *body, *words;
    } cases[] = {
        {403, NULL, "<html><body>Forbidden</body></html>",
         "Forbidden; the backend's identity lacks"},
        {404, NULL, "<h1>Page not found</h1>", "someone else has deleted it"},
        {502, AGENT, "{\"error\":\"cannot connect to ws://x: refused\"}",
         "did not reach the backend (SOCKERLESS_CALLBACK_URL): cannot connect to ws://x: refused"},
        {400, AGENT, "{\"error\":\"the body is not an invocation\"}",
         "the body is not an invocation"},
        {200, NULL, "Hello, World!", "HTTP 200: Hello, World!"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        harness_rule(h, "POST /fn", cases[i].status, cases[i].body, 1);
        h->rules[h->rule_count - 1].headers = cases[i].headers;
        run_to_its_end(h);
        assert_true(status.start_failed);
        if (!strstr(status.reason, cases[i].words))
            fail_msg("%s", status.reason);
        struct error ignored;
        assert_int_equal(driver.workload->co_remove_run(driver.self, &w, &ignored), 0);
    }
}

/* The backend has it elsewhere, and it has died there: its own reason is told. */
TEST_WITH(fixture, struct harness *h, what_has_died_is_not_waited_for)
{
    harness_rule(h, "POST /fn", 500,
                 "Memory limit of 512 MiB exceeded with 531 MiB used. Consider increasing it.", 1);
    run_to_its_end(h);
    assert_true(status.oom_killed);
    assert_false(status.has_exit_code);
    assert_non_null(strstr(status.reason, "Memory limit of 512 MiB exceeded"));
}

TEST_WITH(fixture, struct harness *h, a_timeout_is_a_kill_with_a_reason)
{
    harness_rule(h, "POST /fn", 504, "{\"error\":\"the run did not end within 3599 s\"}", 0);
    h->rules[h->rule_count - 1].headers = AGENT;
    run_to_its_end(h);
    assert_true(status.has_exit_code && status.cut_short);
    assert_int_equal(status.exit_code, 137);
    assert_string_equal(status.reason,
                        "the function's timeout of 3600 s was over (SOCKERLESS_GCF_TIMEOUT)");
}

TEST_WITH(fixture, struct harness *h, a_person_s_credentials_are_refused_with_a_reason)
{
    /* The first token is there; the file changes then. */
    harness_rule(h, GET_FUNCTION, 200, active, 1);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_run(h, co_prepare);
    expect_success();
    FILE *file = fopen(key_path, "w");
    fputs("{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s\","
          "\"refresh_token\":\"r\"}",
          file);
    fclose(file);
    run_to_its_end(h);
    assert_true(status.start_failed);
    assert_non_null(strstr(status.reason, "a person's credentials give no ID token"));
    assert_int_equal(harness_seen(h, "POST /fn"), 0);
}

/* ---- the pool ---- */

static const char *in_use[] = {FUNCTION "#" ID};
static size_t in_use_count;
static bool closing;

static void co_maintain(struct harness *h)
{
    (void)h;
    result = driver.workload->co_maintain(driver.self, in_use, in_use_count, closing, &problem);
}

static bool has_deleted(struct harness *h)
{
    if (time_mono_ms() > deadline_ms)
        fail_msg("nothing is deleted");
    return harness_seen(h, "DELETE ") > 0;
}

static void co_pause(struct harness *h)
{
    (void)h;
    result = co_sleep(5, &problem);
}

static void co_release(struct harness *h)
{
    (void)h;
    result = driver.workload->co_remove_container(driver.self, &w, &problem);
}

#define NO_FUNCTIONS "{\"functions\":[]}"

TEST_WITH(fixture, struct harness *h, a_function_that_no_container_needs_stays_for_the_next)
{
    config.check_ms = 30000;
    script_new_function(h);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_rule(h, "GET /v2/" PARENT "/functions?", 200, NO_FUNCTIONS, 0);
    in_use_count = 1;
    harness_run(h, co_prepare);
    harness_run(h, co_maintain);
    harness_run(h, co_release);
    w = (struct workload){0};
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, CREATE), 1);
    assert_int_equal(harness_seen(h, "DELETE "), 0);
}

TEST_WITH(fixture, struct harness *h, the_pool_is_bounded)
{
    config.pool_max = 0;
    deadline_ms = time_mono_ms() + 10000;
    script_new_function(h);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_rule(h, "GET /v2/" PARENT "/functions?", 200, NO_FUNCTIONS, 0);
    harness_rule(h, "DELETE /v2/" FUNCTION, 200, DONE, 0);
    in_use_count = 1;
    harness_run(h, co_prepare);
    harness_run(h, co_maintain);
    assert_int_equal(harness_seen(h, "DELETE "), 0);
    harness_run(h, co_release);
    harness_repeat(h, co_pause, has_deleted, &result);
}

/* Found by its label after a restart, and owned by no row. */
TEST_WITH(fixture, struct harness *h, what_an_earlier_life_left_is_deleted)
{
    config.pool_max = 0;
    deadline_ms = time_mono_ms() + 10000;
    harness_rule(h, "GET /v2/" PARENT "/functions?", 200,
                 "{\"functions\":[" OURS("sockerless-2", "inst_1-a0d66d0918037eeb") "]}", 0);
    harness_rule(h, "DELETE /v2/" PARENT "/functions/sockerless-2", 200, DONE, 0);
    in_use_count = 0;
    harness_run(h, co_maintain);
    harness_repeat(h, co_pause, has_deleted, &result);
}

TEST_WITH(fixture, struct harness *h, nothing_unused_is_left_at_the_end)
{
    script_new_function(h);
    harness_rule(h, GET_SERVICE, 200, SERVING, 0);
    harness_rule(h, "DELETE /v2/" FUNCTION, 200, PENDING, 0);
    closing = true;
    in_use_count = 1;
    harness_run(h, co_prepare);
    harness_run(h, co_maintain);
    assert_int_equal(harness_seen(h, "DELETE "), 0);
    harness_run(h, co_release);
    in_use_count = 0;
    harness_run(h, co_maintain);
    closing = false;
    expect_success();
    assert_int_equal(harness_seen(h, "DELETE "), 1);
}
