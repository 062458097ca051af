/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the ECS backend: the rows for the config table, their validation, and the lists
 * that are derived from them. Read-only once validated.
 */
#ifndef SOCKERLESS_ECS_CONFIG_H
#define SOCKERLESS_ECS_CONFIG_H

#include "base/config.h"
#include "base/error.h"
#include "base/str.h"
#include "cloud/driver_settings.h"

#include <stdbool.h>
#include <stdint.h>

/* How the agent gets into a task. */
enum ecs_injection {
    ECS_INJECT_INIT_CONTAINER, /* an init container copies it into a volume */
    ECS_INJECT_IMAGE_LAYER,    /* the core appends it to the image */
    ECS_INJECT_EFS,            /* a file system holds it */
};

struct ecs_config {
    char *region, *endpoint_url;
    char *cluster, *subnets, *security_groups;
    char *execution_role_arn, *task_role_arn;
    char *log_group, *agent_injection, *agent_image, *platform_version;
    char *efs_filesystem_id, *efs_agent_path, *efs_access_point_id;
    bool assign_public_ip;
    struct driver_pace pace;
    int64_t definition_idle_s;
    int64_t rate_percent, log_events_per_s;

    /* Filled by ecs_config_finish. */
    struct strv subnet_list, security_group_list;
    const char *cpu_architecture; /* "X86_64" or "ARM64": static text */
    enum ecs_injection injection;
};

/* Rows for a config table; c is a struct ecs_config variable. */
#define ECS_SETTINGS(c)                                                                            \
    CONFIG_ROW_STRING("region", "AWS_REGION", NULL, &(c).region,                                   \
                      "AWS region; else AWS_DEFAULT_REGION, else the profile's"),                  \
        CONFIG_ROW_STRING("endpoint-url", "SOCKERLESS_ENDPOINT_URL", NULL, &(c).endpoint_url,      \
                          "one URL for all AWS services, for a simulator"),                        \
        CONFIG_ROW_STRING("ecs-cluster", "SOCKERLESS_ECS_CLUSTER", "default", &(c).cluster,        \
                          "cluster the tasks run in"),                                             \
        CONFIG_ROW_STRING("ecs-subnets", "SOCKERLESS_ECS_SUBNETS", NULL, &(c).subnets,             \
                          "comma-separated subnet ids of the tasks"),                              \
        CONFIG_ROW_TEXT(CONFIG_GUARD, "ecs-security-groups", "SOCKERLESS_ECS_SECURITY_GROUPS",     \
                        NULL, &(c).security_groups,                                                \
                        "comma-separated security group ids of the tasks"),                        \
        CONFIG_ROW_STRING("ecs-execution-role-arn", "SOCKERLESS_ECS_EXECUTION_ROLE_ARN", NULL,     \
                          &(c).execution_role_arn, "role that pulls images and writes logs"),      \
        CONFIG_ROW_STRING("ecs-task-role-arn", "SOCKERLESS_ECS_TASK_ROLE_ARN", NULL,               \
                          &(c).task_role_arn, "role that the containers have"),                    \
        CONFIG_ROW_STRING("ecs-log-group", "SOCKERLESS_ECS_LOG_GROUP", "/sockerless",              \
                          &(c).log_group, "CloudWatch log group of the containers"),               \
        CONFIG_ROW_STRING("ecs-agent-injection", "SOCKERLESS_ECS_AGENT_INJECTION", NULL,           \
                          &(c).agent_injection,                                                    \
                          "how tasks get the agent: init_container, image_layer or efs; else efs " \
                          "if a file system is given, else init_container"),                       \
        CONFIG_ROW_STRING("ecs-agent-image", "SOCKERLESS_ECS_AGENT_IMAGE",                         \
                          "sockerless/agent:latest", &(c).agent_image,                             \
                          "image of the init container that brings the agent"),                    \
        CONFIG_ROW_STRING("ecs-efs-filesystem-id", "SOCKERLESS_ECS_EFS_FILESYSTEM_ID", NULL,       \
                          &(c).efs_filesystem_id,                                                  \
                          "EFS that holds the agent, instead of the init container"),              \
        CONFIG_ROW_STRING("ecs-efs-agent-path", "SOCKERLESS_ECS_EFS_AGENT_PATH", "/",              \
                          &(c).efs_agent_path,                                                     \
                          "directory of the EFS with sockerless-agent in it"),                     \
        CONFIG_ROW_STRING("ecs-efs-access-point-id", "SOCKERLESS_ECS_EFS_ACCESS_POINT_ID", NULL,   \
                          &(c).efs_access_point_id, "access point for it"),                        \
        CONFIG_ROW_BOOL("ecs-assign-public-ip", "SOCKERLESS_ECS_ASSIGN_PUBLIC_IP", "false",        \
                        &(c).assign_public_ip, "give tasks a public address"),                     \
        CONFIG_ROW_STRING("ecs-platform-version", "SOCKERLESS_ECS_PLATFORM_VERSION", "LATEST",     \
                          &(c).platform_version, "Fargate platform version"),                      \
        DRIVER_PACE_SETTINGS((c).pace, "ecs", "SOCKERLESS_ECS", "500", "1000", "10000"),           \
        CONFIG_ROW_INT("ecs-definition-idle-s", "SOCKERLESS_ECS_DEFINITION_IDLE_S", "30",          \
                       &(c).definition_idle_s, "unused task definitions are deleted after this",   \
                       0, 86400),                                                                  \
        CONFIG_ROW_INT("ecs-rate-percent", "SOCKERLESS_ECS_RATE_PERCENT", "80", &(c).rate_percent, \
                       "share of the account's API quotas to use", 1, 100000),                     \
        CONFIG_ROW_INT("ecs-log-events-per-s", "SOCKERLESS_ECS_LOG_EVENTS_PER_S", "10",            \
                       &(c).log_events_per_s, "the region's GetLogEvents quota", 1, 10000)

/* Complete and check what config_load filled in. platform is Docker's ("linux/amd64"). Messages
 * say which variable to set to what. */
int ecs_config_finish(struct ecs_config *c, const char *platform, struct error *err) MUST_CHECK;
/* The derived parts; the strings belong to config_unload. */
void ecs_config_fini(struct ecs_config *c);

#endif
