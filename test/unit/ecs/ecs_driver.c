/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole driver against a scripted AWS: what it sends, and what it makes of refusals, lost
 * answers, throttling and expired credentials.
 */
#include "backend-ecs/driver.h"

#include "backend-ecs/ecs_stopped.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/test.h"

#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DEFINITION "arn:aws:ecs:us-east-1:1:task-definition/sockerless-000000000001:1"
#define TASK "arn:aws:ecs:us-east-1:1:task/default/aaaa"
#define REGISTERED "{\"taskDefinition\":{\"taskDefinitionArn\":\"" DEFINITION "\"}}"
#define NO_DEFINITION                                                                              \
    "{\"__type\":\"ClientException\",\"message\":\"Unable to describe task definition.\"}"
#define STARTED "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"taskDefinitionArn\":\"" DEFINITION "\"}]}"

static struct ecs_config config;
static struct cloud_driver driver;
static struct workload w;
static struct error problem;
static int result;

static char *argv[] = {"--", "true"};
static struct workload_spec spec = {
    .container_id = ID,
    .container_name = "web",
    .instance = "inst",
    .run_token = "run-1",
    .image = "busybox",
    .agent_argv = argv,
    .agent_argc = 2,
    .stop_timeout_s = 10,
};

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    setenv("AWS_ACCESS_KEY_ID", "AKIATEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    config = (struct ecs_config){
        .region = "us-east-1",
        .endpoint_url = h->url,
        .cluster = "default",
        .log_group = "/g",
        .agent_image = "agent",
        .execution_role_arn = "arn:aws:iam::1:role/e",
        .cpu_architecture = "X86_64",
        .rate_percent = 100000,
        .definition_idle_s = 30,
    };
    strv_push(&config.subnet_list, "subnet-1");
    ecs_driver_open(&h->loop, h->http, &config, &driver);
    w = (struct workload){0};
    problem = (struct error){0};
    result = 0;
    return 0;
}

static int fixture_teardown(void **state)
{
    driver.close(driver.self);
    ecs_config_fini(&config);
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
    result = driver.co_run(driver.self, &spec, &w, &problem);
}

/* ---- definitions ---- */

TEST_USING(fixture, prepare_registers_once)
{
    struct harness *h = *state;
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 0);
    harness_run(h, co_prepare);
    expect_success();
    assert_string_equal(w.definition, DEFINITION);
    harness_run(h, co_prepare);
    /* The scripted ARN has another family than the content's: asked for again, by design. */
    assert_int_equal(harness_seen(h, "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition"),
                     2);
    assert_int_equal(harness_seen(h, "application/x-amz-json-1.1"), 4);
    assert_int_equal(harness_seen(h, "Credential=AKIATEST/"), 4);
}

TEST_USING(fixture, a_lost_answer_registers_no_second_revision)
{
    struct harness *h = *state;
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 1);
    harness_rule(h, ".RegisterTaskDefinition", 0, NULL, 1);
    /* It was carried out: the description shows it, with the right content. */
    harness_rule(h, ".DescribeTaskDefinition", 200, "{}", 1);
    harness_rule(h, ".RegisterTaskDefinition", 500, "", 1);
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 1);
    harness_run(h, co_prepare);
    expect_success();
    assert_int_equal(harness_seen(h, ".RegisterTaskDefinition"), 3);
    assert_int_equal(harness_seen(h, ".DescribeTaskDefinition"), 3);
}

TEST_USING(fixture, refused_definitions)
{
    struct harness *h = *state;
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 400,
                 "{\"__type\":\"AccessDeniedException\",\"message\":\"not you\"}", 1);
    harness_run(h, co_prepare);
    expect_problem(ERROR_FORBIDDEN, "not you");
    expect_problem(ERROR_FORBIDDEN, "request id req-1");
    assert_string_equal(w.definition, "");
    harness_rule(h, ".RegisterTaskDefinition", 200, "{\"taskDefinition\":{}}", 0);
    harness_run(h, co_prepare);
    expect_problem(ERROR_SYSTEM, "no ARN");
}

static void co_prepare_too_large(struct harness *h)
{
    (void)h;
    AUTO_FREE char *huge = xcalloc(1, 300 * 1024 + 1);
    memset(huge, 'x', (size_t)300 * 1024);
    char *huge_argv[] = {"--", huge};
    struct workload_spec large = spec;
    large.agent_argv = huge_argv;
    result = driver.co_prepare(driver.self, &large, &w, &problem);
}

TEST_USING(fixture, what_no_definition_holds_costs_no_call)
{
    struct harness *h = *state;
    harness_run(h, co_prepare_too_large);
    expect_problem(ERROR_INVALID_PARAMETER, "65536");
    assert_int_equal(harness_seen(h, "POST"), 0);
}

/* ---- runs ---- */

TEST_USING(fixture, run_sets_task_and_log)
{
    struct harness *h = *state;
    harness_rule(h, ".RunTask", 200, STARTED, 0);
    strcpy(w.definition, DEFINITION);
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.resource, TASK);
    assert_string_equal(w.log_ref, "/g\nsockerless/main/aaaa");
}

TEST_USING(fixture, a_lost_answer_repeats_with_the_same_token)
{
    struct harness *h = *state;
    harness_rule(h, ".RunTask", 0, NULL, 2);
    harness_rule(h, ".RunTask", 200, STARTED, 0);
    strcpy(w.definition, DEFINITION);
    harness_run(h, co_run);
    expect_success();
    assert_int_equal(harness_seen(h, "\"clientToken\":\"run-1\""), 3);
}

/* The n-th RunTask request's body; NULL when there were fewer. */
static const char *run_body(struct harness *h, int n)
{
    const char *found = NULL;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->seen_count && !found; i++)
        if (strstr(h->seen[i], ".RunTask") && n-- == 0)
            found = strstr(h->seen[i], "{\"cluster\"");
    pthread_mutex_unlock(&h->lock);
    return found;
}

/* A backend that starts again repeats only co_run: the same token needs the same parameters. */
TEST_USING(fixture, a_second_life_repeats_the_same_bytes)
{
    struct harness *h = *state;
    AUTO_FREE char *large = xcalloc(1, 9001);
    memset(large, 'x', 9000);
    char *commands[] = {"true", large};
    static char *env[] = {"B=1", "A=2", "B=3"};
    const struct workload_spec usual = spec;
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 0);
    harness_rule(h, ".RunTask", 200, STARTED, 0);
    for (int i = 0; i < 2; i++) {
        char *both[] = {"--", commands[i]};
        spec.agent_argv = both;
        spec.env = env;
        spec.env_count = ARRAY_LEN(env);
        harness_run(h, co_prepare);
        harness_run(h, co_run);
        driver.close(driver.self);
        ecs_driver_open(&h->loop, h->http, &config, &driver);
        harness_run(h, co_run);
        spec = usual;
        expect_success();
        const char *first = run_body(h, 2 * i), *second = run_body(h, 2 * i + 1);
        assert_non_null(first);
        assert_non_null(second);
        assert_string_equal(first, second);
        assert_int_equal(strstr(first, "\"command\":[\"--\",\"true\"]") != NULL, i == 0);
    }
    assert_int_equal(harness_seen(h, large), 1); /* in the one definition */
}

TEST_USING(fixture, throttled_then_served)
{
    struct harness *h = *state;
    harness_rule(h, ".RunTask", 400,
                 "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}", 2);
    harness_rule(h, ".RunTask", 200, STARTED, 0);
    strcpy(w.definition, DEFINITION);
    harness_run(h, co_run);
    expect_success();
    assert_int_equal(harness_seen(h, ".RunTask"), 3);
}

TEST_USING(fixture, expired_credentials_are_renewed_once)
{
    struct harness *h = *state;
    harness_rule(h, ".RunTask", 400, "{\"__type\":\"ExpiredTokenException\",\"message\":\"x\"}", 1);
    harness_rule(h, ".RunTask", 200, STARTED, 1);
    harness_rule(h, ".RunTask", 400,
                 "{\"__type\":\"UnrecognizedClientException\",\"message\":\"x\"}", 0);
    strcpy(w.definition, DEFINITION);
    harness_run(h, co_run);
    expect_success();
    harness_run(h, co_run);
    expect_problem(ERROR_FORBIDDEN, "check the AWS credentials");
    assert_int_equal(harness_seen(h, ".RunTask"), 4);
}

TEST_USING(fixture, no_capacity)
{
    struct harness *h = *state;
    harness_rule(h, ".RunTask", 200,
                 "{\"tasks\":[],\"failures\":[{\"reason\":\"RESOURCE:MEMORY\"}]}", 1);
    harness_rule(h, ".RunTask", 200, "[]", 0);
    strcpy(w.definition, DEFINITION);
    harness_run(h, co_run);
    expect_problem(ERROR_UNAVAILABLE, "RESOURCE:MEMORY");
    assert_string_equal(w.resource, "");
    harness_run(h, co_run);
    expect_problem(ERROR_UNAVAILABLE, "cannot be read");
}

TEST_USING(fixture, a_definition_that_vanished_is_prepared_again)
{
    struct harness *h = *state;
    harness_rule(h, ".RunTask", 400,
                 "{\"__type\":\"ClientException\",\"message\":\"TaskDefinition is inactive\"}", 1);
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 0);
    harness_rule(h, ".RunTask", 200, STARTED, 0);
    strcpy(w.definition, "arn:old");
    harness_run(h, co_run);
    expect_success();
    assert_string_equal(w.definition, DEFINITION);
    assert_string_equal(w.resource, TASK);
}

/* ---- describe, stop, delete, list ---- */

static struct workload_status status[3];

static void co_describe(struct harness *h)
{
    (void)h;
    struct workload other = {.resource = "arn:other"}, none = {0};
    strcpy(w.resource, TASK);
    const struct workload *list[] = {&w, &none, &other};
    result = driver.co_describe(driver.self, list, 3, status, &problem);
}

TEST_USING(fixture, missing_tasks)
{
    struct harness *h = *state;
    harness_rule(h, ".DescribeTasks", 200,
                 "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"lastStatus\":\"RUNNING\"}],"
                 "\"failures\":[{\"arn\":\"arn:other\",\"reason\":\"MISSING\"}]}",
                 0);
    harness_run(h, co_describe);
    expect_success();
    assert_int_equal(status[0].phase, WORKLOAD_RUNNING);
    assert_int_equal(status[1].phase, WORKLOAD_MISSING);
    assert_int_equal(status[2].phase, WORKLOAD_MISSING);
    assert_int_equal(harness_seen(h, "\"tasks\":[\"" TASK "\",\"arn:other\"]"), 1);
}

static void co_stop(struct harness *h)
{
    (void)h;
    strcpy(w.resource, TASK);
    result = driver.co_stop(driver.self, &w, "stopped by \"user\"", &problem);
}

static void co_delete(struct harness *h)
{
    (void)h;
    strcpy(w.resource, TASK);
    result = driver.co_delete(driver.self, &w, &problem);
}

TEST_USING(fixture, stopping)
{
    struct harness *h = *state;
    harness_rule(h, ".StopTask", 400,
                 "{\"__type\":\"InvalidParameterException\",\"message\":\"The referenced task was "
                 "not found.\"}",
                 1);
    harness_rule(h, ".StopTask", 200, "{\"task\":{}}", 1);
    harness_rule(h, ".StopTask", 400, "{\"__type\":\"ClusterNotFoundException\"}", 1);
    harness_run(h, co_stop);
    expect_success();
    harness_run(h, co_stop);
    expect_success();
    harness_run(h, co_stop);
    expect_problem(ERROR_SYSTEM, "SOCKERLESS_ECS_CLUSTER");
}

TEST_USING(fixture, deleting)
{
    struct harness *h = *state;
    harness_rule(h, ".StopTask", 200, "", 0);
    harness_run(h, co_delete); /* nothing is known of it */
    expect_success();
    assert_int_equal(harness_seen(h, ".StopTask"), 1);
    harness_rule(h, ".DescribeTasks", 200,
                 "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"lastStatus\":\"STOPPED\"}]}", 0);
    harness_run(h, co_describe);
    harness_run(h, co_delete); /* seen stopped: costs no call */
    expect_success();
    assert_int_equal(harness_seen(h, ".StopTask"), 1);
}

TEST(memory_of_stopped_tasks_is_bounded)
{
    struct ecs_stopped s = {0};
    char arn[32];
    (void)state;
    for (int i = 0; i < ECS_STOPPED_MAX + 10; i++) {
        snprintf(arn, sizeof arn, "task/%d", i);
        ecs_stopped_add(&s, arn);
        ecs_stopped_add(&s, arn);
    }
    assert_true(ecs_stopped_has(&s, arn));
    assert_true(ecs_stopped_has(&s, "task/10"));
    assert_false(ecs_stopped_has(&s, "task/9"));
    ecs_stopped_fini(&s);
}

static struct arena arena;
static struct workload_found *found;
static size_t found_count;

static void co_list(struct harness *h)
{
    (void)h;
    result = driver.co_list(driver.self, "inst", &arena, &found, &found_count, &problem);
}

TEST_USING(fixture, listing)
{
    struct harness *h = *state;
    arena_init(&arena);
    harness_rule(h, ".ListTasks", 200, "{\"taskArns\":[\"" TASK "\"],\"nextToken\":\"n1\"}", 1);
    harness_rule(h, ".ListTasks", 200, "{\"taskArns\":[\"arn:x/b\",\"arn:x/c\"]}", 1);
    harness_rule(h, ".DescribeTasks", 200,
                 "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"taskDefinitionArn\":\"" DEFINITION
                 "\",\"tags\":[{\"key\":\"sockerless:instance\",\"value\":\"inst\"},{\"key\":"
                 "\"sockerless:container-id\",\"value\":\"" ID "\"},{\"key\":"
                 "\"sockerless:container-name\",\"value\":\"web\"}]},"
                 "{\"taskArn\":\"arn:x/b\",\"tags\":[{\"key\":\"sockerless:instance\",\"value\":"
                 "\"inst2\"}]},{\"taskArn\":\"arn:x/c\"}]}",
                 0);
    harness_run(h, co_list);
    expect_success();
    assert_int_equal(found_count, 1);
    assert_string_equal(found[0].container_id, ID);
    assert_string_equal(found[0].container_name, "web");
    assert_string_equal(found[0].workload.resource, TASK);
    assert_string_equal(found[0].workload.definition, DEFINITION);
    assert_string_equal(found[0].workload.log_ref, "/g\nsockerless/main/aaaa");
    assert_int_equal(harness_seen(h, "\"startedBy\":\"sockerless/inst\",\"nextToken\":\"n1\""), 1);
    assert_int_equal(harness_seen(h, "\"include\":[\"TAGS\"]"), 1);
    arena_fini(&arena);
}

/* ---- maintenance ---- */

#define OURS "arn:aws:ecs:us-east-1:1:task-definition/sockerless-aaaaaaaaaaaa:1"
#define USED "arn:aws:ecs:us-east-1:1:task-definition/sockerless-bbbbbbbbbbbb:1"
#define FOREIGN "arn:aws:ecs:us-east-1:1:task-definition/sockerless-cccccccccccc:1"
#define INACTIVE "arn:aws:ecs:us-east-1:1:task-definition/sockerless-dddddddddddd:3"

static char *described(const char *instance)
{
    return xasprintf("{\"taskDefinition\":{\"containerDefinitions\":[{\"name\":\"main\","
                     "\"dockerLabels\":{\"sockerless.instance\":\"%s\"}}]}}",
                     instance);
}

static void co_close_down(struct harness *h)
{
    co_list(h); /* tells the instance */
    const char *in_use[] = {USED, ""};
    if (result == 0)
        result = driver.co_maintain(driver.self, in_use, 2, true, &problem);
}

TEST_USING(fixture, leftovers_are_dropped)
{
    struct harness *h = *state;
    AUTO_FREE char *ours = described("inst"), *theirs = described("other");
    arena_init(&arena);
    harness_rule(h, ".ListTasks", 200, "{}", 0);
    harness_rule(h, "\"status\":\"ACTIVE\",\"maxResults\":100}", 200,
                 "{\"taskDefinitionArns\":[\"" OURS "\",\"" USED "\"],\"nextToken\":\"n\"}", 0);
    harness_rule(h, "\"nextToken\":\"n\"", 200,
                 "{\"taskDefinitionArns\":[\"" FOREIGN "\",\"arn:aws:ecs:us-east-1:1:"
                 "task-definition/web:1\"]}",
                 0);
    harness_rule(h, "\"status\":\"INACTIVE\"", 200, "{\"taskDefinitionArns\":[\"" INACTIVE "\"]}",
                 0);
    harness_rule(h, "{\"taskDefinition\":\"" FOREIGN, 200, theirs, 0);
    harness_rule(h, ".DeregisterTaskDefinition", 200, "{}", 0);
    harness_rule(h, ".DescribeTaskDefinition", 200, ours, 0);
    harness_rule(h, ".DeleteTaskDefinitions", 200, "{\"taskDefinitions\":[],\"failures\":[]}", 0);
    harness_run(h, co_close_down);
    expect_success();
    assert_int_equal(harness_seen(h, ".DeregisterTaskDefinition"), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinition\":\"" OURS), 2); /* described, dropped */
    assert_int_equal(harness_seen(h, ".DeleteTaskDefinitions"), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinitions\":["), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinition\":\"" USED), 0);
    arena_fini(&arena);
}

static void co_maintain_unused(struct harness *h)
{
    co_prepare(h);
    if (result == 0)
        result = driver.co_maintain(driver.self, NULL, 0, false, &problem);
    if (result == 0)
        result = co_sleep(5, &problem); /* so that the clock has moved since the preparation */
    config.definition_idle_s = 0;
    if (result == 0)
        result = driver.co_maintain(driver.self, NULL, 0, false, &problem);
}

TEST_USING(fixture, idle_definitions_are_dropped)
{
    struct harness *h = *state;
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 0);
    harness_rule(h, ".ListTaskDefinitions", 200, "{}", 0);
    harness_rule(h, ".DeregisterTaskDefinition", 400,
                 "{\"__type\":\"ClientException\",\"message\":\"is inactive\"}", 0);
    harness_rule(h, ".DeleteTaskDefinitions", 200, "{}", 0);
    harness_run(h, co_maintain_unused);
    expect_success();
    assert_int_equal(harness_seen(h, ".ListTaskDefinitions"), 2);
    assert_int_equal(harness_seen(h, ".DeregisterTaskDefinition"), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinitions\":[\"" DEFINITION "\"]}"), 1);
}

/* ---- logs and registry ---- */

static struct log_page pages[2];

static void co_logs(struct harness *h)
{
    (void)h;
    strcpy(w.log_ref, "/g\nsockerless/main/aaaa");
    struct workload gone = {.log_ref = "/g\nsockerless/main/gone"};
    const struct log_query queries[] = {{.workload = &w, .since_ns = 3000000}, {.workload = &gone}};
    result = driver.co_log_pages(driver.self, queries, 2, pages, &problem);
}

TEST_USING(fixture, log_pages)
{
    struct harness *h = *state;
    arena_init(&pages[0].arena);
    arena_init(&pages[1].arena);
    harness_rule(h, "main/gone", 400, "{\"__type\":\"ResourceNotFoundException\"}", 0);
    harness_rule(h, "Logs_20140328.GetLogEvents", 200,
                 "{\"events\":[{\"timestamp\":4,\"message\":\"hi\"}],\"nextForwardToken\":\"f/1\"}",
                 0);
    harness_run(h, co_logs);
    expect_success();
    assert_int_equal(pages[0].count, 1);
    assert_string_equal(pages[0].events[0].text, "hi");
    assert_true(pages[1].at_end);
    assert_int_equal(harness_seen(h, "\"startFromHead\":true,\"startTime\":3}"), 1);
    arena_fini(&pages[0].arena);
    arena_fini(&pages[1].arena);
}

/* More than the loop parses itself, well-formed and cut off. */
TEST_USING(fixture, large_answers_are_read_elsewhere)
{
    struct harness *h = *state;
    AUTO(buf) struct buf answer = BUF_INIT;
    buf_puts(&answer, "{\"nextForwardToken\":\"f/1\",\"events\":[");
    for (int i = 0; i < 3000; i++)
        buf_printf(&answer, "%s{\"timestamp\":%d,\"message\":\"line number %d\"}", i ? "," : "",
                   i + 1, i);
    AUTO_FREE char *cut = xasprintf("%s", answer.data);
    buf_puts(&answer, "]}");
    arena_init(&pages[0].arena);
    arena_init(&pages[1].arena);
    harness_rule(h, "main/gone", 400, "{\"__type\":\"ResourceNotFoundException\"}", 0);
    harness_rule(h, ".GetLogEvents", 200, answer.data, 1);
    harness_rule(h, ".GetLogEvents", 200, cut, 0);
    harness_run(h, co_logs);
    expect_success();
    assert_int_equal(pages[0].count, 3000);
    assert_string_equal(pages[0].events[2999].text, "line number 2999");
    arena_fini(&pages[0].arena);
    arena_init(&pages[0].arena);
    harness_run(h, co_logs);
    expect_problem(ERROR_UNAVAILABLE, "cannot be read");
    arena_fini(&pages[0].arena);
    arena_fini(&pages[1].arena);
}

static struct registry_credentials login;

static void co_login(struct harness *h)
{
    (void)h;
    free(login.username);
    free(login.password);
    result = driver.co_registry_credentials(
        driver.self, "123456789012.dkr.ecr.eu-west-1.amazonaws.com", &login, &problem);
}

TEST_USING(fixture, ecr_login)
{
    struct harness *h = *state;
    AUTO_FREE char *answer = xasprintf(
        "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3M6d29yZA==\",\"expiresAt\":"
        "%lld.5}]}",
        (long long)(time_now_ns() / 1000000000 + 43200));
    harness_rule(h, ".GetAuthorizationToken", 200, answer, 0);
    harness_run(h, co_login);
    expect_success();
    assert_true(login.found);
    assert_string_equal(login.username, "AWS");
    assert_string_equal(login.password, "pass:word");
    harness_run(h, co_login); /* kept */
    expect_success();
    assert_int_equal(harness_seen(h, "AmazonEC2ContainerRegistry_V20150921."), 1);
    assert_int_equal(harness_seen(h, "/eu-west-1/ecr/aws4_request"), 1);
    free(login.username);
    free(login.password);
    login = (struct registry_credentials){0};
}
