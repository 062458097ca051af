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
    int64_t log_grace_ms, log_poll_ms, poll_ms;
    int64_t definition_idle_s;
    int64_t rate_percent, log_events_per_s;

    /* Filled by ecs_config_finish. */
    struct strv subnet_list, security_group_list;
    const char *cpu_architecture; /* "X86_64" or "ARM64": static text */
    enum ecs_injection injection;
};

/* Rows for a config table; c is a struct ecs_config variable. */
#define ECS_SETTINGS(c)                                                                            \
    {"region",                                                                                     \
     "AWS_REGION",                                                                                 \
     CONFIG_STRING,                                                                                \
     NULL,                                                                                         \
     &(c).region,                                                                                  \
     "AWS region; else AWS_DEFAULT_REGION, else the profile's",                                    \
     0,                                                                                            \
     0},                                                                                           \
        {"endpoint-url",                                                                           \
         "SOCKERLESS_ENDPOINT_URL",                                                                \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).endpoint_url,                                                                        \
         "one URL for all AWS services, for a simulator",                                          \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-cluster",                                                                            \
         "SOCKERLESS_ECS_CLUSTER",                                                                 \
         CONFIG_STRING,                                                                            \
         "default",                                                                                \
         &(c).cluster,                                                                             \
         "cluster the tasks run in",                                                               \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-subnets",                                                                            \
         "SOCKERLESS_ECS_SUBNETS",                                                                 \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).subnets,                                                                             \
         "comma-separated subnet ids of the tasks",                                                \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-security-groups",                                                                    \
         "SOCKERLESS_ECS_SECURITY_GROUPS",                                                         \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).security_groups,                                                                     \
         "comma-separated security group ids of the tasks",                                        \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-execution-role-arn",                                                                 \
         "SOCKERLESS_ECS_EXECUTION_ROLE_ARN",                                                      \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).execution_role_arn,                                                                  \
         "role that pulls images and writes logs",                                                 \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-task-role-arn",                                                                      \
         "SOCKERLESS_ECS_TASK_ROLE_ARN",                                                           \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).task_role_arn,                                                                       \
         "role that the containers have",                                                          \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-log-group",                                                                          \
         "SOCKERLESS_ECS_LOG_GROUP",                                                               \
         CONFIG_STRING,                                                                            \
         "/sockerless",                                                                            \
         &(c).log_group,                                                                           \
         "CloudWatch log group of the containers",                                                 \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-agent-injection",                                                                    \
         "SOCKERLESS_ECS_AGENT_INJECTION",                                                         \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).agent_injection,                                                                     \
         "how tasks get the agent: init_container, image_layer or efs; else efs if a file "        \
         "system is given, else init_container",                                                   \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-agent-image",                                                                        \
         "SOCKERLESS_ECS_AGENT_IMAGE",                                                             \
         CONFIG_STRING,                                                                            \
         "sockerless/agent:latest",                                                                \
         &(c).agent_image,                                                                         \
         "image of the init container that brings the agent",                                      \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-efs-filesystem-id",                                                                  \
         "SOCKERLESS_ECS_EFS_FILESYSTEM_ID",                                                       \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).efs_filesystem_id,                                                                   \
         "EFS that holds the agent, instead of the init container",                                \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-efs-agent-path",                                                                     \
         "SOCKERLESS_ECS_EFS_AGENT_PATH",                                                          \
         CONFIG_STRING,                                                                            \
         "/",                                                                                      \
         &(c).efs_agent_path,                                                                      \
         "directory of the EFS with sockerless-agent in it",                                       \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-efs-access-point-id",                                                                \
         "SOCKERLESS_ECS_EFS_ACCESS_POINT_ID",                                                     \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).efs_access_point_id,                                                                 \
         "access point for it",                                                                    \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-assign-public-ip", "SOCKERLESS_ECS_ASSIGN_PUBLIC_IP", CONFIG_BOOL, "false",          \
         &(c).assign_public_ip,  "give tasks a public address",     0,           0},               \
        {"ecs-platform-version",                                                                   \
         "SOCKERLESS_ECS_PLATFORM_VERSION",                                                        \
         CONFIG_STRING,                                                                            \
         "LATEST",                                                                                 \
         &(c).platform_version,                                                                    \
         "Fargate platform version",                                                               \
         0,                                                                                        \
         0},                                                                                       \
        {"ecs-poll-ms",                                                                            \
         "SOCKERLESS_ECS_POLL_MS",                                                                 \
         CONFIG_INT,                                                                               \
         "500",                                                                                    \
         &(c).poll_ms,                                                                             \
         "how often a changing task is looked at",                                                 \
         10,                                                                                       \
         60000},                                                                                   \
        {"ecs-log-poll-ms", "SOCKERLESS_ECS_LOG_POLL_MS",       CONFIG_INT, "1000",                \
         &(c).log_poll_ms,  "how often a followed log is read", 10,         60000},                \
        {"ecs-log-grace-ms",                                                                       \
         "SOCKERLESS_ECS_LOG_GRACE_MS",                                                            \
         CONFIG_INT,                                                                               \
         "10000",                                                                                  \
         &(c).log_grace_ms,                                                                        \
         "how long after a task's end log entries may still arrive",                               \
         0,                                                                                        \
         600000},                                                                                  \
        {"ecs-definition-idle-s",                                                                  \
         "SOCKERLESS_ECS_DEFINITION_IDLE_S",                                                       \
         CONFIG_INT,                                                                               \
         "30",                                                                                     \
         &(c).definition_idle_s,                                                                   \
         "unused task definitions are deleted after this",                                         \
         0,                                                                                        \
         86400},                                                                                   \
        {"ecs-rate-percent",                                                                       \
         "SOCKERLESS_ECS_RATE_PERCENT",                                                            \
         CONFIG_INT,                                                                               \
         "80",                                                                                     \
         &(c).rate_percent,                                                                        \
         "share of the account's API quotas to use",                                               \
         1,                                                                                        \
         100000},                                                                                  \
    {                                                                                              \
        "ecs-log-events-per-s", "SOCKERLESS_ECS_LOG_EVENTS_PER_S", CONFIG_INT, "10",               \
            &(c).log_events_per_s, "the region's GetLogEvents quota", 1, 10000                     \
    }

/* Complete and check what config_load filled in. platform is Docker's ("linux/amd64"). Messages
 * say which variable to set to what. */
int ecs_config_finish(struct ecs_config *c, const char *platform, struct error *err) MUST_CHECK;
/* The derived parts; the strings belong to config_unload. */
void ecs_config_fini(struct ecs_config *c);

#endif
