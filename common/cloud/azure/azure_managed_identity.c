/* SPDX-License-Identifier: Apache-2.0
 * Credential source: managed identities; see azure_source.h. ("How to use managed identities … on
 * an Azure VM to acquire an access token"; App Service, "REST endpoint reference".) */
#include "base/alloc.h"
#include "base/str.h"
#include "cloud/azure/azure_source.h"
#include "cloud/token_exchange.h"
#include "loop/http_url.h"

#include <string.h>

enum { CONNECT_MS = 1000 };

static const char metadata_host[] = "http://169.254.169.254";

static char *with_query(const char *url, const char *version, const struct azure_context *context)
{
    struct buf query AUTO(buf) = BUF_INIT;
    const char *client_id = getenv("AZURE_CLIENT_ID");
    http_form_put(&query, "api-version", version);
    http_form_put(&query, "resource", context->resource);
    if (!str_empty(client_id))
        http_form_put(&query, "client_id", client_id);
    return xasprintf("%s%c%s", url, strchr(url, '?') ? '&' : '?', query.data);
}

static int co_app_service(const struct azure_context *context, const char *endpoint,
                          struct access_token *out, struct error *err)
{
    const char *secret = getenv("IDENTITY_HEADER");
    if (!str_starts(endpoint, "http://") && !str_starts(endpoint, "https://"))
        return error_set(err, ERROR_FORBIDDEN, "IDENTITY_ENDPOINT is not an http or https URL");
    if (str_empty(secret) || strpbrk(secret, "\r\n"))
        return error_set(err, ERROR_FORBIDDEN, "IDENTITY_HEADER is missing");
    char *header AUTO(secret) = xasprintf("X-IDENTITY-HEADER: %s", secret);
    AUTO_FREE char *url = with_query(endpoint, "2019-08-01", context);
    const char *const headers[] = {header, NULL};
    const struct token_exchange x = {.what = "managed identity", .url = url, .headers = headers};
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return -1;
    return token_take(&res, x.what, out, err);
}

/* Nothing, or another service, listens at that address: then this is not a machine of Azure's. */
static bool speaks_metadata(const struct http_response *res)
{
    return res->status && res->body.len && memmem(res->body.data, res->body.len, "{", 1) &&
           (res->status == 200 || memmem(res->body.data, res->body.len, "\"error\"", 7));
}

static int co_metadata(const struct azure_context *context, struct access_token *out, bool *found,
                       struct error *err)
{
    static const char *const headers[] = {"Metadata: true", NULL};
    const char *host = getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST"); /* as Azure's own libraries */
    if (!str_empty(context->endpoint_url))
        host = context->endpoint_url;
    else if (str_empty(host))
        host = metadata_host;
    AUTO_FREE char *base =
        xasprintf("%s%smetadata/identity/oauth2/token", host, str_ends(host, "/") ? "" : "/");
    AUTO_FREE char *url = with_query(base, "2018-02-01", context);
    const struct token_exchange x = {
        .what = "instance metadata service",
        .url = url,
        .headers = headers,
        .connect_timeout_ms = CONNECT_MS,
        .once = true,
    };
    struct http_response res AUTO(token_response) = {0};
    struct error problem = {0};
    int rc = co_token_exchange(context->http, &x, &res, &problem);
    if (rc && !speaks_metadata(&res) && problem.code != ERROR_CANCELLED)
        return 0;
    *found = true;
    if (rc == 0)
        return token_take(&res, x.what, out, err);
    *err = problem;
    return -1;
}

int co_azure_managed_identity(const struct azure_context *context, struct access_token *out,
                              bool *found, struct error *err)
{
    const char *endpoint = getenv("IDENTITY_ENDPOINT");
    if (str_empty(endpoint))
        return co_metadata(context, out, found, err);
    *found = true;
    return co_app_service(context, endpoint, out, err);
}
