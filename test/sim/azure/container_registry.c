/* SPDX-License-Identifier: Apache-2.0
 * Azure Container Registry's endpoint (Azure/acr, docs/AAD-OAuth.md); see container_registry.h. */
#include "test/sim/azure/container_registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/directory.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"
#include "test/sim/http/journal.h"
#include "test/sim/http/registry_proxy.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Who logs in with a refresh token as password. */
#define TOKEN_USER "00000000-0000-0000-0000-000000000000"
#define LAYER_PREFIX "/_sim/registry/layers"
enum { REFRESH_TTL_S = 3 * 3600, ACCESS_TTL_S = 75 * 60, SCOPES_MAX = 16 };

struct container_registry {
    struct azure *azure;
    struct container_registry_options options;
    pthread_mutex_t lock;
    char signature[33]; /* of layer URLs */
    long issued, requests, refused;
};

struct container_registry *container_registry_new(struct azure *azure,
                                                  const struct container_registry_options *options)
{
    struct container_registry *r = NEW(struct container_registry);
    r->azure = azure;
    r->options = *options;
    pthread_mutex_init(&r->lock, NULL);
    value_random_hex(r->signature, 32);
    return r;
}

void container_registry_free(struct container_registry *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- logins ---- */

static bool is_admin(const struct container_registry *r, const char *user, const char *password)
{
    size_t len = strcspn(r->options.server, ".");
    return r->options.password && strlen(user) == len &&
           !strncasecmp(user, r->options.server, len) &&
           str_equal_secret(r->options.password, password);
}

/* A refresh token of this registry. */
static bool is_refresh_token(struct container_registry *r, const char *token)
{
    char principal[64];
    json_t *claims;
    directory_check(r->azure->directory, token, r->options.server, principal, &claims);
    bool good = !strcmp(value_string(claims, "grant_type"), "refresh_token");
    json_decref(claims);
    return good;
}

static bool login_fits(struct container_registry *r, const char *user, const char *password)
{
    return is_admin(r, user, password) ||
           (!strcmp(user, TOKEN_USER) && is_refresh_token(r, password));
}

static bool basic_fits(struct container_registry *r, const struct http_request *request)
{
    AUTO_FREE char *pair = form_basic(request);
    char *colon = strchr(pair, ':');
    if (!colon)
        return false;
    *colon = '\0';
    return login_fits(r, pair, colon + 1);
}

static const json_t *find_registry(const json_t *configuration, const char *server)
{
    size_t i;
    json_t *registry;
    json_array_foreach(
        json_object_get(configuration, "registries"), i,
        registry) if (!strcasecmp(value_string(registry, "server"), server)) return registry;
    return NULL;
}

static const char *find_secret(const json_t *configuration, const char *name)
{
    size_t i;
    json_t *secret;
    json_array_foreach(json_object_get(configuration, "secrets"), i,
                       secret) if (!strcmp(value_string(secret, "name"),
                                           name)) return value_string(secret, "value");
    return "";
}

bool container_registry_may_pull(struct container_registry *r, const char *image,
                                 const json_t *configuration, struct error *err)
{
    size_t len = strlen(r->options.server);
    if (strncasecmp(image, r->options.server, len) != 0 || image[len] != '/')
        return true;
    const json_t *registry = find_registry(configuration, r->options.server);
    const char *password = find_secret(configuration, value_string(registry, "passwordSecretRef"));
    if (*value_string(registry, "identity") ||
        login_fits(r, value_string(registry, "username"), password))
        return true;
    error_set(err, ERROR_FORBIDDEN,
              "failed to pull %s: UNAUTHORIZED: authentication required, visit "
              "https://aka.ms/acr/authorization for more information.",
              image);
    return false;
}

/* ---- tokens ---- */

static void refuse(struct container_registry *r, int status, const char *message,
                   struct http_reply *reply)
{
    pthread_mutex_lock(&r->lock);
    r->refused++;
    pthread_mutex_unlock(&r->lock);
    registry_proxy_refuse(reply, status, status == 403 ? "DENIED" : "UNAUTHORIZED", message);
}

/* Counts the call and applies a fault; true when the fault has answered. */
static bool begin(struct container_registry *r, const char *operation, struct http_reply *reply)
{
    struct fault f = {0};
    call_counts_add(r->azure->counts, "acr", operation);
    if (!fault_list_take(r->azure->faults, "acr", operation, &f))
        return false;
    if (f.kind == FAULT_LATENCY || f.kind == FAULT_TIMEOUT)
        fault_delay(&r->azure->closing, f.latency_ms ? f.latency_ms : 60000);
    if (f.kind == FAULT_LATENCY)
        return false;
    reply->drop =
        f.kind == FAULT_TIMEOUT || f.kind == FAULT_DROP_CONNECTION || f.kind == FAULT_LOST_ANSWER;
    int kinds_own = f.kind == FAULT_THROTTLE ? 429 : f.kind == FAULT_ACCESS_DENIED ? 403 : 503;
    registry_proxy_refuse(
        reply, f.status ? f.status : kinds_own,
        fault_text(f.code, f.kind == FAULT_THROTTLE ? "TOOMANYREQUESTS" : "UNAVAILABLE"),
        fault_text(f.message, "try again later"));
    return true;
}

static bool service_fits(struct container_registry *r, const char *service,
                         struct http_reply *reply)
{
    if (!strcasecmp(service, r->options.server))
        return true;
    refuse(r, 400, "service is missing or is not this registry", reply);
    return false;
}

static void issue(struct container_registry *r, const char *kind, const json_t *access, long ttl_s,
                  struct http_reply *reply)
{
    json_t *more = json_pack("{s:s}", "grant_type", kind);
    if (access)
        json_object_set(more, "access", (json_t *)access);
    AUTO_FREE char *token =
        directory_issue(r->azure->directory, r->options.server, "registry", ttl_s, more);
    json_decref(more);
    pthread_mutex_lock(&r->lock);
    r->issued++;
    pthread_mutex_unlock(&r->lock);
    json_t *out = json_pack("{s:s}", kind, token);
    AUTO_FREE char *text = json_dumps(out, JSON_COMPACT);
    journal_write(r->azure->journal, "acr", kind, NULL, 200, text);
    admin_reply_json(reply, 200, out);
}

void container_registry_exchange(void *ctx, const struct http_request *request,
                                 struct http_reply *reply)
{
    struct container_registry *r = ctx;
    char principal[64];
    if (begin(r, "exchange", reply))
        return;
    json_t *form = form_parse(request->body);
    const char *token = value_string(form, "access_token"), *tenant = value_string(form, "tenant");
    if (strcmp(value_string(form, "grant_type"), "access_token") != 0)
        refuse(r, 400, "grant_type must be access_token", reply);
    else if (!service_fits(r, value_string(form, "service"), reply))
        ;
    else if (*tenant && strcasecmp(tenant, r->azure->tenant) != 0)
        refuse(r, 401, "the tenant is not that of the registry", reply);
    else if (directory_check(r->azure->directory, token, DIRECTORY_ARM, principal, NULL) !=
                 TOKEN_GOOD &&
             directory_check(r->azure->directory, token, "https://containerregistry.azure.net",
                             principal, NULL) != TOKEN_GOOD)
        refuse(r, 401, "AAD access token is not valid for this registry", reply);
    else
        issue(r, "refresh_token", NULL, REFRESH_TTL_S, reply);
    json_decref(form);
}

/* "repository:team/app:pull,push …" → [{type, name, actions}]; NULL when the text has another form.
 */
static json_t *access_of_scope(const char *scope)
{
    json_t *access = json_array();
    while (*scope && json_array_size(access) < SCOPES_MAX) {
        size_t len = strcspn(scope, " ");
        AUTO_FREE char *one = xstrndup(scope, len);
        char *name = strchr(one, ':'), *actions = strrchr(one, ':');
        if (!name || actions == name) {
            json_decref(access);
            return NULL;
        }
        *name++ = *actions++ = '\0';
        json_array_append_new(
            access, json_pack("{s:s, s:s, s:s}", "type", one, "name", name, "actions", actions));
        scope += len + strspn(scope + len, " ");
    }
    return access;
}

static bool grant_fits(struct container_registry *r, const struct http_request *request,
                       const json_t *form)
{
    const char *grant = value_string(form, "grant_type");
    if (!strcmp(request->method, "GET"))
        return basic_fits(r, request);
    if (!strcmp(grant, "refresh_token"))
        return is_refresh_token(r, value_string(form, "refresh_token"));
    return !strcmp(grant, "password") &&
           login_fits(r, value_string(form, "username"), value_string(form, "password"));
}

void container_registry_token(void *ctx, const struct http_request *request,
                              struct http_reply *reply)
{
    struct container_registry *r = ctx;
    if (begin(r, "token", reply))
        return;
    json_t *form = form_parse(!strcmp(request->method, "GET") ? request->query : request->body);
    json_t *access = access_of_scope(value_string(form, "scope"));
    if (!access)
        refuse(r, 400, "the scope is not valid", reply);
    else if (!service_fits(r, value_string(form, "service"), reply))
        ;
    else if (grant_fits(r, request, form))
        issue(r, "access_token", access, ACCESS_TTL_S, reply);
    else
        refuse(r, 401,
               "authentication required, visit https://aka.ms/acr/authorization for more "
               "information.",
               reply);
    json_decref(access);
    json_decref(form);
}

/* ---- requests ---- */

static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (; *list; list += strspn(list, ",")) {
        size_t n = strcspn(list, ",");
        if ((n == len && !strncmp(list, word, n)) || (n == 1 && *list == '*'))
            return true;
        list += n;
    }
    return false;
}

static bool covers(const json_t *access, const char *repository, const char *action)
{
    size_t i;
    json_t *one;
    json_array_foreach(access, i,
                       one) if (!strcmp(value_string(one, "type"), "repository") &&
                                !strcmp(value_string(one, "name"), repository) &&
                                list_has(value_string(one, "actions"), action)) return true;
    return false;
}

static const char *action_of(const struct http_request *request)
{
    if (!strcmp(request->method, "GET") || !strcmp(request->method, "HEAD"))
        return "pull";
    return !strcmp(request->method, "DELETE") ? "delete" : "push";
}

/* repository NULL: the base endpoint. */
static bool authorized(struct container_registry *r, const struct http_request *request,
                       const char *repository)
{
    char principal[64];
    json_t *claims;
    if (basic_fits(r, request))
        return true;
    directory_check(r->azure->directory, form_bearer(request), r->options.server, principal,
                    &claims);
    bool good =
        !strcmp(value_string(claims, "grant_type"), "access_token") &&
        (!repository || covers(json_object_get(claims, "access"), repository, action_of(request)));
    json_decref(claims);
    return good;
}

static void challenge(struct container_registry *r, const struct http_request *request,
                      const char *repository, struct http_reply *reply)
{
    const char *host = str_or_empty(http_request_header(request, "Host"));
    const char *action = action_of(request);
    AUTO_FREE char *scope = repository
                                ? xasprintf(",scope=\"repository:%s:%s\"", repository,
                                            strcmp(action, "push") != 0 ? action : "pull,push")
                                : xstrdup("");
    AUTO_FREE char *value = xasprintf("Bearer realm=\"http://%s/oauth2/token\",service=\"%s\"%s",
                                      host, r->options.server, scope);
    refuse(r, 401,
           "authentication required, visit https://aka.ms/acr/authorization for more information.",
           reply);
    http_reply_header(reply, "Www-Authenticate", value);
}

void container_registry_request(void *ctx, const struct http_request *request,
                                struct http_reply *reply)
{
    struct container_registry *r = ctx;
    AUTO_FREE char *name = registry_proxy_repository(request->path);
    AUTO_FREE char *query = xasprintf("sig=%s", r->signature);
    pthread_mutex_lock(&r->lock);
    r->requests++;
    pthread_mutex_unlock(&r->lock);
    if (!authorized(r, request, name))
        challenge(r, request, name, reply);
    else if (!name) /* the base endpoint */
        http_reply_text(reply, 200, "application/json", "{}");
    else if (registry_proxy_is_layer_get(request))
        registry_proxy_redirect(request, LAYER_PREFIX, query, reply);
    else
        registry_proxy_forward(r->options.upstream, request, request->path, request->query, reply);
}

void container_registry_layer(void *ctx, const struct http_request *request,
                              struct http_reply *reply)
{
    struct container_registry *r = ctx;
    AUTO_FREE char *wanted = xasprintf("sig=%s", r->signature);
    if (http_request_header(request, "Authorization") || strcmp(request->query, wanted) != 0)
        http_reply_text(reply, 403, "application/xml",
                        "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>");
    else
        registry_proxy_forward(r->options.upstream, request, request->path + strlen(LAYER_PREFIX),
                               "", reply);
}

void container_registry_admin(void *ctx, const struct http_request *request,
                              struct http_reply *reply)
{
    struct container_registry *r = ctx;
    (void)request;
    pthread_mutex_lock(&r->lock);
    json_t *out = json_pack("{s:s, s:I, s:I, s:I}", "server", r->options.server, "tokensIssued",
                            (json_int_t)r->issued, "requests", (json_int_t)r->requests, "refused",
                            (json_int_t)r->refused);
    pthread_mutex_unlock(&r->lock);
    admin_reply_json(reply, 200, out);
}
