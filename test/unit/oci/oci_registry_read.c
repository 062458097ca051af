/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a repository at a scripted registry: manifests by HEAD and GET, tags, blobs over
 * connections that break, waits that registries ask for.
 */
#include "oci/registry/registry_retry.h"
#include "test/kit/registry_rig.h"
#include "test/kit/test.h"

enum { BLOB = 3 * 1000 * 1000 };

static struct {
    pthread_mutex_t lock;
    int requests, heads, gets;
    char *blob; /* BLOB bytes */
    char digest[DIGEST_MAX];
    char auth_at_other[256], method_at_other[16], range_at_other[64];
} srv = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char manifest[] = "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}";
static char manifest_digest[DIGEST_MAX];

/* ---- the server ---- */

static bool serve_other(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&srv.lock);
    if (!mock_header(r, "Authorization", srv.auth_at_other, sizeof srv.auth_at_other))
        snprintf(srv.auth_at_other, sizeof srv.auth_at_other, "none");
    if (!mock_header(r, "Range", srv.range_at_other, sizeof srv.range_at_other))
        snprintf(srv.range_at_other, sizeof srv.range_at_other, "none");
    snprintf(srv.method_at_other, sizeof srv.method_at_other, "%s", r->method);
    pthread_mutex_unlock(&srv.lock);
    return mock_reply(r, 200, "", srv.blob, BLOB);
}

static bool send_part(struct mock_request *r, int status, size_t from, size_t announced, size_t len)
{
    char head[256], range[96] = "";
    if (status == 206)
        snprintf(range, sizeof range, "Content-Range: bytes %zu-%d/%d\r\n", from, BLOB - 1, BLOB);
    snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", status, range,
             announced);
    return mock_send(r->fd, head, strlen(head)) && mock_send(r->fd, srv.blob + from, len);
}

static bool serve_blob(struct rig *f, struct mock_request *r, const char *repo)
{
    char range[64] = "", headers[256];
    size_t from = 0;
    if (mock_header(r, "Range", range, sizeof range))
        from = strtoul(range + strlen("bytes="), NULL, 10);
    if (strcmp(repo, "elsewhere") == 0) {
        snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%d/b?signed=1\r\n",
                 f->other->port);
        return mock_text(r, 307, headers, "");
    }
    if (strcmp(repo, "breaks") == 0) { /* a million bytes a connection */
        size_t len = BLOB - from < 1000000 ? BLOB - from : 1000000;
        bool whole = len == BLOB - from;
        send_part(r, from ? 206 : 200, from, BLOB - from, len);
        if (!whole)
            shutdown(r->fd, SHUT_RDWR);
        return whole;
    }
    if (strcmp(repo, "no-ranges") == 0) { /* breaks once, begins again */
        if (from)
            return send_part(r, 200, 0, BLOB, BLOB);
        send_part(r, 200, 0, BLOB, 1234567);
        return false;
    }
    if (strcmp(repo, "always-breaks") == 0) {
        send_part(r, from ? 206 : 200, from, BLOB - from, 1000);
        return false;
    }
    if (strcmp(repo, "wrong-range") == 0 && from)
        return send_part(r, 206, from + 1, BLOB - from - 1, BLOB - from - 1);
    if (strcmp(repo, "wrong-range") == 0) {
        send_part(r, 200, 0, BLOB, 1000);
        return false;
    }
    if (strcmp(repo, "says-short") == 0)
        return send_part(r, 200, 0, BLOB - 1, BLOB - 1);
    if (strcmp(repo, "says-long") == 0)
        return send_part(r, 200, 0, BLOB + 5, BLOB), false;
    if (strcmp(repo, "stalls") == 0) {
        send_part(r, 200, 0, BLOB, 1000);
        mock_stall(r);
        return false;
    }
    if (strcmp(repo, "wrong-blob") == 0) {
        char *copy = malloc(BLOB);
        memcpy(copy, srv.blob, BLOB);
        copy[BLOB / 2] ^= 1;
        bool sent = mock_reply(r, 200, "", copy, BLOB);
        free(copy);
        return sent;
    }
    if (strcmp(repo, "gone") == 0)
        return mock_text(r, 404, "", "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\"}]}");
    return mock_reply(r, 200, "", srv.blob, BLOB);
}

static bool serve_tags(struct mock_request *r, const char *repo)
{
    char headers[256];
    int page = 0;
    const char *last = strstr(r->path, "last=");
    if (last)
        page = atoi(last + 5);
    if (strcmp(repo, "pages") == 0) {
        static const char *const pages[] = {"{\"tags\":[\"a\",\"b\"]}",
                                            "{\"tags\":[\"c\",\"/bad\"]}", "{\"tags\":null}"};
        snprintf(headers, sizeof headers,
                 "Link: </v2/pages/tags/list?last=%d&n=2>; rel=\"next\"\r\n", page + 1);
        return mock_text(r, 200, page < 2 ? headers : "", pages[page]);
    }
    if (strcmp(repo, "astray") == 0)
        return mock_text(r, 200, "Link: <http://127.0.0.1:1/x>; rel=\"next\"\r\n", "{\"tags\":[]}");
    if (strcmp(repo, "circle") == 0)
        return mock_text(r, 200, "Link: </v2/circle/tags/list>; rel=\"next\"\r\n", "{\"tags\":[]}");
    if (strcmp(repo, "many") == 0) {
        char *body = malloc(REGISTRY_TAGS_MAX * 10 + 64), *p = body;
        p += sprintf(p, "{\"tags\":[\"x\"");
        for (int i = 0; i < REGISTRY_TAGS_MAX; i++)
            p += sprintf(p, ",\"t%d\"", i);
        sprintf(p, "]}");
        bool sent = mock_text(r, 200, "", body);
        free(body);
        return sent;
    }
    return mock_text(r, 404, "", "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}");
}

static bool serve_manifest(struct mock_request *r, const char *repo, int number)
{
    char headers[256];
    bool is_head = strcmp(r->method, "HEAD") == 0;
    snprintf(headers, sizeof headers,
             "Content-Type: application/vnd.oci.image.manifest.v1+json; charset=utf-8\r\n"
             "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 76;w=21600\r\n"
             "Docker-Content-Digest: %s\r\n",
             manifest_digest);
    if (strcmp(repo, "no-digest") == 0)
        headers[0] = '\0';
    if (strcmp(repo, "no-head") == 0 && is_head)
        return mock_text(r, 405, "", "");
    if (strcmp(repo, "flaky") == 0 && !is_head && number < 5)
        return mock_text(r, number % 2 ? 503 : 500, "", "");
    if (strcmp(repo, "resets") == 0 && number == 2)
        return registry_rig_reset(r);
    if (strcmp(repo, "busy") == 0 && number < 3)
        return mock_text(r, 429, "Retry-After: 0\r\n", "");
    if (strcmp(repo, "very-busy") == 0 && !is_head)
        return mock_text(r, 429, "Retry-After: 3600\r\n",
                         REGISTRY_ERROR("TOOMANYREQUESTS", "come back"));
    if (strcmp(repo, "down") == 0)
        return mock_text(r, 503, "Retry-After: 0\r\n", "");
    if (strcmp(repo, "changed") == 0 && !is_head)
        return mock_text(r, 200, headers, "{\"schemaVersion\":2}");
    return mock_text(r, 200, headers, manifest);
}

static bool serve(void *arg, struct mock_request *r)
{
    char repo[256], kind[32], reference[256], auth[256];
    if (sscanf(r->path, "/v2/%255[^/]/%31[^/]/%255s", repo, kind, reference) != 3)
        return mock_text(r, 404, "", "");
    if (str_starts(repo, "elsewhere") && !mock_header(r, "Authorization", auth, sizeof auth))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    pthread_mutex_lock(&srv.lock);
    int number = ++srv.requests;
    srv.heads += strcmp(r->method, "HEAD") == 0;
    srv.gets += strcmp(r->method, "GET") == 0;
    pthread_mutex_unlock(&srv.lock);
    if (strcmp(kind, "tags") == 0)
        return serve_tags(r, repo);
    if (strcmp(kind, "blobs") == 0)
        return serve_blob(arg, r, repo);
    return serve_manifest(r, repo, number);
}

/* ---- manifests ---- */

static struct registry_repo *repo_open(struct task *t, const char *name, const char *auth)
{
    srv.requests = srv.heads = srv.gets = 0;
    return registry_rig_repo(t, t->f->mock->port, name, (struct registry_repo_options){0}, auth);
}

static int co_get(struct task *t, const char *name, const char *reference,
                  struct registry_manifest *m)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, name, NULL);
    int rc = co_registry_manifest_get(r, reference, &t->f->arena, m, &t->err);
    return rc;
}

static int co_head(struct task *t, const char *name, struct registry_manifest *m)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, name, NULL);
    int rc = co_registry_manifest_head(r, "latest", &t->f->arena, m, &t->err);
    return rc;
}

static void run_manifests(struct task *t)
{
    struct registry_manifest m;
    EXPECT(co_get(t, "plain", "latest", &m) == 0);
    EXPECT(m.len == strlen(manifest) && memcmp(m.bytes, manifest, m.len) == 0);
    EXPECT(strcmp(m.digest, manifest_digest) == 0);
    EXPECT(strcmp(m.media_type, "application/vnd.oci.image.manifest.v1+json") == 0);
    EXPECT(srv.heads == 1 && srv.gets == 1);
    EXPECT(co_get(t, "plain", manifest_digest, &m) == 0);
    EXPECT(srv.heads == 0 && srv.gets == 1);
    EXPECT(co_head(t, "plain", &m) == 0 && !m.bytes && m.len == strlen(manifest));
    EXPECT(strcmp(m.digest, manifest_digest) == 0 && srv.gets == 0);
    /* A registry that cannot say by HEAD. */
    EXPECT(co_head(t, "no-digest", &m) == 0 && strcmp(m.digest, manifest_digest) == 0);
    EXPECT(co_get(t, "no-digest", "latest", &m) == 0 && srv.gets == 1);
    EXPECT(co_head(t, "no-head", &m) == 0 && strcmp(m.digest, manifest_digest) == 0 && !m.bytes);
    EXPECT_ERROR(co_get(t, "changed", "latest", &m), ERROR_SYSTEM, "verification failed");
    EXPECT_ERROR(co_get(t, "plain", "../../x", &m), ERROR_INVALID_PARAMETER, "invalid reference");
}

static void run_repeats(struct task *t)
{
    struct registry_manifest m;
    EXPECT(co_get(t, "flaky", "latest", &m) == 0 && srv.gets == 4);
    EXPECT(co_get(t, "resets", "latest", &m) == 0 && srv.gets == 2);
    EXPECT(co_get(t, "busy", "latest", &m) == 0);
    EXPECT_ERROR(co_get(t, "very-busy", "latest", &m), ERROR_TOO_MANY_REQUESTS,
                 "toomanyrequests: come back");
    EXPECT_ERROR(co_get(t, "down", "latest", &m), ERROR_UNAVAILABLE, "status 503");
    EXPECT(srv.gets == REGISTRY_TRIES);
}

static int fixture_setup(void **state)
{
    srv.blob = registry_rig_bytes(BLOB, srv.digest);
    digest_sha256(manifest, strlen(manifest), manifest_digest);
    *state = registry_rig_scripted(serve, serve_other);
    return 0;
}

static int fixture_teardown(void **state)
{
    registry_rig_close(*state);
    free(srv.blob);
    return 0;
}

TEST_USING(fixture, manifests)
{
    registry_rig_run(*state, run_manifests);
    registry_rig_run(*state, run_repeats);
}

/* ---- tags ---- */

static int co_tags(struct task *t, const char *name, char ***tags, size_t *count)
{
    struct registry_repo *r AUTO(repo) = repo_open(t, name, NULL);
    int rc = co_registry_tags(r, &t->f->arena, tags, count, &t->err);
    return rc;
}

static void run_tags(struct task *t)
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

TEST_USING(fixture, tags)
{
    registry_rig_run(*state, run_tags);
}

/* ---- blobs ---- */

static const char alice[] = REGISTRY_ALICE;

static int co_download(struct task *t, const char *name, int64_t size)
{
    struct registry_repo *r = repo_open(t, name, alice);
    struct registry_blob *b = NULL;
    char *piece = xmalloc(100000);
    size_t have = 0, got = 1;
    int rc = co_registry_blob_open(r, srv.digest, size, &b, &t->err);
    while (rc == 0 && got) {
        rc = co_registry_blob_read(b, piece, 100000, &got, &t->err);
        if (rc == 0 && memcmp(piece, srv.blob + have, got) != 0 && strcmp(name, "wrong-blob") != 0)
            EXPECT(!"the bytes are right");
        have += got;
    }
    if (rc == 0)
        EXPECT(have == BLOB && co_registry_blob_read(b, piece, 1, &got, &t->err) == 0 && got == 0);
    registry_blob_close(b);
    registry_repo_close(r);
    free(piece);
    return rc;
}

static void run_blobs(struct task *t)
{
    EXPECT(co_download(t, "plain", BLOB) == 0);
    EXPECT(co_download(t, "plain", -1) == 0);
    EXPECT(co_download(t, "breaks", BLOB) == 0 && srv.gets == 3);
    EXPECT(co_download(t, "no-ranges", BLOB) == 0);
    EXPECT_ERROR(co_download(t, "always-breaks", BLOB), ERROR_SYSTEM, "unexpected EOF");
    EXPECT(srv.gets == REGISTRY_TRIES);
    EXPECT_ERROR(co_download(t, "wrong-range", BLOB), ERROR_SYSTEM, "from byte 1000 on");
    EXPECT_ERROR(co_download(t, "says-short", BLOB), ERROR_SYSTEM, "bytes instead of");
    EXPECT_ERROR(co_download(t, "says-short", -1), ERROR_SYSTEM, "expected digest");
    EXPECT_ERROR(co_download(t, "says-long", BLOB), ERROR_SYSTEM, "bytes instead of");
    EXPECT_ERROR(co_download(t, "plain", BLOB - 1), ERROR_SYSTEM, "bytes instead of");
    EXPECT_ERROR(co_download(t, "wrong-blob", BLOB), ERROR_SYSTEM, "verification failed");
    EXPECT_ERROR(co_download(t, "stalls", BLOB), ERROR_SYSTEM, "stalled");
    EXPECT_ERROR(co_download(t, "gone", BLOB), ERROR_NOT_FOUND, "blob unknown");
}

/* A blob store on another host hears of no credentials, neither for GET nor for HEAD. */
static void run_redirected(struct task *t)
{
    bool exists = false;
    EXPECT(co_download(t, "elsewhere", BLOB) == 0);
    EXPECT(strcmp(srv.auth_at_other, "none") == 0 && strcmp(srv.method_at_other, "GET") == 0);
    struct registry_repo *r AUTO(repo) = repo_open(t, "elsewhere", alice);
    EXPECT(co_registry_blob_exists(r, srv.digest, &exists, &t->err) == 0 && exists);
    EXPECT(strcmp(srv.auth_at_other, "none") == 0 && strcmp(srv.method_at_other, "HEAD") == 0);
    EXPECT_ERROR(co_registry_blob_exists(r, "sha256:x/../y", &exists, &t->err),
                 ERROR_INVALID_PARAMETER, "invalid digest");
    registry_repo_close(r);
    r = repo_open(t, "gone", NULL);
    EXPECT(co_registry_blob_exists(r, srv.digest, &exists, &t->err) == 0 && !exists);
    void *bytes;
    size_t len;
    EXPECT_ERROR(
        co_registry_blob_get(r, srv.digest, 5000, 100, &t->f->arena, &bytes, &len, &t->err),
        ERROR_TOO_LARGE, "larger than");
    registry_repo_close(r);
    r = repo_open(t, "plain", NULL);
    EXPECT_ERROR(co_registry_blob_get(r, srv.digest, -1, 100, &t->f->arena, &bytes, &len, &t->err),
                 ERROR_TOO_LARGE, "larger than");
    EXPECT(co_registry_blob_get(r, srv.digest, -1, BLOB, &t->f->arena, &bytes, &len, &t->err) == 0);
    EXPECT(len == BLOB && memcmp(bytes, srv.blob, BLOB) == 0);
}

TEST_USING(fixture, blobs)
{
    registry_rig_run(*state, run_blobs);
    registry_rig_run(*state, run_redirected);
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
