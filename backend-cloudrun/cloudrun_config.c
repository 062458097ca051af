/* SPDX-License-Identifier: Apache-2.0
 * Settings of the Cloud Run backend; see cloudrun_config.h. */
#include "cloudrun_config.h"

#include "base/alloc.h"
#include "oci/name/image_ref.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 63, OBJECT_MAX_LEN = 1024, SHA256_HEX = 64, CONNECTOR_MAX_LEN = 300 };

/* Texts that become part of paths and filters: nothing else may be in them. */
static int check_word(const char *variable, const char *text, const char *also, size_t max,
                      const char *example, struct error *err)
{
    size_t n = 0;
    for (; n <= max && text[n]; n++)
        if (!isalnum((unsigned char)text[n]) && !strchr(also, text[n]))
            break;
    if (n && !text[n] && n <= max)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.80s\" is not like %s", variable, text,
                     example);
}

/* SOCKERLESS_GCR_PROJECT came through the table; then the variable of Google's own tools. */
static int find_project(struct cloudrun_config *c, struct error *err)
{
    const char *usual = getenv("GOOGLE_CLOUD_PROJECT");
    if (str_empty(c->project) && !str_empty(usual)) {
        free(c->project);
        c->project = xstrdup(usual);
    }
    if (str_empty(c->project))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no Google Cloud project; set SOCKERLESS_GCR_PROJECT to its id");
    /* domain-scoped projects: "example.com:project" */
    return check_word("SOCKERLESS_GCR_PROJECT", c->project, "-.:", NAME_MAX_LEN, "my-project-123",
                      err);
}

static int check_names(const struct cloudrun_config *c, struct error *err)
{
    if (check_word("SOCKERLESS_GCR_REGION", c->region, "-", NAME_MAX_LEN, "us-central1", err))
        return -1;
    if (!str_empty(c->log_id) &&
        check_word("SOCKERLESS_GCR_LOG_ID", c->log_id, "-_./", 511, "sockerless", err))
        return -1;
    if (!str_empty(c->service_account) &&
        check_word("SOCKERLESS_GCR_SERVICE_ACCOUNT", c->service_account, "-.@", 254,
                   "runner@my-project-123.iam.gserviceaccount.com", err))
        return -1;
    return 0;
}

static int find_connector(struct cloudrun_config *c, struct error *err)
{
    if (str_empty(c->vpc_connector))
        return 0;
    if (check_word("SOCKERLESS_GCR_VPC_CONNECTOR", c->vpc_connector, "-/.:", CONNECTOR_MAX_LEN,
                   "my-connector", err))
        return -1;
    free(c->connector_name);
    c->connector_name = strchr(c->vpc_connector, '/')
                            ? xstrdup(c->vpc_connector)
                            : xasprintf("projects/%s/locations/%s/connectors/%s", c->project,
                                        c->region, c->vpc_connector);
    return 0;
}

static bool is_url(const char *text)
{
    if (!str_starts(text, "http://") && !str_starts(text, "https://"))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

static int check_url(const char *variable, const char *text, struct error *err)
{
    if (str_empty(text) || is_url(text))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "%s: \"%.200s\" must start with http:// or https://", variable, text);
}

static int check_download(const struct cloudrun_config *c, struct error *err)
{
    if (str_empty(c->agent_url) && str_empty(c->gcs_bucket))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "agent injection \"startup_command\": set "
                         "SOCKERLESS_GCR_AGENT_GCS_BUCKET to the bucket that holds the agent's "
                         "binary, or SOCKERLESS_GCR_AGENT_INJECTION_METHOD to image_layer");
    if (!str_empty(c->gcs_bucket) &&
        check_word("SOCKERLESS_GCR_AGENT_GCS_BUCKET", c->gcs_bucket, "-_.", 222, "my-bucket", err))
        return -1;
    if (str_empty(c->agent_url) &&
        (str_empty(c->gcs_object) || strlen(c->gcs_object) > OBJECT_MAX_LEN))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_AGENT_GCS_OBJECT must be 1 to %d characters",
                         OBJECT_MAX_LEN);
    if (!str_empty(c->agent_sha256) &&
        (strlen(c->agent_sha256) != SHA256_HEX || !str_is_hex(c->agent_sha256, SHA256_HEX)))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCR_AGENT_SHA256 must be 64 hexadecimal digits in lower case");
    return check_url("SOCKERLESS_GCR_AGENT_URL", c->agent_url, err);
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

static int find_injection(struct cloudrun_config *c, struct error *err)
{
    static const char *const names[] = {
        [CLOUDRUN_INJECT_STARTUP_COMMAND] = "startup_command",
        [CLOUDRUN_INJECT_IMAGE_LAYER] = "image_layer",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], str_or_empty(c->injection_method)) == 0) {
            c->injection = (enum cloudrun_injection)i;
            return c->injection == CLOUDRUN_INJECT_STARTUP_COMMAND ? check_download(c, err) : 0;
        }
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_GCR_AGENT_INJECTION_METHOD: \"%.80s\" is none of startup_command, "
                     "image_layer",
                     str_or_empty(c->injection_method));
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
        check_url("SOCKERLESS_ENDPOINT_URL", c->endpoint_url, err) || check_registry(c, err) ||
        find_injection(c, err))
        return -1;
    return check_platform(platform, err);
}

void cloudrun_config_fini(struct cloudrun_config *c)
{
    free(c->connector_name);
    c->connector_name = NULL;
    if (c->agent_token)
        explicit_bzero(c->agent_token, strlen(c->agent_token));
}
