/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry client against a scripted registry: logins, redirects, and every way to answer
 * wrongly. The repository's name chooses the behaviour.
 */
#include "oci/registry/registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/http_mock.h"
#include "test/kit/test.h"

#define JSON_ERROR(code, message)                                                                  \
    "{\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"
#define MANIFEST_TYPE "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
#define INDEX_TYPE "Content-Type: application/vnd.oci.image.index.v1+json\r\n"

static const char image_config[] =
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"],\"Env\":[\"A=1\"]},"
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]}}";

/* What the server counts and remembers; read by the test after the client is done. */
static struct {
    pthread_mutex_t lock;
    int tokens_given, refresh_used, basic_token_logins, manifests;
    char auth_at_storage[512];
    char token_query[1024];
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct fixture {
    struct loop loop;
    struct http_client *http;
    struct registry_client *registry;
    struct mock *mock, *storage;
    struct arena arena;
    char manifest[1024], manifest_digest[DIGEST_MAX];
    char config_digest[DIGEST_MAX];
    char index[1024], index_digest[DIGEST_MAX];
};

/* ---- the scripted registry ---- */

static bool serve_storage(void *arg, struct mock_request *r)
{
    struct fixture *f = arg;
    (void)f;
    pthread_mutex_lock(&seen.lock);
    if (!mock_header(r, "Authorization", seen.auth_at_storage, sizeof seen.auth_at_storage))
        snprintf(seen.auth_at_storage, sizeof seen.auth_at_storage, "none");
    pthread_mutex_unlock(&seen.lock);
    if (strcmp(r->path, "/evil") == 0) {
        char challenge[256];
        snprintf(challenge, sizeof challenge,
                 "WWW-Authenticate: Basic realm=\"give me the registry's password\"\r\n");
        return mock_text(r, 401, challenge, "");
    }
    return mock_text(r, 200, "", image_config);
}

static bool give_token(struct mock_request *r)
{
    char auth[256] = "";
    bool basic = mock_header(r, "Authorization", auth, sizeof auth);
    bool good = strcmp(auth, "Basic YWxpY2U6czNjcmV0") == 0; /* alice:s3cret */
    bool refresh = strcmp(r->method, "POST") == 0 && strstr(r->body, "refresh_token=id%2Ftoken") &&
                   strstr(r->body, "grant_type=refresh_token");
    pthread_mutex_lock(&seen.lock);
    seen.tokens_given++;
    seen.refresh_used += refresh;
    seen.basic_token_logins += good;
    snprintf(seen.token_query, sizeof seen.token_query, "%.1000s", r->path);
    pthread_mutex_unlock(&seen.lock);
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
    char auth[256] = "", challenge[512];
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
    if (bearer)
        snprintf(challenge, sizeof challenge,
                 "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d/token%s\",service=\"the "
                 "registry\",scope=\"repository:x:pull\"%s\r\n",
                 r->mock->port, strcmp(repo, "token-broken") == 0 ? "broken" : "",
                 *auth ? ",error=\"insufficient_scope\"" : "");
    else
        snprintf(challenge, sizeof challenge, "WWW-Authenticate: Basic realm=\"x\"\r\n");
    *go_on = mock_text(r, 401, challenge, JSON_ERROR("UNAUTHORIZED", "authentication required"));
    return true;
}

static bool serve_manifest(struct fixture *f, struct mock_request *r, const char *repo,
                           const char *reference)
{
    static const struct {
        const char *repo;
        int status;
        const char *headers, *body;
    } fixed[] = {
        {"missing", 404, "", JSON_ERROR("MANIFEST_UNKNOWN", "manifest unknown")},
        {"bare404", 404, "", "<html>"},
        {"noname", 404, "", JSON_ERROR("NAME_UNKNOWN", "repository name not known to registry")},
        {"denied", 403, "", JSON_ERROR("DENIED", "requested access to the resource is denied")},
        {"busy", 429, "", JSON_ERROR("TOOMANYREQUESTS", "You have reached\\nyour limit")},
        {"down", 503, "", "oops"},
        {"teapot", 418, "", ""},
        {"lying-digest", 200,
         MANIFEST_TYPE "Docker-Content-Digest: sha256:"
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
         "{}"},
        {"no-json", 200, MANIFEST_TYPE, "hello"},
        {"schema1", 200, "", "{\"schemaVersion\":1,\"fsLayers\":[]}"},
        {"empty", 200, MANIFEST_TYPE, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(repo, fixed[i].repo) == 0)
            return mock_text(r, fixed[i].status, fixed[i].headers, fixed[i].body);
    if (strcmp(repo, "reset") == 0) {
        mock_reset(r);
        return false;
    }
    if (strcmp(repo, "stall") == 0) {
        mock_stall(r);
        return false;
    }
    if (strcmp(repo, "big") == 0) {
        char *body = calloc(1, REGISTRY_MANIFEST_MAX + 1);
        memset(body, ' ', REGISTRY_MANIFEST_MAX + 1);
        bool sent = mock_reply(r, 200, MANIFEST_TYPE, body, REGISTRY_MANIFEST_MAX + 1);
        free(body);
        return sent;
    }
    if (strcmp(repo, "index") == 0 && strcmp(reference, f->manifest_digest) != 0)
        return mock_text(r, 200, INDEX_TYPE, f->index);
    if (strcmp(repo, "wrong-size") == 0) { /* the config's descriptor is one byte off */
        char body[1024];
        snprintf(body, sizeof body, "%s", f->manifest);
        char *size = strstr(body, "\"size\":");
        size[8]++;
        return mock_text(r, 200, MANIFEST_TYPE, body);
    }
    return mock_text(r, 200, MANIFEST_TYPE, f->manifest);
}

static bool serve_blob(struct fixture *f, struct mock_request *r, const char *repo)
{
    char headers[256];
    if (strcmp(repo, "token-any") == 0 || strcmp(repo, "basic-redirect") == 0) {
        snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%d/blob\r\n",
                 f->storage->port);
        return mock_text(r, 307, headers, "");
    }
    if (strcmp(repo, "evil-redirect") == 0) {
        snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%d/evil\r\n",
                 f->storage->port);
        return mock_text(r, 307, headers, "");
    }
    if (strcmp(repo, "wrong-blob") == 0) {
        char body[sizeof image_config];
        memcpy(body, image_config, sizeof body);
        body[strlen("{\"arch")] = 'I';
        return mock_text(r, 200, "", body);
    }
    if (strcmp(repo, "short-blob") == 0) {
        static const char part[] = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{";
        mock_send(r->fd, part, sizeof part - 1);
        return false;
    }
    if (strcmp(repo, "no-blob") == 0)
        return mock_text(r, 404, "", JSON_ERROR("BLOB_UNKNOWN", "blob unknown to registry"));
    return mock_text(r, 200, "", image_config);
}

static bool serve(void *arg, struct mock_request *r)
{
    struct fixture *f = arg;
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
    pthread_mutex_lock(&seen.lock);
    seen.manifests++;
    pthread_mutex_unlock(&seen.lock);
    return serve_manifest(f, r, repo, reference);
}

/* ---- fetching ---- */

struct pull {
    struct fixture *f;
    struct image_ref ref;
    struct registry_fetch what;
    struct registry_image image;
    struct error err;
    int rc;
    struct co *self;
};

static void pull_body(void *arg)
{
    struct pull *p = arg;
    p->self = co_current();
    p->rc = co_registry_fetch_image(p->f->registry, &p->what, &p->f->arena, &p->image, &p->err);
    loop_stop(&p->f->loop);
}

static struct pull pull_as(struct fixture *f, const char *name, const char *auth_json)
{
    struct pull p = {.f = f};
    struct error err;
    char text[512];
    snprintf(text, sizeof text, "127.0.0.1:%d/%s", f->mock->port, name);
    assert_int_equal(image_ref_parse(text, &p.ref, &err), 0);
    image_ref_default_tag(&p.ref);
    p.what.auth_json = auth_json;
    p.what.auth_json_len = auth_json ? strlen(auth_json) : 0;
    return p;
}

static void pull_run(struct pull *p)
{
    struct error err;
    p->what.ref = &p->ref;
    assert_int_equal(co_spawn(&p->f->loop, pull_body, p, &err), 0);
    loop_run(&p->f->loop);
}

static struct pull pull(struct fixture *f, const char *name, const char *auth_json)
{
    struct pull p = pull_as(f, name, auth_json);
    pull_run(&p);
    return p;
}

static void check_good(const struct pull *p)
{
    if (p->rc)
        fail_msg("%s: %s", p->ref.path, p->err.message);
    assert_string_equal(p->image.image->id, p->f->config_digest);
    assert_string_equal(p->image.image->config->cmd->items[0], "sh");
    assert_int_equal(p->image.raw_config_len, strlen(image_config));
    assert_int_equal(p->image.layer_count, 1);
    assert_int_equal(p->image.size, 1234);
    assert_string_equal(p->image.platform_digest, p->f->manifest_digest);
    assert_int_equal(p->image.raw_manifest_len, strlen(p->f->manifest));
    assert_memory_equal(p->image.raw_manifest, p->f->manifest, p->image.raw_manifest_len);
    assert_string_equal(p->image.manifest_type, "application/vnd.oci.image.manifest.v1+json");
}

/* ---- fixture ---- */

static void write_documents(struct fixture *f)
{
    digest_sha256(image_config, strlen(image_config), f->config_digest);
    snprintf(f->manifest, sizeof f->manifest,
             "{\"schemaVersion\":2,\"config\":{\"size\":%zu,\"digest\":\"%s\",\"mediaType\":"
             "\"application/vnd.oci.image.config.v1+json\"},\"layers\":[{\"digest\":\"sha256:"
             "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\",\"size\":1234}]}",
             strlen(image_config), f->config_digest);
    digest_sha256(f->manifest, strlen(f->manifest), f->manifest_digest);
    snprintf(f->index, sizeof f->index,
             "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":1,\"platform\":{"
             "\"os\":\"unknown\",\"architecture\":\"unknown\"}},{\"digest\":\"%s\",\"size\":%zu,"
             "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
             f->config_digest, f->manifest_digest, strlen(f->manifest));
    digest_sha256(f->index, strlen(f->index), f->index_digest);
}

static int fixture_setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct error err;
    struct registry_options options = {.timeout_ms = 2000, .backoff_ms = 1};
    if (loop_init(&f->loop, &err) || http_client_open(&f->loop, NULL, &f->http, &err) ||
        registry_client_open(f->http, &options, &f->registry, &err)) {
        free(f);
        return -1;
    }
    arena_init(&f->arena);
    write_documents(f);
    f->mock = mock_start(serve, f);
    f->storage = mock_start(serve_storage, f);
    *state = f;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    registry_client_close(f->registry);
    http_client_close(f->http);
    loop_fini(&f->loop);
    mock_stop(f->mock);
    mock_stop(f->storage);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

/* ---- tests ---- */

TEST_USING(fixture, plain_and_index)
{
    struct fixture *f = *state;
    struct pull p = pull(f, "ok", NULL);
    check_good(&p);
    assert_string_equal(p.image.manifest_digest, f->manifest_digest);
    p = pull(f, "index:v1", NULL);
    check_good(&p);
    assert_string_equal(p.image.manifest_digest, f->index_digest);
    char name[256];
    snprintf(name, sizeof name, "index@%s", f->index_digest);
    p = pull(f, name, NULL);
    check_good(&p);
    snprintf(name, sizeof name, "ok@%s", f->index_digest); /* serves something else */
    p = pull(f, name, NULL);
    assert_int_equal(p.rc, -1);
    assert_non_null(strstr(p.err.message, "verification failed"));
}

TEST_USING(fixture, platform)
{
    struct fixture *f = *state;
    struct pull p = pull_as(f, "index", NULL);
    p.what.platform = "linux/s390x";
    pull_run(&p);
    assert_int_equal(p.err.code, ERROR_NOT_FOUND);
    assert_string_equal(p.err.message,
                        "no matching manifest for linux/s390x in the manifest list entries");
    p = pull_as(f, "ok", NULL);
    p.what.platform = "linux/arm64";
    pull_run(&p);
    assert_int_equal(p.err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(p.err.message, "was found but does not match the specified platform: "
                                          "wanted linux/arm64, actual: linux/amd64"));
    p.what.platform = "linux/x86_64";
    pull_run(&p);
    check_good(&p);
    p.what.platform = "a/b/c/d";
    pull_run(&p);
    assert_int_equal(p.err.code, ERROR_INVALID_PARAMETER);
}

static void check_error(struct fixture *f, const char *name, const char *auth, enum error_code code,
                        const char *words)
{
    struct pull p = pull(f, name, auth);
    assert_int_equal(p.rc, -1);
    char expected[512];
    snprintf(expected, sizeof expected, words, f->mock->port);
    if (p.err.code != code || !strstr(p.err.message, expected))
        fail_msg("%s: %s: %s\nexpected: %s", name, error_code_name(p.err.code), p.err.message,
                 expected);
}

TEST_USING(fixture, errors)
{
    struct fixture *f = *state;
    check_error(
        f, "missing:1", NULL, ERROR_NOT_FOUND,
        "manifest for 127.0.0.1:%d/missing:1 not found: manifest unknown: manifest unknown");
    check_error(f, "bare404", NULL, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/bare404:latest not found: manifest unknown: manifest "
                "unknown");
    check_error(f, "noname", NULL, ERROR_NOT_FOUND,
                "repository 127.0.0.1:%d/noname not found: name unknown: repository name");
    check_error(f, "denied", NULL, ERROR_NOT_FOUND,
                "pull access denied for 127.0.0.1:%d/denied, repository does not exist or may "
                "require 'docker login': denied: requested access to the resource is denied");
    check_error(f, "busy", NULL, ERROR_TOO_MANY_REQUESTS,
                "toomanyrequests: You have reached your limit");
    check_error(f, "down", NULL, ERROR_UNAVAILABLE, "status 503");
    check_error(f, "teapot", NULL, ERROR_SYSTEM, "status 418");
    check_error(f, "lying-digest", NULL, ERROR_SYSTEM, "verification failed");
    check_error(f, "no-json", NULL, ERROR_INVALID_PARAMETER, "malformed JSON");
    check_error(f, "empty", NULL, ERROR_INVALID_PARAMETER, "malformed JSON");
    check_error(f, "schema1", NULL, ERROR_INVALID_PARAMETER, "schema 1 is not supported");
    check_error(f, "big", NULL, ERROR_TOO_LARGE, "larger than");
    check_error(f, "reset", NULL, ERROR_SYSTEM, "Get \"http://127.0.0.1:%d/v2/\": ");
    check_error(f, "stall", NULL, ERROR_SYSTEM, "no complete answer within");
    check_error(f, "wrong-size", NULL, ERROR_SYSTEM, "verification failed: blobs");
    check_error(f, "wrong-blob", NULL, ERROR_SYSTEM, "verification failed: expected digest");
    check_error(f, "short-blob", NULL, ERROR_SYSTEM, "unexpected EOF");
    check_error(f, "no-blob", NULL, ERROR_NOT_FOUND, "blob unknown: blob unknown to registry");
}

TEST_USING(fixture, unreachable)
{
    struct fixture *f = *state;
    struct mock *gone = mock_start(serve, f);
    int port = gone->port;
    mock_stop(gone);
    struct pull p = {.f = f};
    struct error err;
    char text[64], expected[256];
    snprintf(text, sizeof text, "127.0.0.1:%d/x", port);
    assert_int_equal(image_ref_parse(text, &p.ref, &err), 0);
    pull_run(&p);
    snprintf(expected, sizeof expected,
             "Get \"http://127.0.0.1:%d/v2/\": dial tcp 127.0.0.1:%d: connect: connection refused",
             port, port);
    assert_int_equal(p.err.code, ERROR_SYSTEM);
    assert_string_equal(p.err.message, expected);
}

static const char alice[] = "{\"username\":\"alice\",\"password\":\"s3cret\",\"email\":null}";
static const char alice_auth[] = "{\"auth\":\"YWxpY2U6czNjcmV0\"}";
static const char mallory[] = "{\"username\":\"mallory\",\"password\":\"bad\"}";
static const char identity[] = "{\"identitytoken\":\"id/token\"}";

TEST_USING(fixture, basic)
{
    struct fixture *f = *state;
    struct pull p = pull(f, "basic", alice);
    check_good(&p);
    p = pull(f, "basic2", alice_auth);
    check_good(&p);
    check_error(
        f, "basic", NULL, ERROR_SYSTEM,
        "Head \"http://127.0.0.1:%d/v2/basic/manifests/latest\": no basic auth credentials");
    check_error(f, "basic", "not json", ERROR_SYSTEM, "no basic auth credentials");
    check_error(f, "basic", mallory, ERROR_UNAUTHORIZED, "unauthorized: authentication required");
    p = pull(f, "basic-redirect", alice);
    check_good(&p);
    assert_string_equal(seen.auth_at_storage, "none");
    /* Another host asks for the password: it gets nothing. */
    check_error(f, "evil-redirect", alice, ERROR_UNAUTHORIZED, "unauthorized");
    assert_string_equal(seen.auth_at_storage, "none");
}

TEST_USING(fixture, token)
{
    struct fixture *f = *state;
    seen.tokens_given = seen.refresh_used = seen.basic_token_logins = 0;
    struct pull p = pull(f, "token", NULL);
    check_good(&p);
    assert_int_equal(seen.tokens_given, 1);
    assert_non_null(strstr(seen.token_query, "service=the%20registry"));
    assert_non_null(strstr(seen.token_query, "scope=repository%3Atoken%3Apull"));
    p = pull(f, "token", NULL); /* from the cache */
    check_good(&p);
    assert_int_equal(seen.tokens_given, 1);
    p = pull(f, "token2", NULL); /* another repository, another token */
    check_good(&p);
    assert_int_equal(seen.tokens_given, 2);
    check_error(f, "token-private", NULL, ERROR_NOT_FOUND,
                "pull access denied for 127.0.0.1:%d/token-private, repository does not exist or "
                "may require 'docker login': denied: requested access to the resource is denied");
    p = pull(f, "token-private", alice);
    check_good(&p);
    assert_int_equal(seen.basic_token_logins, 1);
    /* What alice may see is not for the next one. */
    check_error(f, "token-private", NULL, ERROR_NOT_FOUND, "pull access denied");
    check_error(f, "token-private", mallory, ERROR_UNAUTHORIZED,
                "unauthorized: incorrect username or password");
    p = pull(f, "token-private", identity);
    check_good(&p);
    assert_int_equal(seen.refresh_used, 1);
    check_error(f, "token-broken", NULL, ERROR_SYSTEM, "no token");
    p = pull(f, "token-any", "{\"registrytoken\":\"mine\"}");
    check_good(&p);
    assert_string_equal(seen.auth_at_storage, "none");
}

static char login_host[128];

static int co_login(void *arg, const char *host, struct registry_login *out, struct error *err)
{
    snprintf(login_host, sizeof login_host, "%s", host);
    if (co_sleep(1, err))
        return -1;
    if (arg)
        return error_set(err, ERROR_FORBIDDEN, "not allowed to");
    out->username = xstrdup("alice");
    out->password = xstrdup("s3cret");
    return 0;
}

TEST_USING(fixture, login_callback)
{
    struct fixture *f = *state;
    struct pull p = pull_as(f, "basic3", "{}");
    p.what.login = co_login;
    pull_run(&p);
    check_good(&p);
    char host[64];
    snprintf(host, sizeof host, "127.0.0.1:%d", f->mock->port);
    assert_string_equal(login_host, host);
    p = pull_as(f, "basic4", NULL);
    p.what.login = co_login;
    p.what.login_arg = f;
    pull_run(&p);
    assert_int_equal(p.err.code, ERROR_FORBIDDEN);
    assert_non_null(strstr(p.err.message, "not allowed to"));
}

static void cancel_body(void *arg)
{
    struct pull *p = arg;
    co_cancel(p->self);
}

TEST_USING(fixture, cancel)
{
    struct fixture *f = *state;
    struct pull p = pull_as(f, "stall", NULL);
    struct error err;
    p.what.ref = &p.ref;
    assert_int_equal(co_spawn(&f->loop, pull_body, &p, &err), 0);
    assert_int_equal(co_spawn(&f->loop, cancel_body, &p, &err), 0);
    loop_run(&f->loop);
    assert_int_equal(p.rc, -1);
    assert_int_equal(p.err.code, ERROR_CANCELLED);
}

TEST_USING(fixture, mirror)
{
    struct fixture *f = *state;
    struct registry_client *was = f->registry;
    struct error err;
    char mirrors[256];
    snprintf(mirrors, sizeof mirrors,
             "docker.io=http://127.0.0.1:%d, ghcr.io=http://127.0.0.1:%d/basic/,", f->mock->port,
             f->mock->port);
    struct registry_options options = {.mirrors = mirrors};
    assert_int_equal(registry_client_open(f->http, &options, &f->registry, &err), 0);
    struct pull p = {.f = f};
    assert_int_equal(image_ref_parse("docker.io/missing/x:2", &p.ref, &err), 0);
    pull_run(&p); /* the mock knows no two-level names */
    assert_string_equal(p.err.message,
                        "manifest for missing/x:2 not found: manifest unknown: manifest unknown");
    /* The prefix, and no client's credentials for a mirror. */
    assert_int_equal(image_ref_parse("ghcr.io/manifests:x", &p.ref, &err), 0);
    p.what.auth_json = alice;
    p.what.auth_json_len = strlen(alice);
    pull_run(&p);
    assert_non_null(strstr(p.err.message, "/v2/basic/manifests/manifests/x\": no basic auth"));
    registry_client_close(f->registry);
    f->registry = was;
    static const char *const bad[] = {"docker.io", "docker.io=",   "a=ftp://b",   "=http://x",
                                      "a=http://", "a=http://b c", "a=http://b/C"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct registry_client *c;
        options.mirrors = bad[i];
        if (registry_client_open(f->http, &options, &c, &err) == 0)
            fail_msg("accepted: %s", bad[i]);
    }
}

TEST(hosts)
{
    struct registry_hosts *h;
    struct registry_endpoint e;
    struct error err;
    static const struct {
        const char *domain, *base;
    } cases[] = {
        {"docker.io", "https://registry-1.docker.io"},
        {"ghcr.io", "https://ghcr.io"},
        {"localhost", "http://localhost"},
        {"localhost:5000", "http://localhost:5000"},
        {"localhost.evil.com", "https://localhost.evil.com"},
        {"127.0.0.1:5000", "http://127.0.0.1:5000"},
        {"127.evil.com", "https://127.evil.com"},
        {"[::1]:5000", "http://[::1]:5000"},
        {"reg.local", "http://reg.local"},
        {"reg.local:81", "http://reg.local:81"},
        {"reg.local.com", "https://reg.local.com"},
        {"10.0.0.1:80", "http://10.0.0.1:80"},
        {"10.0.0.1:81", "https://10.0.0.1:81"},
    };
    assert_int_equal(registry_hosts_parse(NULL, "reg.local , 10.0.0.1:80", &h, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        registry_hosts_find(h, cases[i].domain, &e);
        assert_string_equal(e.base, cases[i].base);
    }
    registry_hosts_free(h);
}
