/* SPDX-License-Identifier: Apache-2.0
 * Credential source: workload identity federation; see gcp_source.h. (Security Token Service API,
 * v1.token, in the form encoding of RFC 8693 that Google's own libraries send; AIP-4117.) */
#include "base/alloc.h"
#include "base/buf.h"
#include "loop/http_url.h"
#include "base/json.h"
#include "base/str.h"
#include "cloud/gcp/gcp_credentials.h"
#include "cloud/gcp/gcp_source.h"
#include "cloud/token_exchange.h"
#include "json/json_doc.h"

#include <string.h>

#define TOKEN_TYPE_ACCESS "urn:ietf:params:oauth:token-type:access_token"
#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
static const char default_token_url[] = "https://sts.googleapis.com/v1/token";

struct federation { /* borrowed from the file */
    const char *audience, *subject_token_type, *token_url;
    const char *impersonation_url; /* NULL: the exchanged token is the one */
    const char *user_project;      /* of workforce pools; may be NULL */
    const char *client_id, *client_secret;
    int64_t lifetime_s;
};

static int read_federation(json_t *file, struct federation *out, struct error *err)
{
    const char *url = json_doc_string(file, "token_url");
    json_t *impersonation = json_object_get(file, "service_account_impersonation");
    *out = (struct federation){
        .audience = token_member(file, "audience", err),
        .token_url = str_empty(url) ? default_token_url : url,
        .impersonation_url = json_doc_string(file, "service_account_impersonation_url"),
        .user_project = json_doc_string(file, "workforce_pool_user_project"),
        .client_id = json_doc_string(file, "client_id"),
        .client_secret = json_doc_string(file, "client_secret"),
        .lifetime_s = json_integer_value(json_object_get(impersonation, "token_lifetime_seconds")),
    };
    if (!out->audience)
        return -1;
    out->subject_token_type = token_member(file, "subject_token_type", err);
    return out->subject_token_type ? token_url_check("token_url", out->token_url, err) : -1;
}

static void write_form(struct buf *form, const struct federation *f, const char *scope,
                       const char *subject_token)
{
    buf_reserve(form, 4096 + 3 * strlen(subject_token)); /* it must not move: secret_buf_free */
    http_form_put(form, "grant_type", GRANT_EXCHANGE);
    http_form_put(form, "audience", f->audience);
    http_form_put(form, "scope", scope);
    http_form_put(form, "requested_token_type", TOKEN_TYPE_ACCESS);
    http_form_put(form, "subject_token", subject_token);
    http_form_put(form, "subject_token_type", f->subject_token_type);
    if (str_empty(f->user_project) || !str_empty(f->client_id))
        return;
    struct buf options AUTO(buf) = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &options);
    json_object_open(&w);
    json_member_string(&w, "userProject", f->user_project);
    json_object_close(&w);
    http_form_put(form, "options", options.data);
}

/* "Authorization: Basic …" of a workforce client; NULL: none. */
static char *client_header(const struct federation *f)
{
    if (str_empty(f->client_id))
        return NULL;
    char *pair AUTO(secret) = xasprintf("%s:%s", f->client_id, str_or_empty(f->client_secret));
    char *encoded AUTO(secret) = base64_encode(pair, strlen(pair));
    return xasprintf("Authorization: Basic %s", encoded);
}

static int co_exchange(const struct gcp_context *context, const struct federation *f,
                       const char *subject_token, struct access_token *out, struct error *err)
{
    struct buf form AUTO(secret_buf) = BUF_INIT;
    /* What the token is for next is asking for another one. */
    bool is_step = !str_empty(f->impersonation_url);
    write_form(&form, f, is_step ? GCP_SCOPE_CLOUD_PLATFORM : context->scope, subject_token);
    char *authorization AUTO(secret) = client_header(f);
    const char *const headers[] = {authorization, NULL};
    const struct token_exchange x = {
        .what = "token exchange",
        .url = f->token_url,
        .headers = headers,
        .content_type = "application/x-www-form-urlencoded",
        .body = &form,
    };
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return -1;
    return token_take(&res, x.what, out, err);
}

int co_gcp_external_account(const struct gcp_context *context, json_t *file,
                            struct access_token *out, struct error *err)
{
    struct federation f;
    if (read_federation(file, &f, err))
        return -1;
    if (context->audience && str_empty(f.impersonation_url))
        return error_set(err, ERROR_FORBIDDEN,
                         "a federated identity gives no ID token to call a function with; let it "
                         "act for a service account (\"service_account_impersonation_url\")");
    char *subject AUTO(secret) =
        co_gcp_subject_token(context, json_object_get(file, "credential_source"), err);
    if (!subject)
        return -1;
    if (str_empty(f.impersonation_url))
        return co_exchange(context, &f, subject, out, err);
    struct access_token own AUTO(access_token) = {0};
    const struct gcp_impersonation what = {.url = f.impersonation_url, .lifetime_s = f.lifetime_s};
    if (co_exchange(context, &f, subject, &own, err))
        return -1;
    return co_gcp_impersonate(context, &what, &own, out, err);
}
