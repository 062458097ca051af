/* SPDX-License-Identifier: Apache-2.0
 *
 * Blobs of a repository, read: small ones at once, large ones piece by piece over connections that
 * may break; see registry_repo.h.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "oci/registry/registry_internal.h"
#include "oci/registry/registry_retry.h"

#include <stdio.h>
#include <string.h>

enum { SKIP_PIECE = 64 * 1024 };

int co_registry_blob_exists(struct registry_repo *r, const char *digest, bool *exists,
                            struct error *err)
{
    *exists = false;
    if (registry_digest_check(digest, err))
        return -1;
    char *url AUTO_FREE = registry_url(r, "blobs", digest);
    struct registry_call call = {.method = "HEAD", .url = url, .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err))
        return -1;
    *exists = res.status == 200;
    if (res.status == 200 || res.status == 404 || res.status == 405)
        return 0;
    return registry_refused(r, &res, err);
}

static int wrong_size(const char *digest, int64_t have, int64_t expected, struct error *err)
{
    return error_set(err, ERROR_SYSTEM,
                     "verification failed: blobs %.140s has %lld bytes instead of %lld", digest,
                     (long long)have, (long long)expected);
}

int co_registry_blob_get(struct registry_repo *r, const char *digest, int64_t size, size_t max,
                         struct arena *arena, void **bytes, size_t *len, struct error *err)
{
    if (registry_digest_check(digest, err))
        return -1;
    if (size > 0 && (uint64_t)size > max)
        return error_set(err, ERROR_TOO_LARGE, "blob %.140s is larger than %zu bytes", digest, max);
    char *url AUTO_FREE = registry_url(r, "blobs", digest);
    struct registry_call call = {.method = "GET", .url = url, .max = max, .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err))
        return -1;
    if (res.status != 200)
        return registry_refused(r, &res, err);
    if (size >= 0 && (uint64_t)size != res.body.len)
        return wrong_size(digest, (int64_t)res.body.len, size, err);
    const char *data = str_or_empty(res.body.data);
    if (digest_verify(digest, data, res.body.len, err))
        return -1;
    *len = res.body.len;
    *bytes = arena_strndup(arena, data, res.body.len);
    return 0;
}

/* ---- piece by piece ---- */

struct registry_blob {
    struct registry_repo *repo;
    char digest[DIGEST_MAX];
    char *url;
    int64_t size;   /* -1: unknown */
    int64_t offset; /* handed out */
    int tries;      /* connections begun */
    bool complete;
    struct http_stream *stream; /* NULL: broken, or over */
    struct digest_check check;
};

static int co_skip(struct registry_blob *b, int64_t bytes, struct error *err)
{
    char *piece AUTO_FREE = xmalloc(SKIP_PIECE);
    while (bytes > 0) {
        size_t got = 0;
        size_t want = bytes < SKIP_PIECE ? (size_t)bytes : SKIP_PIECE;
        if (co_http_stream_read(b->stream, piece, want, &got, err))
            return -1;
        if (got == 0)
            return wrong_size(b->digest, b->offset - bytes, b->offset, err);
        bytes -= (int64_t)got;
    }
    return 0;
}

/* The answer to a request from b->offset on: 206 begins there, 200 at the beginning. */
static int co_check_start(struct registry_blob *b, struct error *err)
{
    const struct http_response *res = http_stream_response(b->stream);
    if (res->status == 200) {
        const char *length = http_response_header(res, "Content-Length");
        int64_t announced;
        if (b->size >= 0 && length && str_to_i64(length, &announced) && announced != b->size)
            return wrong_size(b->digest, announced, b->size, err);
        return co_skip(b, b->offset, err);
    }
    char expected[64];
    const char *range = str_or_empty(http_response_header(res, "Content-Range"));
    snprintf(expected, sizeof expected, "bytes %lld-", (long long)b->offset);
    if (str_starts(range, expected))
        return 0;
    return error_set(err, ERROR_SYSTEM,
                     "registry %s: asked for a blob from byte %lld on, got %.60s",
                     b->repo->endpoint.host, (long long)b->offset, range);
}

static int co_blob_connect(struct registry_blob *b, struct error *err)
{
    char range[64];
    const char *headers[] = {b->offset ? range : NULL, NULL};
    snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)b->offset);
    struct registry_call call = {
        .method = "GET", .url = b->url, .headers = headers, .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    b->tries++;
    if (co_registry_call_stream(b->repo, &call, &b->stream, &res, err))
        return -1;
    if (!b->stream)
        return registry_refused(b->repo, &res, err);
    return co_check_start(b, err);
}

int co_registry_blob_open(struct registry_repo *r, const char *digest, int64_t size,
                          struct registry_blob **out, struct error *err)
{
    if (registry_digest_check(digest, err))
        return -1;
    struct registry_blob *b = NEW(struct registry_blob);
    b->repo = r;
    b->size = size;
    b->url = registry_url(r, "blobs", digest);
    snprintf(b->digest, sizeof b->digest, "%s", digest);
    if (digest_check_open(&b->check, digest, err) || co_blob_connect(b, err)) {
        registry_blob_close(b);
        return -1;
    }
    *out = b;
    return 0;
}

static void blob_disconnect(struct registry_blob *b)
{
    http_stream_close(b->stream);
    b->stream = NULL;
}

static int blob_finish(struct registry_blob *b, struct error *err)
{
    if (b->size >= 0 && b->offset != b->size)
        return wrong_size(b->digest, b->offset, b->size, err);
    if (digest_check_end(&b->check, err))
        return -1;
    b->complete = true;
    blob_disconnect(b);
    return 0;
}

static int co_blob_more(struct registry_blob *b, void *out, size_t max, size_t *got,
                        struct error *err)
{
    if (!b->stream && co_blob_connect(b, err))
        return -1;
    return co_http_stream_read(b->stream, out, max, got, err);
}

int co_registry_blob_read(struct registry_blob *b, void *out, size_t max, size_t *got,
                          struct error *err)
{
    *got = 0;
    if (b->complete)
        return 0;
    while (co_blob_more(b, out, max, got, err)) { /* broken: go on from where we are */
        blob_disconnect(b);
        if (err->code != ERROR_UNAVAILABLE || b->tries >= REGISTRY_TRIES)
            return registry_call_failed(b->repo, "GET", b->url, err);
        if (co_sleep(retry_backoff_ms(b->repo->client->backoff_ms, b->tries), err))
            return -1;
    }
    digest_check_add(&b->check, out, *got);
    b->offset += (int64_t)*got;
    if (b->size >= 0 && b->offset > b->size)
        return wrong_size(b->digest, b->offset, b->size, err);
    return *got ? 0 : blob_finish(b, err);
}

void registry_blob_close(struct registry_blob *b)
{
    if (!b)
        return;
    http_stream_close(b->stream);
    digest_check_close(&b->check);
    free(b->url);
    free(b);
}
