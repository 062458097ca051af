/* SPDX-License-Identifier: Apache-2.0
 * Registry forwarding; see registry_proxy.h. */
#include "test/sim/http/registry_proxy.h"

#include "base/alloc.h"
#include "base/str.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

void registry_proxy_refuse(struct http_reply *reply, int status, const char *code,
                           const char *message)
{
    json_t *body = json_pack("{s:[{s:s, s:s}]}", "errors", "code", code, "message", message);
    AUTO_FREE char *text = json_dumps(body, JSON_COMPACT);
    http_reply_text(reply, status, "application/json", text ? text : "{}");
    json_decref(body);
}

char *registry_proxy_repository(const char *path)
{
    static const char *const kinds[] = {"/manifests/", "/blobs/", "/tags/"};
    const char *name = path + strlen("/v2/"), *end = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !end; i++)
        end = strstr(name, kinds[i]);
    return end && end > name ? xstrndup(name, (size_t)(end - name)) : NULL;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct http_reply *reply = user;
    if (reply->body.len + size * count > REGISTRY_PROXY_BODY_MAX)
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
void registry_proxy_forward(const char *upstream, const struct http_request *request,
                            const char *path, const char *query, struct http_reply *reply)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = request_headers(request);
    AUTO_FREE char *url =
        xasprintf("%s%s%s%s", str_or_empty(upstream), path, *query ? "?" : "", query);
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
        registry_proxy_refuse(reply, 500, "INTERNAL",
                              "the registry behind the simulated one does not answer");
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

bool registry_proxy_is_layer_get(const struct http_request *request)
{
    return !strcmp(request->method, "GET") && strstr(request->path, "/blobs/sha256:");
}

void registry_proxy_redirect(const struct http_request *request, const char *prefix,
                             const char *query, struct http_reply *reply)
{
    const char *host = str_or_empty(http_request_header(request, "Host"));
    const char *port = strrchr(host, ':');
    AUTO_FREE char *location =
        xasprintf("http://localhost%s%s%s?%s", str_or_empty(port), prefix, request->path, query);
    http_reply_text(reply, 307, "text/plain", "");
    http_reply_header(reply, "Location", location);
}
