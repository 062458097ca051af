/* SPDX-License-Identifier: Apache-2.0
 *
 * The RegisterTaskDefinition and RunTask bodies, what goes into which of them, and the names and
 * marks in them.
 */
#include "base/alloc.h"
#include "test/kit/definition_rig.h"
#include "test/kit/test.h"

#include <string.h>

static struct definition_rig f;

TEST_RIG(fixture, definition_rig_init(&f), definition_rig_fini(&f));

TEST_USING(fixture, definition_members)
{
    AUTO(ecs_definition_request) struct ecs_definition_request request;
    json_t *root = definition_rig_build(&f, &request);
    static const struct {
        const char *path, *json;
    } cases[] = {
        {"networkMode", "\"awsvpc\""},
        {"requiresCompatibilities", "[\"FARGATE\"]"},
        {"cpu", "\"256\""},
        {"memory", "\"1024\""},
        {"runtimePlatform.cpuArchitecture", "\"X86_64\""},
        {"executionRoleArn", "\"arn:aws:iam::123456789012:role/exec\""},
        {"taskRoleArn", "(absent)"},
        {"volumes", "[{\"name\":\"sockerless-agent\"}]"},
        {"containerDefinitions.0.name", "\"main\""},
        {"containerDefinitions.0.essential", "true"},
        {"containerDefinitions.0.image", "\"docker.io/library/busybox@sha256:00\""},
        {"containerDefinitions.0.entryPoint", "[\"/sockerless/sockerless-agent\"]"},
        {"containerDefinitions.0.command", "(absent)"},
        {"containerDefinitions.0.environment", "(absent)"},
        {"containerDefinitions.0.user", "\"0\""},
        {"containerDefinitions.0.workingDirectory", "(absent)"},
        {"containerDefinitions.0.hostname", "(absent)"},
        {"containerDefinitions.0.portMappings",
         "[{\"containerPort\":80,\"protocol\":\"tcp\"},{\"containerPort\":53,\"protocol\":\"udp\"},"
         "{\"containerPort\":8080,\"protocol\":\"tcp\"}]"},
        {"containerDefinitions.0.mountPoints.0.readOnly", "true"},
        {"containerDefinitions.0.mountPoints.0.containerPath", "\"/sockerless\""},
        {"containerDefinitions.0.dependsOn",
         "[{\"containerName\":\"agent-install\",\"condition\":\"SUCCESS\"}]"},
        {"containerDefinitions.0.stopTimeout", "10"},
        {"containerDefinitions.0.readonlyRootFilesystem", "false"},
        {"containerDefinitions.0.logConfiguration.logDriver", "\"awslogs\""},
        {"containerDefinitions.0.logConfiguration.options.mode", "\"blocking\""},
        {"containerDefinitions.0.logConfiguration.options.awslogs-create-group", "\"true\""},
        {"containerDefinitions.0.dockerLabels.com.example/json", "(absent)"},
        {"containerDefinitions.0.dockerLabels.sockerless", "(absent)"},
        {"containerDefinitions.1.name", "\"agent-install\""},
        {"containerDefinitions.1.essential", "false"},
        {"containerDefinitions.1.image", "\"sockerless/agent:1\""},
        {"containerDefinitions.1.command", "[\"--install\",\"/sockerless\"]"},
        {"containerDefinitions.1.mountPoints.0.readOnly", "false"},
        {"containerDefinitions.2", "(absent)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(definition_rig_at(root, cases[i].path), cases[i].json);
    const json_t *labels = json_object_get(
        json_array_get(json_object_get(root, "containerDefinitions"), 0), "dockerLabels");
    assert_string_equal(json_string_value(json_object_get(labels, "com.example/json")),
                        "{\"a\":1}");
    assert_string_equal(json_string_value(json_object_get(labels, ECS_LABEL_INSTANCE)), "inst");
    assert_string_equal(json_string_value(json_object_get(labels, ECS_LABEL_CONTENT)),
                        request.content_hash);
    assert_string_equal(json_string_value(json_object_get(root, "family")), request.family);
    assert_true(ecs_family_is_ours(request.family));
    /* Nothing of a single run, and no secret, is in what runs share. */
    assert_null(strstr(request.body.data, "secret"));
    assert_null(strstr(request.body.data, "0123456789ab"));
    assert_null(strstr(request.body.data, "run-1"));
    json_decref(root);
}

TEST_USING(fixture, definition_with_efs)
{
    f.config.injection = ECS_INJECT_EFS;
    f.config.efs_filesystem_id = "fs-1";
    f.config.efs_agent_path = "/agent";
    f.host.readonly_rootfs = true;
    f.spec.stop_timeout_s = 600;
    AUTO(ecs_definition_request) struct ecs_definition_request request;
    json_t *root = definition_rig_build(&f, &request);
    assert_string_equal(definition_rig_at(root, "volumes.0.efsVolumeConfiguration"),
                        "{\"fileSystemId\":\"fs-1\",\"rootDirectory\":\"/agent\","
                        "\"transitEncryption\":\"ENABLED\"}");
    assert_string_equal(definition_rig_at(root, "containerDefinitions.1"), "(absent)");
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.dependsOn"), "(absent)");
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.stopTimeout"), "120");
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.readonlyRootfilesystem"),
                        "(absent)");
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.readonlyRootFilesystem"),
                        "true");
    json_decref(root);
}

/* Nothing but the image brings the agent, whatever else is configured. */
TEST_USING(fixture, definition_with_image_layer)
{
    static const enum ecs_injection configured[] = {ECS_INJECT_IMAGE_LAYER,
                                                    ECS_INJECT_INIT_CONTAINER, ECS_INJECT_EFS};
    char family[ECS_FAMILY_MAX] = "";
    f.config.efs_filesystem_id = "fs-1";
    f.spec.agent_in_image = true;
    for (size_t i = 0; i < ARRAY_LEN(configured); i++) {
        AUTO(ecs_definition_request) struct ecs_definition_request request;
        f.config.injection = configured[i];
        json_t *root = definition_rig_build(&f, &request);
        assert_string_equal(definition_rig_at(root, "volumes"), "(absent)");
        assert_string_equal(definition_rig_at(root, "containerDefinitions.1"), "(absent)");
        assert_string_equal(definition_rig_at(root, "containerDefinitions.0.entryPoint"),
                            "[\"" AGENT_IMAGE_PATH "\"]");
        assert_string_equal(definition_rig_at(root, "containerDefinitions.0.mountPoints"),
                            "(absent)");
        assert_string_equal(definition_rig_at(root, "containerDefinitions.0.dependsOn"),
                            "(absent)");
        assert_string_equal(definition_rig_at(root, "containerDefinitions.0.user"), "\"0\"");
        if (*family)
            assert_string_equal(request.family, family);
        strcpy(family, request.family);
        json_decref(root);
    }
    AUTO(ecs_definition_request) struct ecs_definition_request other;
    f.config.injection = ECS_INJECT_INIT_CONTAINER;
    f.spec.agent_in_image = false;
    json_decref(definition_rig_build(&f, &other));
    assert_string_not_equal(other.family, family);
}

TEST_USING(fixture, image_layer_without_the_agent_is_refused)
{
    struct error err = {0};
    struct ecs_definition_request request;
    f.config.injection = ECS_INJECT_IMAGE_LAYER;
    assert_int_equal(ecs_definition_build(&f.config, &f.spec, &request, &err), -1);
    assert_non_null(strstr(err.message, "was not given the agent"));
}

TEST_USING(fixture, same_content_same_family)
{
    AUTO(ecs_definition_request) struct ecs_definition_request a, b, c, d;
    json_decref(definition_rig_build(&f, &a));
    f.spec.container_id = "f" DEFINITION_RIG_ID;
    f.spec.container_name = "other";
    f.spec.run_token = "run-2";
    f.spec.env_count = 2;
    static char *token[] = {"SOCKERLESS_AGENT_TOKEN=other"}, *command[] = {"--", "true"};
    f.spec.agent_env = token;
    f.spec.agent_env_count = 1;
    f.spec.agent_argv = command;
    f.spec.agent_argc = 2;
    json_decref(definition_rig_build(&f, &b));
    assert_string_equal(a.family, b.family);
    assert_string_equal(a.content_hash, b.content_hash);
    assert_string_equal(a.body.data, b.body.data);
    f.label.value = "other";
    json_decref(definition_rig_build(&f, &c));
    assert_string_not_equal(a.family, c.family);
    f.spec.instance = "another";
    json_decref(definition_rig_build(&f, &d));
    assert_string_not_equal(c.family, d.family);
}

/* ---- what is too large for the overrides ---- */

static json_t *build_run(struct buf *body)
{
    struct error err = {0};
    if (ecs_run_build(&f.config, &f.spec, "arn:d:1", body, &err))
        fail_msg("%s", err.message);
    json_t *root = json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    return root;
}

static char *filled(size_t len)
{
    char *text = xcalloc(1, len + 1);
    memset(text, 'x', len);
    return text;
}

TEST_USING(fixture, large_commands_go_into_the_definition)
{
    AUTO_FREE char *large = filled(20000);
    char *large_argv[] = {"--", large};
    f.spec.agent_argv = large_argv;
    f.spec.agent_argc = 2;
    AUTO(ecs_definition_request) struct ecs_definition_request request, other;
    AUTO(buf) struct buf body = BUF_INIT;
    json_t *root = definition_rig_build(&f, &request), *run = build_run(&body);
    static const char path[] = "containerDefinitions.0.environment";
    /* Nothing of a single run is in what runs share, nor what the agent is told. */
    assert_string_equal(
        definition_rig_at(root, path),
        "[{\"name\":\"PATH\",\"value\":\"/bin\"},{\"name\":\"EMPTY\",\"value\":\"\"}"
        ",{\"name\":\"BARE\",\"value\":\"\"},{\"name\":\"A\",\"value\":\"b=c\"}]");
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.command.0"), "\"--\"");
    assert_non_null(strstr(request.body.data, large));
    assert_null(strstr(request.body.data, "secret"));
    assert_string_equal(
        definition_rig_at(run, "overrides.containerOverrides"),
        "[{\"name\":\"main\",\"environment\":[{\"name\":\"HOSTNAME\",\"value\":\"0123456789ab\"},{"
        "\"name\":\"SOCKERLESS_AGENT_TOKEN\",\"value\":\"secret\"},{\"name\":"
        "\"SOCKERLESS_AGENT_PORT\",\"value\":\"9111\"}]}]");
    json_decref(root);
    json_decref(run);
    large[0] = 'y';
    json_decref(definition_rig_build(&f, &other));
    assert_string_not_equal(request.family, other.family);
}

/* Whatever the length and the alphabet: both bodies agree, and the limit holds. */
TEST_USING(fixture, both_bodies_agree)
{
    static const char *const letters[] = {"x",   "\"", "\n", "\x01", "\xC3\xA9", "\xF0\x9F\x90\xB3",
                                          "\xFF"};
    for (size_t l = 0; l < ARRAY_LEN(letters); l++) {
        AUTO(buf) struct buf text = BUF_INIT;
        size_t complete = 0, rounds = 0;
        char *long_argv[] = {"--", NULL};
        f.spec.agent_argv = long_argv;
        f.spec.agent_argc = 2;
        for (; text.len < 8400; rounds++) {
            for (int i = 0; i < 48; i++)
                buf_puts(&text, letters[l]);
            long_argv[1] = text.data;
            AUTO(ecs_definition_request) struct ecs_definition_request request;
            AUTO(buf) struct buf body = BUF_INIT;
            json_t *root = definition_rig_build(&f, &request), *run = build_run(&body);
            AUTO_FREE char *ascii =
                json_dumps(json_object_get(run, "overrides"), JSON_COMPACT | JSON_ENSURE_ASCII);
            bool in_run = strcmp(definition_rig_at(run, "overrides.containerOverrides.0.command.0"),
                                 "\"--\"") == 0;
            bool in_definition =
                strcmp(definition_rig_at(root, "containerDefinitions.0.command.0"), "\"--\"") == 0;
            assert_true(in_run != in_definition);
            assert_true(strlen(ascii) <= 8192);
            if (in_run) { /* and it is used as far as it goes */
                assert_int_equal(complete, rounds);
                complete++;
            }
            json_decref(root);
            json_decref(run);
        }
        assert_true(complete > 10 && complete < rounds);
    }
}

/* Docker's rule: the last value, at the first one's place. The agent's own settings win. */
TEST_USING(fixture, names_are_given_once)
{
    static char *twice[] = {"A=1", "SOCKERLESS_AGENT_TOKEN=mine", "B=2", "A=3", "AB=4", "A=5"};
    f.spec.env = twice;
    f.spec.env_count = ARRAY_LEN(twice);
    AUTO_FREE char *large = filled(10000);
    char *large_argv[] = {"--", large};
    AUTO(buf) struct buf small_run = BUF_INIT, large_run = BUF_INIT;
    json_t *run = build_run(&small_run);
    assert_string_equal(
        definition_rig_at(run, "overrides.containerOverrides.0.environment"),
        "[{\"name\":\"A\",\"value\":\"5\"},{\"name\":\"SOCKERLESS_AGENT_TOKEN\","
        "\"value\":\"secret\"},{\"name\":\"B\",\"value\":\"2\"},{\"name\":\"AB\","
        "\"value\":\"4\"},{\"name\":\"SOCKERLESS_AGENT_PORT\",\"value\":\"9111\"}]");
    json_decref(run);
    f.spec.agent_argv = large_argv;
    f.spec.agent_argc = 2;
    AUTO(ecs_definition_request) struct ecs_definition_request request;
    json_t *root = definition_rig_build(&f, &request);
    run = build_run(&large_run);
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.environment"),
                        "[{\"name\":\"A\",\"value\":\"5\"},{\"name\":\"B\",\"value\":\"2\"},{"
                        "\"name\":\"AB\",\"value\":\"4\"}]");
    assert_string_equal(definition_rig_at(run, "overrides.containerOverrides.0.environment"),
                        "[{\"name\":\"SOCKERLESS_AGENT_TOKEN\",\"value\":\"secret\"},{\"name\":"
                        "\"SOCKERLESS_AGENT_PORT\",\"value\":\"9111\"}]");
    json_decref(root);
    json_decref(run);
}

static void expect_refusal(const char *limit)
{
    struct error err = {0};
    AUTO(ecs_definition_request) struct ecs_definition_request request;
    assert_int_equal(ecs_definition_build(&f.config, &f.spec, &request, &err), -1);
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    assert_non_null(strstr(err.message, limit));
}

TEST_USING(fixture, long_commands_are_refused)
{
    AUTO_FREE char *huge = filled((size_t)300 * 1024);
    char *long_argv[] = {"--", huge};
    f.spec.agent_argv = long_argv;
    f.spec.agent_argc = 2;
    expect_refusal("65536");
}

TEST_USING(fixture, many_variables_are_refused)
{
    AUTO(strv) struct strv many = STRV_INIT;
    for (int i = 0; i < 10000; i++)
        strv_push_owned(&many, xasprintf("V%d=%d", i, i));
    f.spec.env = many.items;
    f.spec.env_count = many.count;
    expect_refusal("65536");
    f.spec.env_count = 1000; /* too many for a run, not for a definition */
    AUTO(ecs_definition_request) struct ecs_definition_request request;
    json_t *root = definition_rig_build(&f, &request);
    assert_string_equal(definition_rig_at(root, "containerDefinitions.0.environment.999"),
                        "{\"name\":\"V999\",\"value\":\"999\"}");
    json_decref(root);
}

/* What has no other place than the overrides: refused before anything is registered. */
TEST_USING(fixture, large_variables_of_the_agent_are_refused)
{
    struct error err = {0};
    AUTO_FREE char *huge = filled((size_t)300 * 1024);
    char *long_env[] = {huge};
    huge[1] = '=';
    f.spec.agent_env = long_env;
    f.spec.agent_env_count = 1;
    expect_refusal("8192");
    AUTO(buf) struct buf body = BUF_INIT;
    assert_int_equal(ecs_run_build(&f.config, &f.spec, "arn", &body, &err), -1);
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    f.host.memory = -1;
    expect_refusal("");
}

TEST_USING(fixture, run_members)
{
    struct error err = {0};
    strv_push(&f.config.security_group_list, "sg-1");
    f.config.assign_public_ip = true;
    f.spec.container_name = "we\"b";
    AUTO(buf) struct buf body = BUF_INIT;
    assert_int_equal(ecs_run_build(&f.config, &f.spec, "arn:d:1", &body, &err), 0);
    json_t *root = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    static const struct {
        const char *path, *json;
    } cases[] = {
        {"cluster", "\"default\""},
        {"taskDefinition", "\"arn:d:1\""},
        {"count", "1"},
        {"launchType", "\"FARGATE\""},
        {"clientToken", "\"run-1\""},
        {"startedBy", "\"sockerless/inst\""},
        {"propagateTags", "(absent)"},
        {"networkConfiguration.awsvpcConfiguration",
         "{\"subnets\":[\"subnet-1\"],\"securityGroups\":[\"sg-1\"],\"assignPublicIp\":"
         "\"ENABLED\"}"},
        {"overrides.containerOverrides",
         "[{\"name\":\"main\",\"command\":[\"--\",\"sh\",\"-c\",\"echo \\\"a b\\\"\"],"
         "\"environment\":[{\"name\":\"PATH\",\"value\":\"/"
         "bin\"},{\"name\":\"EMPTY\",\"value\":\"\"},"
         "{\"name\":\"BARE\",\"value\":\"\"},{\"name\":\"A\",\"value\":\"b=c\"},"
         "{\"name\":\"HOSTNAME\",\"value\":\"0123456789ab\"},"
         "{\"name\":\"SOCKERLESS_AGENT_TOKEN\",\"value\":\"secret\"},{\"name\":"
         "\"SOCKERLESS_AGENT_PORT\",\"value\":\"9111\"}]}]"},
        {"tags.0", "{\"key\":\"sockerless:managed\",\"value\":\"true\"}"},
        {"tags.1", "{\"key\":\"sockerless:instance\",\"value\":\"inst\"}"},
        {"tags.2.value", "\"" DEFINITION_RIG_ID "\""},
        {"tags.3.value", "\"we_b\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(definition_rig_at(root, cases[i].path), cases[i].json);
    json_decref(root);
}

TEST_USING(fixture, tag_values)
{
    char out[ECS_TAG_VALUE_MAX + 1], text[600];
    ecs_tag_value("a b_c.:/=+-@{\"x\"}\n", out);
    assert_string_equal(out, "a b_c.:/=+-@__x___");
    ecs_tag_value("", out);
    assert_string_equal(out, "");
    memset(text, 'a', sizeof text);
    memcpy(text + 255, "\xC3\xA9", 2); /* é across the limit */
    text[599] = '\0';
    ecs_tag_value(text, out);
    assert_int_equal(strlen(out), 255);
}

TEST_USING(fixture, started_by_marks)
{
    char a[ECS_STARTED_BY_MAX + 1], b[ECS_STARTED_BY_MAX + 1], text[300];
    ecs_started_by("ci-1_x", a);
    assert_string_equal(a, "sockerless/ci-1_x");
    ecs_started_by("a.b", a);
    ecs_started_by("a:b", b);
    assert_string_not_equal(a, b);
    assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789/_-"), strlen(a));
    memset(text, 'x', sizeof text);
    text[299] = '\0';
    ecs_started_by(text, a);
    assert_in_range(strlen(a), 100, ECS_STARTED_BY_MAX);
    text[298] = 'y';
    ecs_started_by(text, b);
    assert_string_not_equal(a, b);
}

TEST_USING(fixture, arns)
{
    char family[ECS_FAMILY_MAX];
    assert_true(
        ecs_family_of_arn("arn:aws:ecs:us-east-1:1:task-definition/sockerless-0123456789ab:7",
                          family, sizeof family));
    assert_string_equal(family, "sockerless-0123456789ab");
    assert_true(ecs_family_is_ours(family));
    assert_false(ecs_family_is_ours("sockerless-0123456789abc"));
    assert_false(ecs_family_is_ours("sockerless-agent-image"));
    assert_false(ecs_family_is_ours("other"));
    assert_false(ecs_family_of_arn("arn:aws:ecs:us-east-1:1:task/x", family, sizeof family));
    assert_false(ecs_family_of_arn("x:task-definition/:1", family, sizeof family));
    assert_string_equal(ecs_task_id("arn:aws:ecs:us-east-1:1:task/default/0123"), "0123");
    assert_string_equal(ecs_task_id("0123"), "0123");
}

/* Labels that ECS has no room for stay in the container's row: no start fails for them. */
TEST(large_labels_are_left_out)
{
    enum { MANY = 1500, HUGE = 1024 * 1024 };
    struct fixture f;
    struct ecs_definition_request request;
    struct error err;
    fixture_init(&f);
    AUTO_FREE char *huge = xcalloc(HUGE + 1, 1);
    memset(huge, 'x', HUGE);
    AUTO_FREE Sockerless__KeyValue *pairs = xcalloc(MANY, sizeof *pairs);
    AUTO_FREE Sockerless__KeyValue **list = xcalloc(MANY + 2, sizeof *list);
    char keys[MANY][16];
    f.label.value = huge;
    list[0] = &f.label;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "label-%zu", i);
        sockerless__key_value__init(&pairs[i]);
        pairs[i].key = pairs[i].value = keys[i];
        list[1 + i] = &pairs[i];
    }
    f.container.labels = list;
    f.container.n_labels = 1 + MANY;
    assert_int_equal(ecs_definition_build(&f.config, &f.spec, &request, &err), 0);
    assert_true(request.body.len < 64 * 1024);
    assert_non_null(strstr(request.body.data, "\"label-0\":\"label-0\""));
    assert_null(strstr(request.body.data, "label-1499"));
    assert_null(strstr(request.body.data, "xxxx"));
    buf_free(&request.body);
    /* A command that leaves no room for any. */
    char *variable = huge + HUGE - 60000;
    variable[10] = '=';
    f.spec.env = &variable;
    f.spec.env_count = 1;
    assert_int_equal(ecs_definition_build(&f.config, &f.spec, &request, &err), 0);
    assert_null(strstr(request.body.data, "label-0"));
    buf_free(&request.body);
    fixture_fini(&f);
}
