/* SPDX-License-Identifier: Apache-2.0
 * Settings of the ECS backend; see ecs_config.h. */
#include "ecs_config.h"

#include "aws_profile.h"
#include "base/alloc.h"
#include "cloud/cloud_setting.h"

#include <string.h>

enum { SUBNETS_MAX = 16, SECURITY_GROUPS_MAX = 5, GROUP_NAME_MAX = 250, REGION_MAX = 63 };

/* AWS_REGION came through the table; then the older variable, then the profile. */
static int find_region(struct ecs_config *c, struct error *err)
{
    static const struct cloud_setting_word word = {"AWS_REGION", "a valid region name", "us-east-1",
                                                   "-", REGION_MAX};
    AUTO(aws_profiles) struct aws_profiles profiles = {0};
    cloud_setting_fall_back(&c->region, getenv("AWS_DEFAULT_REGION"));
    if (str_empty(c->region) && aws_profiles_load(&profiles, err))
        return -1;
    if (str_empty(c->region))
        cloud_setting_fall_back(&c->region,
                                aws_profiles_get(&profiles, aws_profile_name(), "region"));
    if (str_empty(c->region))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no AWS region; set AWS_REGION (for example us-east-1)");
    return cloud_setting_check_word(&word, c->region, err);
}

static int check_network(struct ecs_config *c, struct error *err)
{
    strv_free(&c->subnet_list);
    strv_free(&c->security_group_list);
    strv_push_list(&c->subnet_list, c->subnets);
    strv_push_list(&c->security_group_list, c->security_groups);
    if (!c->subnet_list.count)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ECS_SUBNETS is not set; give the ids of the subnets the tasks "
                         "shall run in, separated by commas (subnet-0a1b…,subnet-0c2d…)");
    if (c->subnet_list.count > SUBNETS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ECS_SUBNETS names %zu subnets; ECS takes at most %d",
                         c->subnet_list.count, SUBNETS_MAX);
    if (c->security_group_list.count > SECURITY_GROUPS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ECS_SECURITY_GROUPS names %zu groups; ECS takes at most %d",
                         c->security_group_list.count, SECURITY_GROUPS_MAX);
    return 0;
}

static int check_role(const char *variable, const char *arn, struct error *err)
{
    if (str_empty(arn) || (str_starts(arn, "arn:aws") && strstr(arn, ":role/")))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "%s: \"%s\" is not a role ARN like arn:aws:iam::ACCOUNT:role/NAME", variable,
                     arn);
}

static int check_resources(const struct ecs_config *c, struct error *err)
{
    if (check_role("SOCKERLESS_ECS_EXECUTION_ROLE_ARN", c->execution_role_arn, err) ||
        check_role("SOCKERLESS_ECS_TASK_ROLE_ARN", c->task_role_arn, err))
        return -1;
    if (str_empty(c->execution_role_arn))
        return error_set(
            err, ERROR_INVALID_PARAMETER,
            "SOCKERLESS_ECS_EXECUTION_ROLE_ARN is not set; Fargate needs a role that "
            "may pull images and write logs (policy AmazonECSTaskExecutionRolePolicy)");
    if (str_empty(c->log_group) || strlen(c->log_group) > GROUP_NAME_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ECS_LOG_GROUP must be 1 to %d characters", GROUP_NAME_MAX);
    return 0;
}

static int find_injection(struct ecs_config *c, struct error *err)
{
    static const char *const names[] = {
        [ECS_INJECT_INIT_CONTAINER] = "init_container",
        [ECS_INJECT_IMAGE_LAYER] = "image_layer",
        [ECS_INJECT_EFS] = "efs",
    };
    bool has_efs = !str_empty(c->efs_filesystem_id);
    c->injection = has_efs ? ECS_INJECT_EFS : ECS_INJECT_INIT_CONTAINER;
    if (str_empty(c->agent_injection))
        return 0;
    int i = cloud_setting_choose("SOCKERLESS_ECS_AGENT_INJECTION", c->agent_injection, names,
                                 ARRAY_LEN(names), err);
    if (i < 0)
        return -1;
    c->injection = (enum ecs_injection)i;
    return 0;
}

static int check_injection(const struct ecs_config *c, struct error *err)
{
    bool has_efs = !str_empty(c->efs_filesystem_id);
    if (has_efs && c->injection != ECS_INJECT_EFS)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ECS_EFS_FILESYSTEM_ID is for agent injection \"efs\", but "
                         "SOCKERLESS_ECS_AGENT_INJECTION is \"%s\"; unset one of them",
                         c->agent_injection);
    if (!has_efs && c->injection == ECS_INJECT_EFS)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "agent injection \"efs\": set SOCKERLESS_ECS_EFS_FILESYSTEM_ID to the "
                         "file system that holds the agent");
    if (c->injection == ECS_INJECT_INIT_CONTAINER && str_empty(c->agent_image))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "set SOCKERLESS_ECS_AGENT_IMAGE (image with the agent), or another "
                         "SOCKERLESS_ECS_AGENT_INJECTION");
    return 0;
}

static int find_architecture(struct ecs_config *c, const char *platform, struct error *err)
{
    static const struct {
        const char *docker, *ecs;
    } names[] = {{"linux/amd64", "X86_64"}, {"linux/arm64", "ARM64"}, {"linux/arm64/v8", "ARM64"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i].docker, platform) == 0) {
            c->cpu_architecture = names[i].ecs;
            return 0;
        }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_PLATFORM: Fargate has linux/amd64 and linux/arm64, not \"%s\"",
                     platform);
}

int ecs_config_finish(struct ecs_config *c, const char *platform, struct error *err)
{
    if (find_region(c, err) ||
        cloud_setting_check_url("SOCKERLESS_ENDPOINT_URL", c->endpoint_url, err) ||
        check_network(c, err) || check_resources(c, err) || find_injection(c, err) ||
        check_injection(c, err))
        return -1;
    return find_architecture(c, str_empty(platform) ? "linux/amd64" : platform, err);
}

void ecs_config_fini(struct ecs_config *c)
{
    strv_free(&c->subnet_list);
    strv_free(&c->security_group_list);
}
