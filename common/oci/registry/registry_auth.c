/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging in at registries; see registry_auth.h. Owns the cache of Authorization values, one per
 * (registry, scopes, credentials), oldest dropped first.
 */
#include "oci/registry/registry_auth.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/name/digest.h"
#include "oci/registry/registry_error.h"
#include "oci/registry/registry_token.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

enum {
    CACHE_MAX = 256,
    CHALLENGES_MAX = 4,
    TOKEN_MARGIN_S = 10, /* it has to last for the requests to come */
    BASIC_LIFE_S = 600,
    LOGIN_WAITS = 4, /* for another request's login: so many may be in one */
};

struct entry {
    struct entry *next, *prev;
    char key[DIGEST_MAX];
    char *value;
    int64_t expires_ms;
};

struct registry_auth {
    struct entry *entries; /* newest first */
    size_t count;
};

/* ---- the cache ---- */

/* NULL is allowed. */
static void cache_drop(struct registry_auth *a, struct entry *e)
{
    if (!e)
        return;
    DL_DELETE(a->entries, e);
    a->count--;
    registry_secret_free(e->value);
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
    while (a->entries)
        cache_drop(a, a->entries);
    free(a);
}

static struct entry *cache_find(const struct registry_auth *a, const char *key)
{
    struct entry *e = a->entries;
    while (e && strcmp(e->key, key) != 0)
        e = e->next;
    return e;
}

static void cache_put(struct registry_auth *a, const char *key, char *value, int64_t life_s)
{
    cache_drop(a, cache_find(a, key));
    if (a->count >= CACHE_MAX)
        cache_drop(a, a->entries->prev); /* of the first one: the last */
    struct entry *e = NEW(struct entry);
    snprintf(e->key, sizeof e->key, "%s", key);
    e->value = value;
    e->expires_ms = time_mono_ms() + life_s * 1000;
    DL_PREPEND(a->entries, e);
    a->count++;
}

/* What is kept for the key and has not expired; borrowed. */
static const char *cache_get(struct registry_auth *a, const char *key)
{
    struct entry *e = cache_find(a, key);
    if (e && e->expires_ms > time_mono_ms())
        return e->value;
    cache_drop(a, e);
    return NULL;
}

/* ---- a session ---- */

static void key_part(struct buf *b, const char *part)
{
    buf_append(b, str_or_empty(part), strlen(str_or_empty(part)) + 1); /* NULs keep parts apart */
}

static void make_key(struct auth_session *s)
{
    const struct registry_login *login = &s->login;
    const char *const secrets[] = {login->username, login->password, login->identity_token,
                                   login->registry_token};
    size_t need = 1;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        need += strlen(str_or_empty(secrets[i])) + 1;
    struct buf all = BUF_INIT;
    key_part(&all, s->endpoint->base);
    for (size_t i = 0; i < s->scope_count; i++)
        key_part(&all, s->scopes[i]);
    key_part(&all, "");
    buf_reserve(&all, need); /* growing would leave copies */
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        key_part(&all, secrets[i]);
    digest_sha256(all.data, all.len, s->key);
    explicit_bzero(all.data, all.len);
    buf_free(&all);
}

void auth_session_open(struct auth_session *s)
{
    make_key(s);
}

void auth_session_close(struct auth_session *s)
{
    registry_login_free(&s->login);
    registry_secret_free(s->identity_token);
    for (size_t i = 0; i < s->scope_count; i++)
        free(s->scopes[i]);
}

void auth_session_add_scope(struct auth_session *s, const char *repository, const char *actions)
{
    char *scope AUTO_FREE = xasprintf("repository:%s:%s", repository, actions);
    for (size_t i = 0; i < s->scope_count; i++)
        if (strcmp(s->scopes[i], scope) == 0)
            return;
    if (s->scope_count == AUTH_SCOPES_MAX)
        return;
    s->scopes[s->scope_count++] = STEAL(scope);
    make_key(s);
}

/* ---- one logs in at a time ---- */

static int co_session_lock(struct auth_session *s, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + LOGIN_WAITS * s->timeout_ms;
    while (s->busy)
        if (co_cond_wait(&s->idle, deadline_ms, err))
            return error_wrap(err, "login at %s", s->endpoint->host);
    s->busy = true;
    return 0;
}

static void session_unlock(struct auth_session *s)
{
    s->busy = false;
    co_cond_broadcast(&s->idle);
}

static int co_token_renew(struct auth_session *s, struct error *err)
{
    struct registry_token token;
    if (co_registry_token_fetch(s, &s->bearer, &token, err))
        return -1;
    cache_put(s->auth, s->key, xasprintf("Bearer %s", token.token), token.life_s - TOKEN_MARGIN_S);
    if (s->offline && token.refresh_token) {
        registry_secret_free(s->identity_token);
        s->identity_token = STEAL(token.refresh_token);
    }
    registry_token_free(&token);
    return 0;
}

int co_auth_session_value(struct auth_session *s, char **value, struct error *err)
{
    *value = NULL;
    const char *kept = cache_get(s->auth, s->key);
    if (!kept && s->bearer.scheme == AUTH_BEARER && str_empty(s->login.registry_token)) {
        if (co_session_lock(s, err))
            return -1;
        int rc = cache_get(s->auth, s->key) ? 0 : co_token_renew(s, err);
        session_unlock(s);
        if (rc)
            return -1;
        kept = cache_get(s->auth, s->key);
    }
    *value = kept ? xstrdup(kept) : NULL;
    return 0;
}

/* ---- challenges ---- */

/* The first challenge of each kind, over all WWW-Authenticate headers. */
static void find_challenges(const struct http_response *res, struct www_challenge *bearer,
                            struct www_challenge *basic)
{
    static const char name[] = "WWW-Authenticate:";
    *bearer = *basic = (struct www_challenge){.scheme = AUTH_OTHER};
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
    if (s->login_fn(s->login_arg, s->endpoint->host, &s->login, err))
        return error_wrap(err, "credentials for %s", s->endpoint->host);
    make_key(s); /* others with these credentials may have been here */
    return 0;
}

/* Something is known that was not sent yet. */
static bool has_other(struct auth_session *s, const char *sent)
{
    const char *kept = cache_get(s->auth, s->key);
    return kept && (!sent || strcmp(kept, sent) != 0);
}

static int co_log_in(struct auth_session *s, const struct http_response *unauthorized,
                     const char *sent, const char *request, struct error *err)
{
    struct www_challenge bearer, basic;
    if (has_other(s, sent))
        return 0;
    find_challenges(unauthorized, &bearer, &basic);
    cache_drop(s->auth, cache_find(s->auth, s->key));
    /* A redirect's target may not ask for what belongs to the registry. */
    size_t base = strlen(s->endpoint->base);
    bool ours = strncasecmp(unauthorized->final_url, s->endpoint->base, base) == 0 &&
                unauthorized->final_url[base] == '/';
    if (!ours || (bearer.scheme == AUTH_OTHER && basic.scheme == AUTH_OTHER))
        return registry_error_set(err, unauthorized, s->ref, false);
    if (co_ask_login(s, err))
        return -1;
    if (has_other(s, sent))
        return 0;
    if (bearer.scheme == AUTH_BEARER) {
        s->bearer = bearer;
        s->denied = registry_login_empty(&s->login);
        if (str_empty(s->login.registry_token))
            return co_token_renew(s, err);
        cache_put(s->auth, s->key, xasprintf("Bearer %s", s->login.registry_token), BASIC_LIFE_S);
        return 0;
    }
    if (str_empty(s->login.username)) {
        s->login_missing = true;
        return error_set(err, ERROR_SYSTEM, "%s%sno basic auth credentials", request,
                         *request ? ": " : "");
    }
    cache_put(s->auth, s->key, registry_login_basic(s->login.username, s->login.password),
              BASIC_LIFE_S);
    return 0;
}

int co_auth_session_answer(struct auth_session *s, const struct http_response *unauthorized,
                           const char *sent, const char *request, struct error *err)
{
    if (co_session_lock(s, err))
        return -1;
    int rc = co_log_in(s, unauthorized, sent, request, err);
    session_unlock(s);
    return rc;
}

void auth_session_note_refusal(struct auth_session *s, const struct http_response *unauthorized)
{
    struct www_challenge bearer, basic;
    find_challenges(unauthorized, &bearer, &basic);
    if (strcmp(bearer.error, "insufficient_scope") == 0)
        s->denied = true;
}
