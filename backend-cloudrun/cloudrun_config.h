/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the Cloud Run backend: the rows for the config table, their validation, and what is
 * derived from them. Read-only once validated.
 */
#ifndef SOCKERLESS_CLOUDRUN_CONFIG_H
#define SOCKERLESS_CLOUDRUN_CONFIG_H

#include "base/config.h"
#include "base/error.h"
#include "base/str.h"
#include "cloud/driver_settings.h"

#include <stdbool.h>
#include <stdint.h>

/* How the agent gets into a job. */
enum cloudrun_injection {
    CLOUDRUN_INJECT_STARTUP_COMMAND, /* the container's first command downloads it */
    CLOUDRUN_INJECT_IMAGE_LAYER,     /* the core appends it to the image */
};

struct cloudrun_config {
    char *project, *region, *endpoint_url;
    char *vpc_connector, *vpc_network, *vpc_subnetwork, *vpc_tags, *vpc_egress, *service_account;
    char *log_id, *agent_image, *agent_token;
    char *injection_method, *gcs_bucket, *gcs_object, *agent_url, *agent_sha256, *agent_registry;
    int64_t task_timeout_s;
    struct driver_pace pace;
    int64_t log_reads_per_min, rate_percent;
    bool reverse_agent; /* not a row: SOCKERLESS_CALLBACK_URL is set */

    /* Filled by cloudrun_config_finish. */
    enum cloudrun_injection injection;
    char *connector_name; /* projects/P/locations/L/connectors/C; NULL: none */
    struct strv network_tags;
    bool all_egress; /* by the VPC; else only what goes to private addresses */
};

/* Rows for a config table; c is a struct cloudrun_config variable. */
#define CLOUDRUN_SETTINGS(c)                                                                       \
    CONFIG_ROW_STRING("gcr-project", "SOCKERLESS_GCR_PROJECT", NULL, &(c).project,                 \
                      "project the jobs run in; else GOOGLE_CLOUD_PROJECT"),                       \
        CONFIG_ROW_STRING("gcr-region", "SOCKERLESS_GCR_REGION", "us-central1", &(c).region,       \
                          "region the jobs run in"),                                               \
        CONFIG_ROW_STRING("endpoint-url", "SOCKERLESS_ENDPOINT_URL", NULL, &(c).endpoint_url,      \
                          "one URL for all Google APIs, for a simulator"),                         \
        CONFIG_ROW_STRING("gcr-vpc-connector", "SOCKERLESS_GCR_VPC_CONNECTOR", NULL,               \
                          &(c).vpc_connector, "VPC connector, name or full path"),                 \
        CONFIG_ROW_STRING("gcr-vpc-network", "SOCKERLESS_GCR_VPC_NETWORK", NULL, &(c).vpc_network, \
                          "Direct VPC egress: network, name or full path"),                        \
        CONFIG_ROW_STRING("gcr-vpc-subnetwork", "SOCKERLESS_GCR_VPC_SUBNETWORK", NULL,             \
                          &(c).vpc_subnetwork,                                                     \
                          "Direct VPC egress: subnetwork, name or full path"),                     \
        CONFIG_ROW_STRING("gcr-vpc-tags", "SOCKERLESS_GCR_VPC_TAGS", NULL, &(c).vpc_tags,          \
                          "Direct VPC egress: network tags, separated by commas"),                 \
        CONFIG_ROW_STRING("gcr-vpc-egress", "SOCKERLESS_GCR_VPC_EGRESS", "private-ranges-only",    \
                          &(c).vpc_egress,                                                         \
                          "what goes through the VPC: private-ranges-only or all-traffic"),        \
        CONFIG_ROW_TEXT(CONFIG_GUARD, "gcr-service-account", "SOCKERLESS_GCR_SERVICE_ACCOUNT",     \
                        NULL, &(c).service_account, "account that the containers have"),           \
        CONFIG_ROW_STRING("gcr-log-id", "SOCKERLESS_GCR_LOG_ID", "sockerless", &(c).log_id,        \
                          "log that is read besides the containers' stdout and stderr"),           \
        CONFIG_ROW_STRING("gcr-agent-image", "SOCKERLESS_GCR_AGENT_IMAGE", NULL, &(c).agent_image, \
                          "image whose layer is the agent for image_layer; else the binary"),      \
        CONFIG_ROW_TEXT(CONFIG_SECRET, "gcr-agent-token", "SOCKERLESS_GCR_AGENT_TOKEN", NULL,      \
                        &(c).agent_token, "token of all agents; else every run has a random one"), \
        CONFIG_ROW_STRING("agent.injection_method", "SOCKERLESS_GCR_AGENT_INJECTION_METHOD",       \
                          "startup_command", &(c).injection_method,                                \
                          "how jobs get the agent: startup_command or image_layer"),               \
        CONFIG_ROW_STRING("agent.gcs_bucket", "SOCKERLESS_GCR_AGENT_GCS_BUCKET", NULL,             \
                          &(c).gcs_bucket, "bucket that holds the agent's binary"),                \
        CONFIG_ROW_STRING("agent.gcs_object", "SOCKERLESS_GCR_AGENT_GCS_OBJECT",                   \
                          "sockerless-agent", &(c).gcs_object, "the agent's name in the bucket"),  \
        CONFIG_ROW_STRING("agent.url", "SOCKERLESS_GCR_AGENT_URL", NULL, &(c).agent_url,           \
                          "where jobs download the agent from, instead of the bucket"),            \
        CONFIG_ROW_TEXT(CONFIG_GUARD, "agent.sha256", "SOCKERLESS_GCR_AGENT_SHA256", NULL,         \
                        &(c).agent_sha256, "checksum that the downloaded agent must have"),        \
        CONFIG_ROW_STRING("agent.registry", "SOCKERLESS_GCR_AGENT_REGISTRY", NULL,                 \
                          &(c).agent_registry,                                                     \
                          "repository for images with the agent; else the staging registry"),      \
        CONFIG_ROW_INT("gcr-task-timeout-s", "SOCKERLESS_GCR_TASK_TIMEOUT", "86400",               \
                       &(c).task_timeout_s, "containers are ended after this", 1, 604800),         \
        DRIVER_PACE_SETTINGS((c).pace, "gcr", "SOCKERLESS_GCR", "1000", "1000", "15000"),          \
        CONFIG_ROW_INT("gcr-log-reads-per-min", "SOCKERLESS_GCR_LOG_READS_PER_MIN", "60",          \
                       &(c).log_reads_per_min, "the project's entries.list quota", 1, 100000),     \
        CONFIG_ROW_INT("gcr-rate-percent", "SOCKERLESS_GCR_RATE_PERCENT", "80", &(c).rate_percent, \
                       "share of Cloud Run's own request quotas to use", 1, 100000)

/* Complete and check what config_load filled in. platform is Docker's ("linux/amd64"). Messages
 * say which variable to set to what. */
int cloudrun_config_finish(struct cloudrun_config *c, const char *platform,
                           struct error *err) MUST_CHECK;
/* The derived parts, and the secret; the strings belong to config_unload. */
void cloudrun_config_fini(struct cloudrun_config *c);

#endif
