/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry client against a scripted registry: logins, redirects, and every way to answer
 * wrongly. The repository's name chooses the behaviour.
 */
#include "test/kit/registry_rig.h"
#include "test/kit/test.h"

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

/* What it has: one image, and an index that names it. */
static char manifest[1024], manifest_digest[DIGEST_MAX], config_digest[DIGEST_MAX];
static char index_text[1024], index_digest[DIGEST_MAX];

/* ---- the scripted registry ---- */

static bool serve_storage(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&seen.lock);
    if (!mock_header(r, "Authorization", seen.auth_at_storage, sizeof seen.auth_at_storage))
        snprintf(seen.auth_at_storage, sizeof seen.auth_at_storage, "none");
    pthread_mutex_unlock(&seen.lock);
    if (strcmp(r->path, "/evil") == 0)
        return mock_text(
            r, 401, "WWW-Authenticate: Basic realm=\"give me the registry's password\"\r\n", "");
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
    *go_on =
        mock_text(r, 401, challenge, REGISTRY_ERROR("UNAUTHORIZED", "authentication required"));
    return true;
}

static bool serve_manifest(struct mock_request *r, const char *repo, const char *reference)
{
    static const struct {
        const char *repo;
        int status;
        const char *headers, *body;
    } fixed[] = {
        {"missing", 404, "", REGISTRY_ERROR("MANIFEST_UNKNOWN", "manifest unknown")},
        {"bare404", 404, "", "<html>"},
        {"noname", 404, "",
         REGISTRY_ERROR("NAME_UNKNOWN", "repository name not known to registry")},
        {"denied", 403, "", REGISTRY_ERROR("DENIED", "requested access to the resource is denied")},
        {"busy", 429, "", REGISTRY_ERROR("TOOMANYREQUESTS", "You have reached\\nyour limit")},
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
    if (strcmp(repo, "reset") == 0)
        return mock_reset(r);
    if (strcmp(repo, "stall") == 0)
        return mock_stall(r);
    if (strcmp(repo, "big") == 0) {
        char *body AUTO_FREE = xmalloc(REGISTRY_MANIFEST_MAX + 1);
        memset(body, ' ', REGISTRY_MANIFEST_MAX + 1);
        return mock_reply(r, 200, MANIFEST_TYPE, body, REGISTRY_MANIFEST_MAX + 1);
    }
    if (strcmp(repo, "index") == 0 && strcmp(reference, manifest_digest) != 0)
        return mock_text(r, 200, INDEX_TYPE, index_text);
    if (strcmp(repo, "wrong-size") == 0) { /* the config's descriptor is one byte off */
        char body[1024];
        snprintf(body, sizeof body, "%s", manifest);
        char *size = strstr(body, "\"size\":");
        size[8]++;
        return mock_text(r, 200, MANIFEST_TYPE, body);
    }
    return mock_text(r, 200, MANIFEST_TYPE, manifest);
}

static bool serve_blob(struct rig *f, struct mock_request *r, const char *repo)
{
    bool is_evil = strcmp(repo, "evil-redirect") == 0;
    if (is_evil || strcmp(repo, "token-any") == 0 || strcmp(repo, "basic-redirect") == 0) {
        char headers[256];
        snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%d/%s\r\n", f->other->port,
                 is_evil ? "evil" : "blob");
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
        return mock_text(r, 404, "", REGISTRY_ERROR("BLOB_UNKNOWN", "blob unknown to registry"));
    return mock_text(r, 200, "", image_config);
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
    pthread_mutex_lock(&seen.lock);
    seen.manifests++;
    pthread_mutex_unlock(&seen.lock);
    return serve_manifest(r, repo, reference);
}

/* ---- fetching ---- */

static void check_good(const struct pull *p)
{
    if (p->rc)
        fail_msg("%s: %s", p->ref.path, p->err.message);
    assert_string_equal(p->image.image->id, config_digest);
    assert_string_equal(p->image.image->config->cmd->items[0], "sh");
    assert_int_equal(p->image.raw_config_len, strlen(image_config));
    assert_int_equal(p->image.layer_count, 1);
    assert_int_equal(p->image.size, 1234);
    assert_string_equal(p->image.platform_digest, manifest_digest);
    assert_int_equal(p->image.raw_manifest_len, strlen(manifest));
    assert_memory_equal(p->image.raw_manifest, manifest, p->image.raw_manifest_len);
    assert_string_equal(p->image.manifest_type, "application/vnd.oci.image.manifest.v1+json");
}

/* ---- fixture ---- */

static void write_documents(void)
{
    digest_sha256(image_config, strlen(image_config), config_digest);
    snprintf(manifest, sizeof manifest,
             "{\"schemaVersion\":2,\"config\":{\"size\":%zu,\"digest\":\"%s\",\"mediaType\":"
             "\"application/vnd.oci.image.config.v1+json\"},\"layers\":[{\"digest\":\"sha256:"
             "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\",\"size\":1234}]}",
             strlen(image_config), config_digest);
    digest_sha256(manifest, strlen(manifest), manifest_digest);
    snprintf(index_text, sizeof index_text,
             "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":1,\"platform\":{"
             "\"os\":\"unknown\",\"architecture\":\"unknown\"}},{\"digest\":\"%s\",\"size\":%zu,"
             "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
             config_digest, manifest_digest, strlen(manifest));
    digest_sha256(index_text, strlen(index_text), index_digest);
}

static int fixture_setup(void **state)
{
    write_documents();
    *state = registry_rig_scripted(serve, serve_storage);
    return 0;
}

static int fixture_teardown(void **state)
{
    registry_rig_close(*state);
    return 0;
}

/* ---- tests ---- */

/* The image is there; the name's manifest has that digest. */
static void check_pull(struct rig *f, const char *name, const char *auth)
{
    struct pull p = pull(f, f->mock->port, name, auth);
    check_good(&p);
    bool is_index = str_starts(name, "index");
    assert_string_equal(p.image.manifest_digest, is_index ? index_digest : manifest_digest);
}

static void check_error(struct rig *f, const char *name, const char *auth, enum error_code code,
                        const char *words)
{
    struct pull p = pull(f, f->mock->port, name, auth);
    pull_check_error(&p, code, words);
}

TEST_USING(fixture, plain_and_index)
{
    struct rig *f = *state;
    char name[256];
    check_pull(f, "ok", NULL);
    check_pull(f, "index:v1", NULL);
    snprintf(name, sizeof name, "index@%s", index_digest);
    check_pull(f, name, NULL);
    snprintf(name, sizeof name, "ok@%s", index_digest); /* serves something else */
    check_error(f, name, NULL, ERROR_SYSTEM, "verification failed");
}

TEST_USING(fixture, platform)
{
    struct rig *f = *state;
    struct pull p = pull_of(f, f->mock->port, "index", NULL);
    p.what.platform = "linux/s390x";
    pull_run(&p);
    assert_int_equal(p.err.code, ERROR_NOT_FOUND);
    assert_string_equal(p.err.message,
                        "no matching manifest for linux/s390x in the manifest list entries");
    p = pull_of(f, f->mock->port, "ok", NULL);
    p.what.platform = "linux/arm64";
    pull_run(&p);
    pull_check_error(&p, ERROR_NOT_FOUND,
                     "was found but does not match the specified platform: wanted linux/arm64, "
                     "actual: linux/amd64");
    p.what.platform = "linux/x86_64";
    pull_run(&p);
    check_good(&p);
    p.what.platform = "a/b/c/d";
    pull_run(&p);
    pull_check_error(&p, ERROR_INVALID_PARAMETER, "");
}

#define DENIED(name)                                                                               \
    "pull access denied for 127.0.0.1:%d/" name ", repository does not exist or may require "      \
    "'docker login': denied: requested access to the resource is denied"

TEST_USING(fixture, errors)
{
    static const struct {
        const char *name;
        enum error_code code;
        const char *words;
    } cases[] = {
        {"missing:1", ERROR_NOT_FOUND,
         "manifest for 127.0.0.1:%d/missing:1 not found: manifest unknown: manifest unknown"},
        {"bare404", ERROR_NOT_FOUND,
         "manifest for 127.0.0.1:%d/bare404:latest not found: manifest unknown: manifest unknown"},
        {"noname", ERROR_NOT_FOUND,
         "repository 127.0.0.1:%d/noname not found: name unknown: repository name"},
        {"denied", ERROR_NOT_FOUND, DENIED("denied")},
        {"busy", ERROR_TOO_MANY_REQUESTS, "toomanyrequests: You have reached your limit"},
        {"down", ERROR_UNAVAILABLE, "status 503"},
        {"teapot", ERROR_SYSTEM, "status 418"},
        {"lying-digest", ERROR_SYSTEM, "verification failed"},
        {"no-json", ERROR_INVALID_PARAMETER, "malformed JSON"},
        {"empty", ERROR_INVALID_PARAMETER, "malformed JSON"},
        {"schema1", ERROR_INVALID_PARAMETER, "schema 1 is not supported"},
        {"big", ERROR_TOO_LARGE, "larger than"},
        {"reset", ERROR_SYSTEM, "Get \"http://127.0.0.1:%d/v2/\": "},
        {"stall", ERROR_SYSTEM, "no complete answer within"},
        {"wrong-size", ERROR_SYSTEM, "verification failed: blobs"},
        {"wrong-blob", ERROR_SYSTEM, "verification failed: expected digest"},
        {"short-blob", ERROR_SYSTEM, "unexpected EOF"},
        {"no-blob", ERROR_NOT_FOUND, "blob unknown: blob unknown to registry"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_error(*state, cases[i].name, NULL, cases[i].code, cases[i].words);
}

TEST_USING(fixture, unreachable)
{
    struct rig *f = *state;
    struct mock *gone = mock_start(serve, f);
    int port = gone->port;
    mock_stop(gone);
    struct pull p = pull(f, port, "x", NULL);
    char expected[256];
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
    struct rig *f = *state;
    check_pull(f, "basic", alice);
    check_pull(f, "basic2", alice_auth);
    check_error(
        f, "basic", NULL, ERROR_SYSTEM,
        "Head \"http://127.0.0.1:%d/v2/basic/manifests/latest\": no basic auth credentials");
    check_error(f, "basic", "not json", ERROR_SYSTEM, "no basic auth credentials");
    check_error(f, "basic", mallory, ERROR_UNAUTHORIZED, "unauthorized: authentication required");
    check_pull(f, "basic-redirect", alice);
    assert_string_equal(seen.auth_at_storage, "none");
    /* Another host asks for the password: it gets nothing. */
    check_error(f, "evil-redirect", alice, ERROR_UNAUTHORIZED, "unauthorized");
    assert_string_equal(seen.auth_at_storage, "none");
}

TEST_USING(fixture, token)
{
    struct rig *f = *state;
    seen.tokens_given = seen.refresh_used = seen.basic_token_logins = 0;
    check_pull(f, "token", NULL);
    assert_int_equal(seen.tokens_given, 1);
    assert_non_null(strstr(seen.token_query, "service=the%20registry"));
    assert_non_null(strstr(seen.token_query, "scope=repository%3Atoken%3Apull"));
    check_pull(f, "token", NULL); /* from the cache */
    assert_int_equal(seen.tokens_given, 1);
    check_pull(f, "token2", NULL); /* another repository, another token */
    assert_int_equal(seen.tokens_given, 2);
    check_error(f, "token-private", NULL, ERROR_NOT_FOUND, DENIED("token-private"));
    check_pull(f, "token-private", alice);
    assert_int_equal(seen.basic_token_logins, 1);
    /* What alice may see is not for the next one. */
    check_error(f, "token-private", NULL, ERROR_NOT_FOUND, "pull access denied");
    check_error(f, "token-private", mallory, ERROR_UNAUTHORIZED,
                "unauthorized: incorrect username or password");
    check_pull(f, "token-private", identity);
    assert_int_equal(seen.refresh_used, 1);
    check_error(f, "token-broken", NULL, ERROR_SYSTEM, "no token");
    check_pull(f, "token-any", "{\"registrytoken\":\"mine\"}");
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
    struct rig *f = *state;
    struct pull p = pull_of(f, f->mock->port, "basic3", "{}");
    p.what.login = co_login;
    pull_run(&p);
    check_good(&p);
    char host[64];
    snprintf(host, sizeof host, "127.0.0.1:%d", f->mock->port);
    assert_string_equal(login_host, host);
    p = pull_of(f, f->mock->port, "basic4", NULL);
    p.what.login = co_login;
    p.what.login_arg = f;
    pull_run(&p);
    pull_check_error(&p, ERROR_FORBIDDEN, "not allowed to");
}

static void cancel_body(void *arg)
{
    struct pull *p = arg;
    co_cancel(p->self);
}

TEST_USING(fixture, cancel)
{
    struct rig *f = *state;
    struct pull p = pull_of(f, f->mock->port, "stall", NULL);
    struct error err;
    pull_start(&p);
    assert_int_equal(co_spawn(&f->loop, cancel_body, &p, &err), 0);
    loop_run(&f->loop);
    pull_check_error(&p, ERROR_CANCELLED, "");
}

TEST_USING(fixture, mirror)
{
    struct rig *f = *state;
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
