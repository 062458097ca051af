/* SPDX-License-Identifier: Apache-2.0
 * Registry v2 client; see registry.h. Anonymous, with a bearer token when the registry asks. */
#include "test/sim/host/registry.h"

#include "base/alloc.h"
#include "base/str.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MANIFEST_MAX = 4 * 1024 * 1024 };

#define ACCEPT_MANIFESTS                                                                           \
    "Accept: application/vnd.oci.image.index.v1+json, "                                            \
    "application/vnd.oci.image.manifest.v1+json, "                                                 \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                  \
    "application/vnd.docker.distribution.manifest.v2+json"

struct registry {
    CURL *curl;
    char *base_url, *repository;
    char *token;     /* bearer, once asked for */
    char *challenge; /* the last WWW-Authenticate */
};

/* Where a body goes: memory or a file, hashed on the way. */
struct sink {
    struct buf *memory;
    int fd;
    size_t max;
    EVP_MD_CTX *hash;
};

struct registry *registry_open(const char *base_url, const char *repository)
{
    struct registry *r = NEW(struct registry);
    r->curl = curl_easy_init();
    if (!r->curl)
        abort();
    r->base_url = xstrdup(base_url);
    r->repository = xstrdup(repository);
    return r;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    curl_easy_cleanup(r->curl);
    free(r->base_url);
    free(r->repository);
    free(r->token);
    free(r->challenge);
    free(r);
}

static int write_file(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct sink *sink = user;
    size_t len = size * count;
    EVP_DigestUpdate(sink->hash, data, len);
    if (sink->memory) {
        if (sink->memory->len + len > sink->max)
            return 0;
        buf_append(sink->memory, data, len);
        return len;
    }
    return write_file(sink->fd, data, len) ? 0 : len;
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    struct registry *r = user;
    size_t len = size * count;
    static const char name[] = "www-authenticate:";
    if (len > sizeof name && !strncasecmp(data, name, sizeof name - 1)) {
        free(r->challenge);
        r->challenge = xstrndup(data + sizeof name - 1, len - sizeof name + 1);
    }
    return len;
}

/* One GET. Returns the HTTP status, -1 when there is no answer; the sink is rewound by callers. */
static long get(struct registry *r, const char *url, const char *accept, struct sink *sink,
                struct error *err)
{
    struct curl_slist *headers = accept ? curl_slist_append(NULL, accept) : NULL;
    if (r->token) {
        AUTO_FREE char *authorization = xasprintf("Authorization: Bearer %s", r->token);
        headers = curl_slist_append(headers, authorization);
    }
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_reset(r->curl);
    curl_easy_setopt(r->curl, CURLOPT_URL, url);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(r->curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode rc = curl_easy_perform(r->curl);
    curl_slist_free_all(headers);
    if (rc != CURLE_OK)
        return error_set(err, ERROR_UNAVAILABLE, "GET %s: %s", url,
                         *detail ? detail : curl_easy_strerror(rc));
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* key="value" of a challenge; heap or NULL. */
static char *challenge_value(const char *challenge, const char *key)
{
    AUTO_FREE char *pattern = xasprintf("%s=\"", key);
    const char *at = strstr(challenge, pattern);
    if (!at)
        return NULL;
    at += strlen(pattern);
    return xstrndup(at, strcspn(at, "\""));
}

/* Distribution's token flow; true when there is a new token to try. */
static bool fetch_token(struct registry *r)
{
    if (!r->challenge || !strcasestr(r->challenge, "bearer") || r->token)
        return false;
    AUTO_FREE char *realm = challenge_value(r->challenge, "realm");
    AUTO_FREE char *service = challenge_value(r->challenge, "service");
    if (!realm)
        return false;
    AUTO_FREE char *url = xasprintf("%s?service=%s&scope=repository:%s:pull", realm,
                                    str_or_empty(service), r->repository);
    struct buf body = BUF_INIT;
    struct sink sink = {.memory = &body, .max = MANIFEST_MAX, .hash = EVP_MD_CTX_new()};
    EVP_DigestInit_ex(sink.hash, EVP_sha256(), NULL);
    struct error ignored;
    if (get(r, url, NULL, &sink, &ignored) == 200) {
        json_t *answer = json_loadb(body.data, body.len, 0, NULL);
        const char *token = json_string_value(json_object_get(answer, "token"));
        if (!token)
            token = json_string_value(json_object_get(answer, "access_token"));
        if (token)
            r->token = xstrdup(token);
        json_decref(answer);
    }
    EVP_MD_CTX_free(sink.hash);
    buf_free(&body);
    return r->token != NULL;
}

/* GET with one retry for a token; the sink's content is the final answer's. */
static int fetch(struct registry *r, const char *url, const char *accept, struct sink *sink,
                 char digest_out[72], struct error *err)
{
    long status;
    sink->hash = EVP_MD_CTX_new();
    do {
        EVP_DigestInit_ex(sink->hash, EVP_sha256(), NULL);
        if (sink->memory)
            buf_clear(sink->memory);
        else if (ftruncate(sink->fd, 0) || lseek(sink->fd, 0, SEEK_SET))
            status = -1;
        status = get(r, url, accept, sink, err);
    } while (status == 401 && fetch_token(r));
    unsigned char hash[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(sink->hash, hash, NULL);
    EVP_MD_CTX_free(sink->hash);
    memcpy(digest_out, "sha256:", 7);
    hex_encode(hash, 32, digest_out + 7);
    if (status < 0)
        return -1;
    if (status == 404)
        return error_set(err, ERROR_NOT_FOUND, "not found");
    if (status == 401 || status == 403)
        return error_set(err, ERROR_FORBIDDEN,
                         "pull access denied, repository does not exist or may require "
                         "authorization");
    if (status != 200)
        return error_set(err, ERROR_UNAVAILABLE, "GET %s: unexpected status code %ld", url, status);
    return 0;
}

int registry_manifest(struct registry *r, const char *tag_or_digest, struct buf *out,
                      char digest_out[72], struct error *err)
{
    AUTO_FREE char *url =
        xasprintf("%s/v2/%s/manifests/%s", r->base_url, r->repository, tag_or_digest);
    struct sink sink = {.memory = out, .max = MANIFEST_MAX};
    if (fetch(r, url, ACCEPT_MANIFESTS, &sink, digest_out, err))
        return -1;
    if (str_starts(tag_or_digest, "sha256:") && strcmp(tag_or_digest, digest_out))
        return error_set(err, ERROR_SYSTEM, "manifest %s has digest %s", tag_or_digest, digest_out);
    return 0;
}

static int blob(struct registry *r, const char *digest, struct sink *sink, struct error *err)
{
    char actual[72];
    if (!str_starts(digest, "sha256:") || strlen(digest) != 71 || !str_is_hex(digest + 7, 64))
        return error_set(err, ERROR_INVALID_PARAMETER, "unsupported digest %.80s", digest);
    AUTO_FREE char *url = xasprintf("%s/v2/%s/blobs/%s", r->base_url, r->repository, digest);
    if (fetch(r, url, NULL, sink, actual, err))
        return error_wrap(err, "blob %s", digest);
    if (strcmp(actual, digest))
        return error_set(err, ERROR_SYSTEM, "blob %s: failed verification, content is %s", digest,
                         actual);
    return 0;
}

int registry_blob(struct registry *r, const char *digest, struct buf *out, struct error *err)
{
    struct sink sink = {.memory = out, .max = MANIFEST_MAX};
    return blob(r, digest, &sink, err);
}

int registry_blob_to_file(struct registry *r, const char *digest, const char *path,
                          struct error *err)
{
    struct sink sink = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (sink.fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "create %s", path);
    int rc = blob(r, digest, &sink, err);
    close(sink.fd);
    if (rc)
        unlink(path);
    return rc;
}
