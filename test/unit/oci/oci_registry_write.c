/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing to a repository at a scripted registry: uploads in pieces that break, sessions that live
 * elsewhere, mounts, manifests.
 */
#include "test/kit/registry_rig.h"
#include "test/kit/test.h"

enum { BIG = 2 * REGISTRY_CHUNK + 12345 };

static struct {
    pthread_mutex_t lock;
    char *stored; /* of the upload under way, and of the blob it became */
    size_t len;
    bool exists;
    int posts, patches, puts, gets, deletes, heads;
    char auth[256], auth_elsewhere[256], first_range[64], type[64], encoding[64];
    char put_path[1024], manifest[256];
} srv = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *big;
static char big_digest[DIGEST_MAX];
static const char small[] = "{\"a\":\"small blob\"}";
static char small_digest[DIGEST_MAX];

static void forget(void)
{
    srv.len = 0;
    srv.exists = false;
    srv.posts = srv.patches = srv.puts = srv.gets = srv.deletes = srv.heads = 0;
    srv.first_range[0] = srv.encoding[0] = '\0';
}

/* ---- the server ---- */

static bool answer_session(struct rig *f, struct mock_request *r, const char *repo, int status)
{
    char headers[1024];
    int n = 0;
    if (strcmp(repo, "relative") == 0)
        n = snprintf(headers, sizeof headers,
                     "Location: /v2/relative/blobs/uploads/u?_state=a%%2Fb\r\n");
    else if (strcmp(repo, "elsewhere") == 0)
        n = snprintf(headers, sizeof headers,
                     "Location: http://127.0.0.1:%d/v2/elsewhere/blobs/uploads/u\r\n",
                     f->other->port);
    else
        n = snprintf(headers, sizeof headers,
                     "Location: http://127.0.0.1:%d/v2/%s/blobs/uploads/u\r\n", f->mock->port,
                     repo);
    if (strcmp(repo, "one-patch") == 0)
        n +=
            snprintf(headers + n, sizeof headers - (size_t)n, "OCI-Chunk-Min-Length: 99999999\r\n");
    snprintf(headers + n, sizeof headers - (size_t)n, "Range: 0-%zu\r\n",
             srv.len ? srv.len - 1 : 0);
    return mock_text(r, status, headers, "");
}

static void store(const struct mock_request *r, size_t len)
{
    if (srv.len + len <= BIG)
        memcpy(srv.stored + srv.len, r->body, len);
    srv.len += len;
}

static bool answer_patch(struct rig *f, struct mock_request *r, const char *repo)
{
    char range[64] = "";
    bool has = mock_header(r, "Content-Range", range, sizeof range);
    int number = ++srv.patches;
    if (number == 1)
        snprintf(srv.first_range, sizeof srv.first_range, "%s", range);
    mock_header(r, "Content-Type", srv.type, sizeof srv.type);
    mock_header(r, "Transfer-Encoding", srv.encoding, sizeof srv.encoding);
    if (has && strtoul(range, NULL, 10) != srv.len) {
        char headers[128];
        snprintf(headers, sizeof headers, "Range: 0-%zu\r\n", srv.len ? srv.len - 1 : 0);
        return mock_text(r, 416, headers, "");
    }
    if (strcmp(repo, "resets") == 0 && number == 2) { /* has half of it */
        store(r, r->body_len / 2);
        mock_reset(r);
        return false;
    }
    if (strcmp(repo, "hiccup") == 0 && number == 2) { /* has all of it, but says no */
        store(r, r->body_len);
        return mock_text(r, 500, "", "");
    }
    if (strcmp(repo, "range416") == 0 && number == 2)
        return mock_text(r, 416, "", "");
    if (strcmp(repo, "partial") == 0 && number == 1) { /* takes a part of it */
        store(r, 1000);
        return answer_session(f, r, repo, 202);
    }
    if (strcmp(repo, "forgets") == 0 && number == 2) {
        srv.len = 100;
        return mock_text(r, 500, "", "");
    }
    if (strcmp(repo, "vanishes") == 0 && number >= 2)
        return registry_rig_reset(r);
    if (strcmp(repo, "lost-once") == 0 && number >= 2 &&
        srv.posts == 2) /* the first upload after the mount */
        return registry_rig_reset(r);
    if (strcmp(repo, "full") == 0)
        return mock_text(r, 413, "", REGISTRY_ERROR("SIZE_INVALID", "no"));
    if (strcmp(repo, "busy") == 0 && number == 1)
        return mock_text(r, 429, "Retry-After: 0\r\n", "");
    if (strcmp(repo, "stalls") == 0)
        return registry_rig_stall(r);
    store(r, r->body_len);
    return answer_session(f, r, repo, strcmp(repo, "created") == 0 ? 201 : 202);
}

static bool answer_put(struct mock_request *r, const char *repo)
{
    char digest[DIGEST_MAX], expected[256];
    int number = ++srv.puts;
    snprintf(srv.put_path, sizeof srv.put_path, "%.1000s", r->path);
    if (strcmp(repo, "put-resets") == 0 && number <= 2) /* the second is libcurl's own try */
        return registry_rig_reset(r);
    if (strcmp(repo, "put-done") == 0 && number <= 2) { /* it was done; the answer is lost */
        srv.exists = true;
        mock_reset(r);
        return false;
    }
    store(r, r->body_len);
    digest_sha256(srv.stored, srv.len <= BIG ? srv.len : 0, digest);
    const char *asked = strstr(r->path, "digest=sha256%3A");
    snprintf(expected, sizeof expected, "%s", digest + strlen("sha256:"));
    if (!asked || strcmp(asked + strlen("digest=sha256%3A"), expected) != 0)
        return mock_text(
            r, 400, "",
            REGISTRY_ERROR("DIGEST_INVALID", "provided digest did not match uploaded content"));
    srv.exists = true;
    return mock_text(r, 201, "", "");
}

static bool answer_upload(struct rig *f, struct mock_request *r, const char *repo)
{
    if (strcmp(r->method, "PATCH") == 0)
        return answer_patch(f, r, repo);
    if (strcmp(r->method, "PUT") == 0)
        return answer_put(r, repo);
    if (strcmp(r->method, "DELETE") == 0) {
        srv.deletes++;
        return mock_text(r, 204, "", "");
    }
    srv.gets++;
    if (strcmp(repo, "vanishes") == 0 || strcmp(repo, "lost-once") == 0)
        return mock_text(r, 404, "", REGISTRY_ERROR("BLOB_UPLOAD_UNKNOWN", "gone"));
    return answer_session(f, r, repo, 204);
}

static bool answer_post(struct rig *f, struct mock_request *r, const char *repo)
{
    int number = ++srv.posts;
    srv.len = 0;
    if (strcmp(repo, "no-location") == 0)
        return mock_text(r, 202, "", "");
    if (strcmp(repo, "denied") == 0)
        return mock_text(r, 403, "",
                         REGISTRY_ERROR("DENIED", "requested access to the resource is denied"));
    if (strcmp(repo, "post-503") == 0 && number < 3)
        return mock_text(r, 503, "", "");
    if (strstr(r->path, "mount=") && strcmp(repo, "mounts") == 0 &&
        strstr(r->path, "from=base%2Fa"))
        return mock_text(r, 201, "", "");
    if (strstr(r->path, "mount=") && strcmp(repo, "mount-denied") == 0)
        return mock_text(r, 403, "", "");
    return answer_session(f, r, repo, 202);
}

static bool answer(struct rig *f, struct mock_request *r)
{
    char repo[256], rest[1024];
    if (sscanf(r->path, "/v2/%255[^/]/%1023s", repo, rest) != 2)
        return mock_text(r, 404, "", "");
    if (strcmp(r->method, "HEAD") == 0) {
        srv.heads++;
        return mock_text(r, srv.exists ? 200 : 404, "", "");
    }
    if (strcmp(r->method, "POST") == 0)
        return answer_post(f, r, repo);
    if (str_starts(rest, "blobs/uploads/u"))
        return answer_upload(f, r, repo);
    if (str_starts(rest, "manifests/")) {
        mock_header(r, "Content-Type", srv.type, sizeof srv.type);
        snprintf(srv.manifest, sizeof srv.manifest, "%s", r->body);
        if (strcmp(repo, "mangles") == 0) {
            char headers[256];
            snprintf(headers, sizeof headers, "Docker-Content-Digest: %s\r\n", small_digest);
            return mock_text(r, 201, headers, "");
        }
        return strcmp(repo, "broken") == 0 && ++srv.puts < 3 ? mock_text(r, 502, "", "")
                                                             : mock_text(r, 201, "", "");
    }
    return mock_text(r, 404, "", "");
}

static bool serve(void *arg, struct mock_request *r)
{
    char auth[256];
    bool stalls = strstr(r->path, "/stalls/") && strcmp(r->method, "PATCH") == 0;
    if (strstr(r->path, "/elsewhere/") && !mock_header(r, "Authorization", auth, sizeof auth))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    if (stalls)
        return registry_rig_stall(r);
    if (strcmp(r->method, "GET") == 0 && strstr(r->path, "/source/blobs/"))
        return mock_reply(r, 200, "", big, BIG); /* takes as long as the client's other requests */
    pthread_mutex_lock(&srv.lock);
    bool go_on = answer(arg, r);
    pthread_mutex_unlock(&srv.lock);
    return go_on;
}

/* The sessions of "elsewhere" live here. */
static bool serve_other(void *arg, struct mock_request *r)
{
    pthread_mutex_lock(&srv.lock);
    if (!mock_header(r, "Authorization", srv.auth_elsewhere, sizeof srv.auth_elsewhere))
        snprintf(srv.auth_elsewhere, sizeof srv.auth_elsewhere, "none");
    bool go_on = answer(arg, r);
    pthread_mutex_unlock(&srv.lock);
    return go_on;
}

/* ---- uploads ---- */

static const char alice[] = REGISTRY_ALICE;

/* To push to; what the server has seen so far is forgotten. */
static struct registry_repo *repo_open(struct task *t, const char *name, const char *auth)
{
    forget();
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
        rc = co_registry_upload_write(u, big + at, piece, &t->err);
    }
    if (rc == 0)
        rc = co_registry_upload_finish(u, digest, &t->err);
    co_registry_upload_close(u);
    registry_repo_close(r);
    if (rc == 0)
        EXPECT(srv.exists);
    return rc;
}

static void run_pieces(struct task *t)
{
    EXPECT(co_upload(t, "plain", BIG, big_digest) == 0);
    EXPECT(srv.patches == 3 && srv.puts == 1 && srv.gets == 0 && srv.deletes == 0);
    EXPECT(strcmp(srv.first_range, "0-8388607") == 0);
    EXPECT(strcmp(srv.type, "application/octet-stream") == 0);
    EXPECT(co_upload(t, "relative", BIG, big_digest) == 0);
    EXPECT(strstr(srv.put_path, "?_state=a%2Fb&digest=sha256%3A") != NULL);
    EXPECT(co_upload(t, "created", BIG, big_digest) == 0); /* ECR's 201 for a piece */
    EXPECT(co_upload(t, "busy", BIG, big_digest) == 0);
    EXPECT(co_upload(t, "post-503", BIG, big_digest) == 0 && srv.posts == 3);
    EXPECT(co_upload(t, "plain", 0,
                     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
                     "7852b855") == 0);
    char digest[DIGEST_MAX]; /* one small piece: no PATCH */
    digest_sha256(big, 5000, digest);
    EXPECT(co_upload(t, "plain", 5000, digest) == 0 && srv.patches == 0 && srv.puts == 1);
    EXPECT(co_upload(t, "put-resets", 5000, digest) == 0 && srv.puts == 3);
    EXPECT(co_upload(t, "elsewhere", BIG, big_digest) == 0 && srv.patches == 3);
    EXPECT(strcmp(srv.auth_elsewhere, "none") == 0);
}

static void run_resumed(struct task *t)
{
    EXPECT(co_upload(t, "resets", BIG, big_digest) == 0);
    EXPECT(srv.patches >= 4 && srv.gets == 1 && srv.puts == 1);
    EXPECT(co_upload(t, "hiccup", BIG, big_digest) == 0 && srv.patches == 3 && srv.gets == 1);
    EXPECT(co_upload(t, "range416", BIG, big_digest) == 0 && srv.patches == 4 && srv.gets == 1);
    EXPECT(co_upload(t, "partial", BIG, big_digest) == 0 && srv.patches == 4 && srv.gets == 0);
    EXPECT(co_upload(t, "put-resets", BIG, big_digest) == 0 && srv.puts == 3 && srv.heads <= 1);
    EXPECT(co_upload(t, "put-done", BIG, big_digest) == 0 && srv.puts == 2);
}

static void run_failures(struct task *t)
{
    EXPECT_ERROR(
        co_upload(t, "forgets", BIG, big_digest), ERROR_SYSTEM,
        "cannot be resumed, since the registry has 100 bytes where 8388608 were confirmed");
    EXPECT(srv.deletes == 1);
    EXPECT_ERROR(co_upload(t, "vanishes", BIG, big_digest), ERROR_SYSTEM,
                 "cannot be resumed; push again: blob upload unknown: gone");
    EXPECT_ERROR(co_upload(t, "full", BIG, big_digest), ERROR_SYSTEM, "size invalid: no");
    EXPECT(srv.patches == 1 && srv.deletes == 1);
    EXPECT_ERROR(co_upload(t, "no-location", BIG, big_digest), ERROR_SYSTEM, "Location");
    EXPECT_ERROR(co_upload(t, "denied", BIG, big_digest), ERROR_FORBIDDEN,
                 "denied: requested access to the resource is denied");
    EXPECT_ERROR(co_upload(t, "plain", BIG, small_digest), ERROR_SYSTEM,
                 "digest invalid: provided digest did not match uploaded content");
    EXPECT_ERROR(co_upload(t, "stalls", BIG, big_digest), ERROR_SYSTEM, "stalled");
    EXPECT_ERROR(co_upload(t, "plain", 0, "sha256:no"), ERROR_INVALID_PARAMETER, "invalid digest");
}

/* A registry that takes no pieces: all of it in one PATCH. */
static void run_one_patch(struct task *t)
{
    EXPECT(co_upload(t, "one-patch", BIG, big_digest) == 0);
    EXPECT(srv.patches == 1 && srv.puts == 1 && strcmp(srv.encoding, "chunked") == 0);
    EXPECT(srv.first_range[0] == '\0');
}

/* A copy can begin again where a push could not. */
static void run_copy(struct task *t)
{
    enum blob_copy_result result;
    struct registry_repo *from = repo_open(t, "source", NULL);
    struct registry_repo *to = repo_open(t, "lost-once", NULL);
    EXPECT(co_registry_blob_copy(from, to, big_digest, BIG, NULL, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_COPIED && srv.exists && srv.posts == 3 && srv.puts == 1);
    registry_repo_close(to);
    to = repo_open(t, "vanishes", NULL);
    EXPECT_ERROR(co_registry_blob_copy(from, to, big_digest, BIG, NULL, NULL, &result, &t->err),
                 ERROR_SYSTEM, "cannot be resumed");
    registry_repo_close(to);
    registry_repo_close(from);
}

static int fixture_setup(void **state)
{
    srv.stored = xmalloc(BIG);
    big = registry_rig_bytes(BIG, big_digest);
    digest_sha256(small, strlen(small), small_digest);
    *state = registry_rig_scripted(serve, serve_other);
    return 0;
}

static int fixture_teardown(void **state)
{
    registry_rig_close(*state);
    free(srv.stored);
    free(big);
    return 0;
}

TEST_USING(fixture, uploads)
{
    registry_rig_run(*state, run_pieces);
    registry_rig_run(*state, run_resumed);
    registry_rig_run(*state, run_failures);
    registry_rig_run(*state, run_one_patch);
    registry_rig_run(*state, run_copy);
}

/* ---- small blobs, mounts, manifests ---- */

static void run_small(struct task *t)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, "plain", NULL);
    EXPECT(co_registry_blob_put(r, small_digest, small, strlen(small), &t->err) == 0);
    EXPECT(srv.exists && srv.posts == 1 && srv.puts == 1 && srv.patches == 0);
    EXPECT(co_registry_blob_put(r, small_digest, small, strlen(small), &t->err) == 0);
    EXPECT(srv.posts == 1); /* it was there */
    registry_repo_close(r);
    r = repo_open(t, "put-resets", NULL);
    EXPECT(co_registry_blob_put(r, small_digest, small, strlen(small), &t->err) == 0);
    EXPECT(srv.puts == 3);
}

static void run_mounts(struct task *t)
{
    bool mounted = false;
    struct registry_repo *r AUTO(repo) = repo_open(t, "mounts", NULL);
    EXPECT(co_registry_blob_mount(r, big_digest, "base/a", &mounted, &t->err) == 0 && mounted);
    EXPECT(co_registry_blob_mount(r, big_digest, "other", &mounted, &t->err) == 0 && !mounted);
    EXPECT(srv.deletes == 1); /* the upload that came instead */
    registry_repo_close(r);
    r = repo_open(t, "mount-denied", NULL);
    EXPECT(co_registry_blob_mount(r, big_digest, "base/a", &mounted, &t->err) == 0 && !mounted);
}

static void run_manifests(struct task *t)
{
    static const char type[] = "application/vnd.oci.image.manifest.v1+json";
    struct registry_repo *r AUTO(repo) = repo_open(t, "plain", NULL);
    EXPECT(co_registry_manifest_put(r, "v1", type, "{}", 2, &t->err) == 0);
    EXPECT(strcmp(srv.manifest, "{}") == 0 && strcmp(srv.type, type) == 0);
    EXPECT_ERROR(co_registry_manifest_put(r, small_digest, type, "{}", 2, &t->err), ERROR_SYSTEM,
                 "verification failed");
    registry_repo_close(r);
    r = repo_open(t, "broken", NULL);
    EXPECT(co_registry_manifest_put(r, "v1", type, "{}", 2, &t->err) == 0 && srv.puts == 3);
    registry_repo_close(r);
    r = repo_open(t, "mangles", NULL);
    EXPECT_ERROR(co_registry_manifest_put(r, "v1", type, "{}", 2, &t->err), ERROR_SYSTEM,
                 "verification failed");
}

TEST_USING(fixture, small)
{
    registry_rig_run(*state, run_small);
    registry_rig_run(*state, run_mounts);
    registry_rig_run(*state, run_manifests);
}
