/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads of blobs (distribution spec, end-4 to end-6, end-11); see registry_repo.h.
 *
 *     POST …/blobs/uploads/        202, Location: the session
 *     PATCH SESSION (piece)        202, Location: the session from now on, Range: what it has
 *     PUT SESSION?digest=…         201
 *
 * After a piece that failed, GET SESSION tells how much has arrived. A blob of one small piece is
 * sent with the PUT. Registries without pieces get one PATCH that lasts as long as the blob.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/http_url.h"
#include "oci/registry/registry_internal.h"
#include "oci/registry/registry_retry.h"

#include <stdio.h>
#include <string.h>

enum { HELD_MAX = 1024 * 1024, CANCEL_TIMEOUT_MS = 5000 };

static const char octets[] = "Content-Type: application/octet-stream";

struct registry_upload {
    struct registry_repo *repo;
    char *url; /* where the next request goes; NULL: no session */
    int64_t offset;
    bool one_patch;             /* the registry takes no pieces */
    struct http_stream *stream; /* that PATCH */
    const void *held;           /* all of the blob, to be sent with the PUT; NULL: not held */
    size_t held_len;
    void *held_copy; /* NULL: held is the caller's */
    bool finished, lost;
};

static bool is_success(const struct http_response *res)
{
    return res->status >= 200 && res->status <= 204;
}

/* ---- the session ---- */

/* Google's registries do not support pieces. */
static bool host_takes_pieces(const char *host)
{
    return !str_ends(host, ".pkg.dev") && !str_ends(host, ".gcr.io") && strcmp(host, "gcr.io") != 0;
}

/* A registry behind a proxy that ends TLS may believe that it is spoken to by plain http. */
static char *keep_tls(const struct registry_repo *r, char *url)
{
    if (r->endpoint.is_plain || !str_starts(url, "http://"))
        return url;
    char *secure = xasprintf("https://%s", url + strlen("http://"));
    if (!http_url_same_origin(secure, r->endpoint.base)) {
        free(secure);
        return url;
    }
    free(url);
    return secure;
}

/* false: the answer names no place that could be used. */
static bool take_location(struct registry_upload *u, const struct http_response *res)
{
    const char *location = http_response_header(res, "Location");
    char *url = location ? http_url_resolve(res->final_url, location) : NULL;
    if (!url)
        return false;
    free(u->url);
    u->url = keep_tls(u->repo, url);
    return true;
}

static int co_begin(struct registry_upload *u, struct error *err)
{
    char *url AUTO_FREE = registry_url(u->repo, "blobs", "uploads/");
    struct registry_call call = {.method = "POST", .url = url, .body = "", .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(u->repo, &call, &res, err))
        return -1;
    if (!is_success(&res))
        return registry_refused(u->repo, &res, err);
    if (!take_location(u, &res))
        return error_set(err, ERROR_SYSTEM, "registry %s: an upload without a usable Location",
                         u->repo->endpoint.host);
    const char *least = http_response_header(&res, "OCI-Chunk-Min-Length");
    int64_t bytes;
    if (least && str_to_i64(least, &bytes) && bytes > REGISTRY_CHUNK)
        u->one_patch = true;
    return 0;
}

static struct registry_upload *upload_new(struct registry_repo *r)
{
    struct registry_upload *u = NEW(struct registry_upload);
    u->repo = r;
    u->one_patch = !host_takes_pieces(r->endpoint.host);
    return u;
}

int co_registry_upload_open(struct registry_repo *r, struct registry_upload **out,
                            struct error *err)
{
    struct registry_upload *u = upload_new(r);
    if (co_begin(u, err)) {
        co_registry_upload_close(u);
        return -1;
    }
    *out = u;
    return 0;
}

static void upload_free(struct registry_upload *u)
{
    http_stream_close(u->stream);
    free(u->url);
    free(u->held_copy);
    free(u);
}

bool registry_upload_is_lost(const struct registry_upload *u)
{
    return u->lost;
}

/* Best effort: the registry drops unfinished uploads by itself later. */
static void co_cancel_session(struct registry_upload *u)
{
    struct error ignored;
    struct registry_call call = {
        .method = "DELETE", .url = u->url, .timeout_ms = CANCEL_TIMEOUT_MS};
    struct http_response res AUTO(http_response) = {0};
    if (co_registry_call(u->repo, &call, &res, &ignored))
        log_debug("upload not cancelled", LOG_STR("registry", u->repo->endpoint.host),
                  LOG_STR("error", ignored.message));
}

void co_registry_upload_close(struct registry_upload *u)
{
    if (!u)
        return;
    http_stream_close(STEAL(u->stream));
    if (u->url && !u->finished)
        co_cancel_session(u);
    upload_free(u);
}

/* ---- pieces ---- */

/* "0-1023", also "bytes=0-1023": how many bytes; -1: unreadable. "0-0" stands for none, too. */
static int64_t range_end(const char *range)
{
    const char *dash = strchr(range, '-');
    int64_t last;
    if (!dash || !str_to_i64(dash + 1, &last) || last < 0)
        return -1;
    return last ? last + 1 : 0;
}

/* How much of the piece of `len` bytes at u->offset the registry has. */
static int co_ask_offset(struct registry_upload *u, size_t len, size_t *has, struct error *err)
{
    struct registry_call call = {.method = "GET", .url = u->url, .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(u->repo, &call, &res, err))
        return -1;
    const char *range = http_response_header(&res, "Range");
    int64_t end = range ? range_end(range) : 0;
    if (!is_success(&res) || end < u->offset || end > u->offset + (int64_t)len) {
        u->lost = true;
        if (!is_success(&res) && registry_refused(u->repo, &res, err)) {
            err->code = ERROR_SYSTEM;
            return error_wrap(err, "the upload broke and cannot be resumed; push again");
        }
        return error_set(
            err, ERROR_SYSTEM,
            "the upload broke and cannot be resumed, since the registry has %lld bytes "
            "where %lld were confirmed; push again",
            (long long)end, (long long)u->offset);
    }
    *has = (size_t)(end - u->offset);
    if (http_response_header(&res, "Location") && !take_location(u, &res))
        return error_set(err, ERROR_SYSTEM, "registry %s: an upload without a usable Location",
                         u->repo->endpoint.host);
    return 0;
}

enum piece_outcome { PIECE_TAKEN, PIECE_UNCLEAR, PIECE_FAILED };

static enum piece_outcome count_taken(const struct registry_upload *u,
                                      const struct http_response *res, int64_t offset, size_t len,
                                      size_t *taken, struct error *err)
{
    const char *has = http_response_header(res, "Range");
    int64_t end = has ? range_end(has) : -1;
    if (end < 0 || end >= offset + (int64_t)len || (end == 0 && len == 1)) {
        *taken = len; /* it says nothing else */
        return PIECE_TAKEN;
    }
    if (end < offset) {
        error_set(err, ERROR_SYSTEM, "registry %s: lost a part of the upload",
                  u->repo->endpoint.host);
        return PIECE_UNCLEAR;
    }
    *taken = (size_t)(end - offset);
    return PIECE_TAKEN;
}

/* *taken bytes have arrived. PIECE_UNCLEAR: *err says why; how many has to be asked. */
static enum piece_outcome co_patch(struct registry_upload *u, const char *bytes, size_t len,
                                   int64_t offset, size_t *taken, struct error *err)
{
    char range[96];
    bool broke = false;
    const char *headers[] = {octets, range, NULL};
    snprintf(range, sizeof range, "Content-Range: %lld-%lld", (long long)offset,
             (long long)(offset + (int64_t)len - 1));
    struct registry_call call = {.method = "PATCH",
                                 .url = u->url,
                                 .headers = headers,
                                 .body = bytes,
                                 .body_len = len,
                                 .repeat = REPEAT_429,
                                 .broke = &broke};
    struct http_response res AUTO(http_response);
    if (co_registry_call(u->repo, &call, &res, err))
        return broke ? PIECE_UNCLEAR : PIECE_FAILED;
    if (!is_success(&res)) {
        bool unclear = res.status == 416 || res.status == 408 || res.status >= 500;
        registry_refused(u->repo, &res, err);
        return unclear ? PIECE_UNCLEAR : PIECE_FAILED;
    }
    if (http_response_header(&res, "Location") && !take_location(u, &res)) {
        error_set(err, ERROR_SYSTEM, "registry %s: an upload without a usable Location",
                  u->repo->endpoint.host);
        return PIECE_FAILED;
    }
    return count_taken(u, &res, offset, len, taken, err);
}

static int co_write_piece(struct registry_upload *u, const char *bytes, size_t len,
                          struct error *err)
{
    size_t done = 0;
    for (int tries = 1; done < len; tries++) {
        size_t taken = 0;
        enum piece_outcome outcome =
            co_patch(u, bytes + done, len - done, u->offset + (int64_t)done, &taken, err);
        if (outcome == PIECE_FAILED || (outcome == PIECE_UNCLEAR && tries >= REGISTRY_TRIES))
            return -1;
        done += taken;
        if (outcome == PIECE_TAKEN && tries < REGISTRY_TRIES)
            continue;
        if (outcome == PIECE_TAKEN && done < len)
            return error_set(err, ERROR_SYSTEM, "registry %s: takes too little at a time",
                             u->repo->endpoint.host);
        if (outcome == PIECE_UNCLEAR &&
            (co_sleep(retry_backoff_ms(u->repo->client->backoff_ms, tries), err) ||
             co_ask_offset(u, len, &done, err)))
            return -1;
    }
    u->offset += (int64_t)len;
    return 0;
}

/* ---- one PATCH ---- */

static int co_stream_begin(struct registry_upload *u, struct error *err)
{
    char *value AUTO(registry_secret) = NULL, *authorization AUTO(registry_secret) = NULL;
    struct registry_repo *r = u->repo;
    if (http_url_same_origin(u->url, r->endpoint.base) &&
        co_auth_session_value(&r->session, &value, err))
        return -1;
    if (value)
        authorization = xasprintf("Authorization: %s", value);
    const char *headers[] = {octets, authorization, NULL};
    struct http_request req = {.method = "PATCH",
                               .url = u->url,
                               .headers = headers,
                               .ca_file = r->client->ca_file,
                               .timeout_ms = r->client->timeout_ms};
    return http_stream_start(r->client->http, &req, &u->stream, err);
}

static int stream_failed(struct registry_upload *u, struct error *err)
{
    const struct http_response *res = http_stream_response(u->stream);
    if (res->status >= 300)
        return registry_refused(u->repo, res, err);
    return registry_call_failed(u->repo, "PATCH", u->url, err);
}

static int co_stream_write(struct registry_upload *u, const void *bytes, size_t len,
                           struct error *err)
{
    if (!u->stream && co_stream_begin(u, err))
        return -1;
    if (co_http_stream_write(u->stream, bytes, len, err))
        return stream_failed(u, err);
    u->offset += (int64_t)len;
    return 0;
}

static int co_stream_end(struct registry_upload *u, struct error *err)
{
    if (co_http_stream_finish(u->stream, err) || !is_success(http_stream_response(u->stream)))
        return stream_failed(u, err);
    const struct http_response *res = http_stream_response(u->stream);
    if (http_response_header(res, "Location") && !take_location(u, res))
        return error_set(err, ERROR_SYSTEM, "registry %s: an upload without a usable Location",
                         u->repo->endpoint.host);
    http_stream_close(STEAL(u->stream));
    return 0;
}

/* ---- writing and finishing ---- */

static int co_write(struct registry_upload *u, const void *bytes, size_t len, struct error *err)
{
    return u->one_patch ? co_stream_write(u, bytes, len, err) : co_write_piece(u, bytes, len, err);
}

/* More comes after all. */
static int co_write_held(struct registry_upload *u, struct error *err)
{
    int rc = co_write(u, u->held, u->held_len, err);
    u->held = NULL;
    free(STEAL(u->held_copy));
    return rc;
}

int co_registry_upload_write(struct registry_upload *u, const void *bytes, size_t len,
                             struct error *err)
{
    if (len == 0)
        return 0;
    if (u->offset == 0 && !u->held && !u->stream && len <= HELD_MAX) {
        u->held_copy = xmalloc(len);
        memcpy(u->held_copy, bytes, len);
        u->held = u->held_copy;
        u->held_len = len;
        return 0;
    }
    if (u->held && co_write_held(u, err))
        return -1;
    return co_write(u, bytes, len, err);
}

/* *again: it is not known whether it worked, *err says why. */
static int co_put(struct registry_upload *u, const char *digest, bool *again, struct error *err)
{
    const char *headers[] = {octets, NULL};
    char *url AUTO_FREE = http_url_with_query(u->url, "digest", digest);
    struct registry_call call = {.method = "PUT",
                                 .url = url,
                                 .headers = headers,
                                 .body = u->held ? u->held : "",
                                 .body_len = u->held ? u->held_len : 0,
                                 .repeat = REPEAT_429,
                                 .broke = again};
    struct http_response res AUTO(http_response);
    if (co_registry_call(u->repo, &call, &res, err))
        return -1;
    /* libcurl sends a request twice when a kept connection turns out closed: 404 may be the second.
     */
    *again = res.status >= 500 || res.status == 408 || res.status == 404;
    if (!is_success(&res))
        return registry_refused(u->repo, &res, err);
    const char *said = http_response_header(&res, "Docker-Content-Digest");
    if (said && digest_valid(said) && strcmp(said, digest) != 0)
        return error_set(err, ERROR_SYSTEM,
                         "verification failed: pushed %.140s, the registry has %.140s", digest,
                         said);
    return 0;
}

/* After a PUT whose outcome is unknown: what is there, and where to go on. */
static int co_look_again(struct registry_upload *u, const char *digest, bool *there,
                         struct error *err)
{
    size_t nothing;
    if (co_registry_blob_exists(u->repo, digest, there, err))
        return -1;
    if (*there)
        return 0;
    return u->held ? co_begin(u, err) : co_ask_offset(u, 0, &nothing, err);
}

int co_registry_upload_finish(struct registry_upload *u, const char *digest, struct error *err)
{
    if (registry_digest_check(digest, err) || (u->stream && co_stream_end(u, err)))
        return -1;
    for (int tries = 1; !u->finished; tries++) {
        bool again = false, there = false;
        if (co_put(u, digest, &again, err) == 0) {
            u->finished = true;
        } else {
            if (!again || tries >= REGISTRY_TRIES ||
                co_sleep(retry_backoff_ms(u->repo->client->backoff_ms, tries), err) ||
                co_look_again(u, digest, &there, err))
                return -1;
            u->finished = there;
        }
    }
    return 0;
}

/* ---- small blobs, mounts ---- */

int co_registry_blob_put(struct registry_repo *r, const char *digest, const void *bytes, size_t len,
                         struct error *err)
{
    bool exists;
    if (co_registry_blob_exists(r, digest, &exists, err))
        return -1;
    if (exists)
        return 0;
    struct registry_upload *u = upload_new(r);
    u->held = bytes;
    u->held_len = len;
    int rc = co_begin(u, err);
    if (rc == 0)
        rc = co_registry_upload_finish(u, digest, err);
    co_registry_upload_close(u);
    return rc;
}

int co_registry_blob_mount(struct registry_repo *r, const char *digest, const char *from,
                           bool *mounted, struct error *err)
{
    *mounted = false;
    if (registry_digest_check(digest, err))
        return -1;
    char *source AUTO_FREE = xasprintf("%s%s", r->endpoint.prefix, from);
    char *uploads AUTO_FREE = registry_url(r, "blobs", "uploads/");
    char *mount AUTO_FREE = http_url_with_query(uploads, "mount", digest);
    char *url AUTO_FREE = http_url_with_query(mount, "from", source);
    auth_session_add_scope(&r->session, source, "pull");
    struct registry_call call = {.method = "POST", .url = url, .body = "", .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err))
        return -1;
    if (res.status == 429 || res.status >= 500)
        return registry_refused(r, &res, err);
    *mounted = res.status == 201;
    if (res.status == 202) { /* an upload instead: the caller begins his own */
        struct registry_upload *u = upload_new(r);
        if (take_location(u, &res))
            co_registry_upload_close(u);
        else
            upload_free(u);
    }
    return 0;
}
