/* SPDX-License-Identifier: Apache-2.0
 * Linking the file share; see aca_storage.h. (Microsoft.Storage storageAccounts, ListKeys;
 * Microsoft.App managedEnvironments/storages, CreateOrUpdate, which is synchronous.) */
#include "aca_storage.h"

#include "aca_call.h"
#include "aca_names.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <string.h>

#define STORAGE_API_VERSION "2023-05-01"

enum { BODY_RESERVE = 4096 };

/* Heap, a secret. */
static char *co_account_key(struct aca_api *api, struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    struct cloud_error why;
    AUTO_FREE char *path = xasprintf("/subscriptions/%s/resourceGroups/%s/providers/"
                                     "Microsoft.Storage/storageAccounts/%s/"
                                     "listKeys?api-version=" STORAGE_API_VERSION,
                                     api->config->subscription_id, api->config->resource_group,
                                     api->config->storage_account);
    const struct azure_call call = {
        .service = "storage",
        .what = "list account keys",
        .method = "POST",
        .path = path,
        .bucket = &api->writes,
        .repeatable = true,
    };
    if (co_azure_call(api->client, &call, &reply, &why, err))
        return NULL;
    const json_t *first = json_array_get(json_object_get(reply.doc, "keys"), 0);
    const char *key = json_doc_string(first, "value");
    if (!str_empty(key))
        return xstrdup(key);
    error_set(err, ERROR_SYSTEM, "storage: list account keys: the answer holds no key");
    return NULL;
}

static void write_body(struct buf *out, const struct aca_config *c, const char *key)
{
    struct json_writer w;
    buf_reserve(out, BODY_RESERVE);
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_object(&w, "properties");
    json_member_object(&w, "azureFile");
    json_member_string(&w, "accountName", c->storage_account);
    json_member_string(&w, "accountKey", key);
    json_member_string(&w, "shareName", c->storage_share);
    json_member_string(&w, "accessMode", "ReadOnly");
    json_object_close(&w);
    json_object_close(&w);
    json_object_close(&w);
}

static int co_link(struct aca_api *api, struct error *err)
{
    AUTO(secret_buf) struct buf body = BUF_INIT;
    AUTO(azure_reply) struct azure_reply reply = {0};
    struct cloud_error why;
    char *key AUTO(secret) = co_account_key(api, err);
    if (!key)
        return -1;
    write_body(&body, api->config, key);
    AUTO_FREE char *id =
        xasprintf("%s/storages/%s", api->config->environment_id, api->config->storage_name);
    AUTO_FREE char *path = aca_path(api->config, id, "");
    const struct azure_call call = {
        .service = "aca",
        .what = "put environment storage",
        .method = "PUT",
        .path = path,
        .body = &body,
        .bucket = &api->writes,
        .repeatable = true,
    };
    return co_azure_call(api->client, &call, &reply, &why, err);
}

int co_aca_storage_ensure(struct aca_storage *s, struct error *err)
{
    if (s->linked || str_empty(s->api->config->storage_account))
        return 0;
    if (co_link(s->api, err))
        return error_wrap(err, "agent injection from the file share %s of %s",
                          s->api->config->storage_share, s->api->config->storage_account);
    s->linked = true;
    return 0;
}
