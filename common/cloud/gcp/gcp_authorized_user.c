/* SPDX-License-Identifier: Apache-2.0
 * Credential source: a person's refresh token, left by gcloud; see gcp_source.h. */
#include "base/alloc.h"
#include "loop/http_url.h"
#include "base/str.h"
#include "cloud/gcp/gcp_source.h"
#include "cloud/token_exchange.h"
#include "json/json_doc.h"

static const char default_token_uri[] = "https://oauth2.googleapis.com/token";

int co_gcp_authorized_user(const struct gcp_context *context, json_t *file,
                           struct access_token *out, struct error *err)
{
    static const char *const members[] = {"client_id", "client_secret", "refresh_token"};
    if (context->audience)
        return error_set(err, ERROR_FORBIDDEN,
                         "a person's credentials give no ID token to call a function with; use a "
                         "service account: its key, or `gcloud auth application-default login "
                         "--impersonate-service-account=ACCOUNT`");
    const char *uri = json_doc_string(file, "token_uri");
    if (str_empty(uri))
        uri = default_token_uri;
    if (token_url_check("token_uri", uri, err))
        return -1;
    struct buf form AUTO(secret_buf) = BUF_INIT;
    buf_reserve(&form, 4096);
    http_form_put(&form, "grant_type", "refresh_token");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *value = token_member(file, members[i], err);
        if (!value)
            return -1;
        http_form_put(&form, members[i], value);
    }
    const struct token_exchange x = {
        .what = "user's token",
        .url = uri,
        .content_type = "application/x-www-form-urlencoded",
        .body = &form,
    };
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return error_wrap(err, "renew with `gcloud auth application-default login`");
    return token_take(&res, x.what, out, err);
}
