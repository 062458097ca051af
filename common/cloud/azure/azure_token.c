/* SPDX-License-Identifier: Apache-2.0
 * Microsoft's token endpoint; see azure_source.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "cloud/azure/azure_source.h"
#include "cloud/cloud_setting.h"
#include "cloud/token_exchange.h"
#include "loop/http_url.h"

#include <stdlib.h>

static const char authority[] = "https://login.microsoftonline.com";

int azure_id_check(const char *variable, const char *text, struct error *err)
{
    const struct cloud_setting_word word = {variable, "a valid id",
                                            "72f988bf-86f1-41af-91ab-2d7cd011db47", "-.", 128};
    return cloud_setting_check_word(&word, text, err);
}

char *azure_token_url(const struct azure_context *context, const char *tenant, struct error *err)
{
    const char *host = getenv("AZURE_AUTHORITY_HOST");
    if (!str_empty(context->endpoint_url))
        host = context->endpoint_url;
    else if (str_empty(host))
        host = authority;
    else if (token_url_check("AZURE_AUTHORITY_HOST", host, err))
        return NULL;
    return xasprintf("%s%s%s/oauth2/v2.0/token", host, str_ends(host, "/") ? "" : "/", tenant);
}

int co_azure_token(const struct azure_context *context, const char *what, const char *tenant,
                   struct buf *form, struct access_token *out, struct error *err)
{
    AUTO_FREE char *scope = xasprintf("%s/.default", context->resource);
    AUTO_FREE char *url = azure_token_url(context, tenant, err);
    if (!url)
        return -1;
    http_form_put(form, "scope", scope);
    const struct token_exchange x = {
        .what = what,
        .url = url,
        .content_type = "application/x-www-form-urlencoded",
        .body = form,
    };
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return -1;
    return token_take(&res, what, out, err);
}
