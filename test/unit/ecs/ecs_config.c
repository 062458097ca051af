/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the ECS backend: defaults, lists, and messages that say what to set.
 */
#include "backend-ecs/ecs_config.h"

#include "base/alloc.h"
#include "base/config.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int clean_environment(void **state)
{
    (void)state;
    static const char *const names[] = {"AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"};
    clearenv();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    return 0;
}

/* NULL: all is well; else the message. */
static const char *load(const char *platform, struct ecs_config *c, char **flags, int count)
{
    static struct error err;
    char *argv[16] = {"backend"};
    enum config_request request;
    *c = (struct ecs_config){0};
    const struct config_setting settings[] = {ECS_SETTINGS(*c), {0}};
    for (int i = 0; i < count; i++)
        argv[i + 1] = flags[i];
    if (config_load(settings, count + 1, argv, &request, &err) ||
        ecs_config_finish(c, platform, &err))
        return err.message;
    return NULL;
}

static void unload(struct ecs_config *c)
{
    const struct config_setting settings[] = {ECS_SETTINGS(*c), {0}};
    ecs_config_fini(c);
    config_unload(settings);
}

#define ROLE "--ecs-execution-role-arn=arn:aws:iam::123456789012:role/e"

TEST(minimal_settings)
{
    struct ecs_config c;
    char *flags[] = {"--region=eu-west-1", "--ecs-subnets= subnet-1 ,subnet-2,,", ROLE};
    const char *problem = load("linux/arm64", &c, flags, 3);
    if (problem)
        fail_msg("%s", problem);
    assert_string_equal(c.cluster, "default");
    assert_string_equal(c.log_group, "/sockerless");
    assert_int_equal(c.definition_idle_s, 30);
    assert_int_equal(c.subnet_list.count, 2);
    assert_string_equal(c.subnet_list.items[1], "subnet-2");
    assert_string_equal(c.cpu_architecture, "ARM64");
    unload(&c);
}

TEST(environment_settings)
{
    struct ecs_config c;
    setenv("AWS_DEFAULT_REGION", "us-west-2", 1);
    setenv("SOCKERLESS_ECS_SUBNETS", "subnet-9", 1);
    setenv("SOCKERLESS_ECS_SECURITY_GROUPS", "sg-1,sg-2", 1);
    setenv("SOCKERLESS_ECS_EXECUTION_ROLE_ARN", "arn:aws:iam::1:role/x", 1);
    setenv("SOCKERLESS_ECS_ASSIGN_PUBLIC_IP", "true", 1);
    const char *problem = load("linux/amd64", &c, NULL, 0);
    if (problem)
        fail_msg("%s", problem);
    assert_string_equal(c.region, "us-west-2");
    assert_int_equal(c.security_group_list.count, 2);
    assert_true(c.assign_public_ip);
    unload(&c);
    clean_environment(NULL);
}

TEST(region_of_the_profile)
{
    struct ecs_config c;
    char path[] = "/tmp/sockerless-ecs-config-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    fputs("[profile dev]\nregion = ap-south-1\n", f);
    fclose(f);
    setenv("AWS_CONFIG_FILE", path, 1);
    setenv("AWS_PROFILE", "dev", 1);
    char *flags[] = {"--ecs-subnets=subnet-1", ROLE};
    const char *problem = load("linux/amd64", &c, flags, 2);
    remove(path);
    if (problem)
        fail_msg("%s", problem);
    assert_string_equal(c.region, "ap-south-1");
    unload(&c);
    clean_environment(NULL);
}

TEST(messages_say_what_to_set)
{
    static const struct {
        const char *says;
        const char *platform;
        char *flags[4];
    } cases[] = {
        {"AWS_REGION", "linux/amd64", {"--ecs-subnets=subnet-1"}},
        {"AWS_REGION", "linux/amd64", {"--region=evil/host", "--ecs-subnets=subnet-1", ROLE}},
        {"SOCKERLESS_ECS_SUBNETS", "linux/amd64", {"--region=r", ROLE}},
        {"at most 16",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7", ROLE}},
        {"at most 5",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=s", "--ecs-security-groups=1,2,3,4,5,6", ROLE}},
        {"SOCKERLESS_ECS_EXECUTION_ROLE_ARN", "linux/amd64", {"--region=r", "--ecs-subnets=s"}},
        {"not a role ARN",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=s", "--ecs-execution-role-arn=admin"}},
        {"SOCKERLESS_ENDPOINT_URL",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=s", "--endpoint-url=localhost:4566", ROLE}},
        {"SOCKERLESS_PLATFORM", "windows/amd64", {"--region=r", "--ecs-subnets=s", ROLE}},
        {"SOCKERLESS_ECS_AGENT_INJECTION",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=s", ROLE, "--ecs-agent-injection=sidecar"}},
        {"SOCKERLESS_ECS_EFS_FILESYSTEM_ID",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=s", ROLE, "--ecs-agent-injection=efs"}},
        {"SOCKERLESS_ECS_AGENT_IMAGE",
         "linux/amd64",
         {"--region=r", "--ecs-subnets=s", ROLE, "--ecs-agent-image="}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ecs_config c;
        int count = 0;
        while (count < 4 && cases[i].flags[count])
            count++;
        const char *problem = load(cases[i].platform, &c, (char **)cases[i].flags, count);
        assert_non_null(problem);
        if (!strstr(problem, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", problem, cases[i].says);
        unload(&c);
    }
}

/* As a command that printed nothing leaves it: the tasks would be in the VPC's default group. */
TEST(empty_security_groups_are_refused)
{
    struct ecs_config c;
    char *flags[] = {"--region=r", "--ecs-subnets=s", ROLE};
    setenv("SOCKERLESS_ECS_SECURITY_GROUPS", "", 1);
    const char *problem = load("linux/amd64", &c, flags, 3);
    assert_non_null(problem);
    assert_non_null(strstr(problem, "SOCKERLESS_ECS_SECURITY_GROUPS): the variable is empty"));
    unload(&c);
    unsetenv("SOCKERLESS_ECS_SECURITY_GROUPS");
}

TEST(injection_methods)
{
    static const struct {
        char *flags[2];
        enum ecs_injection expected;
        bool refused;
    } cases[] = {
        {{NULL}, ECS_INJECT_INIT_CONTAINER, false},
        {{"--ecs-efs-filesystem-id=fs-1"}, ECS_INJECT_EFS, false},
        {{"--ecs-agent-injection=init_container"}, ECS_INJECT_INIT_CONTAINER, false},
        {{"--ecs-agent-injection=image_layer"}, ECS_INJECT_IMAGE_LAYER, false},
        {{"--ecs-agent-injection=efs", "--ecs-efs-filesystem-id=fs-1"}, ECS_INJECT_EFS, false},
        {{"--ecs-agent-injection=image_layer", "--ecs-efs-filesystem-id=fs-1"}, 0, true},
        {{"--ecs-agent-injection=init_container", "--ecs-efs-filesystem-id=fs-1"}, 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ecs_config c;
        char *flags[5] = {"--region=r", "--ecs-subnets=s", ROLE, cases[i].flags[0],
                          cases[i].flags[1]};
        int count = 3 + (flags[3] != NULL) + (flags[4] != NULL);
        const char *problem = load("linux/amd64", &c, flags, count);
        if (!problem == cases[i].refused)
            fail_msg("case %zu: %s", i, problem ? problem : "accepted");
        if (!problem)
            assert_int_equal(c.injection, cases[i].expected);
        unload(&c);
    }
}

TEST_GROUP(clean_environment, NULL);
