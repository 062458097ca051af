/* SPDX-License-Identifier: Apache-2.0
 * Settings of the Cloud Run backend; see cloudrun_config.h. */
#include "cloudrun_config.h"

#include "base/alloc.h"
#include "cloud/cloud_setting.h"
#include "ipc/callback_token.h"
#include "oci/name/image_ref.h"

#include <string.h>

enum {
    NAME_MAX_LEN = 63,
    OBJECT_MAX_LEN = 1024,
    SHA256_HEX = 64,
    PATH_MAX_LEN = 300,
    TAGS_MAX = 64
};

/* The words among the settings. Projects may be domain-scoped: "example.com:project". */
static const struct cloud_setting_word
    project_word = {"SOCKERLESS_GCR_PROJECT", "a valid project id", "my-project-123",
                    "-.:", NAME_MAX_LEN},
    region_word = {"SOCKERLESS_GCR_REGION", "a valid region name", "us-central1", "-",
                   NAME_MAX_LEN},
    log_word = {"SOCKERLESS_GCR_LOG_ID", "a valid log id", "sockerless", "-_./", 511},
    account_word = {"SOCKERLESS_GCR_SERVICE_ACCOUNT", "a service account's address",
                    "runner@my-project-123.iam.gserviceaccount.com", "-.@", 254},
    connector_word = {"SOCKERLESS_GCR_VPC_CONNECTOR", "a connector's name or path", "my-connector",
                      "-/.:", PATH_MAX_LEN},
    network_word = {"SOCKERLESS_GCR_VPC_NETWORK", "a network's name or path",
                    "projects/my-project-123/global/networks/my-network", "-/.:", PATH_MAX_LEN},
    subnetwork_word = {"SOCKERLESS_GCR_VPC_SUBNETWORK", "a subnetwork's name or path",
                       "projects/my-project-123/regions/us-central1/subnetworks/my-subnetwork",
                       "-/.:", PATH_MAX_LEN},
    tag_word = {"SOCKERLESS_GCR_VPC_TAGS", "a network tag", "sockerless,ci", "-", NAME_MAX_LEN},
    bucket_word = {"SOCKERLESS_GCR_AGENT_GCS_BUCKET", "a valid bucket name", "my-bucket", "-_.",
                   222};

/* SOCKERLESS_GCR_PROJECT came through the table; then the variable of Google's own tools. */
static int find_project(struct cloudrun_config *c, struct error *err)
{
    cloud_setting_fall_back(&c->project, getenv("GOOGLE_CLOUD_PROJECT"));
    if (str_empty(c->project))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no Google Cloud project; set SOCKERLESS_GCR_PROJECT to its id");
    return cloud_setting_check_word(&project_word, c->project, err);
}

static int check_names(const struct cloudrun_config *c, struct error *err)
{
    if (cloud_setting_check_word(&region_word, c->region, err))
        return -1;
    if (!str_empty(c->log_id) && cloud_setting_check_word(&log_word, c->log_id, err))
        return -1;
    if (!str_empty(c->service_account) &&
        cloud_setting_check_word(&account_word, c->service_account, err))
        return -1;
    return 0;
}

static int find_connector(struct cloudrun_config *c, struct error *err)
{
    if (str_empty(c->vpc_connector))
        return 0;
    if (cloud_setting_check_word(&connector_word, c->vpc_connector, err))
        return -1;
    free(c->connector_name);
    c->connector_name = strchr(c->vpc_connector, '/')
                            ? xstrdup(c->vpc_connector)
                            : xasprintf("projects/%s/locations/%s/connectors/%s", c->project,
                                        c->region, c->vpc_connector);
    return 0;
}

static int find_tags(struct cloudrun_config *c, struct error *err)
{
    strv_free(&c->network_tags);
    strv_push_list(&c->network_tags, str_or_empty(c->vpc_tags));
    if (c->network_tags.count > TAGS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "SOCKERLESS_GCR_VPC_TAGS: at most %d tags",
                         TAGS_MAX);
    for (size_t i = 0; i < c->network_tags.count; i++)
        if (cloud_setting_check_word(&tag_word, c->network_tags.items[i], err))
            return -1;
    return 0;
}

/* Direct VPC egress, instead of a connector. */
static int find_network(struct cloudrun_config *c, struct error *err)
{
    static const char *const egress[] = {"private-ranges-only", "all-traffic"};
    bool direct = !str_empty(c->vpc_network) || !str_empty(c->vpc_subnetwork);
    int i = cloud_setting_choose("SOCKERLESS_GCR_VPC_EGRESS", c->vpc_egress, egress,
                                 ARRAY_LEN(egress), err);
    if (i < 0)
        return -1;
    c->all_egress = i == 1;
    if (direct && c->connector_name)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_VPC_CONNECTOR: a job has either a connector or an "
                         "interface in SOCKERLESS_GCR_VPC_NETWORK or _SUBNETWORK, not both");
    if (!direct && !str_empty(c->vpc_tags))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_VPC_TAGS needs SOCKERLESS_GCR_VPC_NETWORK or "
                         "SOCKERLESS_GCR_VPC_SUBNETWORK");
    if (c->all_egress && !direct && !c->connector_name)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_VPC_EGRESS needs SOCKERLESS_GCR_VPC_NETWORK, "
                         "SOCKERLESS_GCR_VPC_SUBNETWORK or SOCKERLESS_GCR_VPC_CONNECTOR");
    if ((!str_empty(c->vpc_network) &&
         cloud_setting_check_word(&network_word, c->vpc_network, err)) ||
        (!str_empty(c->vpc_subnetwork) &&
         cloud_setting_check_word(&subnetwork_word, c->vpc_subnetwork, err)))
        return -1;
    return find_tags(c, err);
}

static int check_checksum(const struct cloudrun_config *c, struct error *err)
{
    const char *text = c->agent_sha256;
    if (str_empty(text) || (strlen(text) == SHA256_HEX && str_is_hex(text, SHA256_HEX)))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_GCR_AGENT_SHA256 must be 64 hexadecimal digits in lower case");
}

static int check_download(const struct cloudrun_config *c, struct error *err)
{
    if (str_empty(c->agent_url) && str_empty(c->gcs_bucket))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "agent injection \"startup_command\": set "
                         "SOCKERLESS_GCR_AGENT_GCS_BUCKET to the bucket that holds the agent's "
                         "binary, or SOCKERLESS_GCR_AGENT_INJECTION_METHOD to image_layer");
    if (!str_empty(c->gcs_bucket) && cloud_setting_check_word(&bucket_word, c->gcs_bucket, err))
        return -1;
    if (str_empty(c->agent_url) &&
        (str_empty(c->gcs_object) || strlen(c->gcs_object) > OBJECT_MAX_LEN))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_AGENT_GCS_OBJECT must be 1 to %d characters",
                         OBJECT_MAX_LEN);
    return cloud_setting_check_url("SOCKERLESS_GCR_AGENT_URL", c->agent_url, err);
}

static int check_registry(const struct cloudrun_config *c, struct error *err)
{
    struct image_ref ref;
    if (str_empty(c->agent_registry))
        return 0;
    if (image_ref_parse(c->agent_registry, &ref, err))
        return error_wrap(err, "SOCKERLESS_GCR_AGENT_REGISTRY");
    if (!ref.tag[0] && !ref.digest[0])
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_GCR_AGENT_REGISTRY: \"%.200s\" must be a repository without tag "
                     "and digest, like us-central1-docker.pkg.dev/my-project/sockerless-agents",
                     c->agent_registry);
}

enum { TOKEN_MIN_LEN = 8 };

static int check_agent(const struct cloudrun_config *c, struct error *err)
{
    struct image_ref ref;
    if (!str_empty(c->agent_image) && image_ref_parse(c->agent_image, &ref, err))
        return error_wrap(err, "SOCKERLESS_GCR_AGENT_IMAGE");
    if (str_empty(c->agent_token))
        return 0;
    size_t len = strlen(c->agent_token); /* it is a secret: not in the message */
    if (len < TOKEN_MIN_LEN || !callback_token_valid(c->agent_token, len))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_AGENT_TOKEN must be %d to %d letters, digits, hyphens and "
                         "underscores, like what `openssl rand -hex 32` prints",
                         TOKEN_MIN_LEN, CALLBACK_TOKEN_LEN);
    return 0;
}

static int find_injection(struct cloudrun_config *c, struct error *err)
{
    static const char *const names[] = {
        [CLOUDRUN_INJECT_STARTUP_COMMAND] = "startup_command",
        [CLOUDRUN_INJECT_IMAGE_LAYER] = "image_layer",
    };
    int i = cloud_setting_choose("SOCKERLESS_GCR_AGENT_INJECTION_METHOD", c->injection_method,
                                 names, ARRAY_LEN(names), err);
    if (i < 0)
        return -1;
    c->injection = (enum cloudrun_injection)i;
    return c->injection == CLOUDRUN_INJECT_STARTUP_COMMAND ? check_download(c, err) : 0;
}

static int check_platform(const char *platform, struct error *err)
{
    if (str_empty(platform) || strcmp(platform, "linux/amd64") == 0)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_PLATFORM: Cloud Run has linux/amd64 only, not \"%.80s\"",
                     platform);
}

int cloudrun_config_finish(struct cloudrun_config *c, const char *platform, struct error *err)
{
    if (find_project(c, err) || check_names(c, err) || find_connector(c, err) ||
        find_network(c, err) ||
        cloud_setting_check_url("SOCKERLESS_ENDPOINT_URL", c->endpoint_url, err) ||
        check_registry(c, err) || check_checksum(c, err) || check_agent(c, err) ||
        find_injection(c, err))
        return -1;
    return check_platform(platform, err);
}

void cloudrun_config_fini(struct cloudrun_config *c)
{
    free(c->connector_name);
    c->connector_name = NULL;
    strv_free(&c->network_tags);
    if (c->agent_token)
        explicit_bzero(c->agent_token, strlen(c->agent_token));
}
