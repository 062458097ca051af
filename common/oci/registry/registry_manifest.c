/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests of a repository: asked for by HEAD, fetched, verified, pushed; see registry_repo.h.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"
#include "oci/registry/registry_internal.h"

#include <stdio.h>
#include <string.h>

enum { REFERENCE_MAX = DIGEST_MAX > IMAGE_REF_TAG_MAX + 1 ? DIGEST_MAX : IMAGE_REF_TAG_MAX + 1 };

static int check_reference(const char *reference, struct error *err)
{
    if (digest_valid(reference) || image_ref_tag_valid(reference))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid reference: %.140s", reference);
}

/* The reference may be the digest in *out, as of a head before. */
static int begin(const char *reference, char copy[REFERENCE_MAX], struct registry_manifest *out,
                 struct error *err)
{
    snprintf(copy, REFERENCE_MAX, "%s", reference);
    int rc = check_reference(reference, err);
    *out = (struct registry_manifest){0};
    return rc;
}

/* The header is right but for documents that say themselves what they are. */
static char *find_media_type(const struct http_response *res, struct arena *arena)
{
    struct error ignored;
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    const char *own = doc ? json_doc_string(doc, "mediaType") : NULL;
    if (!str_empty(own))
        return arena_strdup(arena, own);
    const char *said = str_or_empty(http_response_header(res, "Content-Type"));
    return arena_strndup(arena, said, strcspn(said, "; \t"));
}

/* "" when the answer does not say. */
static void said_digest(const struct http_response *res, char out[DIGEST_MAX])
{
    const char *said = http_response_header(res, "Docker-Content-Digest");
    snprintf(out, DIGEST_MAX, "%s", said && digest_valid(said) ? said : "");
}

/* *known false: the registry cannot say, or has none; then GET tells why. */
static int co_head(struct registry_repo *r, const char *reference, struct arena *arena,
                   struct registry_manifest *out, bool *known, struct error *err)
{
    static const char *const headers[] = {"Accept: " MANIFEST_ACCEPT, NULL};
    char *url AUTO_FREE = registry_url(r, "manifests", reference);
    struct registry_call call = {
        .method = "HEAD", .url = url, .headers = headers, .repeat = REPEAT_BROKEN};
    struct http_response res AUTO(http_response);
    *known = false;
    if (co_registry_call(r, &call, &res, err))
        return -1;
    said_digest(&res, out->digest);
    *known = res.status == 200 && *out->digest;
    if (!*known)
        return 0;
    if (digest_valid(reference) && strcmp(reference, out->digest) != 0)
        return error_set(err, ERROR_SYSTEM,
                         "verification failed: expected digest %.140s, got %.140s", reference,
                         out->digest);
    const char *len = http_response_header(&res, "Content-Length");
    int64_t size = 0;
    if (len && str_to_i64(len, &size) && size > 0)
        out->len = (size_t)size;
    out->media_type = find_media_type(&res, arena);
    return 0;
}

static int take_manifest(const struct http_response *res, const char *reference,
                         struct arena *arena, struct registry_manifest *out, struct error *err)
{
    const char *bytes = str_or_empty(res->body.data);
    if (digest_valid(reference))
        snprintf(out->digest, sizeof out->digest, "%s", reference);
    else
        said_digest(res, out->digest);
    if (!*out->digest)
        digest_sha256(bytes, res->body.len, out->digest);
    else if (digest_verify(out->digest, bytes, res->body.len, err))
        return -1;
    out->bytes = arena_strndup(arena, bytes, res->body.len);
    out->len = res->body.len;
    out->media_type = find_media_type(res, arena);
    return 0;
}

static int co_get(struct registry_repo *r, const char *reference, struct arena *arena,
                  struct registry_manifest *out, struct error *err)
{
    static const char *const headers[] = {"Accept: " MANIFEST_ACCEPT, NULL};
    char *url AUTO_FREE = registry_url(r, "manifests", reference);
    struct registry_call call = {.method = "GET",
                                 .url = url,
                                 .headers = headers,
                                 .max = REGISTRY_MANIFEST_MAX,
                                 .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err))
        return -1;
    if (res.status != 200)
        return registry_refused(r, &res, err);
    return take_manifest(&res, reference, arena, out, err);
}

int co_registry_manifest_head(struct registry_repo *r, const char *reference, struct arena *arena,
                              struct registry_manifest *out, struct error *err)
{
    char wanted[REFERENCE_MAX];
    bool known;
    if (begin(reference, wanted, out, err) || co_head(r, wanted, arena, out, &known, err))
        return -1;
    if (known)
        return 0;
    if (co_get(r, wanted, arena, out, err))
        return -1;
    out->bytes = NULL;
    return 0;
}

/* A tag is resolved by HEAD first, which costs nothing of Docker Hub's limit, and its manifest
 * fetched by digest, so that it cannot change in between. */
int co_registry_manifest_get(struct registry_repo *r, const char *reference, struct arena *arena,
                             struct registry_manifest *out, struct error *err)
{
    char wanted[REFERENCE_MAX];
    bool known = false;
    if (begin(reference, wanted, out, err))
        return -1;
    if (!digest_valid(wanted) && co_head(r, wanted, arena, out, &known, err))
        return -1;
    if (known)
        snprintf(wanted, sizeof wanted, "%s", out->digest);
    return co_get(r, wanted, arena, out, err);
}

int co_registry_manifest_put(struct registry_repo *r, const char *reference, const char *media_type,
                             const void *bytes, size_t len, struct error *err)
{
    if (check_reference(reference, err))
        return -1;
    if (digest_valid(reference) && digest_verify(reference, bytes, len, err))
        return -1;
    char *url AUTO_FREE = registry_url(r, "manifests", reference);
    char *type AUTO_FREE = xasprintf("Content-Type: %s", media_type);
    const char *headers[] = {type, NULL};
    struct registry_call call = {.method = "PUT",
                                 .url = url,
                                 .headers = headers,
                                 .body = bytes,
                                 .body_len = len,
                                 .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err))
        return -1;
    if (res.status < 200 || res.status > 204)
        return registry_refused(r, &res, err);
    char said[DIGEST_MAX];
    said_digest(&res, said);
    return *said ? digest_verify(said, bytes, len, err) : 0;
}
