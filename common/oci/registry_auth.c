/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging in at registries; see registry_auth.h. Owns the cache of Authorization values, one per
 * (registry, repository, credentials), oldest dropped first.
 */
#include "oci/registry_auth.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/digest.h"
#include "oci/json_doc.h"
#include "oci/registry_error.h"
#include "oci/www_authenticate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    CACHE_MAX = 256,
    CHALLENGES_MAX = 4,
    TOKEN_ANSWER_MAX = 256 * 1024,
    TOKEN_MAX = 64 * 1024,
    TOKEN_LIFE_S = 60, /* when the service does not say; also the least, as Docker */
    TOKEN_LIFE_MAX_S = 3600,
    TOKEN_MARGIN_S = 10, /* it has to last for the requests to come */
    BASIC_LIFE_S = 600,
};

struct entry {
    struct entry *next;
    char key[DIGEST_MAX];
    char *value;
    int64_t expires_ms;
};

struct registry_auth {
    struct entry *entries; /* newest first */
    size_t count;
};

/* ---- the cache ---- */

static void entry_free(struct entry *e)
{
    free(e->value);
    free(e);
}

struct registry_auth *registry_auth_new(void)
{
    return NEW(struct registry_auth);
}

void registry_auth_free(struct registry_auth *a)
{
    if (!a)
        return;
    while (a->entries) {
        struct entry *next = a->entries->next;
        entry_free(a->entries);
        a->entries = next;
    }
    free(a);
}

static struct entry **cache_find(struct registry_auth *a, const char *key)
{
    struct entry **p = &a->entries;
    while (*p && strcmp((*p)->key, key) != 0)
        p = &(*p)->next;
    return p;
}

static void cache_drop(struct registry_auth *a, struct entry **p)
{
    struct entry *e = *p;
    if (!e)
        return;
    *p = e->next;
    entry_free(e);
    a->count--;
}

static void cache_put(struct registry_auth *a, const char *key, char *value, int64_t life_s)
{
    cache_drop(a, cache_find(a, key));
    if (a->count >= CACHE_MAX) {
        struct entry **p = &a->entries;
        while ((*p)->next)
            p = &(*p)->next;
        cache_drop(a, p);
    }
    struct entry *e = NEW(struct entry);
    snprintf(e->key, sizeof e->key, "%s", key);
    e->value = value;
    e->expires_ms = time_mono_ms() + life_s * 1000;
    e->next = a->entries;
    a->entries = e;
    a->count++;
}

/* ---- a session ---- */

static void key_part(struct buf *b, const char *part)
{
    buf_append(b, str_or_empty(part), strlen(str_or_empty(part)) + 1); /* NULs keep parts apart */
}

void auth_session_open(struct auth_session *s)
{
    struct buf all AUTO(buf) = BUF_INIT;
    key_part(&all, s->endpoint->base);
    key_part(&all, s->repository);
    key_part(&all, s->login.username);
    key_part(&all, s->login.password);
    key_part(&all, s->login.identity_token);
    key_part(&all, s->login.registry_token);
    digest_sha256(all.data, all.len, s->key);
}

void auth_session_close(struct auth_session *s)
{
    registry_login_free(&s->login);
}

char *auth_session_value(const struct auth_session *s)
{
    struct entry **p = cache_find(s->auth, s->key);
    if (!*p)
        return NULL;
    if ((*p)->expires_ms <= time_mono_ms()) {
        cache_drop(s->auth, p);
        return NULL;
    }
    return xstrdup((*p)->value);
}

static char *basic_value(const struct registry_login *login)
{
    char *pair AUTO_FREE =
        xasprintf("%s:%s", str_or_empty(login->username), str_or_empty(login->password));
    char *encoded AUTO_FREE = base64_encode(pair, strlen(pair));
    return xasprintf("Basic %s", encoded);
}

/* ---- the token service ---- */

static void form_put(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, "%s%s=", b->len ? "&" : "", name);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr("-._~", c))
            buf_putc(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

static bool token_clean(const char *token)
{
    size_t n = 0;
    for (; token[n]; n++)
        if ((unsigned char)token[n] <= 0x20 || n >= TOKEN_MAX)
            return false;
    return n > 0;
}

static int take_token(struct auth_session *s, const struct http_response *res, struct error *err)
{
    json_t *doc AUTO(json) =
        json_doc_load(res->body.data ? res->body.data : "", res->body.len, err);
    if (!doc)
        return error_wrap(err, "registry %s: token service", s->endpoint->host);
    const char *token = json_doc_string(doc, "token");
    if (!token)
        token = json_doc_string(doc, "access_token");
    if (!token || !token_clean(token))
        return error_set(err, ERROR_SYSTEM,
                         "registry %s: the token service's answer holds no token",
                         s->endpoint->host);
    int64_t life_s = json_integer_value(json_object_get(doc, "expires_in"));
    if (life_s < TOKEN_LIFE_S)
        life_s = TOKEN_LIFE_S;
    if (life_s > TOKEN_LIFE_MAX_S)
        life_s = TOKEN_LIFE_MAX_S;
    cache_put(s->auth, s->key, xasprintf("Bearer %s", token), life_s - TOKEN_MARGIN_S);
    return 0;
}

static int token_refused(struct auth_session *s, const struct http_response *res, struct error *err)
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

/* Anonymous or with a password: GET with a query; with a refresh token: POST of a form. */
static int co_token_fetch(struct auth_session *s, const struct www_challenge *c, struct error *err)
{
    bool plain = strncasecmp(c->realm, "http://", 7) == 0;
    if (!plain && strncasecmp(c->realm, "https://", 8) != 0)
        return error_set(err, ERROR_SYSTEM, "registry %s: token service at \"%.200s\" is no URL",
                         s->endpoint->host, c->realm);
    if (plain && !s->endpoint->is_plain && !registry_login_empty(&s->login))
        return error_set(err, ERROR_SYSTEM,
                         "registry %s wants the credentials sent unencrypted to %.200s; refused",
                         s->endpoint->host, c->realm);
    struct buf form AUTO(buf) = BUF_INIT;
    char *scope AUTO_FREE = xasprintf("repository:%s:pull", s->repository);
    bool refresh = !str_empty(s->login.identity_token);
    if (*c->service)
        form_put(&form, "service", c->service);
    form_put(&form, "scope", scope);
    if (refresh) {
        form_put(&form, "grant_type", "refresh_token");
        form_put(&form, "client_id", "sockerless");
        form_put(&form, "refresh_token", s->login.identity_token);
    }
    char *url AUTO_FREE =
        refresh ? xstrdup(c->realm)
                : xasprintf("%s%s%s", c->realm, strchr(c->realm, '?') ? "&" : "?", form.data);
    char *basic AUTO_FREE = str_empty(s->login.username) ? NULL : basic_value(&s->login);
    char *authorization AUTO_FREE = basic ? xasprintf("Authorization: %s", basic) : NULL;
    const char *refresh_headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const char *query_headers[] = {authorization, NULL};
    struct http_request req = {
        .method = refresh ? "POST" : "GET",
        .url = url,
        .headers = refresh ? refresh_headers : query_headers,
        .body = refresh ? form.data : NULL,
        .body_len = refresh ? form.len : 0,
        .ca_file = s->ca_file,
        .timeout_ms = s->timeout_ms,
        .max_body = TOKEN_ANSWER_MAX,
        .follow_redirects = !refresh, /* the refresh token is in the body: it goes nowhere else */
    };
    struct http_response res AUTO(http_response);
    if (co_http_do(s->http, &req, &res, err)) {
        if (err->code == ERROR_UNAVAILABLE)
            err->code = ERROR_SYSTEM; /* as Docker: 503 would say that we are not there */
        return error_wrap(err, "%s \"%s\"", refresh ? "Post" : "Get", c->realm);
    }
    return res.status == 200 ? take_token(s, &res, err) : token_refused(s, &res, err);
}

/* ---- challenges ---- */

/* The first challenge of each kind, over all WWW-Authenticate headers. */
static void find_challenges(const struct http_response *res, struct www_challenge *bearer,
                            struct www_challenge *basic)
{
    static const char name[] = "WWW-Authenticate:";
    bearer->scheme = basic->scheme = AUTH_OTHER;
    for (size_t i = 0; i < res->headers.count; i++) {
        const char *line = res->headers.items[i];
        struct www_challenge found[CHALLENGES_MAX];
        if (strncasecmp(line, name, sizeof name - 1) != 0)
            continue;
        int count = www_authenticate_parse(line + sizeof name - 1, found, CHALLENGES_MAX);
        for (int k = 0; k < count; k++) {
            if (found[k].scheme == AUTH_BEARER && bearer->scheme == AUTH_OTHER)
                *bearer = found[k];
            if (found[k].scheme == AUTH_BASIC && basic->scheme == AUTH_OTHER)
                *basic = found[k];
        }
    }
}

static int co_ask_login(struct auth_session *s, struct error *err)
{
    if (s->login_asked || !s->login_fn || !registry_login_empty(&s->login))
        return 0;
    s->login_asked = true;
    registry_login_free(&s->login);
    return s->login_fn(s->login_arg, s->endpoint->host, &s->login, err);
}

int co_auth_session_answer(struct auth_session *s, const struct http_response *unauthorized,
                           const char *url, struct error *err)
{
    struct www_challenge bearer, basic;
    find_challenges(unauthorized, &bearer, &basic);
    cache_drop(s->auth, cache_find(s->auth, s->key));
    /* A redirect's target may not ask for what belongs to the registry. */
    size_t base = strlen(s->endpoint->base);
    bool ours = strncasecmp(unauthorized->final_url, s->endpoint->base, base) == 0 &&
                unauthorized->final_url[base] == '/';
    if (!ours || (bearer.scheme == AUTH_OTHER && basic.scheme == AUTH_OTHER))
        return registry_error_set(err, unauthorized, s->ref, false);
    if (co_ask_login(s, err))
        return error_wrap(err, "credentials for %s", s->endpoint->host);
    bool has_password = !str_empty(s->login.username);
    if (bearer.scheme == AUTH_BEARER) {
        s->denied = registry_login_empty(&s->login);
        if (!str_empty(s->login.registry_token)) {
            cache_put(s->auth, s->key, xasprintf("Bearer %s", s->login.registry_token),
                      BASIC_LIFE_S);
            return 0;
        }
        return co_token_fetch(s, &bearer, err);
    }
    if (has_password) {
        cache_put(s->auth, s->key, basic_value(&s->login), BASIC_LIFE_S);
        return 0;
    }
    /* Docker would have tried HEAD first, and says so. */
    return error_set(err, ERROR_SYSTEM, "Head \"%s\": no basic auth credentials", url);
}
