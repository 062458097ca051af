/* SPDX-License-Identifier: Apache-2.0
 * Azure Container Registry login; see acr.h. The exchange is described in
 * Azure/acr, docs/AAD-OAuth.md: POST https://HOST/oauth2/exchange. */
#include "acr.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/cloud_call.h"
#include "loop/http_url.h"
#include "loop/renewal.h"
#include "json/json_doc.h"
#include "oci/registry/registry_error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    REGISTRIES_MAX = 16,
    HOST_SIZE = 128,
    TOKEN_MAX = 64 * 1024,
    ANSWER_MAX = 128 * 1024,
    LIFE_S = 3 * 3600, /* when the refresh token does not say */
    EXCHANGE_TIMEOUT_MS = 15000,
};
static const int64_t ns_per_s = 1000000000;

/* A refresh token belongs to one registry. */
struct login {
    struct acr *acr;
    char host[HOST_SIZE]; /* "": free slot */
    char *refresh_token;  /* NULL: none, there is no identity */
    struct renewal renewal;
    int64_t used_ms;
    int users; /* coroutines that hold the slot */
};
struct acr {
    struct acr_options options;
    struct login logins[REGISTRIES_MAX];
};

struct acr *acr_new(const struct acr_options *options)
{
    struct acr *a = NEW(struct acr);
    a->options = *options;
    return a;
}

static void login_clear(struct login *l)
{
    secret_free(l->refresh_token);
    *l = (struct login){0};
}

void acr_free(struct acr *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < REGISTRIES_MAX; i++)
        login_clear(&a->logins[i]);
    free(a);
}

bool acr_host(const char *host, char *out, size_t size)
{
    static const char *const ends[] = {".azurecr.io", ".azurecr.cn", ".azurecr.us"};
    size_t len = strcspn(host, ".");
    bool ended = false;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        ended |= strcasecmp(host + len, ends[i]) == 0;
    if (!ended || !len || strlen(host) >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && (host[i] != '-' || i == 0))
            return false;
    size_t n = 0;
    for (; host[n]; n++)
        out[n] = (char)tolower((unsigned char)host[n]);
    out[n] = '\0';
    return true;
}

int64_t acr_jwt_expiry_ns(const char *jwt)
{
    struct error ignored;
    const char *payload = strchr(jwt, '.');
    if (!payload)
        return 0;
    payload++;
    size_t len;
    char *text AUTO_FREE = (char *)base64_decode(payload, strcspn(payload, "."), &len);
    json_t *doc AUTO(json) = text ? json_doc_load(text, len, &ignored) : NULL;
    const json_t *exp = json_object_get(doc, "exp");
    double expires_s = json_number_value(exp);
    return expires_s > 0 && expires_s < 9e9 ? (int64_t)expires_s * ns_per_s : 0;
}

/* ---- the exchange ---- */

static bool token_clean(const char *token)
{
    size_t n = 0;
    for (; token[n]; n++)
        if ((unsigned char)token[n] <= 0x20 || (unsigned char)token[n] >= 0x7f || n >= TOKEN_MAX)
            return false;
    return n > 0;
}

static void write_form(struct buf *form, const struct login *l, const char *access_token)
{
    const struct acr_options *o = &l->acr->options;
    buf_reserve(form, 512 + 3 * strlen(access_token)); /* it must not move: see secret_buf_free */
    http_form_put(form, "grant_type", "access_token");
    http_form_put(form, "service", l->host);
    if (!str_empty(o->tenant))
        http_form_put(form, "tenant", o->tenant);
    http_form_put(form, "access_token", access_token);
}

/* An exchange under way. */
struct job {
    struct login *login;
    const struct buf *form;
    int64_t *expires_ns;
};

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    const struct job *job = arg;
    const char *at = str_or_empty(job->login->acr->options.endpoint_url);
    char *url = *at ? xasprintf("%.*s/oauth2/exchange", (int)(strlen(at) - str_ends(at, "/")), at)
                    : xasprintf("https://%s/oauth2/exchange", job->login->host);
    (void)err;
    cloud_attempt_header(attempt, xstrdup("Content-Type: application/x-www-form-urlencoded"));
    cloud_attempt_header(attempt, xstrdup("Accept: application/json"));
    attempt->request.method = "POST";
    attempt->request.url = cloud_attempt_keep(attempt, url);
    attempt->request.body = job->form->data;
    attempt->request.body_len = job->form->len;
    attempt->request.timeout_ms = EXCHANGE_TIMEOUT_MS;
    attempt->request.max_body = ANSWER_MAX;
    return 0;
}

/* The codes in a registry's errors say no more than the HTTP status. */
static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    bool throttled = res->status == 429, failed = res->status >= 500;
    (void)arg;
    snprintf(why->code, sizeof why->code, "the registry answers HTTP %ld", res->status);
    registry_error_message(res, why->message, sizeof why->message);
    why->verdict = throttled ? CLOUD_THROTTLED : failed ? CLOUD_FAILED : CLOUD_REFUSED;
    why->error = throttled                                  ? ERROR_TOO_MANY_REQUESTS
                 : failed                                   ? ERROR_UNAVAILABLE
                 : res->status == 401 || res->status == 403 ? ERROR_FORBIDDEN
                                                            : ERROR_SYSTEM;
}

static int take_token(const struct job *job, const struct http_response *res, struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return -1;
    const char *token = json_doc_string(doc, "refresh_token");
    if (!token || !token_clean(token))
        return error_set(err, ERROR_SYSTEM, "the answer holds no refresh token");
    secret_free(job->login->refresh_token);
    job->login->refresh_token = xstrdup(token);
    *job->expires_ns = acr_jwt_expiry_ns(token);
    if (!*job->expires_ns)
        *job->expires_ns = time_now_ns() + LIFE_S * ns_per_s;
    return 0;
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    int rc = take_token(arg, res, err);
    if (res->body.data)
        explicit_bzero(res->body.data, res->body.len);
    return rc;
}

static const struct cloud_vendor vendor = {
    .name = "ACR",
    .policy = CLOUD_POLICY_LOGIN,
    .co_authorise = co_authorise,
    .refusal = refusal,
    .co_take = co_take,
};

static int co_exchange(struct login *l, const char *access_token, int64_t *expires_ns,
                       struct error *err)
{
    struct buf form AUTO(secret_buf) = BUF_INIT;
    struct job job = {.login = l, .form = &form, .expires_ns = expires_ns};
    const struct cloud_call call = {
        .vendor = &vendor,
        .arg = &job,
        .http = l->acr->options.http,
        .service = "acr",
        .what = "token exchange",
        .repeatable = true,
    };
    struct cloud_error why;
    write_form(&form, l, access_token);
    return co_cloud_call(&call, &why, err);
}

static int co_login(void *owner, int64_t *expires_ns, struct error *err)
{
    struct login *l = owner;
    const struct acr_options *o = &l->acr->options;
    struct access_token token AUTO(access_token) = {0};
    if (o->co_token(o->token_arg, &token, err))
        return error_wrap(err, "acr: identity");
    if (token.value)
        return co_exchange(l, token.value, expires_ns, err);
    secret_free(l->refresh_token);
    l->refresh_token = NULL;
    *expires_ns = time_now_ns() + 60 * ns_per_s; /* look again then */
    return 0;
}

/* ---- whose login ---- */

/* The registry's slot; the one used longest ago makes room. NULL: all are busy. */
static struct login *find_login(struct acr *a, const char *host)
{
    struct login *oldest = NULL;
    for (size_t i = 0; i < REGISTRIES_MAX; i++) {
        struct login *l = &a->logins[i];
        if (strcmp(l->host, host) == 0)
            return l;
        if (!l->users && (!oldest || l->used_ms < oldest->used_ms))
            oldest = l;
    }
    if (oldest) {
        login_clear(oldest);
        snprintf(oldest->host, sizeof oldest->host, "%s", host);
        oldest->acr = a;
        oldest->renewal.name = "ACR login";
    }
    return oldest;
}

static int co_identity_credentials(struct acr *a, const char *host,
                                   struct registry_credentials *out, struct error *err)
{
    struct login *l = find_login(a, host);
    if (!l)
        return error_set(err, ERROR_UNAVAILABLE,
                         "acr: logins at %d registries are under way; try again", REGISTRIES_MAX);
    l->users++;
    int rc = co_renewal_ensure(&l->renewal, co_login, l, err);
    l->users--;
    l->used_ms = time_mono_ms();
    if (rc)
        return error_wrap(err, "registry login at %s", host);
    if (!l->refresh_token)
        return 0;
    *out = (struct registry_credentials){
        .found = true,
        .identity_token = xstrdup(l->refresh_token),
        .expires_ns = l->renewal.expires_ns,
    };
    return 0;
}

int co_acr_credentials(struct acr *a, const char *registry_host, struct registry_credentials *out,
                       struct error *err)
{
    const struct acr_options *o = &a->options;
    char host[HOST_SIZE];
    *out = (struct registry_credentials){0};
    if (!acr_host(registry_host, host, sizeof host))
        return 0;
    if (!str_empty(o->username) && !str_empty(o->login_server) &&
        strcasecmp(o->login_server, host) == 0) {
        *out = (struct registry_credentials){
            .found = true,
            .username = xstrdup(o->username),
            .password = xstrdup(str_or_empty(o->password)),
        };
        return 0;
    }
    return o->co_token ? co_identity_credentials(a, host, out, err) : 0;
}
