/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a repository: manifests by HEAD and GET, tags, blobs over connections that break, waits
 * that registries ask for.
 */
#include "oci/registry/registry_retry.h"
#include "test/kit/download_registry.h"

static struct download_registry *const srv = &download_registry;
static const char alice[] = REGISTRY_ALICE;

TEST_RIG(fixture, *state = download_registry_open(), download_registry_close(*state));

/* ---- manifests ---- */

static struct registry_repo *repo_open(struct task *t, const char *name, const char *auth)
{
    srv->requests = srv->heads = srv->gets = 0;
    return registry_rig_repo(t, t->f->mock->port, name, (struct registry_repo_options){0}, auth);
}

static int co_get(struct task *t, const char *name, const char *reference,
                  struct registry_manifest *m)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, name, NULL);
    return co_registry_manifest_get(r, reference, &t->f->arena, m, &t->err);
}

static int co_head(struct task *t, const char *name, struct registry_manifest *m)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, name, NULL);
    return co_registry_manifest_head(r, "latest", &t->f->arena, m, &t->err);
}

TASK_TEST(fixture, manifests)
{
    struct registry_manifest m;
    EXPECT(co_get(t, "plain", "latest", &m) == 0);
    EXPECT(m.len == strlen(DOWNLOAD_MANIFEST) && memcmp(m.bytes, DOWNLOAD_MANIFEST, m.len) == 0);
    EXPECT(strcmp(m.digest, srv->manifest_digest) == 0);
    EXPECT(strcmp(m.media_type, "application/vnd.oci.image.manifest.v1+json") == 0);
    EXPECT(srv->heads == 1 && srv->gets == 1);
    EXPECT(co_get(t, "plain", srv->manifest_digest, &m) == 0);
    EXPECT(srv->heads == 0 && srv->gets == 1);
    EXPECT(co_head(t, "plain", &m) == 0 && !m.bytes && m.len == strlen(DOWNLOAD_MANIFEST));
    EXPECT(strcmp(m.digest, srv->manifest_digest) == 0 && srv->gets == 0);
    /* A registry that cannot say by HEAD. */
    EXPECT(co_head(t, "no-digest", &m) == 0 && strcmp(m.digest, srv->manifest_digest) == 0);
    EXPECT(co_get(t, "no-digest", "latest", &m) == 0 && srv->gets == 1);
    EXPECT(co_head(t, "no-head", &m) == 0 && strcmp(m.digest, srv->manifest_digest) == 0 &&
           !m.bytes);
    EXPECT_ERROR(co_get(t, "changed", "latest", &m), ERROR_SYSTEM, "verification failed");
    EXPECT_ERROR(co_get(t, "plain", "../../x", &m), ERROR_INVALID_PARAMETER, "invalid reference");
}

TASK_TEST(fixture, repeats)
{
    struct registry_manifest m;
    EXPECT(co_get(t, "flaky", "latest", &m) == 0 && srv->gets == 4);
    EXPECT(co_get(t, "resets", "latest", &m) == 0 && srv->gets == 2);
    EXPECT(co_get(t, "busy", "latest", &m) == 0);
    EXPECT_ERROR(co_get(t, "very-busy", "latest", &m), ERROR_TOO_MANY_REQUESTS,
                 "toomanyrequests: come back");
    EXPECT_ERROR(co_get(t, "down", "latest", &m), ERROR_UNAVAILABLE, "status 503");
    EXPECT(srv->gets == REGISTRY_TRIES);
}

/* ---- tags ---- */

static int co_tags(struct task *t, const char *name, char ***tags, size_t *count)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, name, NULL);
    return co_registry_tags(r, &t->f->arena, tags, count, &t->err);
}

TASK_TEST(fixture, tags)
{
    char **tags;
    size_t count;
    EXPECT(co_tags(t, "pages", &tags, &count) == 0 && count == 3);
    EXPECT(strcmp(tags[0], "a") == 0 && strcmp(tags[2], "c") == 0);
    EXPECT_ERROR(co_tags(t, "many", &tags, &count), ERROR_TOO_LARGE, "more than 10000 tags");
    EXPECT_ERROR(co_tags(t, "circle", &tags, &count), ERROR_TOO_LARGE, "pages");
    EXPECT_ERROR(co_tags(t, "astray", &tags, &count), ERROR_SYSTEM, "goes on elsewhere");
    EXPECT_ERROR(co_tags(t, "none", &tags, &count), ERROR_NOT_FOUND, "name unknown");
}

/* ---- blobs ---- */

static int co_download(struct task *t, const char *name, int64_t size)
{
    struct registry_repo *r = repo_open(t, name, alice);
    struct registry_blob *b = NULL;
    char *piece = xmalloc(100000);
    size_t have = 0, got = 1;
    int rc = co_registry_blob_open(r, srv->digest, size, &b, &t->err);
    while (rc == 0 && got) {
        rc = co_registry_blob_read(b, piece, 100000, &got, &t->err);
        if (rc == 0 && memcmp(piece, srv->blob + have, got) != 0 && strcmp(name, "wrong-blob") != 0)
            EXPECT(!"the bytes are right");
        have += got;
    }
    if (rc == 0)
        EXPECT(have == DOWNLOAD_BLOB && co_registry_blob_read(b, piece, 1, &got, &t->err) == 0 &&
               got == 0);
    registry_blob_close(b);
    registry_repo_close(r);
    free(piece);
    return rc;
}

TASK_TEST(fixture, blobs)
{
    EXPECT(co_download(t, "plain", DOWNLOAD_BLOB) == 0);
    EXPECT(co_download(t, "plain", -1) == 0);
    EXPECT(co_download(t, "breaks", DOWNLOAD_BLOB) == 0 && srv->gets == 3);
    EXPECT(co_download(t, "no-ranges", DOWNLOAD_BLOB) == 0);
    EXPECT_ERROR(co_download(t, "always-breaks", DOWNLOAD_BLOB), ERROR_SYSTEM, "unexpected EOF");
    EXPECT(srv->gets == REGISTRY_TRIES);
    EXPECT_ERROR(co_download(t, "wrong-range", DOWNLOAD_BLOB), ERROR_SYSTEM, "from byte 1000 on");
    EXPECT_ERROR(co_download(t, "says-short", DOWNLOAD_BLOB), ERROR_SYSTEM, "bytes instead of");
    EXPECT_ERROR(co_download(t, "says-short", -1), ERROR_SYSTEM, "expected digest");
    EXPECT_ERROR(co_download(t, "says-long", DOWNLOAD_BLOB), ERROR_SYSTEM, "bytes instead of");
    EXPECT_ERROR(co_download(t, "plain", DOWNLOAD_BLOB - 1), ERROR_SYSTEM, "bytes instead of");
    EXPECT_ERROR(co_download(t, "wrong-blob", DOWNLOAD_BLOB), ERROR_SYSTEM, "verification failed");
    EXPECT_ERROR(co_download(t, "stalls", DOWNLOAD_BLOB), ERROR_SYSTEM, "stalled");
    EXPECT_ERROR(co_download(t, "gone", DOWNLOAD_BLOB), ERROR_NOT_FOUND, "blob unknown");
}

/* A blob store on another host hears of no credentials, neither for GET nor for HEAD. */
TASK_TEST(fixture, redirected)
{
    bool exists = false;
    EXPECT(co_download(t, "elsewhere", DOWNLOAD_BLOB) == 0);
    EXPECT(strcmp(srv->auth_at_other, "none") == 0 && strcmp(srv->method_at_other, "GET") == 0);
    struct registry_repo *r AUTO(repo) = repo_open(t, "elsewhere", alice);
    EXPECT(co_registry_blob_exists(r, srv->digest, &exists, &t->err) == 0 && exists);
    EXPECT(strcmp(srv->auth_at_other, "none") == 0 && strcmp(srv->method_at_other, "HEAD") == 0);
    EXPECT_ERROR(co_registry_blob_exists(r, "sha256:x/../y", &exists, &t->err),
                 ERROR_INVALID_PARAMETER, "invalid digest");
    registry_repo_close(r);
    r = repo_open(t, "gone", NULL);
    EXPECT(co_registry_blob_exists(r, srv->digest, &exists, &t->err) == 0 && !exists);
    void *bytes;
    size_t len;
    EXPECT_ERROR(
        co_registry_blob_get(r, srv->digest, 5000, 100, &t->f->arena, &bytes, &len, &t->err),
        ERROR_TOO_LARGE, "larger than");
    registry_repo_close(r);
    r = repo_open(t, "plain", NULL);
    EXPECT_ERROR(co_registry_blob_get(r, srv->digest, -1, 100, &t->f->arena, &bytes, &len, &t->err),
                 ERROR_TOO_LARGE, "larger than");
    EXPECT(co_registry_blob_get(r, srv->digest, -1, DOWNLOAD_BLOB, &t->f->arena, &bytes, &len,
                                &t->err) == 0);
    EXPECT(len == DOWNLOAD_BLOB && memcmp(bytes, srv->blob, DOWNLOAD_BLOB) == 0);
}

/* ---- waits ---- */

static int64_t asked(const char *value)
{
    struct http_response res = {0};
    char line[128];
    snprintf(line, sizeof line, "Retry-After: %s", value);
    strv_push(&res.headers, line);
    int64_t ms = retry_after_ms(&res, 784111777); /* Sun, 06 Nov 1994 08:49:37 GMT */
    http_response_free(&res);
    return ms;
}

/* What the header's values mean is shown by base_http_date. */
TEST(retry_after)
{
    assert_int_equal(asked("7"), 7000);
    assert_int_equal(asked("Sun, 06 Nov 1994 08:50:00 GMT"), 23000);
    assert_int_equal(asked("soon"), -1);
    assert_true(asked("9223372036854775807") > RETRY_AFTER_MAX_MS);
    for (int attempt = 1; attempt < 70; attempt++) {
        int64_t ms = retry_backoff_ms(200, attempt);
        assert_true(ms >= 0 && ms <= RETRY_BACKOFF_MAX_MS && (attempt > 1 || ms <= 200));
    }
}
