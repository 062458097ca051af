/* SPDX-License-Identifier: Apache-2.0
 * A scripted registry that is written to; see upload_registry.h. */
#include "test/kit/upload_registry.h"

struct upload_registry upload_registry = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct upload_registry *const srv = &upload_registry;

void upload_registry_forget(void)
{
    srv->len = 0;
    srv->exists = false;
    srv->posts = srv->patches = srv->puts = srv->gets = srv->deletes = srv->heads = 0;
    srv->first_range[0] = srv->encoding[0] = '\0';
}

static bool answer_session(struct rig *f, struct mock_request *r, const char *repo, int status)
{
    const char *minimum =
        strcmp(repo, "one-patch") == 0 ? "OCI-Chunk-Min-Length: 99999999\r\n" : "";
    size_t last = srv->len ? srv->len - 1 : 0;
    int port = strcmp(repo, "elsewhere") == 0 ? f->other->port : f->mock->port;
    if (strcmp(repo, "relative") == 0)
        return mock_textf(r, status, "",
                          "Location: /v2/relative/blobs/uploads/u?_state=a%%2Fb\r\n"
                          "Range: 0-%zu\r\n",
                          last);
    return mock_textf(r, status, "",
                      "Location: http://127.0.0.1:%d/v2/%s/blobs/uploads/u\r\n%s"
                      "Range: 0-%zu\r\n",
                      port, repo, minimum, last);
}

static void store(const struct mock_request *r, size_t len)
{
    if (srv->len + len <= UPLOAD_BIG)
        memcpy(srv->stored + srv->len, r->body, len);
    srv->len += len;
}

/* Of the so-many-th PATCH. */
static const struct mock_answer patches[] = {
    {"range416", 2, 2, 416, "", ""},
    {"vanishes", 2, 0, MOCK_RESET, NULL, NULL},
    {"full", 1, 0, 413, "", REGISTRY_ERROR("SIZE_INVALID", "no")},
    {"busy", 1, 1, 429, "Retry-After: 0\r\n", ""},
};

static bool answer_patch(struct rig *f, struct mock_request *r, const char *repo)
{
    char range[64] = "";
    bool has = mock_header(r, "Content-Range", range, sizeof range), go_on;
    int number = ++srv->patches;
    if (number == 1)
        snprintf(srv->first_range, sizeof srv->first_range, "%s", range);
    mock_header(r, "Content-Type", srv->type, sizeof srv->type);
    mock_header(r, "Transfer-Encoding", srv->encoding, sizeof srv->encoding);
    if (has && strtoul(range, NULL, 10) != srv->len)
        return mock_textf(r, 416, "", "Range: 0-%zu\r\n", srv->len ? srv->len - 1 : 0);
    if (mock_answer_fixed(r, patches, ARRAY_LEN(patches), repo, number, &go_on))
        return go_on;
    if (strcmp(repo, "resets") == 0 && number == 2) { /* has half of it */
        store(r, r->body_len / 2);
        return mock_reset(r);
    }
    if (strcmp(repo, "hiccup") == 0 && number == 2) { /* has all of it, but reports a failure */
        store(r, r->body_len);
        return mock_text(r, 500, "", "");
    }
    if (strcmp(repo, "partial") == 0 && number == 1) { /* takes a part of it */
        store(r, 1000);
        return answer_session(f, r, repo, 202);
    }
    if (strcmp(repo, "forgets") == 0 && number == 2) {
        srv->len = 100;
        return mock_text(r, 500, "", "");
    }
    if (strcmp(repo, "lost-once") == 0 && number >= 2 &&
        srv->posts == 2) /* the first upload after the mount */
        return mock_reset(r);
    store(r, r->body_len);
    return answer_session(f, r, repo, strcmp(repo, "created") == 0 ? 201 : 202);
}

static bool answer_put(struct mock_request *r, const char *repo)
{
    char digest[DIGEST_MAX], expected[256];
    int number = ++srv->puts;
    snprintf(srv->put_path, sizeof srv->put_path, "%.1000s", r->path);
    if (strcmp(repo, "put-resets") == 0 && number <= 2) /* the second is libcurl's own repetition */
        return mock_reset(r);
    if (strcmp(repo, "put-done") == 0 && number <= 2) { /* it was done; the answer is lost */
        srv->exists = true;
        return mock_reset(r);
    }
    store(r, r->body_len);
    digest_sha256(srv->stored, srv->len <= UPLOAD_BIG ? srv->len : 0, digest);
    const char *asked = strstr(r->path, "digest=sha256%3A");
    snprintf(expected, sizeof expected, "%s", digest + strlen("sha256:"));
    if (!asked || strcmp(asked + strlen("digest=sha256%3A"), expected) != 0)
        return mock_text(
            r, 400, "",
            REGISTRY_ERROR("DIGEST_INVALID", "provided digest did not match uploaded content"));
    srv->exists = true;
    return mock_text(r, 201, "", "");
}

static bool answer_upload(struct rig *f, struct mock_request *r, const char *repo)
{
    if (strcmp(r->method, "PATCH") == 0)
        return answer_patch(f, r, repo);
    if (strcmp(r->method, "PUT") == 0)
        return answer_put(r, repo);
    if (strcmp(r->method, "DELETE") == 0) {
        srv->deletes++;
        return mock_text(r, 204, "", "");
    }
    srv->gets++;
    if (strcmp(repo, "vanishes") == 0 || strcmp(repo, "lost-once") == 0)
        return mock_text(r, 404, "", REGISTRY_ERROR("BLOB_UPLOAD_UNKNOWN", "gone"));
    return answer_session(f, r, repo, 204);
}

/* Of the so-many-th POST. */
static const struct mock_answer posts[] = {
    {"no-location", 1, 0, 202, "", ""},
    {"denied", 1, 0, 403, "",
     REGISTRY_ERROR("DENIED", "requested access to the resource is denied")},
    {"post-503", 1, 2, 503, "", ""},
};
/* Ditto, with ?mount=. */
static const struct mock_answer mounts[] = {{"mount-denied", 1, 0, 403, "", ""}};

static bool answer_post(struct rig *f, struct mock_request *r, const char *repo)
{
    bool go_on, mount = strstr(r->path, "mount=");
    int number = ++srv->posts;
    srv->len = 0;
    if (mock_answer_fixed(r, posts, ARRAY_LEN(posts), repo, number, &go_on) ||
        (mount && mock_answer_fixed(r, mounts, ARRAY_LEN(mounts), repo, number, &go_on)))
        return go_on;
    if (mount && strcmp(repo, "mounts") == 0 && strstr(r->path, "from=base%2Fa"))
        return mock_text(r, 201, "", "");
    return answer_session(f, r, repo, 202);
}

static bool answer(struct rig *f, struct mock_request *r)
{
    char repo[256], rest[1024];
    if (sscanf(r->path, "/v2/%255[^/]/%1023s", repo, rest) != 2)
        return mock_text(r, 404, "", "");
    if (strcmp(r->method, "HEAD") == 0) {
        srv->heads++;
        return mock_text(r, srv->exists ? 200 : 404, "", "");
    }
    if (strcmp(r->method, "POST") == 0)
        return answer_post(f, r, repo);
    if (str_starts(rest, "blobs/uploads/u"))
        return answer_upload(f, r, repo);
    if (str_starts(rest, "manifests/")) {
        mock_header(r, "Content-Type", srv->type, sizeof srv->type);
        snprintf(srv->manifest, sizeof srv->manifest, "%s", r->body);
        if (strcmp(repo, "mangles") == 0)
            return mock_textf(r, 201, "", "Docker-Content-Digest: %s\r\n", srv->small_digest);
        return strcmp(repo, "broken") == 0 && ++srv->puts < 3 ? mock_text(r, 502, "", "")
                                                              : mock_text(r, 201, "", "");
    }
    return mock_text(r, 404, "", "");
}

static bool serve(void *arg, struct mock_request *r)
{
    char auth[256];
    if (strstr(r->path, "/elsewhere/") && !mock_header(r, "Authorization", auth, sizeof auth))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    if (strstr(r->path, "/stalls/") && strcmp(r->method, "PATCH") == 0)
        return mock_stall(r);
    if (strcmp(r->method, "GET") == 0 && strstr(r->path, "/source/blobs/"))
        return mock_reply(r, 200, "", srv->big,
                          UPLOAD_BIG); /* takes as long as the client's other requests */
    pthread_mutex_lock(&srv->lock);
    bool go_on = answer(arg, r);
    pthread_mutex_unlock(&srv->lock);
    return go_on;
}

/* The sessions of "elsewhere" live here. */
static bool serve_other(void *arg, struct mock_request *r)
{
    pthread_mutex_lock(&srv->lock);
    mock_note_header(r, "Authorization", srv->auth_elsewhere, sizeof srv->auth_elsewhere);
    bool go_on = answer(arg, r);
    pthread_mutex_unlock(&srv->lock);
    return go_on;
}

struct rig *upload_registry_open(void)
{
    srv->stored = xmalloc(UPLOAD_BIG);
    srv->big = registry_rig_bytes(UPLOAD_BIG, srv->big_digest);
    digest_sha256(UPLOAD_SMALL, strlen(UPLOAD_SMALL), srv->small_digest);
    return registry_rig_scripted(serve, serve_other);
}

void upload_registry_close(struct rig *f)
{
    registry_rig_close(f);
    free(srv->stored);
    free(srv->big);
}
