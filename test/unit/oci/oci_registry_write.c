/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing to a repository: uploads in pieces that break, sessions that live elsewhere, mounts,
 * manifests.
 */
#include "test/kit/upload_registry.h"

static struct upload_registry *const srv = &upload_registry;
static const char alice[] = REGISTRY_ALICE;

TEST_RIG(fixture, *state = upload_registry_open(), upload_registry_close(*state));

/* ---- uploads ---- */

/* To push to; what the server has seen so far is forgotten. */
static struct registry_repo *repo_open(struct task *t, const char *name, const char *auth)
{
    upload_registry_forget();
    return registry_rig_repo(t, t->f->mock->port, name,
                             (struct registry_repo_options){.push = true}, auth);
}

static int co_upload(struct task *t, const char *name, size_t len, const char *digest)
{
    struct registry_repo *r = repo_open(t, name, alice);
    struct registry_upload *u = NULL;
    int rc = co_registry_upload_open(r, &u, &t->err);
    for (size_t at = 0; rc == 0 && at < len; at += REGISTRY_CHUNK) {
        size_t piece = len - at < REGISTRY_CHUNK ? len - at : REGISTRY_CHUNK;
        rc = co_registry_upload_write(u, srv->big + at, piece, &t->err);
    }
    if (rc == 0)
        rc = co_registry_upload_finish(u, digest, &t->err);
    co_registry_upload_close(u);
    registry_repo_close(r);
    if (rc == 0)
        EXPECT(srv->exists);
    return rc;
}

static int co_upload_big(struct task *t, const char *name)
{
    return co_upload(t, name, UPLOAD_BIG, srv->big_digest);
}

TASK_TEST(fixture, pieces)
{
    EXPECT(co_upload_big(t, "plain") == 0);
    EXPECT(srv->patches == 3 && srv->puts == 1 && srv->gets == 0 && srv->deletes == 0);
    EXPECT(strcmp(srv->first_range, "0-8388607") == 0);
    EXPECT(strcmp(srv->type, "application/octet-stream") == 0);
    EXPECT(co_upload_big(t, "relative") == 0);
    EXPECT(strstr(srv->put_path, "?_state=a%2Fb&digest=sha256%3A") != NULL);
    EXPECT(co_upload_big(t, "created") == 0); /* ECR's 201 for a piece */
    EXPECT(co_upload_big(t, "busy") == 0);
    EXPECT(co_upload_big(t, "post-503") == 0 && srv->posts == 3);
    EXPECT(co_upload(t, "plain", 0,
                     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
                     "7852b855") == 0);
    char digest[DIGEST_MAX]; /* one small piece: no PATCH */
    digest_sha256(srv->big, 5000, digest);
    EXPECT(co_upload(t, "plain", 5000, digest) == 0 && srv->patches == 0 && srv->puts == 1);
    EXPECT(co_upload(t, "put-resets", 5000, digest) == 0 && srv->puts == 3);
    EXPECT(co_upload_big(t, "elsewhere") == 0 && srv->patches == 3);
    EXPECT(strcmp(srv->auth_elsewhere, "none") == 0);
}

TASK_TEST(fixture, resumed)
{
    EXPECT(co_upload_big(t, "resets") == 0);
    EXPECT(srv->patches >= 4 && srv->gets == 1 && srv->puts == 1);
    EXPECT(co_upload_big(t, "hiccup") == 0 && srv->patches == 3 && srv->gets == 1);
    EXPECT(co_upload_big(t, "range416") == 0 && srv->patches == 4 && srv->gets == 1);
    EXPECT(co_upload_big(t, "partial") == 0 && srv->patches == 4 && srv->gets == 0);
    EXPECT(co_upload_big(t, "put-resets") == 0 && srv->puts == 3 && srv->heads <= 1);
    EXPECT(co_upload_big(t, "put-done") == 0 && srv->puts == 2);
}

TASK_TEST(fixture, failures)
{
    EXPECT_ERROR(
        co_upload_big(t, "forgets"), ERROR_SYSTEM,
        "cannot be resumed, since the registry has 100 bytes where 8388608 were confirmed");
    EXPECT(srv->deletes == 1);
    EXPECT_ERROR(co_upload_big(t, "vanishes"), ERROR_SYSTEM,
                 "cannot be resumed; push again: blob upload unknown: gone");
    EXPECT_ERROR(co_upload_big(t, "full"), ERROR_SYSTEM, "size invalid: no");
    EXPECT(srv->patches == 1 && srv->deletes == 1);
    EXPECT_ERROR(co_upload_big(t, "no-location"), ERROR_SYSTEM, "Location");
    EXPECT_ERROR(co_upload_big(t, "denied"), ERROR_FORBIDDEN,
                 "denied: requested access to the resource is denied");
    EXPECT_ERROR(co_upload(t, "plain", UPLOAD_BIG, srv->small_digest), ERROR_SYSTEM,
                 "digest invalid: provided digest did not match uploaded content");
    EXPECT_ERROR(co_upload_big(t, "stalls"), ERROR_SYSTEM, "stalled");
    EXPECT_ERROR(co_upload(t, "plain", 0, "sha256:no"), ERROR_INVALID_PARAMETER, "invalid digest");
}

/* A registry that takes no pieces: all of it in one PATCH. */
TASK_TEST(fixture, one_patch)
{
    EXPECT(co_upload_big(t, "one-patch") == 0);
    EXPECT(srv->patches == 1 && srv->puts == 1 && strcmp(srv->encoding, "chunked") == 0);
    EXPECT(srv->first_range[0] == '\0');
}

/* A copy can begin again where a push could not. */
TASK_TEST(fixture, copy)
{
    enum blob_copy_result result;
    struct registry_repo *from = repo_open(t, "source", NULL);
    struct registry_repo *to = repo_open(t, "lost-once", NULL);
    EXPECT(co_registry_blob_copy(from, to, srv->big_digest, UPLOAD_BIG, NULL, NULL, &result,
                                 &t->err) == 0);
    EXPECT(result == BLOB_COPIED && srv->exists && srv->posts == 3 && srv->puts == 1);
    registry_repo_close(to);
    to = repo_open(t, "vanishes", NULL);
    EXPECT_ERROR(
        co_registry_blob_copy(from, to, srv->big_digest, UPLOAD_BIG, NULL, NULL, &result, &t->err),
        ERROR_SYSTEM, "cannot be resumed");
    registry_repo_close(to);
    registry_repo_close(from);
}

/* ---- small blobs, mounts, manifests ---- */

TASK_TEST(fixture, small)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, "plain", NULL);
    EXPECT(co_registry_blob_put(r, srv->small_digest, UPLOAD_SMALL, strlen(UPLOAD_SMALL),
                                &t->err) == 0);
    EXPECT(srv->exists && srv->posts == 1 && srv->puts == 1 && srv->patches == 0);
    EXPECT(co_registry_blob_put(r, srv->small_digest, UPLOAD_SMALL, strlen(UPLOAD_SMALL),
                                &t->err) == 0);
    EXPECT(srv->posts == 1); /* it was there */
    registry_repo_close(r);
    r = repo_open(t, "put-resets", NULL);
    EXPECT(co_registry_blob_put(r, srv->small_digest, UPLOAD_SMALL, strlen(UPLOAD_SMALL),
                                &t->err) == 0);
    EXPECT(srv->puts == 3);
}

TASK_TEST(fixture, mounts)
{
    bool mounted = false;
    struct registry_repo *r AUTO(repo) = repo_open(t, "mounts", NULL);
    EXPECT(co_registry_blob_mount(r, srv->big_digest, "base/a", &mounted, &t->err) == 0 && mounted);
    EXPECT(co_registry_blob_mount(r, srv->big_digest, "other", &mounted, &t->err) == 0 && !mounted);
    EXPECT(srv->deletes == 1); /* the upload that came instead */
    registry_repo_close(r);
    r = repo_open(t, "mount-denied", NULL);
    EXPECT(co_registry_blob_mount(r, srv->big_digest, "base/a", &mounted, &t->err) == 0 &&
           !mounted);
}

TASK_TEST(fixture, manifests)
{
    static const char type[] = "application/vnd.oci.image.manifest.v1+json";
    struct registry_repo *r AUTO(repo) = repo_open(t, "plain", NULL);
    EXPECT(co_registry_manifest_put(r, "v1", type, "{}", 2, &t->err) == 0);
    EXPECT(strcmp(srv->manifest, "{}") == 0 && strcmp(srv->type, type) == 0);
    EXPECT_ERROR(co_registry_manifest_put(r, srv->small_digest, type, "{}", 2, &t->err),
                 ERROR_SYSTEM, "verification failed");
    registry_repo_close(r);
    r = repo_open(t, "broken", NULL);
    EXPECT(co_registry_manifest_put(r, "v1", type, "{}", 2, &t->err) == 0 && srv->puts == 3);
    registry_repo_close(r);
    r = repo_open(t, "mangles", NULL);
    EXPECT_ERROR(co_registry_manifest_put(r, "v1", type, "{}", 2, &t->err), ERROR_SYSTEM,
                 "verification failed");
}
