/* SPDX-License-Identifier: Apache-2.0
 * Azure Container Registry login; see acr.h. The exchange is described in
 * Azure/acr, docs/AAD-OAuth.md: POST https://HOST/oauth2/exchange. */
#include "acr.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "loop/http_url.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
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
    ATTEMPTS = 4,
    BACKOFF_BASE_MS = 200,
    BACKOFF_CAP_MS = 5000,
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

static int take_answer(struct login *l, const struct http_response *res, int64_t *expires_ns,
                       struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return -1;
    const char *token = json_doc_string(doc, "refresh_token");
    if (!token || !token_clean(token))
        return error_set(err, ERROR_SYSTEM, "the answer holds no refresh token");
    secret_free(l->refresh_token);
    l->refresh_token = xstrdup(token);
    *expires_ns = acr_jwt_expiry_ns(token);
    if (!*expires_ns)
        *expires_ns = time_now_ns() + LIFE_S * ns_per_s;
    return 0;
}

static int refused(const struct http_response *res, struct error *err)
{
    char message[256];
    registry_error_message(res, message, sizeof message);
    enum error_code code = res->status == 429                         ? ERROR_TOO_MANY_REQUESTS
                           : res->status >= 500                       ? ERROR_UNAVAILABLE
                           : res->status == 401 || res->status == 403 ? ERROR_FORBIDDEN
                                                                      : ERROR_SYSTEM;
    return error_set(err, code, "the registry answers HTTP %ld%s%s", res->status,
                     *message ? ": " : "", message);
}

/* One attempt. *again_ms: how long to wait before another, -1: none would help. */
static int co_try(struct login *l, const struct buf *form, int attempt, int64_t *again_ms,
                  int64_t *expires_ns, struct error *err)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/json", NULL};
    const struct acr_options *o = &l->acr->options;
    char *url AUTO_FREE =
        str_empty(o->endpoint_url)
            ? xasprintf("https://%s/oauth2/exchange", l->host)
            : xasprintf("%.*s/oauth2/exchange",
                        (int)(strlen(o->endpoint_url) - str_ends(o->endpoint_url, "/")),
                        o->endpoint_url);
    const struct http_request req = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = form->data,
        .body_len = form->len,
        .timeout_ms = EXCHANGE_TIMEOUT_MS,
        .max_body = ANSWER_MAX,
    };
    struct http_response res AUTO(http_response) = {0};
    *again_ms = -1;
    int rc = co_http_do(o->http, &req, &res, err);
    bool again = rc ? err->code == ERROR_UNAVAILABLE : res.status == 429 || res.status >= 500;
    if (again)
        *again_ms = backoff_ms(attempt, BACKOFF_BASE_MS, BACKOFF_CAP_MS,
                               http_response_header(&res, "Retry-After"));
    if (rc)
        return -1;
    rc = res.status == 200 ? take_answer(l, &res, expires_ns, err) : refused(&res, err);
    if (res.body.data)
        explicit_bzero(res.body.data, res.body.len);
    return rc;
}

static int co_exchange(struct login *l, const char *access_token, int64_t *expires_ns,
                       struct error *err)
{
    struct buf form AUTO(secret_buf) = BUF_INIT;
    write_form(&form, l, access_token);
    for (int attempt = 0;; attempt++) {
        int64_t again_ms;
        if (co_try(l, &form, attempt, &again_ms, expires_ns, err) == 0)
            return 0;
        if (again_ms < 0 || attempt + 1 == ATTEMPTS)
            return error_wrap(err, "acr: token exchange");
        log_debug("acr: token exchange failed, trying again", LOG_STR("error", err->message));
        if (co_sleep(again_ms, err))
            return -1;
    }
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
