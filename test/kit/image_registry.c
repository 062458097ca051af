/* SPDX-License-Identifier: Apache-2.0
 * A scripted registry that images are pulled from; see image_registry.h. */
#include "test/kit/image_registry.h"

struct image_registry image_registry = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct image_registry *const srv = &image_registry;

#define MANIFEST_TYPE "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
#define INDEX_TYPE "Content-Type: application/vnd.oci.image.index.v1+json\r\n"

static bool serve_storage(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&srv->lock);
    mock_note_header(r, "Authorization", srv->auth_at_storage, sizeof srv->auth_at_storage);
    pthread_mutex_unlock(&srv->lock);
    if (strcmp(r->path, "/evil") == 0)
        return mock_text(
            r, 401, "WWW-Authenticate: Basic realm=\"give me the registry's password\"\r\n", "");
    return mock_text(r, 200, "", IMAGE_REGISTRY_CONFIG);
}

static bool give_token(struct mock_request *r)
{
    char auth[256] = "";
    bool basic = mock_header(r, "Authorization", auth, sizeof auth);
    bool good = strcmp(auth, "Basic YWxpY2U6czNjcmV0") == 0; /* alice:s3cret */
    bool refresh = strcmp(r->method, "POST") == 0 && strstr(r->body, "refresh_token=id%2Ftoken") &&
                   strstr(r->body, "grant_type=refresh_token");
    pthread_mutex_lock(&srv->lock);
    srv->tokens_given++;
    srv->refresh_used += refresh;
    srv->basic_token_logins += good;
    snprintf(srv->token_query, sizeof srv->token_query, "%.1000s", r->path);
    pthread_mutex_unlock(&srv->lock);
    if (basic && !good)
        return mock_text(r, 401, "", "{\"details\":\"incorrect username or password\"}");
    if (strstr(r->path, "broken"))
        return mock_text(r, 200, "", "{\"token\":\"a b\"}");
    return mock_text(r, 200, "",
                     good || refresh ? "{\"access_token\":\"member\",\"expires_in\":300}"
                                     : "{\"token\":\"guest\"}");
}

/* True: answered with a challenge. */
static bool challenged(struct mock_request *r, const char *repo, bool *go_on)
{
    static const char unauthorized[] = REGISTRY_ERROR("UNAUTHORIZED", "authentication required");
    char auth[256] = "";
    mock_header(r, "Authorization", auth, sizeof auth);
    const char *wanted = NULL;
    bool bearer = str_starts(repo, "token");
    if (bearer)
        wanted = strcmp(repo, "token-private") == 0 ? "Bearer member" : "Bearer guest";
    if (str_starts(repo, "basic"))
        wanted = "Basic YWxpY2U6czNjcmV0";
    if (strcmp(repo, "token-any") == 0 && str_starts(auth, "Bearer "))
        wanted = NULL;
    if (!wanted || strcmp(auth, wanted) == 0)
        return false;
    *go_on =
        bearer ? mock_textf(
                     r, 401, unauthorized,
                     "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d/token%s\",service=\"the "
                     "registry\",scope=\"repository:x:pull\"%s\r\n",
                     r->mock->port, strcmp(repo, "token-broken") == 0 ? "broken" : "",
                     *auth ? ",error=\"insufficient_scope\"" : "")
               : mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", unauthorized);
    return true;
}

static bool serve_manifest(struct mock_request *r, const char *repo, const char *reference)
{
    static const struct mock_answer fixed[] = {
        {"missing", 0, 0, 404, "", REGISTRY_ERROR("MANIFEST_UNKNOWN", "manifest unknown")},
        {"bare404", 0, 0, 404, "", "<html>"},
        {"noname", 0, 0, 404, "",
         REGISTRY_ERROR("NAME_UNKNOWN", "repository name not known to registry")},
        {"denied", 0, 0, 403, "",
         REGISTRY_ERROR("DENIED", "requested access to the resource is denied")},
        {"busy", 0, 0, 429, "", REGISTRY_ERROR("TOOMANYREQUESTS", "You have reached\\nyour limit")},
        {"down", 0, 0, 503, "", "oops"},
        {"teapot", 0, 0, 418, "", ""},
        {"lying-digest", 0, 0, 200,
         MANIFEST_TYPE "Docker-Content-Digest: sha256:"
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
         "{}"},
        {"no-json", 0, 0, 200, MANIFEST_TYPE, "hello"},
        {"schema1", 0, 0, 200, "", "{\"schemaVersion\":1,\"fsLayers\":[]}"},
        {"empty", 0, 0, 200, MANIFEST_TYPE, ""},
        {"reset", 0, 0, MOCK_RESET, NULL, NULL},
        {"stall", 0, 0, MOCK_STALL, NULL, NULL},
    };
    bool go_on;
    if (mock_answer_fixed(r, fixed, ARRAY_LEN(fixed), repo, 0, &go_on))
        return go_on;
    if (strcmp(repo, "big") == 0) {
        char *body AUTO_FREE = xmalloc(REGISTRY_MANIFEST_MAX + 1);
        memset(body, ' ', REGISTRY_MANIFEST_MAX + 1);
        return mock_reply(r, 200, MANIFEST_TYPE, body, REGISTRY_MANIFEST_MAX + 1);
    }
    if (strcmp(repo, "index") == 0 && strcmp(reference, srv->manifest_digest) != 0)
        return mock_text(r, 200, INDEX_TYPE, srv->index_text);
    if (strcmp(repo, "wrong-size") == 0) { /* the config's descriptor is one byte off */
        char body[1024];
        snprintf(body, sizeof body, "%s", srv->manifest);
        char *size = strstr(body, "\"size\":");
        size[8]++;
        return mock_text(r, 200, MANIFEST_TYPE, body);
    }
    return mock_text(r, 200, MANIFEST_TYPE, srv->manifest);
}

static bool serve_blob(struct rig *f, struct mock_request *r, const char *repo)
{
    bool is_evil = strcmp(repo, "evil-redirect") == 0;
    if (is_evil || strcmp(repo, "token-any") == 0 || strcmp(repo, "basic-redirect") == 0)
        return mock_textf(r, 307, "", "Location: http://127.0.0.1:%d/%s\r\n", f->other->port,
                          is_evil ? "evil" : "blob");
    if (strcmp(repo, "wrong-blob") == 0) {
        char body[sizeof IMAGE_REGISTRY_CONFIG];
        memcpy(body, IMAGE_REGISTRY_CONFIG, sizeof body);
        body[strlen("{\"arch")] = 'I';
        return mock_text(r, 200, "", body);
    }
    if (strcmp(repo, "short-blob") == 0) {
        static const char part[] = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{";
        mock_send(r->fd, part, sizeof part - 1);
        return false;
    }
    if (strcmp(repo, "no-blob") == 0)
        return mock_text(r, 404, "", REGISTRY_ERROR("BLOB_UNKNOWN", "blob unknown to registry"));
    return mock_text(r, 200, "", IMAGE_REGISTRY_CONFIG);
}

static bool serve(void *arg, struct mock_request *r)
{
    struct rig *f = arg;
    char repo[256], kind[32], reference[256];
    bool go_on = false;
    if (str_starts(r->path, "/token"))
        return give_token(r);
    if (sscanf(r->path, "/v2/%255[^/]/%31[^/]/%255s", repo, kind, reference) != 3)
        return mock_text(r, 404, "", "");
    if (challenged(r, repo, &go_on))
        return go_on;
    if (strcmp(kind, "blobs") == 0)
        return serve_blob(f, r, repo);
    pthread_mutex_lock(&srv->lock);
    srv->manifests++;
    pthread_mutex_unlock(&srv->lock);
    return serve_manifest(r, repo, reference);
}

static void write_documents(void)
{
    digest_sha256(IMAGE_REGISTRY_CONFIG, strlen(IMAGE_REGISTRY_CONFIG), srv->config_digest);
    snprintf(srv->manifest, sizeof srv->manifest,
             "{\"schemaVersion\":2,\"config\":{\"size\":%zu,\"digest\":\"%s\",\"mediaType\":"
             "\"application/vnd.oci.image.config.v1+json\"},\"layers\":[{\"digest\":\"sha256:"
             "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\",\"size\":1234}]}",
             strlen(IMAGE_REGISTRY_CONFIG), srv->config_digest);
    digest_sha256(srv->manifest, strlen(srv->manifest), srv->manifest_digest);
    snprintf(srv->index_text, sizeof srv->index_text,
             "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":1,\"platform\":{"
             "\"os\":\"unknown\",\"architecture\":\"unknown\"}},{\"digest\":\"%s\",\"size\":%zu,"
             "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
             srv->config_digest, srv->manifest_digest, strlen(srv->manifest));
    digest_sha256(srv->index_text, strlen(srv->index_text), srv->index_digest);
}

struct rig *image_registry_open(void)
{
    write_documents();
    return registry_rig_scripted(serve, serve_storage);
}
