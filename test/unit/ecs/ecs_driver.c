/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole driver against a scripted AWS: what AWS answers in each situation of the suite that
 * all drivers pass, and what is ECS's own.
 */
#include "backend-ecs/driver.h"

#include "backend-ecs/ecs_stopped.h"
#include "base/log.h"
#include "test/kit/driver_rig.h"
#include "test/kit/driver_suite.h"
#include "test/kit/test.h"

#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DEFINITION "arn:aws:ecs:us-east-1:1:task-definition/sockerless-000000000001:1"
#define TASK "arn:aws:ecs:us-east-1:1:task/default/aaaa"
#define REGISTERED "{\"taskDefinition\":{\"taskDefinitionArn\":\"" DEFINITION "\"}}"
#define NO_DEFINITION                                                                              \
    "{\"__type\":\"ClientException\",\"message\":\"Unable to describe task definition.\"}"
#define NO_TASK                                                                                    \
    "{\"__type\":\"InvalidParameterException\",\"message\":\"The referenced task was not "         \
    "found.\"}"
#define STARTED "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"taskDefinitionArn\":\"" DEFINITION "\"}]}"

static struct ecs_config config;
static struct driver_rig *const d = &driver_rig;

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

static int open_driver(struct harness *h)
{
    const struct driver_env env = {.loop = &h->loop, .http = h->http, .instance = "inst"};
    return ecs_driver_open(&config, &env, &d->driver, &d->err);
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    driver_rig = (struct driver_rig){.spec = &spec};
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
    assert_int_equal(open_driver(h), 0);
    return 0;
}

static int fixture_teardown(void **state)
{
    d->driver.close(d->driver.self);
    ecs_config_fini(&config);
    return harness_teardown(state);
}

/* ---- what every d->driver does ---- */

#define FAILED(type) "{\"__type\":\"" type "\",\"message\":\"x\"}"
#define PAGE(events, token) "{\"events\":[" events "],\"nextForwardToken\":\"" token "\"}"
#define GET_LOG "Logs_20140328.GetLogEvents"

static const struct driver_suite suite = {
    .setup = fixture_setup,
    .teardown = fixture_teardown,
    .driver = &driver_rig.driver,
    .spec = &spec,
    .run = {.definition = DEFINITION, .resource = TASK, .log_ref = "/g\nsockerless/main/aaaa"},
    .other = {.resource = "arn:other", .log_ref = "/g\nsockerless/main/gone"},
    /* The scripted ARN has another family than the content's: asked for again, by design. */
    .prepare = {{{".DescribeTaskDefinition", .status = 400, .body = NO_DEFINITION},
                 {".RegisterTaskDefinition", .status = 200, .body = REGISTERED}},
                {{"AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition", 2},
                 {"application/x-amz-json-1.1", 4},
                 {"Credential=AKIATEST/", 4}}},
    /* It was carried out: the description shows it, with the right content. */
    .prepare_lost = {{{".DescribeTaskDefinition", .status = 400, .body = NO_DEFINITION, .times = 1},
                      {".RegisterTaskDefinition", .status = 0, .times = 1},
                      {".DescribeTaskDefinition", .status = 200, .body = "{}", .times = 1},
                      {".RegisterTaskDefinition", .status = 500, .times = 1},
                      {".DescribeTaskDefinition", .status = 400, .body = NO_DEFINITION},
                      {".RegisterTaskDefinition", .status = 200, .body = REGISTERED, .times = 1}},
                     {{".RegisterTaskDefinition", 3}, {".DescribeTaskDefinition", 3}}},
    .begin = {{{".RunTask", .status = 200, .body = STARTED}}, {{"\"clientToken\":\"run-1\"", 1}}},
    .begin_lost = {{{".RunTask", .status = 0, .times = 2},
                    {".RunTask", .status = 200, .body = STARTED}},
                   {{"\"clientToken\":\"run-1\"", 3}}},
    /* AWS knows the token, and answers with the task that it has. */
    .begun_before = {{{".RunTask", .contains = "\"clientToken\":\"run-1\"", .status = 200,
                       .body = STARTED}},
                     {{".RunTask", 1}}},
    .faults_at_run = true,
    .throttled = {{{".RunTask", .status = 400, .body = FAILED("ThrottlingException"), .times = 2},
                   {".RunTask", .status = 200, .body = STARTED}},
                  {{".RunTask", 3}}},
    .expired = {{{".RunTask", .status = 400, .body = FAILED("ExpiredTokenException"), .times = 1},
                 {".RunTask", .status = 200, .body = STARTED, .times = 1},
                 {".RunTask", .status = 400, .body = FAILED("UnrecognizedClientException")}},
                {{".RunTask", 4}}},
    .locked_out = {.code = ERROR_FORBIDDEN, .words = {"check the AWS credentials"}},
    .refused = {{{".DescribeTaskDefinition", .status = 400, .body = NO_DEFINITION}},
                {{".RegisterTaskDefinition", 2}}},
    .refusals = {{{".RegisterTaskDefinition", .status = 400,
                   .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"not you\"}"},
                  ERROR_FORBIDDEN,
                  {"not you", "request id req-1"}},
                 {{".RegisterTaskDefinition", .status = 200, .body = "{\"taskDefinition\":{}}"},
                  ERROR_SYSTEM,
                  {"no ARN"}}},
    .refused_definition = "",
    .running = {{{".DescribeTasks", .status = 200,
                  .body = "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"lastStatus\":\"RUNNING\"}],"
                          "\"failures\":[{\"arn\":\"arn:other\",\"reason\":\"MISSING\"}]}"}},
                {{"\"tasks\":[\"" TASK "\",\"arn:other\"]", 1}}},
    .ended = {{{".DescribeTasks", .status = 200,
                .body = "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"lastStatus\":\"STOPPED\","
                        "\"stopCode\":\"EssentialContainerExited\",\"startedAt\":1700000000.25,"
                        "\"stoppedAt\":1700000009,\"containers\":[{\"name\":\"main\","
                        "\"exitCode\":3}]}]}"}},
              {{".DescribeTasks", 1}}},
    .exit_code = 3,
    /* one_unknown: DescribeTasks answers for all or for none */
    .none_known = {.seen = {{".DescribeTasks", 1}}},
    .none_known_why = {{".DescribeTasks", .status = 400, .body = FAILED("AccessDeniedException")},
                       ERROR_FORBIDDEN,
                       {"ecs: DescribeTasks", "request id req-1"}},
    .stop = {{{".StopTask", .status = 200, .body = "{\"task\":{}}", .times = 1},
              {".StopTask", .status = 400, .body = NO_TASK, .times = 1}},
             {{".StopTask", 3},
              {"\"task\":\"" TASK "\"", 3},
              {"\"reason\":\"stopped by \\\"user\\\"\"", 3}}},
    .stops = 2,
    .stop_refused = {{".StopTask", .status = 400, .body = FAILED("ClusterNotFoundException")},
                     ERROR_SYSTEM,
                     {"SOCKERLESS_ECS_CLUSTER"}},
    .removal = {{{".StopTask", .status = 200, .body = "", .times = 1},
                 {".StopTask", .status = 400, .body = NO_TASK}},
                {{".StopTask", 2}}},
    .list = {{{".ListTasks", .status = 200, .times = 1,
               .body = "{\"taskArns\":[\"" TASK "\"],\"nextToken\":\"n1\"}"},
              {".ListTasks", .status = 200, .times = 1,
               .body = "{\"taskArns\":[\"arn:x/b\",\"arn:x/c\"]}"},
              {".DescribeTasks", .status = 200,
               .body = "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"taskDefinitionArn\":\"" DEFINITION
                       "\",\"tags\":[{\"key\":\"sockerless:instance\",\"value\":\"inst\"},"
                       "{\"key\":\"sockerless:container-id\",\"value\":\"" ID "\"},{\"key\":"
                       "\"sockerless:container-name\",\"value\":\"web\"}]},"
                       "{\"taskArn\":\"arn:x/b\",\"tags\":[{\"key\":\"sockerless:instance\","
                       "\"value\":\"inst2\"}]},{\"taskArn\":\"arn:x/c\"}]}"}},
             {{"\"startedBy\":\"sockerless/inst\",\"nextToken\":\"n1\"", 1},
              {"\"include\":[\"TAGS\"]", 1}}},
    .listed = {{.container_id = ID,
                .container_name = "web",
                .workload = {.definition = DEFINITION,
                             .resource = TASK,
                             .log_ref = "/g\nsockerless/main/aaaa"}}},
    .listed_count = 1,
    .log = {{{"main/gone", .status = 400, .body = "{\"__type\":\"ResourceNotFoundException\"}"},
             {GET_LOG, .contains = "\"nextToken\":\"f/2\"", .status = 200, .body = PAGE("", "f/2")},
             {GET_LOG, .contains = "\"nextToken\":\"f/1\"", .status = 200, .body = PAGE("", "f/1"),
              .times = 1},
             {GET_LOG, .contains = "\"nextToken\":\"f/1\"", .status = 200,
              .body = PAGE(
                  "{\"timestamp\":4,\"message\":\"two\"},{\"timestamp\":5,\"message\":\"three\"}",
                  "f/2")},
             {GET_LOG, .status = 200, .body = PAGE("{\"timestamp\":4,\"message\":\"one\"}", "f/1"),
              .times = 1}},
            {{"\"startFromHead\":true,\"startTime\":3}", 1}, {"\"nextToken\":\"f/1\"", 2}}},
    .log_since_ns = 3000000,
    .login = {{{".GetAuthorizationToken", .status = 200,
                .body = "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3M6d29yZA==\","
                        "\"expiresAt\":4102444800.5}]}"}},
              {{"AmazonEC2ContainerRegistry_V20150921.", 1}, {"/eu-west-1/ecr/aws4_request", 1}}},
    .registry_host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    .username = "AWS",
    .password = "pass:word",
};
DRIVER_SUITE(suite);

/* ---- definitions ---- */

static void co_prepare_too_large(struct harness *h)
{
    (void)h;
    AUTO_FREE char *huge = xcalloc(1, 300 * 1024 + 1);
    memset(huge, 'x', (size_t)300 * 1024);
    char *huge_argv[] = {"--", huge};
    struct workload_spec large = spec;
    large.agent_argv = huge_argv;
    d->result = d->driver.workload->co_prepare(d->driver.self, &large, &d->w, &d->err);
}

TEST_WITH(fixture, struct harness *h, what_no_definition_holds_costs_no_call)
{
    driver_rig_error(h, co_prepare_too_large, ERROR_INVALID_PARAMETER, "65536");
    assert_int_equal(harness_seen(h, "POST"), 0);
}

/* ---- runs ---- */

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

/* A backend that starts again repeats only co_driver_rig_run: the same token needs the same
 * parameters. */
TEST_WITH(fixture, struct harness *h, a_second_life_repeats_the_same_bytes)
{
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
        harness_run(h, co_driver_rig_prepare);
        harness_run(h, co_driver_rig_run);
        d->driver.close(d->driver.self);
        assert_int_equal(open_driver(h), 0);
        driver_rig_ok(h, co_driver_rig_run);
        spec = usual;
        const char *first = run_body(h, 2 * i), *second = run_body(h, 2 * i + 1);
        assert_non_null(first);
        assert_non_null(second);
        assert_string_equal(first, second);
        assert_int_equal(strstr(first, "\"command\":[\"--\",\"true\"]") != NULL, i == 0);
    }
    assert_int_equal(harness_seen(h, large), 1); /* in the one definition */
}

TEST_WITH(fixture, struct harness *h, no_capacity)
{
    harness_rule(h, ".RunTask", 200,
                 "{\"tasks\":[],\"failures\":[{\"reason\":\"RESOURCE:MEMORY\"}]}", 1);
    harness_rule(h, ".RunTask", 200, "[]", 0);
    strcpy(d->w.definition, DEFINITION);
    driver_rig_error(h, co_driver_rig_run, ERROR_UNAVAILABLE, "RESOURCE:MEMORY");
    assert_string_equal(d->w.resource, "");
    driver_rig_error(h, co_driver_rig_run, ERROR_UNAVAILABLE, "cannot be read");
}

TEST_WITH(fixture, struct harness *h, a_definition_that_vanished_is_prepared_again)
{
    harness_rule(h, ".RunTask", 400,
                 "{\"__type\":\"ClientException\",\"message\":\"TaskDefinition is inactive\"}", 1);
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 0);
    harness_rule(h, ".RunTask", 200, STARTED, 0);
    strcpy(d->w.definition, "arn:old");
    driver_rig_ok(h, co_driver_rig_run);
    assert_string_equal(d->w.definition, DEFINITION);
    assert_string_equal(d->w.resource, TASK);
}

/* ---- removing ---- */

static void co_describe(struct harness *h)
{
    (void)h;
    struct workload_status status;
    strcpy(d->w.resource, TASK);
    const struct workload *list[] = {&d->w};
    d->result = d->driver.workload->co_describe(d->driver.self, list, 1, &status, &d->err);
}

static void co_remove_run(struct harness *h)
{
    (void)h;
    strcpy(d->w.resource, TASK);
    d->result = d->driver.workload->co_remove_run(d->driver.self, &d->w, &d->err);
}

TEST_WITH(fixture, struct harness *h, removing_what_was_seen_stopped_costs_no_call)
{
    harness_rule(h, ".DescribeTasks", 200,
                 "{\"tasks\":[{\"taskArn\":\"" TASK "\",\"lastStatus\":\"STOPPED\"}]}", 0);
    driver_rig_ok(h, co_describe);
    driver_rig_ok(h, co_remove_run);
    assert_int_equal(harness_seen(h, ".StopTask"), 0);
}

TEST(memory_of_stopped_tasks_is_bounded)
{
    struct ecs_stopped s = {0};
    char arn[32];
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
    (void)h;
    const char *in_use[] = {USED, ""};
    d->result = d->driver.workload->co_maintain(d->driver.self, in_use, 2, true, &d->err);
}

TEST_WITH(fixture, struct harness *h, leftovers_are_dropped)
{
    AUTO_FREE char *ours = described("inst"), *theirs = described("other");
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
    driver_rig_ok(h, co_close_down);
    assert_int_equal(harness_seen(h, ".DeregisterTaskDefinition"), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinition\":\"" OURS), 2); /* described, dropped */
    assert_int_equal(harness_seen(h, ".DeleteTaskDefinitions"), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinitions\":["), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinition\":\"" USED), 0);
}

static void co_maintain_unused(struct harness *h)
{
    co_driver_rig_prepare(h);
    if (d->result == 0)
        d->result = d->driver.workload->co_maintain(d->driver.self, NULL, 0, false, &d->err);
    if (d->result == 0)
        d->result = co_sleep(5, &d->err); /* so that the clock has moved since the preparation */
    config.definition_idle_s = 0;
    if (d->result == 0)
        d->result = d->driver.workload->co_maintain(d->driver.self, NULL, 0, false, &d->err);
}

TEST_WITH(fixture, struct harness *h, idle_definitions_are_dropped)
{
    harness_rule(h, ".DescribeTaskDefinition", 400, NO_DEFINITION, 0);
    harness_rule(h, ".RegisterTaskDefinition", 200, REGISTERED, 0);
    harness_rule(h, ".ListTaskDefinitions", 200, "{}", 0);
    harness_rule(h, ".DeregisterTaskDefinition", 400,
                 "{\"__type\":\"ClientException\",\"message\":\"is inactive\"}", 0);
    harness_rule(h, ".DeleteTaskDefinitions", 200, "{}", 0);
    driver_rig_ok(h, co_maintain_unused);
    assert_int_equal(harness_seen(h, ".ListTaskDefinitions"), 2);
    assert_int_equal(harness_seen(h, ".DeregisterTaskDefinition"), 1);
    assert_int_equal(harness_seen(h, "{\"taskDefinitions\":[\"" DEFINITION "\"]}"), 1);
}

/* ---- logs ---- */

static struct log_page pages[2];

static void co_logs(struct harness *h)
{
    (void)h;
    strcpy(d->w.log_ref, "/g\nsockerless/main/aaaa");
    struct workload gone = {.log_ref = "/g\nsockerless/main/gone"};
    const struct log_query queries[] = {{.workload = &d->w, .since_ns = 3000000},
                                        {.workload = &gone}};
    d->result = d->driver.logs->co_pages(d->driver.self, queries, 2, pages, &d->err);
}

/* More than the loop parses itself, well-formed and cut off. */
TEST_WITH(fixture, struct harness *h, large_answers_are_read_elsewhere)
{
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
    driver_rig_ok(h, co_logs);
    assert_int_equal(pages[0].count, 3000);
    assert_string_equal(pages[0].events[2999].text, "line number 2999");
    arena_fini(&pages[0].arena);
    arena_init(&pages[0].arena);
    driver_rig_error(h, co_logs, ERROR_UNAVAILABLE, "cannot be read");
    arena_fini(&pages[0].arena);
    arena_fini(&pages[1].arena);
}
