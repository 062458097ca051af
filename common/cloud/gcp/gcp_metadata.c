/* SPDX-License-Identifier: Apache-2.0
 * Credential source: the metadata server; see gcp_source.h. Last in the chain, so it also finds out
 * that this is no Google machine. (Documentation, "About VM metadata".) */
#include "base/alloc.h"
#include "base/buf.h"
#include "loop/http_url.h"
#include "base/str.h"
#include "cloud/gcp/gcp_id_token.h"
#include "cloud/gcp/gcp_source.h"
#include "cloud/token_exchange.h"

#include <string.h>
#include <strings.h>

enum { CONNECT_MS = 1000 };
#define ACCOUNT_PATH "/computeMetadata/v1/instance/service-accounts/default"
static const char default_host[] = "169.254.169.254";

/* GCE_METADATA_HOST: "host[:port]". NULL: it is something else. */
static char *token_url(const struct gcp_context *context)
{
    const char *host = getenv("GCE_METADATA_HOST");
    if (str_empty(host))
        host = default_host;
    if (strpbrk(host, "/@?# \t\r\n"))
        return NULL;
    struct buf query AUTO(buf) = BUF_INIT;
    http_form_put(&query, context->audience ? "audience" : "scopes",
                  context->audience ? context->audience : context->scope);
    return xasprintf("http://%s" ACCOUNT_PATH "/%s?%s%s", host,
                     context->audience ? "identity" : "token", query.data,
                     context->audience ? "&format=full" : "");
}

static bool speaks_metadata(const struct http_response *res)
{
    const char *flavor = http_response_header(res, "Metadata-Flavor");
    return flavor && strcasecmp(flavor, "Google") == 0;
}

int co_gcp_metadata_token(const struct gcp_context *context, struct access_token *out, bool *found,
                          struct error *err)
{
    static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
    const char *off = getenv("NO_GCE_CHECK");
    *found = false;
    if (off && strcasecmp(off, "true") == 0)
        return 0;
    char *url AUTO_FREE = token_url(context);
    if (!url)
        return error_set(err, ERROR_FORBIDDEN,
                         "GCE_METADATA_HOST must be a host name, with or "
                         "without a port");
    const struct token_exchange x = {
        .what = "metadata server",
        .url = url,
        .headers = headers,
        .connect_timeout_ms = CONNECT_MS,
        .once = true,
    };
    struct http_response res AUTO(token_response) = {0};
    struct error problem = {0};
    int rc = co_token_exchange(context->http, &x, &res, &problem);
    bool answered = res.status != 0 && speaks_metadata(&res);
    /* Nothing, or another service, listens at that address. */
    if (!answered && problem.code != ERROR_CANCELLED)
        return 0;
    *found = true;
    if (rc == 0 && context->audience)
        return gcp_id_token_take(str_trim(res.body.data), x.what, out, err);
    if (rc == 0)
        return token_take(&res, x.what, out, err);
    *err = problem;
    return res.status == 404 ? error_wrap(err, "this machine has no service account") : -1;
}
