/* SPDX-License-Identifier: Apache-2.0
 * ECR's registry endpoint; see ecr_registry.h. */
#include "test/sim/aws/ecr_registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"
#include "test/sim/http/registry_proxy.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { TOKENS_MAX = 256 };

struct token {
    char *basic; /* base64 of AWS:password */
    int64_t expires_ms;
};

struct ecr_registry {
    pthread_mutex_t lock;
    char *upstream, *account, *region;
    char signature[33];              /* of layer URLs */
    struct token tokens[TOKENS_MAX]; /* a ring */
    size_t next_token;
    struct strv repositories;
    long issued, requests, refused;
};

struct ecr_registry *ecr_registry_new(const char *upstream, const char *account, const char *region)
{
    struct ecr_registry *r = NEW(struct ecr_registry);
    pthread_mutex_init(&r->lock, NULL);
    r->upstream = upstream ? xstrdup(upstream) : NULL;
    r->account = xstrdup(account);
    r->region = xstrdup(region);
    value_random_hex(r->signature, 32);
    return r;
}

void ecr_registry_free(struct ecr_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < TOKENS_MAX; i++)
        free(r->tokens[i].basic);
    strv_free(&r->repositories);
    free(r->upstream);
    free(r->account);
    free(r->region);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

char *ecr_registry_issue(struct ecr_registry *r, int64_t expires_ms)
{
    char password[65];
    value_random_hex(password, 64);
    char *pair = xasprintf("AWS:%s", password);
    pthread_mutex_lock(&r->lock);
    struct token *t = &r->tokens[r->next_token++ % TOKENS_MAX];
    free(t->basic);
    t->basic = base64_encode(pair, strlen(pair));
    t->expires_ms = expires_ms;
    r->issued++;
    pthread_mutex_unlock(&r->lock);
    return pair;
}

static bool is_created(const struct ecr_registry *r, const char *repository)
{
    for (size_t i = 0; i < r->repositories.count; i++)
        if (!strcmp(r->repositories.items[i], repository))
            return true;
    return false;
}

bool ecr_registry_create(struct ecr_registry *r, const char *repository)
{
    pthread_mutex_lock(&r->lock);
    bool created = !is_created(r, repository) && r->repositories.count < ECR_REPOSITORIES_MAX;
    if (created)
        strv_push_owned(&r->repositories, xstrdup(repository));
    pthread_mutex_unlock(&r->lock);
    return created;
}

/* ---- who may, and where ---- */

static bool authorized(struct ecr_registry *r, const struct http_request *request,
                       struct http_reply *reply)
{
    const char *value = str_or_empty(http_request_header(request, "Authorization"));
    const char *basic = strncasecmp(value, "Basic ", 6) ? "" : value + 6;
    const struct token *found = NULL;
    bool expired = false;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < TOKENS_MAX && !found; i++)
        if (r->tokens[i].basic && !strcmp(r->tokens[i].basic, basic))
            found = &r->tokens[i];
    expired = found && found->expires_ms <= value_now_ms();
    r->requests++;
    r->refused += !found || expired;
    pthread_mutex_unlock(&r->lock);
    if (expired)
        registry_proxy_refuse(
            reply, 403, "DENIED",
            "Your authorization token has expired. Reauthenticate and try again.");
    if (found)
        return !expired;
    http_reply_text(reply, 401, "text/plain", "Not Authorized\n");
    AUTO_FREE char *challenge = xasprintf("Basic realm=\"https://%s.dkr.ecr.%s.amazonaws.com/\","
                                          "service=\"ecr.amazonaws.com\"",
                                          r->account, r->region);
    http_reply_header(reply, "Www-Authenticate", challenge);
    return false;
}

static void redirect_to_layer(const struct ecr_registry *r, const struct http_request *request,
                              struct http_reply *reply)
{
    AUTO_FREE char *query = xasprintf("X-Amz-Signature=%s", r->signature);
    registry_proxy_redirect(request, "/_sim/ecr/layers", query, reply);
}

void ecr_registry_request(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct ecr_registry *r = ctx;
    if (!authorized(r, request, reply))
        return;
    AUTO_FREE char *repository = registry_proxy_repository(request->path);
    if (!repository) { /* the base endpoint */
        http_reply_text(reply, 200, "application/json", "{}");
        return;
    }
    pthread_mutex_lock(&r->lock);
    bool created = is_created(r, repository);
    pthread_mutex_unlock(&r->lock);
    if (!created) {
        AUTO_FREE char *message =
            xasprintf("The repository with name '%s' does not exist in the registry with id '%s'",
                      repository, r->account);
        registry_proxy_refuse(reply, 404, "NAME_UNKNOWN", message);
        return;
    }
    if (registry_proxy_is_layer_get(request))
        redirect_to_layer(r, request, reply);
    else
        registry_proxy_forward(r->upstream, request, request->path,
                               str_starts(request->query, "mount=") ? "" : request->query, reply);
}

void ecr_registry_layer(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct ecr_registry *r = ctx;
    AUTO_FREE char *wanted = xasprintf("X-Amz-Signature=%s", r->signature);
    if (http_request_header(request, "Authorization"))
        http_reply_text(reply, 400, "application/xml",
                        "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism "
                        "allowed</Message></Error>");
    else if (strcmp(request->query, wanted))
        http_reply_text(reply, 403, "application/xml",
                        "<Error><Code>SignatureDoesNotMatch</Code></Error>");
    else
        registry_proxy_forward(r->upstream, request, request->path + strlen("/_sim/ecr/layers"), "",
                               reply);
}

/* ---- for tests ---- */

static json_t *counters(struct ecr_registry *r)
{
    json_t *names = json_array();
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->repositories.count; i++)
        json_array_append_new(names, value_text(r->repositories.items[i]));
    json_t *out = json_pack("{s:o, s:I, s:I, s:I}", "repositories", names, "tokensIssued",
                            (json_int_t)r->issued, "requests", (json_int_t)r->requests, "refused",
                            (json_int_t)r->refused);
    pthread_mutex_unlock(&r->lock);
    return out;
}

void ecr_registry_admin(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct ecr_registry *r = ctx;
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    const char *create = value_string(body, "create");
    if (*create)
        ecr_registry_create(r, create);
    if (value_bool(body, "expireTokens", false)) {
        pthread_mutex_lock(&r->lock);
        for (size_t i = 0; i < TOKENS_MAX; i++)
            r->tokens[i].expires_ms = 0;
        pthread_mutex_unlock(&r->lock);
    }
    json_decref(body);
    json_t *out = counters(r);
    AUTO_FREE char *text = json_dumps(out, JSON_INDENT(2));
    http_reply_text(reply, 200, "application/json", text ? text : "{}");
    json_decref(out);
}
