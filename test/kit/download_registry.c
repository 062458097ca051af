/* SPDX-License-Identifier: Apache-2.0
 * A scripted registry that is read; see download_registry.h. */
#include "test/kit/download_registry.h"

#include <sys/socket.h>

struct download_registry download_registry = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct download_registry *const srv = &download_registry;

static bool serve_other(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&srv->lock);
    mock_note_header(r, "Authorization", srv->auth_at_other, sizeof srv->auth_at_other);
    snprintf(srv->method_at_other, sizeof srv->method_at_other, "%s", r->method);
    pthread_mutex_unlock(&srv->lock);
    return mock_reply(r, 200, "", srv->blob, DOWNLOAD_BLOB);
}

static bool send_part(struct mock_request *r, int status, size_t from, size_t announced, size_t len)
{
    char head[256], range[96] = "";
    if (status == 206)
        snprintf(range, sizeof range, "Content-Range: bytes %zu-%d/%d\r\n", from, DOWNLOAD_BLOB - 1,
                 DOWNLOAD_BLOB);
    snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", status, range,
             announced);
    return mock_send(r->fd, head, strlen(head)) && mock_send(r->fd, srv->blob + from, len);
}

/* Announces `announced` bytes, sends fewer, and the connection ends. */
static bool send_and_end(struct mock_request *r, int status, size_t from, size_t announced,
                         size_t len)
{
    send_part(r, status, from, announced, len);
    return false;
}

/* One bit of it is wrong. */
static bool send_wrong(struct mock_request *r)
{
    char *copy AUTO_FREE = xmalloc(DOWNLOAD_BLOB);
    memcpy(copy, srv->blob, DOWNLOAD_BLOB);
    copy[DOWNLOAD_BLOB / 2] ^= 1;
    return mock_reply(r, 200, "", copy, DOWNLOAD_BLOB);
}

static bool serve_blob(struct rig *f, struct mock_request *r, const char *repo)
{
    char range[64] = "";
    size_t from = 0;
    if (mock_header(r, "Range", range, sizeof range))
        from = strtoul(range + strlen("bytes="), NULL, 10);
    size_t rest = DOWNLOAD_BLOB - from;
    int status = from ? 206 : 200;
    if (strcmp(repo, "elsewhere") == 0)
        return mock_textf(r, 307, "", "Location: http://127.0.0.1:%d/b?signed=1\r\n",
                          f->other->port);
    if (strcmp(repo, "breaks") == 0 && rest > 1000000) { /* a million bytes a connection */
        send_part(r, status, from, rest, 1000000);
        shutdown(r->fd, SHUT_RDWR);
        return false;
    }
    if (strcmp(repo, "breaks") == 0)
        return send_part(r, status, from, rest, rest);
    if (strcmp(repo, "no-ranges") == 0) /* breaks once, begins again */
        return from ? send_part(r, 200, 0, DOWNLOAD_BLOB, DOWNLOAD_BLOB)
                    : send_and_end(r, 200, 0, DOWNLOAD_BLOB, 1234567);
    if (strcmp(repo, "always-breaks") == 0)
        return send_and_end(r, status, from, rest, 1000);
    if (strcmp(repo, "wrong-range") == 0)
        return from ? send_part(r, 206, from + 1, rest - 1, rest - 1)
                    : send_and_end(r, 200, 0, DOWNLOAD_BLOB, 1000);
    if (strcmp(repo, "says-short") == 0)
        return send_part(r, 200, 0, DOWNLOAD_BLOB - 1, DOWNLOAD_BLOB - 1);
    if (strcmp(repo, "says-long") == 0)
        return send_and_end(r, 200, 0, DOWNLOAD_BLOB + 5, DOWNLOAD_BLOB);
    if (strcmp(repo, "stalls") == 0) {
        send_part(r, 200, 0, DOWNLOAD_BLOB, 1000);
        return mock_stall(r);
    }
    if (strcmp(repo, "wrong-blob") == 0)
        return send_wrong(r);
    if (strcmp(repo, "gone") == 0)
        return mock_text(r, 404, "", "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\"}]}");
    return mock_reply(r, 200, "", srv->blob, DOWNLOAD_BLOB);
}

/* More than a client takes. */
static bool serve_many_tags(struct mock_request *r)
{
    struct buf body AUTO(buf) = BUF_INIT;
    buf_puts(&body, "{\"tags\":[\"x\"");
    for (int i = 0; i < REGISTRY_TAGS_MAX; i++)
        buf_printf(&body, ",\"t%d\"", i);
    buf_puts(&body, "]}");
    return mock_text(r, 200, "", body.data);
}

static bool serve_tags(struct mock_request *r, const char *repo)
{
    static const struct mock_answer fixed[] = {
        {"astray", 0, 0, 200, "Link: <http://127.0.0.1:1/x>; rel=\"next\"\r\n", "{\"tags\":[]}"},
        {"circle", 0, 0, 200, "Link: </v2/circle/tags/list>; rel=\"next\"\r\n", "{\"tags\":[]}"},
    };
    static const char *const pages[] = {"{\"tags\":[\"a\",\"b\"]}", "{\"tags\":[\"c\",\"/bad\"]}",
                                        "{\"tags\":null}"};
    const char *last = strstr(r->path, "last=");
    int page = last ? atoi(last + 5) : 0;
    bool go_on;
    if (mock_answer_fixed(r, fixed, ARRAY_LEN(fixed), repo, 0, &go_on))
        return go_on;
    if (strcmp(repo, "pages") == 0 && page == 2)
        return mock_text(r, 200, "", pages[2]);
    if (strcmp(repo, "pages") == 0)
        return mock_textf(r, 200, pages[page],
                          "Link: </v2/pages/tags/list?last=%d&n=2>; rel=\"next\"\r\n", page + 1);
    if (strcmp(repo, "many") == 0)
        return serve_many_tags(r);
    return mock_text(r, 404, "", "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}");
}

/* Of so-many-th requests. */
static const struct mock_answer any[] = {
    {"resets", 2, 2, MOCK_RESET, NULL, NULL},
    {"busy", 1, 2, 429, "Retry-After: 0\r\n", ""},
    {"down", 0, 0, 503, "Retry-After: 0\r\n", ""},
};
static const struct mock_answer head[] = {{"no-head", 0, 0, 405, "", ""}};
static const struct mock_answer get[] = {
    {"flaky", 2, 2, 500, "", ""},
    {"flaky", 3, 3, 503, "", ""},
    {"flaky", 4, 4, 500, "", ""},
    {"very-busy", 0, 0, 429, "Retry-After: 3600\r\n",
     REGISTRY_ERROR("TOOMANYREQUESTS", "come back")},
};

static bool serve_manifest(struct mock_request *r, const char *repo, int number)
{
    bool go_on, is_head = strcmp(r->method, "HEAD") == 0;
    if (mock_answer_fixed(r, any, ARRAY_LEN(any), repo, number, &go_on) ||
        mock_answer_fixed(r, is_head ? head : get, is_head ? ARRAY_LEN(head) : ARRAY_LEN(get), repo,
                          number, &go_on))
        return go_on;
    if (strcmp(repo, "no-digest") == 0)
        return mock_text(r, 200, "", DOWNLOAD_MANIFEST);
    return mock_textf(r, 200,
                      strcmp(repo, "changed") == 0 && !is_head ? "{\"schemaVersion\":2}"
                                                               : DOWNLOAD_MANIFEST,
                      "Content-Type: application/vnd.oci.image.manifest.v1+json; charset=utf-8\r\n"
                      "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 76;w=21600\r\n"
                      "Docker-Content-Digest: %s\r\n",
                      srv->manifest_digest);
}

static bool serve(void *arg, struct mock_request *r)
{
    char repo[256], kind[32], reference[256], auth[256];
    if (sscanf(r->path, "/v2/%255[^/]/%31[^/]/%255s", repo, kind, reference) != 3)
        return mock_text(r, 404, "", "");
    if (str_starts(repo, "elsewhere") && !mock_header(r, "Authorization", auth, sizeof auth))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    pthread_mutex_lock(&srv->lock);
    int number = ++srv->requests;
    srv->heads += strcmp(r->method, "HEAD") == 0;
    srv->gets += strcmp(r->method, "GET") == 0;
    pthread_mutex_unlock(&srv->lock);
    if (strcmp(kind, "tags") == 0)
        return serve_tags(r, repo);
    if (strcmp(kind, "blobs") == 0)
        return serve_blob(arg, r, repo);
    return serve_manifest(r, repo, number);
}

struct rig *download_registry_open(void)
{
    srv->blob = registry_rig_bytes(DOWNLOAD_BLOB, srv->digest);
    digest_sha256(DOWNLOAD_MANIFEST, strlen(DOWNLOAD_MANIFEST), srv->manifest_digest);
    return registry_rig_scripted(serve, serve_other);
}

void download_registry_close(struct rig *f)
{
    registry_rig_close(f);
    free(srv->blob);
}
