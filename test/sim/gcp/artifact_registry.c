/* SPDX-License-Identifier: Apache-2.0
 * Artifact Registry's endpoint; see artifact_registry.h. */
#include "test/sim/gcp/artifact_registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/token_store.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/form.h"
#include "test/sim/http/registry_proxy.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { REGISTRY_TOKEN_TTL_S = 3600 };
#define USER "oauth2accesstoken:"
#define LAYER_PREFIX "/_sim/registry/layers"

struct artifact_registry {
    struct gcp *gcp;
    pthread_mutex_t lock;
    char *upstream;
    char signature[33]; /* of layer URLs */
    struct strv repositories;
    long issued, requests, refused;
};

struct artifact_registry *artifact_registry_new(struct gcp *gcp, const char *upstream)
{
    struct artifact_registry *r = NEW(struct artifact_registry);
    r->gcp = gcp;
    pthread_mutex_init(&r->lock, NULL);
    r->upstream = upstream ? xstrdup(upstream) : NULL;
    value_random_hex(r->signature, 32);
    return r;
}

void artifact_registry_free(struct artifact_registry *r)
{
    if (!r)
        return;
    strv_free(&r->repositories);
    free(r->upstream);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

const char *artifact_registry_upstream(const struct artifact_registry *r)
{
    return r->upstream;
}

/* ---- who may ---- */

/* The access token in a Basic login; heap, "" when it is none. */
static char *basic_password(const struct http_request *request)
{
    AUTO_FREE char *text = form_basic(request);
    return xstrdup(str_starts(text, USER) ? text + strlen(USER) : "");
}

static bool authorized(struct artifact_registry *r, const struct http_request *request)
{
    char principal[256];
    AUTO_FREE char *password = basic_password(request);
    bool good = token_store_find(r->gcp->tokens, password, principal) ||
                token_store_find(r->gcp->tokens, form_bearer(request), principal);
    pthread_mutex_lock(&r->lock);
    r->requests++;
    r->refused += !good;
    pthread_mutex_unlock(&r->lock);
    return good;
}

static void challenge(const struct http_request *request, struct http_reply *reply)
{
    const char *host = str_or_empty(http_request_header(request, "Host"));
    AUTO_FREE char *value =
        xasprintf("Bearer realm=\"http://%s/v2/token\",service=\"%s\"", host, host);
    registry_proxy_refuse(reply, 401, "UNAUTHENTICATED",
                          "Unauthenticated request. Unauthenticated "
                          "requests do not have permission.");
    http_reply_header(reply, "Www-Authenticate", value);
}

void artifact_registry_token(void *ctx, const struct http_request *request,
                             struct http_reply *reply)
{
    struct artifact_registry *r = ctx;
    char principal[256], token[ACCESS_TOKEN_MAX];
    AUTO_FREE char *password = basic_password(request);
    if (!token_store_find(r->gcp->tokens, password, principal)) {
        registry_proxy_refuse(reply, 403, "DENIED", "Unauthenticated request.");
        return;
    }
    token_store_issue(r->gcp->tokens, principal, REGISTRY_TOKEN_TTL_S, token);
    pthread_mutex_lock(&r->lock);
    r->issued++;
    pthread_mutex_unlock(&r->lock);
    admin_reply_json(reply, 200,
                     json_pack("{s:s, s:i}", "token", token, "expires_in", REGISTRY_TOKEN_TTL_S));
}

/* ---- requests ---- */

/* PROJECT/REPOSITORY/IMAGE…: the first two. */
static bool is_created(struct artifact_registry *r, const char *name)
{
    bool found = false;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->repositories.count && !found; i++) {
        size_t len = strlen(r->repositories.items[i]);
        found = !strncmp(name, r->repositories.items[i], len) && name[len] == '/';
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

void artifact_registry_request(void *ctx, const struct http_request *request,
                               struct http_reply *reply)
{
    struct artifact_registry *r = ctx;
    AUTO_FREE char *name = registry_proxy_repository(request->path);
    AUTO_FREE char *query = xasprintf("X-Goog-Signature=%s", r->signature);
    if (!authorized(r, request)) {
        challenge(request, reply);
    } else if (!name) { /* the base endpoint */
        http_reply_text(reply, 200, "application/json", "{}");
    } else if (!is_created(r, name)) {
        AUTO_FREE char *message = xasprintf("Repository of \"%s\" not found", name);
        registry_proxy_refuse(reply, 404, "NAME_UNKNOWN", message);
    } else if (registry_proxy_is_layer_get(request)) {
        registry_proxy_redirect(request, LAYER_PREFIX, query, reply);
    } else {
        registry_proxy_forward(r->upstream, request, request->path, request->query, reply);
    }
}

void artifact_registry_layer(void *ctx, const struct http_request *request,
                             struct http_reply *reply)
{
    struct artifact_registry *r = ctx;
    AUTO_FREE char *wanted = xasprintf("X-Goog-Signature=%s", r->signature);
    if (http_request_header(request, "Authorization") || strcmp(request->query, wanted) != 0)
        http_reply_text(reply, 403, "application/xml",
                        "<Error><Code>SignatureDoesNotMatch</Code></Error>");
    else
        registry_proxy_forward(r->upstream, request, request->path + strlen(LAYER_PREFIX), "",
                               reply);
}

/* ---- repositories ---- */

bool artifact_registry_has(struct artifact_registry *r, const char *repository)
{
    AUTO_FREE char *below = xasprintf("%s/", repository);
    return is_created(r, below);
}

bool artifact_registry_add(struct artifact_registry *r, const char *repository)
{
    pthread_mutex_lock(&r->lock);
    bool room = r->repositories.count < ARTIFACT_REPOSITORIES_MAX;
    if (room)
        strv_push(&r->repositories, repository);
    pthread_mutex_unlock(&r->lock);
    return room;
}

bool artifact_registry_remove(struct artifact_registry *r, const char *repository)
{
    bool found = false;
    pthread_mutex_lock(&r->lock);
    struct strv kept = STRV_INIT;
    for (size_t i = 0; i < r->repositories.count; i++) {
        bool it = !strcmp(r->repositories.items[i], repository);
        found = found || it;
        if (!it)
            strv_push(&kept, r->repositories.items[i]);
    }
    strv_free(&r->repositories);
    r->repositories = kept;
    pthread_mutex_unlock(&r->lock);
    return found;
}

json_t *artifact_registry_list(struct artifact_registry *r)
{
    json_t *names = json_array();
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->repositories.count; i++)
        json_array_append_new(names, value_text(r->repositories.items[i]));
    pthread_mutex_unlock(&r->lock);
    return names;
}

/* ---- for tests ---- */

static bool name_valid(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash && slash > name && slash[1] && !strchr(slash + 1, '/') && strlen(name) < 128 &&
           value_only(name, "/-_.:");
}

void artifact_registry_admin(void *ctx, const struct http_request *request,
                             struct http_reply *reply)
{
    struct artifact_registry *r = ctx;
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    const char *create = value_string(body, "create");
    if (name_valid(create) && !artifact_registry_has(r, create))
        (void)artifact_registry_add(r, create);
    json_decref(body);
    json_t *names = artifact_registry_list(r);
    pthread_mutex_lock(&r->lock);
    json_t *out = json_pack("{s:o, s:I, s:I, s:I}", "repositories", names, "tokensIssued",
                            (json_int_t)r->issued, "requests", (json_int_t)r->requests, "refused",
                            (json_int_t)r->refused);
    pthread_mutex_unlock(&r->lock);
    admin_reply_json(reply, 200, out);
}
