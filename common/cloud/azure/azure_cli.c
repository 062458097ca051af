/* SPDX-License-Identifier: Apache-2.0
 * Credential source: the Azure CLI's cache; see azure_source.h. It is MSAL's: an object with a
 * member "RefreshToken", whose members are the tokens. Those of people are exchanged as the CLI
 * does it; of service principals the CLI keeps none, AZURE_CLIENT_SECRET is for them. */
#include "base/alloc.h"
#include "base/secret.h"
#include "base/small_file.h"
#include "base/str.h"
#include "cloud/azure/azure_source.h"
#include "cloud/token_exchange.h"
#include "json/json_doc.h"
#include "loop/http_url.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORM_ROOM = 2048 };

/* NULL: there is no such place. */
static char *cache_path(void)
{
    static const char name[] = "msal_token_cache.json";
    const char *directory = getenv("AZURE_CONFIG_DIR"), *home = getenv("HOME");
    if (!str_empty(directory))
        return xasprintf("%s/%s", directory, name);
    return str_empty(home) ? NULL : xasprintf("%s/.azure/%s", home, name);
}

struct login {
    const char *token, *client_id; /* borrowed from the cache */
    const char *tenant;
};

/* "home_account_id": OBJECT.TENANT. With AZURE_TENANT_ID that tenant is asked, where the person may
 * be a guest; without it the person's own. */
static bool read_login(const json_t *entry, struct login *out)
{
    const char *home = json_doc_text(entry, "home_account_id");
    const char *dot = strchr(home, '.');
    const char *tenant = getenv("AZURE_TENANT_ID");
    *out = (struct login){.token = json_doc_string(entry, "secret"),
                          .client_id = json_doc_string(entry, "client_id"),
                          .tenant = !str_empty(tenant) ? tenant
                                    : dot              ? dot + 1
                                                       : NULL};
    return !str_empty(out->token) && !str_empty(out->client_id) && !str_empty(out->tenant);
}

static int find_login(const json_t *cache, struct login *out, struct error *err)
{
    const char *key;
    json_t *entry;
    json_object_foreach(json_object_get(cache, "RefreshToken"), key, entry)
    {
        if (!read_login(entry, out))
            continue;
        return azure_id_check("tenant", out->tenant, err) ||
                       azure_id_check("client_id", out->client_id, err)
                   ? -1
                   : 0;
    }
    return error_set(err, ERROR_FORBIDDEN,
                     "the file holds no person's login; call `az login`, or set "
                     "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET");
}

int co_azure_cli(const struct azure_context *context, struct access_token *out, bool *found,
                 struct error *err)
{
    AUTO_FREE char *path = cache_path();
    struct login login = {0};
    if (!path || access(path, F_OK) != 0)
        return 0;
    *found = true;
    char *text AUTO(secret) = small_file_read(path, ERROR_FORBIDDEN, err);
    if (!text)
        return -1;
    json_t *cache AUTO(json) = json_doc_load(text, strlen(text), err);
    if (!cache || find_login(cache, &login, err))
        return error_wrap(err, "%s", path);
    struct buf form AUTO(secret_buf) = BUF_INIT;
    buf_reserve(&form, FORM_ROOM + 3 * strlen(login.token));
    http_form_put(&form, "grant_type", "refresh_token");
    http_form_put(&form, "client_id", login.client_id);
    http_form_put(&form, "refresh_token", login.token);
    return co_azure_token(context, "Azure CLI's login", login.tenant, &form, out, err);
}
