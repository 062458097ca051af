/* SPDX-License-Identifier: Apache-2.0
 * ECR's registry endpoint; see ecr_registry.h. */
#include "test/sim/aws/ecr_registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"

#include <curl/curl.h>
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
    aws_random_hex(r->signature, 32);
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
    aws_random_hex(password, 64);
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

static void refuse(struct http_reply *reply, int status, const char *code, const char *message)
{
    json_t *body = json_pack("{s:[{s:s, s:s}]}", "errors", "code", code, "message", message);
    AUTO_FREE char *text = json_dumps(body, JSON_COMPACT);
    http_reply_text(reply, status, "application/json", text ? text : "{}");
    json_decref(body);
}

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
    expired = found && found->expires_ms <= aws_now_ms();
    r->requests++;
    r->refused += !found || expired;
    pthread_mutex_unlock(&r->lock);
    if (expired)
        refuse(reply, 403, "DENIED",
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

/* "/v2/team/app/blobs/…" → "team/app"; NULL when the path names no repository. */
static char *repository_of(const char *path)
{
    static const char *const kinds[] = {"/manifests/", "/blobs/", "/tags/"};
    const char *name = path + strlen("/v2/"), *end = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !end; i++)
        end = strstr(name, kinds[i]);
    return end && end > name ? xstrndup(name, (size_t)(end - name)) : NULL;
}

/* ---- forwarding ---- */

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct http_reply *reply = user;
    if (reply->body.len + size * count > ECR_BODY_MAX)
        return 0;
    buf_append(&reply->body, data, size * count);
    return size * count;
}

/* What a registry's client looks at. Static names: the reply keeps them. */
static const char *const passed_back[] = {"Location",      "Docker-Content-Digest", "Range",
                                          "Content-Range", "Docker-Upload-UUID",    "Link"};
static const char *const passed_on[] = {"Accept", "Content-Type", "Content-Range", "Range", "Host"};
static const char *const content_types[] = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
    "application/octet-stream"};

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    struct http_reply *reply = user;
    size_t len = size * count;
    AUTO_FREE char *line = xstrndup(data, len);
    line[strcspn(line, "\r\n")] = '\0';
    char *value = strstr(line, ": ");
    if (!value)
        return len;
    *value = '\0';
    value += 2;
    for (size_t i = 0; i < ARRAY_LEN(passed_back); i++)
        if (!strcasecmp(line, passed_back[i]))
            http_reply_header(reply, passed_back[i], value);
    for (size_t i = 0; i < ARRAY_LEN(content_types); i++)
        if (!strcasecmp(line, "Content-Type") && !strcmp(value, content_types[i]))
            reply->content_type = content_types[i];
    return len;
}

static struct curl_slist *request_headers(const struct http_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
        const char *value = http_request_header(request, passed_on[i]);
        AUTO_FREE char *line = xasprintf("%s: %s", passed_on[i], str_or_empty(value));
        if (value)
            list = curl_slist_append(list, line);
    }
    return list;
}

/* A HEAD goes on as a GET: so the length is known, and the server leaves the body out. */
static void forward(struct ecr_registry *r, const struct http_request *request, const char *path,
                    const char *query, struct http_reply *reply)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = request_headers(request);
    AUTO_FREE char *url =
        xasprintf("%s%s%s%s", str_or_empty(r->upstream), path, *query ? "?" : "", query);
    bool is_head = !strcmp(request->method, "HEAD");
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(request->method, "GET") && !is_head) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status)
        reply->status = (int)status;
    else
        refuse(reply, 500, "INTERNAL", "the registry behind the simulated ECR does not answer");
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

static bool is_layer_get(const struct http_request *request)
{
    return !strcmp(request->method, "GET") && strstr(request->path, "/blobs/sha256:");
}

/* Another host name than the registry's: what is meant for that one must not follow. */
static void redirect_to_layer(const struct ecr_registry *r, const struct http_request *request,
                              struct http_reply *reply)
{
    const char *host = str_or_empty(http_request_header(request, "Host"));
    const char *port = strrchr(host, ':');
    AUTO_FREE char *location = xasprintf("http://localhost%s/_sim/ecr/layers%s?X-Amz-Signature=%s",
                                         str_or_empty(port), request->path, r->signature);
    http_reply_text(reply, 307, "text/plain", "");
    http_reply_header(reply, "Location", location);
}

void ecr_registry_request(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct ecr_registry *r = ctx;
    if (!authorized(r, request, reply))
        return;
    AUTO_FREE char *repository = repository_of(request->path);
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
        refuse(reply, 404, "NAME_UNKNOWN", message);
        return;
    }
    if (is_layer_get(request))
        redirect_to_layer(r, request, reply);
    else
        forward(r, request, request->path,
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
        forward(r, request, request->path + strlen("/_sim/ecr/layers"), "", reply);
}

/* ---- for tests ---- */

static json_t *counters(struct ecr_registry *r)
{
    json_t *names = json_array();
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->repositories.count; i++)
        json_array_append_new(names, aws_text(r->repositories.items[i]));
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
    const char *create = aws_string(body, "create");
    if (*create)
        ecr_registry_create(r, create);
    if (aws_bool(body, "expireTokens", false)) {
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
