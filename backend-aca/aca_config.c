/* SPDX-License-Identifier: Apache-2.0
 * Settings of the Azure Container Apps backend; see aca_config.h. */
#include "aca_config.h"

#include "aca_names.h"
#include "aca_query.h"
#include "base/alloc.h"
#include "base/str.h"
#include "cloud/cloud_setting.h"
#include "ipc/callback_token.h"
#include "oci/name/image_ref.h"

#include <ctype.h>
#include <string.h>

enum { GUID_LEN = 36, TOKEN_MIN_LEN = 8, RESOURCE_ID_MAX = 400 };

/* ---- words ---- */

static const struct cloud_setting_word
    subscription_word = {"SOCKERLESS_ACA_SUBSCRIPTION_ID", "a valid subscription id",
                         "34adfa4f-cedf-4dc0-ba29-b6d1a69ab345", "-", GUID_LEN},
    group_word = {"SOCKERLESS_ACA_RESOURCE_GROUP", "a valid resource group name", "my-group",
                  "-_.()", 90},
    environment_word = {"SOCKERLESS_ACA_ENVIRONMENT", "a valid environment name", "my-environment",
                        "-", 60},
    environment_id_word = {"SOCKERLESS_ACA_ENVIRONMENT", "a valid resource id",
                           "/subscriptions/ID/resourceGroups/my-group/providers/Microsoft.App/"
                           "managedEnvironments/my-environment",
                           "-_.()/", RESOURCE_ID_MAX},
    location_word = {"SOCKERLESS_ACA_LOCATION", "a valid region name", "eastus", "", 60},
    workspace_word = {"SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE", "a valid workspace id",
                      "b1f1a5d6-6c0f-4a7d-9c8e-2d0f3c1b4a5e", "-", GUID_LEN},
    profile_word = {"SOCKERLESS_ACA_WORKLOAD_PROFILE", "a valid workload profile name",
                    "Consumption", "-", 60},
    version_word = {"SOCKERLESS_ACA_API_VERSION", "a valid API version", "2024-03-01", "-", 30},
    server_word = {"SOCKERLESS_ACA_REGISTRY_SERVER", "a valid registry host", "my.azurecr.io",
                   "-.:", 253},
    user_word = {"SOCKERLESS_ACA_REGISTRY_USERNAME", "a valid user name", "my-user", "-_.@+$", 256},
    identity_word = {"SOCKERLESS_ACA_IDENTITY", "a valid resource id",
                     "/subscriptions/ID/resourceGroups/my-group/providers/"
                     "Microsoft.ManagedIdentity/userAssignedIdentities/my-identity",
                     "-_.()/", RESOURCE_ID_MAX},
    account_word = {"SOCKERLESS_ACA_STORAGE_ACCOUNT", "a valid storage account name", "mystorage",
                    "", 24},
    share_word = {"SOCKERLESS_ACA_SHARE", "a valid file share name", "sockerless", "-", 63},
    storage_word = {"SOCKERLESS_ACA_STORAGE_NAME", "a valid storage name", "sockerless", "-", 63};

static int check_optional(const struct cloud_setting_word *word, const char *text,
                          struct error *err)
{
    return str_empty(text) ? 0 : cloud_setting_check_word(word, text, err);
}

/* 8-4-4-4-12 hexadecimal digits. */
static int check_guid(const struct cloud_setting_word *word, const char *text, struct error *err)
{
    bool good = strlen(text) == GUID_LEN;
    for (size_t i = 0; good && i < GUID_LEN; i++)
        good = i == 8 || i == 13 || i == 18 || i == 23 ? text[i] == '-'
                                                       : isxdigit((unsigned char)text[i]) != 0;
    if (good)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.80s\" is not %s like %s",
                     word->variable, text, word->noun, word->example);
}

/* "a/b": names between single slashes, none of which is dots only, which a URL would lose. */
static bool segments_are_names(const char *text)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, "/");
        if (strspn(at, ".") >= len)
            return false;
        at += len;
        if (!*at)
            return true;
    }
}

/* A name that begins and ends with a letter or digit. */
static int check_ends(const struct cloud_setting_word *word, const char *text, struct error *err)
{
    size_t len = strlen(text);
    if (cloud_setting_check_word(word, text, err))
        return -1;
    if (isalnum((unsigned char)text[0]) && isalnum((unsigned char)text[len - 1]))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.80s\" is not %s like %s",
                     word->variable, text, word->noun, word->example);
}

/* ---- place ---- */

static int find_subscription(struct aca_config *c, struct error *err)
{
    cloud_setting_fall_back(&c->subscription_id, getenv("AZURE_SUBSCRIPTION_ID"));
    if (str_empty(c->subscription_id))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no Azure subscription; set SOCKERLESS_ACA_SUBSCRIPTION_ID to its id");
    return check_guid(&subscription_word, c->subscription_id, err);
}

static int find_group(const struct aca_config *c, struct error *err)
{
    if (str_empty(c->resource_group))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no resource group; set SOCKERLESS_ACA_RESOURCE_GROUP to its name");
    if (cloud_setting_check_word(&group_word, c->resource_group, err))
        return -1;
    if (!str_ends(c->resource_group, "."))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_ACA_RESOURCE_GROUP: \"%s\" must not end with a dot",
                     c->resource_group);
}

static int find_environment(struct aca_config *c, struct error *err)
{
    free(c->environment_id);
    c->environment_id = NULL;
    if (c->environment[0] != '/') {
        if (check_ends(&environment_word, c->environment, err))
            return -1;
        c->environment_id = aca_resource_id(c, "managedEnvironments", c->environment);
        return 0;
    }
    if (cloud_setting_check_word(&environment_id_word, c->environment, err))
        return -1;
    const char *name = strcasestr(c->environment, "/providers/Microsoft.App/managedEnvironments/");
    if (strncasecmp(c->environment, "/subscriptions/", strlen("/subscriptions/")) != 0 || !name ||
        !segments_are_names(c->environment + 1))
        return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.200s\" is not %s like %s",
                         environment_id_word.variable, c->environment, environment_id_word.noun,
                         environment_id_word.example);
    c->environment_id = xstrdup(c->environment);
    return 0;
}

static int check_place(struct aca_config *c, struct error *err)
{
    if (find_subscription(c, err) || find_group(c, err) || find_environment(c, err) ||
        cloud_setting_check_word(&location_word, c->location, err) ||
        cloud_setting_check_word(&version_word, c->api_version, err) ||
        check_optional(&profile_word, c->workload_profile, err))
        return -1;
    return cloud_setting_check_url("SOCKERLESS_ENDPOINT_URL", c->endpoint_url, err);
}

static int check_logs(const struct aca_config *c, struct error *err)
{
    const char *names[1 + ACA_LOG_TABLES] = {"auto"};
    for (int i = 0; i < ACA_LOG_TABLES; i++)
        names[1 + i] = aca_log_table_name((enum aca_log_table)i);
    if (!str_empty(c->log_workspace) && check_guid(&workspace_word, c->log_workspace, err))
        return -1;
    return cloud_setting_choose("SOCKERLESS_ACA_LOG_TABLE", c->log_table, names, ARRAY_LEN(names),
                                err) < 0
               ? -1
               : 0;
}

/* ---- images ---- */

static int check_identity(const struct aca_config *c, struct error *err)
{
    if (str_empty(c->identity) || strcmp(c->identity, "system") == 0)
        return 0;
    if (cloud_setting_check_word(&identity_word, c->identity, err))
        return -1;
    if (strncasecmp(c->identity, "/subscriptions/", strlen("/subscriptions/")) == 0 &&
        strcasestr(c->identity, "/userAssignedIdentities/") && segments_are_names(c->identity + 1))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_ACA_IDENTITY: \"%.200s\" is neither \"system\" nor %s like %s",
                     c->identity, identity_word.noun, identity_word.example);
}

static int check_registry(const struct aca_config *c, struct error *err)
{
    bool has_user = !str_empty(c->registry_username);
    bool has_password = !str_empty(c->registry_password);
    if (check_optional(&server_word, c->registry_server, err) ||
        check_optional(&user_word, c->registry_username, err) || check_identity(c, err))
        return -1;
    if (has_user != has_password)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ACA_REGISTRY_USERNAME and SOCKERLESS_ACA_REGISTRY_PASSWORD "
                         "belong together: set both, or neither");
    if (has_user && str_empty(c->registry_server))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ACA_REGISTRY_USERNAME needs SOCKERLESS_ACA_REGISTRY_SERVER, "
                         "for example my.azurecr.io");
    if (!has_user && !str_empty(c->registry_server) &&
        strcmp(str_or_empty(c->identity), "system") == 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_ACA_IDENTITY: a system-assigned identity is made with each "
                         "job and has no role at %s; set it to the resource id of a user-assigned "
                         "one, or set SOCKERLESS_ACA_REGISTRY_USERNAME and "
                         "SOCKERLESS_ACA_REGISTRY_PASSWORD",
                         c->registry_server);
    return 0;
}

/* ---- the agent ---- */

static int find_injection(struct aca_config *c, struct error *err)
{
    static const char *const names[] = {
        [ACA_INJECT_INIT_CONTAINER] = "init_container",
        [ACA_INJECT_AZURE_FILES] = "azure_files",
        [ACA_INJECT_BAKED_IN] = "baked_in",
        [ACA_INJECT_IMAGE_LAYER] = "image_layer",
    };
    c->injection = aca_config_has_share(c) ? ACA_INJECT_AZURE_FILES : ACA_INJECT_INIT_CONTAINER;
    if (str_empty(c->agent_injection))
        return 0;
    int i = cloud_setting_choose("SOCKERLESS_ACA_AGENT_INJECTION", c->agent_injection, names,
                                 ARRAY_LEN(names), err);
    if (i < 0)
        return -1;
    c->injection = (enum aca_injection)i;
    return 0;
}

static int check_path(const struct aca_config *c, struct error *err)
{
    static const struct cloud_setting_word word = {"SOCKERLESS_ACA_AGENT_PATH",
                                                   "a valid path in the share",
                                                   "bin/sockerless-agent", "-_./", 255};
    if (cloud_setting_check_word(&word, c->agent_path, err))
        return -1;
    if (segments_are_names(c->agent_path))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.80s\" is not %s like %s", word.variable,
                     c->agent_path, word.noun, word.example);
}

static int check_storage(struct aca_config *c, struct error *err)
{
    if (check_optional(&account_word, c->storage_account, err) ||
        check_ends(&share_word, c->storage_share, err) ||
        check_optional(&storage_word, c->storage_name, err) || check_path(c, err))
        return -1;
    if (!str_empty(c->storage_account))
        cloud_setting_fall_back(&c->storage_name, "sockerless-agent");
    return 0;
}

static int check_token(const struct aca_config *c, struct error *err)
{
    if (str_empty(c->agent_token))
        return 0;
    size_t len = strlen(c->agent_token); /* it is a secret: not in the message */
    if (len >= TOKEN_MIN_LEN && callback_token_valid(c->agent_token, len))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_ACA_AGENT_TOKEN must be %d to %d letters, digits, hyphens and "
                     "underscores, like what `openssl rand -hex 32` prints",
                     TOKEN_MIN_LEN, CALLBACK_TOKEN_LEN);
}

static int check_agent(struct aca_config *c, struct error *err)
{
    struct image_ref ref;
    if (check_storage(c, err) || find_injection(c, err) || check_token(c, err))
        return -1;
    if (!str_empty(c->agent_image) && image_ref_parse(c->agent_image, &ref, err))
        return error_wrap(err, "SOCKERLESS_ACA_AGENT_IMAGE");
    if (c->injection == ACA_INJECT_AZURE_FILES && !aca_config_has_share(c))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "agent injection \"azure_files\": set SOCKERLESS_ACA_STORAGE_ACCOUNT to "
                         "the account whose share holds the agent, or SOCKERLESS_ACA_STORAGE_NAME "
                         "to a storage of the environment");
    return 0;
}

bool aca_config_has_share(const struct aca_config *c)
{
    return !str_empty(c->storage_account) || !str_empty(c->storage_name);
}

static int check_platform(const char *platform, struct error *err)
{
    if (str_empty(platform) || strcmp(platform, "linux/amd64") == 0)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_PLATFORM: Container Apps has linux/amd64 only, not \"%.80s\"",
                     platform);
}

int aca_config_finish(struct aca_config *c, const char *platform, struct error *err)
{
    if (check_place(c, err) || check_logs(c, err) || check_registry(c, err) || check_agent(c, err))
        return -1;
    return check_platform(platform, err);
}

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
}

void aca_config_fini(struct aca_config *c)
{
    free(c->environment_id);
    c->environment_id = NULL;
    wipe(c->agent_token);
    wipe(c->registry_password);
}
