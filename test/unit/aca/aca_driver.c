/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole driver against a scripted Azure: what Azure answers in each situation of the suite that
 * all drivers pass, and what is Container Apps' own.
 */
#include "backend-aca/driver.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/driver_suite.h"
#include "test/kit/test.h"

#include <stdlib.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GROUP "/subscriptions/34adfa4f-cedf-4dc0-ba29-b6d1a69ab345/resourceGroups/rg-1"
#define APP GROUP "/providers/Microsoft.App"
#define NAME "sk-0123456789ab-00ff00ff"
#define JOB APP "/jobs/" NAME
#define EXECUTION JOB "/executions/" NAME "-x7k2p"
#define VERSION "?api-version=2024-03-01"
#define WORKSPACE "b1f1a5d6-6c0f-4a7d-9c8e-2d0f3c1b4a5e"
#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define LOGIN "POST /" TENANT "/oauth2/v2.0/token"
#define TOKEN(name) "{\"access_token\":\"" name "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
#define JOB_STATE(state)                                                                           \
    "{\"name\":\"" NAME "\",\"properties\":{\"provisioningState\":\"" state "\"}}"
#define STARTED "{\"name\":\"" NAME "-x7k2p\",\"id\":\"" EXECUTION "\"}"
#define NO_EXECUTIONS "{\"value\":[],\"nextLink\":null}"
#define EXECUTIONS(start)                                                                          \
    "{\"value\":[{\"name\":\"" NAME "-x7k2p\",\"properties\":{\"status\":\"Running\","             \
    "\"startTime\":\"" start "\"}}]}"
#define REFUSED(code, text) "{\"error\":{\"code\":\"" code "\",\"message\":\"" text "\"}}"
#define STATUS(status) "{\"properties\":{\"status\":\"" status "\"}}"

static struct aca_config config;
static struct cloud_driver driver;
static struct workload w;
static struct error problem;
static int result;

static char *argv[] = {"--", "echo", "hi there"};
static char *env[] = {
    "A=1", "B=x=y", "A=2", "SOCKERLESS_AGENT_TOKEN=mine", "odd name=1", "CONTAINER_APP_NAME=mine"};
static char *agent_env[] = {"SOCKERLESS_AGENT_PORT=9111", "SOCKERLESS_AGENT_TOKEN=t0k"};
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
    .env_count = 6,
    .agent_env = agent_env,
    .agent_env_count = 2,
    .config = &container,
    .host = &host,
    .stop_timeout_s = 10,
};

static int open_driver(struct harness *h)
{
    const struct driver_env opened_with = {.loop = &h->loop, .http = h->http, .instance = "Inst/1"};
    if (aca_config_finish(&config, "linux/amd64", &problem))
        fail_msg("%s", problem.message);
    return aca_driver_open(&config, &opened_with, &driver, &problem);
}

static int fixture_setup(void **state)
{
    static const char *const unset[] = {"AZURE_CLIENT_CERTIFICATE_PATH",
                                        "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT"};
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    for (size_t i = 0; i < ARRAY_LEN(unset); i++)
        unsetenv(unset[i]);
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", "04b07795-8ddb-461a-bbee-02f9e1bf7b46", 1);
    setenv("AZURE_CLIENT_SECRET", "s3cret", 1);
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.one"), 0);
    host = (Sockerless__HostOptions){.memory = 3LL << 30, .nano_cpus = 1250000000};
    config = (struct aca_config){
        .subscription_id = "34adfa4f-cedf-4dc0-ba29-b6d1a69ab345",
        .resource_group = "rg-1",
        .environment = "env-1",
        .location = "westeurope",
        .endpoint_url = h->url,
        .log_workspace = WORKSPACE,
        .log_table = "auto",
        .api_version = "2024-03-01",
        .registry_server = "contoso.azurecr.io",
        .registry_username = "admin",
        .registry_password = "pa55word",
        .storage_share = "sockerless",
        .agent_image = "contoso.azurecr.io/agent:1",
        .agent_path = "sockerless-agent",
        .replica_timeout_s = 86400,
        .log_queries_per_min = 60000,
        .rate_percent = 10000,
        .reverse_agent = true,
    };
    assert_int_equal(open_driver(h), 0);
    w = (struct workload){0};
    problem = (struct error){0};
    result = 0;
    return 0;
}

static int fixture_teardown(void **state)
{
    driver.close(driver.self);
    free(config.environment_id);
    return harness_teardown(state);
}

static void reopen(struct harness *h)
{
    driver.close(driver.self);
    assert_int_equal(open_driver(h), 0);
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

#define TAGS(instance)                                                                             \
    "\"tags\":{\"sockerless-instance\":\"" instance "\",\"sockerless-container-id\":\"" ID         \
    "\",\"sockerless-container-name\":\"web\"}"
#define OTHER APP "/jobs/sk-other/executions/sk-other-1"
#define GONE REFUSED("ResourceNotFound", "gone")
#define QUERY "POST /v1/workspaces/" WORKSPACE "/query"
#define ROW(second, text)                                                                          \
    "[\"2026-01-01T00:00:0" second "Z\",\"" NAME "\",\"" NAME "-x7k2p-abc12\",\"main\",\"" text    \
    "\",\"stdout\"]"
#define TABLE(rows)                                                                                \
    "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"TimeGenerated\",\"type\":"  \
    "\"datetime\"},{\"name\":\"Job\",\"type\":\"string\"},{\"name\":\"Group\",\"type\":"           \
    "\"string\"},"                                                                                 \
    "{\"name\":\"Container\",\"type\":\"string\"},{\"name\":\"Log\",\"type\":\"string\"},"         \
    "{\"name\":\"Stream\",\"type\":\"string\"}],\"rows\":[" rows "]}]}"
#define EXECUTIONS_URL "GET " JOB "/executions" VERSION

static const struct driver_suite suite = {
    .setup = fixture_setup,
    .teardown = fixture_teardown,
    .driver = &driver,
    .spec = &spec,
    .run = {.definition = JOB, .resource = EXECUTION, .log_ref = EXECUTION},
    .other = {.definition = APP "/jobs/sk-other", .resource = OTHER, .log_ref = OTHER},
    .prepare = {{{"PUT " JOB VERSION, .status = 201, .body = JOB_STATE("InProgress"), .times = 1},
                 {"PUT " JOB VERSION, .status = 200, .body = JOB_STATE("Succeeded")},
                 {"GET " JOB VERSION, .status = 200, .body = JOB_STATE("InProgress"), .times = 1},
                 {"GET " JOB VERSION, .status = 200, .body = JOB_STATE("Succeeded")}},
                {{"PUT ", 2}, {"GET " JOB VERSION, 2}, {"Authorization: Bearer eyJ.one", 4}}},
    .prepare_lost = {{{"PUT ", .status = 0, .times = 1},
                      {"PUT ", .status = 200, .body = JOB_STATE("Succeeded")}},
                     {{"PUT ", 2}}},
    .begin = {{{EXECUTIONS_URL, .status = 200, .body = NO_EXECUTIONS},
               {"POST " JOB "/start", .status = 200, .body = STARTED}},
              {{"POST " JOB "/start", 1}}},
    /* Looked for, since the call has no token. */
    .begin_lost = {{{EXECUTIONS_URL, .status = 200, .body = NO_EXECUTIONS, .times = 2},
                    {EXECUTIONS_URL, .status = 200, .body = EXECUTIONS("2026-01-01T00:00:00Z")},
                    {"POST " JOB "/start", .status = 0}},
                   {{"POST " JOB "/start", 1}}},
    .begun_before = {{{EXECUTIONS_URL, .status = 200,
                       .body = EXECUTIONS("2026-01-01T00:00:00+00:00")}},
                     {{"/start", 0}}},
    .throttled = {{{"PUT ", .status = 429, .body = REFUSED("TooManyRequests", "slow"),
                    .headers = "Retry-After: 1\r\n", .times = 1},
                   {"PUT ", .status = 409, .times = 1,
                    .body = REFUSED("ContainerAppOperationInProgress", "locked")},
                   {"PUT ", .status = 503, .body = "<html>", .times = 1},
                   {"PUT ", .status = 200, .body = JOB_STATE("Succeeded")}},
                  {{"PUT ", 4}}},
    .throttled_ms = 1000,
    .expired = {{{"PUT ", .status = 401, .body = REFUSED("ExpiredAuthenticationToken", "expired"),
                  .times = 1},
                 {"PUT ", .status = 200, .body = JOB_STATE("Succeeded"), .times = 1},
                 {"PUT ", .status = 401, .body = REFUSED("InvalidAuthenticationToken", "bad")}},
                {{"PUT ", 4}, {LOGIN, 3}}},
    .locked_out = {.code = ERROR_FORBIDDEN, .words = {"InvalidAuthenticationToken: bad"}},
    .refused = {.seen = {{"PUT ", 3}}},
    .refusals = {{{"PUT ", .status = 403, .body = REFUSED("AuthorizationFailed", "No."),
                   .headers = "x-ms-request-id: req-9\r\n"},
                  ERROR_FORBIDDEN,
                  {"aca: put job: AuthorizationFailed: No.; the backend's identity lacks",
                   "(request id req-9)"}},
                 {{"PUT ", .status = 400,
                   .body =
                       "{\"error\":{\"code\":\"InvalidTemplate\",\"message\":\"bad\",\"details\":"
                       "[{\"code\":\"X\",\"message\":\"cpu too small\"}]}}"},
                  ERROR_INVALID_PARAMETER,
                  {"InvalidTemplate: bad: cpu too small"}},
                 /* It fails late. */
                 {{"PUT ", .status = 201,
                   .body = "{\"properties\":{\"provisioningState\":\"Failed\",\"error\":{\"code\":"
                           "\"InvalidImage\",\"message\":\"no such image\"}}}"},
                  ERROR_INVALID_PARAMETER,
                  {"aca: put job: InvalidImage: no such image"}}},
    .refused_definition = JOB, /* it may exist all the same */
    .running = {{{"GET " OTHER, .status = 404, .body = GONE},
                 {"GET " EXECUTION, .status = 200, .body = STATUS("Running")}},
                {{"GET " OTHER, 1}, {"GET " EXECUTION, 1}}},
    .ended = {{{"GET " EXECUTION, .status = 200,
                .body = "{\"name\":\"e\",\"properties\":{\"status\":\"Failed\",\"startTime\":"
                        "\"2026-01-01T00:00:01+00:00\",\"endTime\":\"2026-01-01T00:00:09+00:00\","
                        "\"detailedStatus\":{\"replicas\":[{\"name\":\"r\",\"containers\":[{"
                        "\"name\":\"agent-install\",\"code\":0},{\"name\":\"main\",\"code\":3,"
                        "\"status\":\"Terminated\"}]}]}}}"}},
              {{"GET " EXECUTION, 1}}},
    .exit_code = 3,
    .one_unknown = {{{"GET " OTHER, .status = 404, .body = GONE},
                     {"GET " EXECUTION, .status = 403,
                      .body = REFUSED("AuthorizationFailed", "No.")}},
                    {{"GET /subscriptions", 2}}},
    .unknown_reason = "AuthorizationFailed: No.",
    .none_known = {.seen = {{"GET /subscriptions", 1}}},
    .none_known_why = {{"GET " EXECUTION, .status = 403,
                        .body = REFUSED("AuthorizationFailed", "No.")},
                       ERROR_FORBIDDEN,
                       {"aca: get execution: AuthorizationFailed: No."}},
    .stop = {{{"POST " EXECUTION "/stop", .status = 202, .body = "", .headers = "Location: /x\r\n",
               .times = 1},
              {"POST " EXECUTION "/stop", .status = 404, .body = GONE, .times = 1},
              {"POST " EXECUTION "/stop", .status = 400, .times = 1,
               .body = REFUSED("JobExecutionNotRunning", "completed")},
              {"GET " EXECUTION, .status = 200, .times = 1,
               .body = "{\"properties\":{\"status\":\"Succeeded\"}}"},
              {"GET " EXECUTION, .status = 200, .body = STATUS("Running")}},
             {{"/stop", 4}}},
    .stops = 3,
    .stop_refused = {{"POST " EXECUTION "/stop", .status = 400,
                      .body = REFUSED("InvalidRequest", "not now")},
                     ERROR_INVALID_PARAMETER,
                     {"aca: stop execution: InvalidRequest: not now"}},
    /* What runs cannot be deleted: it is stopped first. */
    .removal = {{{"DELETE " JOB, .status = 400, .body = REFUSED("JobRunning", "runs"), .times = 1},
                 {"POST " EXECUTION "/stop", .status = 200, .body = ""},
                 {"DELETE " JOB, .status = 200, .body = "", .times = 1},
                 {"DELETE " JOB, .status = 204, .body = ""}},
                {{"DELETE " JOB, 3}, {"/stop", 1}}},
    .list = {{{"skipToken=a%2Fb", .status = 200,
               .body = "{\"value\":[{\"name\":\"sk-two\"," TAGS(
                   "Inst/1") "},{\"name\":\"../x\"," TAGS("Inst/1") "}],\"nextLink\":null}"},
              {"GET " APP "/jobs" VERSION, .status = 200,
               .body = "{\"value\":[{\"name\":\"" NAME "\"," TAGS(
                   "Inst/1") "},{\"name\":\"sk-x\"," TAGS("other") "},{\"name\":\"sk-y\",\"tags\":"
                                                                   "null}],\"nextLink\":\"/next?"
                                                                   "skipToken=a%2Fb\"}"},
              {"GET " JOB "/executions", .status = 200,
               .body = "{\"value\":[{\"name\":\"" NAME "-old\",\"properties\":{\"startTime\":"
                       "\"2026-01-01T00:00:00Z\"}},{\"name\":\"" NAME
                       "-x7k2p\",\"properties\":{\"startTime\":\"2026-01-01T00:00:09Z\"}}]}"},
              {"GET " APP "/jobs/sk-two/executions", .status = 404, .body = GONE}},
             {{"GET " APP "/jobs" VERSION, 1}, {"skipToken", 1}}},
    .listed = {{.container_id = ID,
                .container_name = "web",
                .workload = {.definition = JOB, .resource = EXECUTION, .log_ref = EXECUTION}},
               {.container_id = ID,
                .container_name = "web",
                .workload = {.definition = APP "/jobs/sk-two"}}},
    .listed_count = 2,
    /* One question about both logs a round. */
    .log = {{{QUERY, .contains = "2026-01-01T00:00:00.0000000Z", .status = 200,
              .body = TABLE(ROW("1", "one")), .times = 1},
             {QUERY, .status = 200,
              .body = TABLE(ROW("1", "one") "," ROW("1", "two") "," ROW("2", "three")), .times = 1},
             {QUERY, .status = 200, .body = TABLE(ROW("2", "three"))}},
            {{QUERY, 3}}},
    .log_since_ns = 1767225600 * INT64_C(1000000000), /* 2026-01-01T00:00:00Z */
    .login = {.seen = {{LOGIN, 0}}},
    .registry_host = "contoso.azurecr.io",
    .username = "admin",
    .password = "pa55word",
};
DRIVER_SUITE(suite);

/* ---- jobs ---- */

/* "a/b/0/c" */
static json_t *at(const json_t *doc, const char *path)
{
    char key[64];
    json_t *value = (json_t *)doc;
    while (*path) {
        size_t n = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
        path += n + (path[n] == '/');
    }
    return value;
}

static void expect_text(const json_t *doc, const char *path, const char *text)
{
    assert_string_equal(str_or_empty(json_string_value(at(doc, path))), text);
}

static const char *variable(const json_t *job, const char *name, const char *member)
{
    const json_t *list = at(job, "properties/template/containers/0/env");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_doc_text(json_array_get(list, i), "name"), name) == 0)
            return json_doc_text(json_array_get(list, i), member);
    return NULL;
}

static json_t *put_job(struct harness *h)
{
    harness_rule(h, "PUT ", 200, JOB_STATE("Succeeded"), 0);
    harness_run(h, co_prepare);
    expect_success();
    return harness_sent(h, "PUT ");
}

/* ACA-003, lines 9 to 12: the init container, the entry point, the agent's variables. */
TEST_WITH(fixture, struct harness *h, a_job_with_an_init_container)
{
    json_t *job AUTO(json) = put_job(h);
    expect_text(job, "location", "westeurope");
    expect_text(job, "properties/environmentId", APP "/managedEnvironments/env-1");
    expect_text(job, "properties/configuration/triggerType", "Manual");
    assert_int_equal(json_integer_value(at(job, "properties/configuration/replicaTimeout")), 86400);
    assert_true(json_is_integer(at(job, "properties/configuration/replicaRetryLimit")));
    assert_int_equal(json_integer_value(at(job, "properties/configuration/replicaRetryLimit")), 0);
    const json_t *main = at(job, "properties/template/containers/0");
    expect_text(main, "name", "main");
    expect_text(main, "command/0", "/sockerless-bin/sockerless-agent");
    expect_text(main, "args/0", "--");
    expect_text(main, "args/2", "hi there");
    expect_text(main, "volumeMounts/0/volumeName", "sockerless-agent-vol");
    expect_text(main, "volumeMounts/0/mountPath", "/sockerless-bin");
    const json_t *init = at(job, "properties/template/initContainers/0");
    expect_text(init, "image", "contoso.azurecr.io/agent:1");
    expect_text(init, "args/0", "--install");
    expect_text(init, "args/1", "/sockerless-bin");
    expect_text(job, "properties/template/volumes/0/name", "sockerless-agent-vol");
    expect_text(job, "properties/template/volumes/0/storageType", "EmptyDir");
    assert_string_equal(variable(job, "SOCKERLESS_AGENT_PORT", "value"), "9111");
    assert_string_equal(variable(job, "A", "value"), "2");
    assert_string_equal(variable(job, "SOCKERLESS_AGENT_ENV_0", "value"), "odd name=1");
    assert_string_equal(variable(job, "SOCKERLESS_AGENT_ENV_1", "value"),
                        "CONTAINER_APP_NAME=mine");
}

/* The token is a secret of the job, which Azure shows to nobody who reads it. */
TEST_WITH(fixture, struct harness *h, secrets_are_given_by_reference)
{
    json_t *job AUTO(json) = put_job(h);
    assert_string_equal(variable(job, "SOCKERLESS_AGENT_TOKEN", "secretRef"), "agent-token");
    assert_string_equal(variable(job, "SOCKERLESS_AGENT_TOKEN", "value"), "");
    const json_t *configuration = at(job, "properties/configuration");
    expect_text(configuration, "secrets/0/name", "agent-token");
    expect_text(configuration, "secrets/0/value", "t0k");
    expect_text(configuration, "registries/0/server", "contoso.azurecr.io");
    expect_text(configuration, "registries/0/username", "admin");
    expect_text(configuration, "registries/0/passwordSecretRef", "registry-password");
    expect_text(configuration, "secrets/1/value", "pa55word");
}

TEST_WITH(fixture, struct harness *h, tags_hold_what_rebuilds_a_row)
{
    json_t *job AUTO(json) = put_job(h);
    expect_text(job, "tags/sockerless-managed", "true");
    expect_text(job, "tags/sockerless-instance", "Inst/1");
    expect_text(job, "tags/sockerless-container-id", ID);
    expect_text(job, "tags/sockerless-container-name", "web");
    expect_text(job, "tags/sockerless-run", "00ff00ff-1");
    expect_text(job, "tags/sockerless-labels-0", "{\"com.example/Odd Key\":\"V\\\"1\"}");
}

TEST_WITH(fixture, struct harness *h, sizes_are_pairs)
{
    json_t *job AUTO(json) = put_job(h);
    const json_t *resources = at(job, "properties/template/containers/0/resources");
    assert_true(json_is_number(at(resources, "cpu")));
    assert_true(json_number_value(at(resources, "cpu")) == 1.5);
    expect_text(resources, "memory", "3.0Gi");
}

TEST_WITH(fixture, struct harness *h, more_than_the_largest_size_is_refused)
{
    host.memory = 9LL << 30;
    harness_run(h, co_prepare);
    expect_problem(ERROR_INVALID_PARAMETER,
                   "9216 MiB are more than a Container Apps job can have (8 GiB)");
    assert_int_equal(harness_seen(h, "PUT "), 0);
}

/* ACA-003, line 8a: a share that is linked once and mounted at a known path. */
TEST_WITH(fixture, struct harness *h, the_agent_from_a_file_share)
{
    config.storage_account = "store1";
    reopen(h);
    harness_rule(h, "POST " GROUP "/providers/Microsoft.Storage/storageAccounts/store1/listKeys",
                 200, "{\"keys\":[{\"keyName\":\"key1\",\"value\":\"a2V5\"}]}", 0);
    harness_rule(h, "PUT " APP "/managedEnvironments/env-1/storages/sockerless-agent", 200, "{}",
                 0);
    harness_rule(h, "PUT " JOB, 200, JOB_STATE("Succeeded"), 0);
    harness_run(h, co_prepare);
    expect_success();
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "listKeys"), 1);
    json_t *storage AUTO(json) = harness_sent(h, "/storages/sockerless-agent");
    expect_text(storage, "properties/azureFile/accountKey", "a2V5");
    expect_text(storage, "properties/azureFile/shareName", "sockerless");
    expect_text(storage, "properties/azureFile/accessMode", "ReadOnly");
    json_t *job AUTO(json) = harness_sent(h, "PUT " JOB);
    expect_text(job, "properties/template/volumes/0/storageType", "AzureFile");
    expect_text(job, "properties/template/volumes/0/storageName", "sockerless-agent");
    expect_text(job, "properties/template/containers/0/command/0",
                "/sockerless-bin/sockerless-agent");
    free(config.storage_name);
    config.storage_name = config.storage_account = NULL;
}

/* Line 9: the init container copies it from the share. */
TEST_WITH(fixture, struct harness *h, the_agent_from_a_share_by_an_init_container)
{
    config.storage_name = "linked";
    config.agent_injection = "init_container";
    reopen(h);
    json_t *job AUTO(json) = put_job(h);
    const json_t *init = at(job, "properties/template/initContainers/0");
    expect_text(init, "command/0", "/sockerless-share/sockerless-agent");
    expect_text(init, "volumeMounts/0/volumeName", "sockerless-agent-vol");
    expect_text(init, "volumeMounts/1/mountPath", "/sockerless-share");
    expect_text(job, "properties/template/volumes/1/storageName", "linked");
    assert_int_equal(harness_seen(h, "listKeys"), 0);
}

/* Line 8b. */
TEST_WITH(fixture, struct harness *h, the_agent_baked_in)
{
    config.agent_injection = "baked_in";
    reopen(h);
    json_t *job AUTO(json) = put_job(h);
    expect_text(job, "properties/template/containers/0/command/0", "/sockerless-agent");
    assert_null(at(job, "properties/template/volumes"));
    assert_null(at(job, "properties/template/initContainers"));
}

TEST_WITH(fixture, struct harness *h, an_identity_pulls_images)
{
    config.registry_username = config.registry_password = NULL;
    config.identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/"
                      "userAssignedIdentities/puller";
    reopen(h);
    json_t *job AUTO(json) = put_job(h);
    expect_text(job, "identity/type", "UserAssigned");
    assert_int_equal(json_object_size(at(job, "identity/userAssignedIdentities")), 1);
    expect_text(job, "properties/configuration/registries/0/identity", config.identity);
}

/* ---- operations ---- */

TEST_WITH(fixture, struct harness *h, a_put_that_is_waited_for_by_its_operation)
{
    AUTO_FREE char *header = xasprintf("Azure-AsyncOperation: %s/op-1?api-version=1\r\n", h->url);
    h->rules[h->rule_count++] =
        (struct rule){"PUT ", .status = 201, .headers = header, .body = JOB_STATE("InProgress")};
    harness_rule(h, "GET /op-1", 200, "{\"status\":\"InProgress\"}", 1);
    harness_rule(h, "GET /op-1", 200, "{\"status\":\"Succeeded\"}", 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "GET /op-1"), 2);
}

TEST_WITH(fixture, struct harness *h, an_operation_that_fails_late_has_azure_s_words)
{
    AUTO_FREE char *header = xasprintf("azure-asyncoperation: %s/op-1\r\n", h->url);
    h->rules[h->rule_count++] =
        (struct rule){"PUT ", .status = 201, .headers = header, .body = JOB_STATE("InProgress")};
    harness_rule(
        h, "GET /op-1", 200,
        "{\"status\":\"Failed\",\"error\":{\"code\":\"InvalidParameterValueInContainerTemplate\","
        "\"message\":\"unable to pull image using Managed identity\"}}",
        0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_INVALID_PARAMETER,
                   "aca: put job: InvalidParameterValueInContainerTemplate: "
                   "unable to pull image");
}

/* Somebody else's host does not get the token. */
TEST_WITH(fixture, struct harness *h, an_operation_elsewhere_is_not_asked_for)
{
    h->rules[h->rule_count++] = (struct rule){
        "PUT ", .status = 201, .headers = "Azure-AsyncOperation: http://127.0.0.1:9/op-1\r\n",
        .body = JOB_STATE("InProgress")};
    harness_run(h, co_prepare);
    expect_problem(ERROR_SYSTEM, "is not a URL of this service");
}

TEST_WITH(fixture, struct harness *h, a_start_whose_execution_is_told_by_its_location)
{
    AUTO_FREE char *header = xasprintf("Location: %s/result-1\r\nRetry-After: 0\r\n", h->url);
    harness_rule(h, EXECUTIONS_URL, 200, NO_EXECUTIONS, 0);
    h->rules[h->rule_count++] =
        (struct rule){"POST " JOB "/start", .status = 202, .headers = header, .body = ""};
    harness_rule(h, "GET /result-1", 202, "", 1);
    harness_rule(h, "GET /result-1", 200, STARTED, 0);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, EXECUTION);
}

static void answer_put(struct harness *h, int status, const char *headers, const char *body)
{
    h->rules[h->rule_count++] =
        (struct rule){"PUT ", .status = status, .headers = headers, .body = body};
}

/* A Location beside a 201 is the resource's own: its state is asked for. */
TEST_WITH(fixture, struct harness *h, a_put_with_a_location_only)
{
    AUTO_FREE char *header = xasprintf("Location: %s/elsewhere\r\n", h->url);
    answer_put(h, 201, header, JOB_STATE("InProgress"));
    harness_rule(h, "GET " JOB VERSION, 200, JOB_STATE("InProgress"), 1);
    harness_rule(h, "GET " JOB VERSION, 200, JOB_STATE("Succeeded"), 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, "GET " JOB VERSION), 2);
}

/* A 202 is polled at its Location; what is there in the end may have failed. */
TEST_WITH(fixture, struct harness *h, a_put_that_is_accepted_and_fails)
{
    AUTO_FREE char *header = xasprintf("Location: %s/result\r\n", h->url);
    answer_put(h, 202, header, "");
    harness_rule(h, "GET /result", 202, "", 1);
    harness_rule(h, "GET /result", 200, JOB_STATE("Failed"), 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_SYSTEM, "aca: put job: Failed");
}

/* A 202 that says nothing else says nothing of the resource. */
TEST_WITH(fixture, struct harness *h, a_put_that_is_accepted_without_a_word)
{
    answer_put(h, 202, "", "");
    harness_rule(h, "GET " JOB VERSION, 200, JOB_STATE("Canceled"), 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_SYSTEM, "aca: put job: Canceled");
    assert_int_equal(harness_seen(h, "GET " JOB VERSION), 1);
}

/* An operation's record that is gone: the call fails with what Azure says. */
TEST_WITH(fixture, struct harness *h, an_operation_that_vanishes)
{
    AUTO_FREE char *header = xasprintf("Azure-AsyncOperation: %s/op-1\r\n", h->url);
    answer_put(h, 201, header, JOB_STATE("InProgress"));
    harness_rule(h, "GET /op-1", 404, REFUSED("OperationNotFound", "no such operation"), 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_NOT_FOUND, "aca: put job: OperationNotFound: no such operation");
}

/* A token that ends while an operation is polled is renewed, once. */
TEST_WITH(fixture, struct harness *h, a_token_that_ends_while_an_operation_is_polled)
{
    AUTO_FREE char *header = xasprintf("Azure-AsyncOperation: %s/op-1\r\n", h->url);
    answer_put(h, 201, header, JOB_STATE("InProgress"));
    harness_rule(h, "GET /op-1", 200, "{\"status\":\"InProgress\"}", 1);
    harness_rule(h, "GET /op-1", 401, REFUSED("ExpiredAuthenticationToken", "expired"), 1);
    harness_rule(h, "GET /op-1", 200, "{\"status\":\"Succeeded\"}", 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, LOGIN), 2);
}

/* A conflict that no waiting ends is not waited for. */
TEST_WITH(fixture, struct harness *h, conflicts_that_stay)
{
    answer_put(h, 409, "", REFUSED("ReadOnlyDisabledSubscription", "is marked as read only"));
    harness_run(h, co_prepare);
    expect_problem(ERROR_FORBIDDEN, "ReadOnlyDisabledSubscription: is marked as read only");
    assert_int_equal(harness_seen(h, "PUT "), 1);
}

/* A policy is not a missing role. */
TEST_WITH(fixture, struct harness *h, a_policy_forbids_it)
{
    answer_put(h, 403, "", REFUSED("RequestDisallowedByPolicy", "disallowed by policy"));
    harness_run(h, co_prepare);
    expect_problem(ERROR_FORBIDDEN, "RequestDisallowedByPolicy: disallowed by policy");
    assert_null(strstr(problem.message, "role assignment"));
}

static void co_list(struct harness *h)
{
    AUTO(arena) struct arena arena;
    struct workload_found *found;
    size_t count;
    (void)h;
    arena_init(&arena);
    result = driver.workload->co_list(driver.self, &arena, &found, &count, &problem);
    arena_fini(&arena);
}

TEST_WITH(fixture, struct harness *h, a_list_that_is_followed_by_itself)
{
    AUTO_FREE char *next = xasprintf("{\"value\":[],\"nextLink\":\"%s/next\"}", h->url);
    harness_rule(h, "GET " APP "/jobs" VERSION, 200, next, 0);
    harness_rule(h, "GET /next", 200, next, 0);
    harness_run(h, co_list);
    expect_problem(ERROR_SYSTEM, "aca: list jobs: the list has no end");
    assert_int_equal(harness_seen(h, "GET /next"), 1);
}

/* The job was deleted by somebody else after it was put. */
TEST_WITH(fixture, struct harness *h, a_job_that_is_gone_before_its_start)
{
    harness_rule(h, EXECUTIONS_URL, 200, NO_EXECUTIONS, 0);
    harness_rule(h, "POST " JOB "/start", 404, GONE, 0);
    harness_run(h, co_run);
    expect_problem(ERROR_NOT_FOUND, "aca: start job: ResourceNotFound: gone");
    assert_int_equal(harness_seen(h, "POST " JOB "/start"), 1);
}

/* A proxy's page instead of an answer: whether it began is asked, not guessed. */
TEST_WITH(fixture, struct harness *h, a_start_that_is_answered_by_a_page)
{
    harness_rule(h, EXECUTIONS_URL, 200, NO_EXECUTIONS, 2);
    harness_rule(h, EXECUTIONS_URL, 200, EXECUTIONS("2026-01-01T00:00:00Z"), 0);
    harness_rule(h, "POST " JOB "/start", 200, "<html>", 0);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, EXECUTION);
    assert_int_equal(harness_seen(h, "POST " JOB "/start"), 1);
}
