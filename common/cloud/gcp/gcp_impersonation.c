/* SPDX-License-Identifier: Apache-2.0
 * Acting as a service account with another identity's token; see gcp_source.h. (IAM Service Account
 * Credentials API, projects.serviceAccounts.generateAccessToken.) */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_id_token.h"
#include "cloud/gcp/gcp_source.h"
#include "cloud/token_exchange.h"
#include "json/json_doc.h"

#include <string.h>

enum { LIFE_S = 3600, LIFE_MIN_S = 600, LIFE_MAX_S = 43200, DELEGATES_MAX = 16 };

static int write_body(struct buf *body, const struct gcp_context *context,
                      const struct gcp_impersonation *what, struct error *err)
{
    struct json_writer w;
    int64_t life_s = what->lifetime_s ? what->lifetime_s : LIFE_S;
    size_t i;
    json_t *delegate;
    if (life_s < LIFE_MIN_S || life_s > LIFE_MAX_S)
        return error_set(err, ERROR_FORBIDDEN, "\"token_lifetime_seconds\" must be %d to %d",
                         LIFE_MIN_S, LIFE_MAX_S);
    if (json_array_size(what->delegates) > DELEGATES_MAX)
        return error_set(err, ERROR_FORBIDDEN, "\"delegates\" are more than %d", DELEGATES_MAX);
    json_writer_init(&w, body);
    json_object_open(&w);
    if (json_array_size(what->delegates)) {
        json_member_array(&w, "delegates");
        json_array_foreach(what->delegates, i, delegate)
            json_put_string(&w, str_or_empty(json_string_value(delegate)));
        json_array_close(&w);
    }
    if (context->audience) {
        json_member_string(&w, "audience", context->audience);
        json_member_bool(&w, "includeEmail", true);
        json_object_close(&w);
        return 0;
    }
    json_member_array(&w, "scope");
    json_put_string(&w, context->scope);
    json_array_close(&w);
    json_key(&w, "lifetime");
    char *lifetime AUTO_FREE = xasprintf("%llds", (long long)life_s);
    json_put_string(&w, lifetime);
    json_object_close(&w);
    return 0;
}

/* Files name the method for access tokens; NULL: another one. */
static char *method_url(const struct gcp_context *context, const char *url)
{
    static const char named[] = ":generateAccessToken";
    if (!context->audience)
        return xstrdup(url);
    if (!str_ends(url, named))
        return NULL;
    return xasprintf("%.*s:generateIdToken", (int)(strlen(url) - strlen(named)), url);
}

static int take_answer(const struct gcp_context *context, const struct http_response *res,
                       const char *what, struct access_token *out, struct error *err)
{
    json_t *doc AUTO(token_json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return error_wrap(err, "%s", what);
    if (context->audience)
        return gcp_id_token_take(json_doc_string(doc, "token"), what, out, err);
    const char *token = json_doc_string(doc, "accessToken");
    const char *end = json_doc_string(doc, "expireTime");
    int64_t expires_ns;
    if (!token || !token_clean(token) || !end || !timefmt_parse_rfc3339(end, &expires_ns))
        return error_set(err, ERROR_SYSTEM, "%s: the answer holds no access token", what);
    out->value = xstrdup(token);
    out->expires_ns = expires_ns;
    return 0;
}

int co_gcp_impersonate(const struct gcp_context *context, const struct gcp_impersonation *what,
                       const struct access_token *own, struct access_token *out, struct error *err)
{
    struct buf body AUTO(buf) = BUF_INIT;
    if (token_url_check("service_account_impersonation_url", what->url, err) ||
        write_body(&body, context, what, err))
        return -1;
    AUTO_FREE char *url = method_url(context, what->url);
    if (!url)
        return error_set(err, ERROR_FORBIDDEN,
                         "\"service_account_impersonation_url\" must end in :generateAccessToken");
    char *authorization AUTO(secret) = xasprintf("Authorization: Bearer %s", own->value);
    const char *const headers[] = {authorization, NULL};
    const struct token_exchange x = {
        .what = "impersonation",
        .url = url,
        .headers = headers,
        .content_type = "application/json",
        .body = &body,
    };
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return -1;
    return take_answer(context, &res, x.what, out, err);
}
