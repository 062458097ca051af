/* SPDX-License-Identifier: Apache-2.0
 * Token services; see registry_token.h. */
#include "oci/registry/registry_token.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "loop/http_url.h"
#include "json/json_doc.h"
#include "oci/registry/registry_error.h"

#include <string.h>
#include <strings.h>

enum {
    TOKEN_ANSWER_MAX = 256 * 1024,
    TOKEN_MAX = 64 * 1024,
    TOKEN_LIFE_S = 60, /* when the service does not say; also the least, as Docker */
    TOKEN_LIFE_MAX_S = 3600,
};

static const char client_id[] = "sockerless";

void registry_token_free(struct registry_token *t)
{
    registry_secret_free(t->token);
    registry_secret_free(t->refresh_token);
    *t = (struct registry_token){0};
}

/* ---- the answer ---- */

static bool token_clean(const char *token)
{
    size_t n = 0;
    for (; token[n]; n++)
        if ((unsigned char)token[n] <= 0x20 || n >= TOKEN_MAX)
            return false;
    return n > 0;
}

static int take_token(const struct auth_session *s, const struct http_response *res,
                      struct registry_token *out, struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return error_wrap(err, "registry %s: token service", s->endpoint->host);
    const char *token = json_doc_string(doc, "token");
    if (str_empty(token))
        token = json_doc_string(doc, "access_token");
    if (!token || !token_clean(token))
        return error_set(err, ERROR_SYSTEM,
                         "registry %s: the token service's answer holds no token",
                         s->endpoint->host);
    out->life_s = json_integer_value(json_object_get(doc, "expires_in"));
    if (out->life_s < TOKEN_LIFE_S)
        out->life_s = TOKEN_LIFE_S;
    if (out->life_s > TOKEN_LIFE_MAX_S)
        out->life_s = TOKEN_LIFE_MAX_S;
    out->token = xstrdup(token);
    const char *refresh = json_doc_string(doc, "refresh_token");
    out->refresh_token = refresh && token_clean(refresh) ? xstrdup(refresh) : NULL;
    return 0;
}

static int token_refused(const struct auth_session *s, const struct http_response *res,
                         struct error *err)
{
    char message[256];
    registry_error_message(res, message, sizeof message);
    if (res->status != 401 && res->status != 403 && res->status != 400)
        return error_set(err, ERROR_UNAVAILABLE,
                         "registry %s: the token service answered with status %ld%s%s",
                         s->endpoint->host, res->status, *message ? ": " : "", message);
    if (registry_login_empty(&s->login))
        return registry_error_denied(err, s->ref, "");
    return error_set(err, ERROR_UNAUTHORIZED, "unauthorized: %s",
                     *message ? message : "incorrect username or password");
}

/* ---- the request ---- */

static void put_common(const struct auth_session *s, const struct www_challenge *c,
                       struct buf *form)
{
    if (*c->service)
        http_form_put(form, "service", c->service);
    if (s->offline)
        http_form_put(form, "client_id", client_id);
}

static int co_send(const struct auth_session *s, const struct http_request *part, const char *realm,
                   struct http_response *res, struct error *err)
{
    struct http_request req = *part;
    req.ca_file = s->ca_file;
    req.timeout_ms = s->timeout_ms;
    req.max_body = TOKEN_ANSWER_MAX;
    if (co_http_do(s->http, &req, res, err) == 0)
        return 0;
    if (err->code == ERROR_UNAVAILABLE)
        err->code = ERROR_SYSTEM; /* as Docker: 503 would say that we are not there */
    return error_wrap(err, "%s \"%s\"", req.body ? "Post" : "Get", realm);
}

/* Anonymous or with a password: a query. */
static int co_token_get(const struct auth_session *s, const struct www_challenge *c,
                        const char *username, const char *password, struct http_response *res,
                        struct error *err)
{
    struct buf query AUTO(buf) = BUF_INIT;
    put_common(s, c, &query);
    for (size_t i = 0; i < s->scope_count; i++)
        http_form_put(&query, "scope", s->scopes[i]);
    if (s->offline)
        http_form_put(&query, "offline_token", "true");
    if (!str_empty(username))
        http_form_put(&query, "account", username);
    char *url AUTO_FREE =
        xasprintf("%s%s%s", c->realm, strchr(c->realm, '?') ? "&" : "?", str_or_empty(query.data));
    char *basic AUTO(registry_secret) =
        str_empty(username) ? NULL : registry_login_basic(username, password);
    char *authorization AUTO(registry_secret) =
        basic ? xasprintf("Authorization: %s", basic) : NULL;
    const char *headers[] = {authorization, NULL};
    struct http_request req = {.url = url, .headers = headers, .follow_redirects = true};
    return co_send(s, &req, c->realm, res, err);
}

/* With a refresh token: a form. */
static int co_token_post(const struct auth_session *s, const struct www_challenge *c,
                         struct http_response *res, struct error *err)
{
    struct buf form = BUF_INIT, scopes AUTO(buf) = BUF_INIT;
    http_form_put(&form, "grant_type", "refresh_token");
    put_common(s, c, &form);
    if (!s->offline)
        http_form_put(&form, "client_id", client_id);
    else
        http_form_put(&form, "access_type", "offline");
    for (size_t i = 0; i < s->scope_count; i++)
        buf_printf(&scopes, "%s%s", i ? " " : "", s->scopes[i]);
    if (scopes.len)
        http_form_put(&form, "scope", scopes.data);
    buf_reserve(&form, 3 * strlen(s->login.identity_token) + 64); /* no copies left behind */
    http_form_put(&form, "refresh_token", s->login.identity_token);
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    /* No redirects: the token is in the body, it goes nowhere else. */
    struct http_request req = {.method = "POST",
                               .url = c->realm,
                               .headers = headers,
                               .body = form.data,
                               .body_len = form.len};
    int rc = co_send(s, &req, c->realm, res, err);
    explicit_bzero(form.data, form.len);
    buf_free(&form);
    return rc;
}

static int check_realm(const struct auth_session *s, const struct www_challenge *c,
                       struct error *err)
{
    bool plain = strncasecmp(c->realm, "http://", 7) == 0;
    if (!plain && strncasecmp(c->realm, "https://", 8) != 0)
        return error_set(err, ERROR_SYSTEM,
                         "registry %s: token service at \"%.200s\" is not a valid URL",
                         s->endpoint->host, c->realm);
    if (plain && !s->endpoint->is_plain && !registry_login_empty(&s->login))
        return error_set(
            err, ERROR_SYSTEM,
            "registry %s asks for credentials to be sent unencrypted to %.200s; refused",
            s->endpoint->host, c->realm);
    return 0;
}

static int co_token_ask(const struct auth_session *s, const struct www_challenge *c,
                        struct http_response *res, struct error *err)
{
    const struct registry_login *login = &s->login;
    if (str_empty(login->identity_token))
        return co_token_get(s, c, login->username, login->password, res, err);
    if (co_token_post(s, c, res, err))
        return -1;
    if (res->status != 404 && res->status != 405)
        return 0;
    /* A service that supports only GET takes the token as a password. */
    http_response_free(res);
    const char *username = str_empty(login->username) ? "<token>" : login->username;
    return co_token_get(s, c, username, login->identity_token, res, err);
}

int co_registry_token_fetch(const struct auth_session *s, const struct www_challenge *challenge,
                            struct registry_token *out, struct error *err)
{
    *out = (struct registry_token){0};
    if (check_realm(s, challenge, err))
        return -1;
    struct http_response res AUTO(http_response) = {0};
    if (co_token_ask(s, challenge, &res, err))
        return -1;
    int rc = res.status == 200 ? take_token(s, &res, out, err) : token_refused(s, &res, err);
    if (res.body.len)
        explicit_bzero(res.body.data, res.body.len);
    return rc;
}
