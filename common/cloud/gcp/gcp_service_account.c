/* SPDX-License-Identifier: Apache-2.0
 * Credential source: a service account's key; see gcp_source.h. (Documentation, "Using OAuth 2.0
 * for Server to Server Applications".) */
#include "base/alloc.h"
#include "base/buf.h"
#include "loop/http_url.h"
#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_id_token.h"
#include "cloud/gcp/gcp_source.h"
#include "cloud/token_exchange.h"
#include "cloud/jwt.h"
#include "json/json_doc.h"

enum {
    ASSERTION_LIFE_S = 3600, /* the most that is taken */
    SKEW_S = 10,             /* a clock that is a little ahead of Google's */
};
static const char default_token_uri[] = "https://oauth2.googleapis.com/token";

struct key {
    const char *email, *private_key, *key_id, *token_uri; /* borrowed from the file */
};

static int read_key(json_t *file, struct key *out, struct error *err)
{
    const char *uri = json_doc_string(file, "token_uri");
    *out = (struct key){
        .email = token_member(file, "client_email", err),
        .key_id = json_doc_string(file, "private_key_id"),
        .token_uri = str_empty(uri) ? default_token_uri : uri,
    };
    if (!out->email)
        return -1;
    out->private_key = token_member(file, "private_key", err);
    return out->private_key ? token_url_check("token_uri", out->token_uri, err) : -1;
}

static char *make_assertion(const struct key *key, const struct gcp_context *context,
                            struct error *err)
{
    struct buf header AUTO(buf) = BUF_INIT, claims AUTO(buf) = BUF_INIT;
    struct json_writer w;
    int64_t now_s = time_now_ns() / 1000000000 - SKEW_S;
    json_writer_init(&w, &header);
    json_object_open(&w);
    json_member_string(&w, "alg", "RS256");
    json_member_string(&w, "typ", "JWT");
    if (!str_empty(key->key_id))
        json_member_string(&w, "kid", key->key_id);
    json_object_close(&w);
    json_writer_init(&w, &claims);
    json_object_open(&w);
    json_member_string(&w, "iss", key->email);
    json_member_string(&w, context->audience ? "target_audience" : "scope",
                       context->audience ? context->audience : context->scope);
    json_member_string(&w, "aud", key->token_uri);
    json_member_int(&w, "iat", now_s);
    json_member_int(&w, "exp", now_s + ASSERTION_LIFE_S);
    json_object_close(&w);
    return jwt_sign(header.data, claims.data, key->private_key, "\"private_key\"", err);
}

static int take_id_token(const struct http_response *res, const char *what,
                         struct access_token *out, struct error *err)
{
    json_t *doc AUTO(token_json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return error_wrap(err, "%s", what);
    return gcp_id_token_take(json_doc_string(doc, "id_token"), what, out, err);
}

int co_gcp_service_account(const struct gcp_context *context, json_t *file,
                           struct access_token *out, struct error *err)
{
    struct key key;
    if (read_key(file, &key, err))
        return -1;
    char *assertion AUTO(secret) = make_assertion(&key, context, err);
    if (!assertion)
        return -1;
    struct buf form AUTO(secret_buf) = BUF_INIT;
    buf_reserve(&form, 256 + 3 * strlen(assertion));
    http_form_put(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    http_form_put(&form, "assertion", assertion);
    const struct token_exchange x = {
        .what = "service account's token",
        .url = key.token_uri,
        .content_type = "application/x-www-form-urlencoded",
        .body = &form,
    };
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return -1;
    return context->audience ? take_id_token(&res, x.what, out, err)
                             : token_take(&res, x.what, out, err);
}
