/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the Azure Container Apps backend: the rows for the config table, their validation,
 * and what is derived from them. Read-only once validated.
 */
#ifndef SOCKERLESS_ACA_CONFIG_H
#define SOCKERLESS_ACA_CONFIG_H

#include "base/config.h"
#include "base/error.h"
#include "cloud/driver_settings.h"

#include <stdbool.h>
#include <stdint.h>

/* How the agent gets into a job. */
enum aca_injection {
    ACA_INJECT_INIT_CONTAINER, /* an init container copies it into an ephemeral volume */
    ACA_INJECT_AZURE_FILES,    /* a file share holds it, and is mounted */
    ACA_INJECT_BAKED_IN,       /* the users' images hold it at /sockerless-agent */
    ACA_INJECT_IMAGE_LAYER,    /* the core appends it to the image */
};

struct aca_config {
    char *subscription_id, *resource_group, *environment, *location, *endpoint_url;
    char *log_workspace, *log_table, *workload_profile, *api_version;
    char *registry_server, *registry_username, *registry_password, *identity;
    char *storage_account, *storage_share, *storage_name;
    char *agent_injection, *agent_image, *agent_path, *agent_token;
    int64_t replica_timeout_s;
    struct driver_pace pace;
    int64_t log_queries_per_min, rate_percent;
    bool reverse_agent; /* not a row: SOCKERLESS_CALLBACK_URL is set */

    /* Filled by aca_config_finish. */
    enum aca_injection injection;
    char
        *environment_id; /* "/subscriptions/S/resourceGroups/G/providers/…/managedEnvironments/N" */
};

/* Rows for a config table; c is a struct aca_config variable. */
#define ACA_SETTINGS(c)                                                                            \
    CONFIG_ROW_STRING("aca-subscription-id", "SOCKERLESS_ACA_SUBSCRIPTION_ID", NULL,               \
                      &(c).subscription_id,                                                        \
                      "subscription the jobs run in; else AZURE_SUBSCRIPTION_ID"),                 \
        CONFIG_ROW_STRING("aca-resource-group", "SOCKERLESS_ACA_RESOURCE_GROUP", NULL,             \
                          &(c).resource_group, "resource group of the jobs"),                      \
        CONFIG_ROW_STRING("aca-environment", "SOCKERLESS_ACA_ENVIRONMENT", "sockerless",           \
                          &(c).environment,                                                        \
                          "Container Apps environment the jobs run in, name or resource id"),      \
        CONFIG_ROW_STRING("aca-location", "SOCKERLESS_ACA_LOCATION", "eastus", &(c).location,      \
                          "region of the environment"),                                            \
        CONFIG_ROW_STRING("endpoint-url", "SOCKERLESS_ENDPOINT_URL", NULL, &(c).endpoint_url,      \
                          "one URL for all Azure services, for a simulator"),                      \
        CONFIG_ROW_STRING("aca-log-analytics-workspace", "SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE", \
                          NULL, &(c).log_workspace,                                                \
                          "Log Analytics workspace (its id, a GUID); else the environment's"),     \
        CONFIG_ROW_STRING("aca-log-table", "SOCKERLESS_ACA_LOG_TABLE", "auto", &(c).log_table,     \
                          "table with the containers' output: ContainerAppConsoleLogs_CL, "        \
                          "ContainerAppConsoleLogs, or auto"),                                     \
        CONFIG_ROW_STRING("aca-workload-profile", "SOCKERLESS_ACA_WORKLOAD_PROFILE", NULL,         \
                          &(c).workload_profile, "workload profile of the jobs"),                  \
        CONFIG_ROW_STRING("aca-api-version", "SOCKERLESS_ACA_API_VERSION", "2026-07-01",           \
                          &(c).api_version, "version of the Microsoft.App API"),                   \
        CONFIG_ROW_STRING("aca-registry-server", "SOCKERLESS_ACA_REGISTRY_SERVER", NULL,           \
                          &(c).registry_server, "registry that jobs log in at to pull images"),    \
        CONFIG_ROW_STRING("aca-registry-username", "SOCKERLESS_ACA_REGISTRY_USERNAME", NULL,       \
                          &(c).registry_username, "user there"),                                   \
        CONFIG_ROW_TEXT(CONFIG_SECRET, "aca-registry-password",                                    \
                        "SOCKERLESS_ACA_REGISTRY_PASSWORD", NULL, &(c).registry_password,          \
                        "the user's password"),                                                    \
        CONFIG_ROW_TEXT(CONFIG_GUARD, "aca-identity", "SOCKERLESS_ACA_IDENTITY", NULL,             \
                        &(c).identity,                                                             \
                        "managed identity of the jobs, which also pulls images: system, or the "   \
                        "resource id of a user-assigned one"),                                     \
        CONFIG_ROW_STRING("aca-storage-account", "SOCKERLESS_ACA_STORAGE_ACCOUNT", NULL,           \
                          &(c).storage_account, "storage account with the agent's file share"),    \
        CONFIG_ROW_STRING("aca-share", "SOCKERLESS_ACA_SHARE", "sockerless", &(c).storage_share,   \
                          "file share that holds the agent"),                                      \
        CONFIG_ROW_STRING("aca-storage-name", "SOCKERLESS_ACA_STORAGE_NAME", NULL,                 \
                          &(c).storage_name,                                                       \
                          "storage of the environment that is the share; made from "               \
                          "SOCKERLESS_ACA_STORAGE_ACCOUNT where that is set"),                     \
        CONFIG_ROW_STRING("aca-agent-injection", "SOCKERLESS_ACA_AGENT_INJECTION", NULL,           \
                          &(c).agent_injection,                                                    \
                          "how jobs get the agent: init_container, azure_files, baked_in or "      \
                          "image_layer; else azure_files if a storage is given, else "             \
                          "init_container"),                                                       \
        CONFIG_ROW_STRING("aca-agent-image", "SOCKERLESS_ACA_AGENT_IMAGE",                         \
                          "sockerless/agent:latest", &(c).agent_image,                             \
                          "image of the init container that brings the agent"),                    \
        CONFIG_ROW_STRING("aca-agent-path", "SOCKERLESS_ACA_AGENT_PATH", "sockerless-agent",       \
                          &(c).agent_path, "the agent's path in the file share"),                  \
        CONFIG_ROW_TEXT(CONFIG_SECRET, "aca-agent-token", "SOCKERLESS_ACA_AGENT_TOKEN", NULL,      \
                        &(c).agent_token, "token of all agents; else every run has a random one"), \
        CONFIG_ROW_INT("aca-replica-timeout-s", "SOCKERLESS_ACA_REPLICA_TIMEOUT", "86400",         \
                       &(c).replica_timeout_s, "containers are ended after this", 1, 604800),      \
        DRIVER_PACE_SETTINGS((c).pace, "aca", "SOCKERLESS_ACA", "1000", "2000", "120000"),         \
        CONFIG_ROW_INT("aca-log-queries-per-min", "SOCKERLESS_ACA_LOG_QUERIES_PER_MIN", "300",     \
                       &(c).log_queries_per_min, "Log Analytics queries to make at most", 1,       \
                       100000),                                                                    \
        CONFIG_ROW_INT("aca-rate-percent", "SOCKERLESS_ACA_RATE_PERCENT", "80", &(c).rate_percent, \
                       "share of Azure Resource Manager's request quotas to use", 1, 100000)

/* Complete and check what config_load filled in. platform is Docker's ("linux/amd64"). Messages
 * say which variable to set to what. */
int aca_config_finish(struct aca_config *c, const char *platform, struct error *err) MUST_CHECK;
/* A file share is given, which may hold the agent. */
bool aca_config_has_share(const struct aca_config *c);
/* The derived parts, and the secrets; the strings belong to config_unload. */
void aca_config_fini(struct aca_config *c);

#endif
