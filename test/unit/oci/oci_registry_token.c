/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging in at a scripted registry with a token service: scopes, identity tokens, tokens that are
 * refused later, many at once, `docker login`, a proxy.
 */
#include "loop/http_url.h"
#include "test/kit/registry_rig.h"
#include "test/kit/test.h"

static struct {
    pthread_mutex_t lock;
    int gets, posts, serial; /* at the token service; serial: of the token that is good now */
    char query[2048], form[2048], auth[512];
    char mode[32];
    int challenges;
    char proxied[512];
} srv = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char digest[] =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/* ---- the server ---- */

static bool mode_is(const char *mode)
{
    return strcmp(srv.mode, mode) == 0;
}

static bool give_token(struct mock_request *r)
{
    char text[256], auth[512] = "";
    bool is_post = strcmp(r->method, "POST") == 0;
    bool has_login = mock_header(r, "Authorization", auth, sizeof auth);
    *(is_post ? &srv.posts : &srv.gets) += 1;
    if (!is_post || !mode_is("get-only"))
        snprintf(srv.auth, sizeof srv.auth, "%s", has_login ? auth : "none");
    snprintf(srv.query, sizeof srv.query, "%.2000s", r->path);
    if (is_post)
        snprintf(srv.form, sizeof srv.form, "%s", r->body);
    if (is_post && mode_is("get-only"))
        return mock_text(r, 405, "", "");
    if (has_login && strstr(auth, "Basic bWFsbG9yeTpi")) /* mallory:b */
        return mock_text(r, 401, "", "{\"details\":\"incorrect username or password\"}");
    if (mode_is("flaky") && srv.gets == 1)
        return mock_text(r, 503, "", "");
    const char *refresh =
        strstr(r->path, "offline_token=true") || strstr(srv.form, "access_type=off")
            ? ",\"refresh_token\":\"identity\""
            : "";
    snprintf(text, sizeof text, "{\"%s\":\"token%d\",\"expires_in\":3600%s}",
             is_post ? "access_token" : "token", srv.serial, refresh);
    return mock_text(r, 200, "", text);
}

static bool answer(struct rig *f, struct mock_request *r)
{
    char auth[512] = "", wanted[64], challenge[512];
    (void)f;
    if (str_starts(r->path, "/token"))
        return give_token(r);
    mock_header(r, "Authorization", auth, sizeof auth);
    if (mode_is("basic") && strcmp(auth, "Basic YWxpY2U6czNjcmV0") == 0)
        return mock_text(r, 200, "", "{}");
    snprintf(wanted, sizeof wanted, "Bearer token%d", srv.serial);
    if (!mode_is("basic") && strcmp(auth, wanted) == 0 && !mode_is("deaf")) {
        if (strstr(r->path, "mount="))
            return mock_text(r, 201, "", "");
        return mock_text(r, strstr(r->path, "/blobs/") ? 404 : 200, "", "{}");
    }
    srv.challenges++;
    if (mode_is("basic"))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    snprintf(challenge, sizeof challenge,
             "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d/token\",service=\"registry\","
             "scope=\"repository:x:pull\"%s\r\n",
             r->mock->port, *auth ? ",error=\"insufficient_scope\"" : "");
    return mock_text(r, 401, challenge, "");
}

static bool serve(void *arg, struct mock_request *r)
{
    pthread_mutex_lock(&srv.lock);
    bool go_on = answer(arg, r);
    pthread_mutex_unlock(&srv.lock);
    return go_on;
}

/* A forward proxy that answers for whatever host it is asked for. */
static bool serve_proxy(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&srv.lock);
    snprintf(srv.proxied, sizeof srv.proxied, "%s %.400s", r->method, r->path);
    pthread_mutex_unlock(&srv.lock);
    if (strcmp(r->method, "CONNECT") == 0)
        return mock_text(r, 403, "", "");
    return mock_text(r, 404, "", "");
}

static void forget(const char *mode)
{
    srv.gets = srv.posts = srv.challenges = 0;
    srv.serial++;
    srv.query[0] = srv.form[0] = srv.auth[0] = '\0';
    snprintf(srv.mode, sizeof srv.mode, "%s", mode);
}

/* ---- scopes and tokens ---- */

static const char alice[] = REGISTRY_ALICE;
static const char mallory[] = "{\"username\":\"mallory\",\"password\":\"b\"}";
static const char identity[] = "{\"identitytoken\":\"id/token\"}";
static const struct registry_repo_options pulling = {0};
static const struct registry_repo_options pushing = {.push = true};
static const struct registry_repo_options mounting = {.push = true, .mount_from = "base/a"};

static int co_ask(struct task *t, const char *name, struct registry_repo_options options,
                  const char *auth)
{
    bool exists;
    struct registry_repo *r AUTO(repo) =
        registry_rig_repo(t, t->f->mock->port, name, options, auth);
    int rc = co_registry_blob_exists(r, digest, &exists, &t->err);
    return rc;
}

static void run_scopes(struct task *t)
{
    forget("");
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv.gets == 1);
    EXPECT(strcmp(srv.query, "/token?service=registry&scope=repository%3Aa%2Fb%3Apull") == 0);
    EXPECT(strcmp(srv.auth, "none") == 0);
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv.gets == 1); /* kept */
    EXPECT(co_ask(t, "a/b", pushing, NULL) == 0 && srv.gets == 2); /* another scope */
    EXPECT(strstr(srv.query, "scope=repository%3Aa%2Fb%3Apull%2Cpush") != NULL);
    EXPECT(co_ask(t, "a/b", mounting, alice) == 0 && srv.gets == 3);
    EXPECT(strstr(srv.query, "pull%2Cpush&scope=repository%3Abase%2Fa%3Apull&account=alice"));
    EXPECT(strcmp(srv.auth, "Basic YWxpY2U6czNjcmV0") == 0);
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv.gets == 3);
    /* Mounting from where nobody had thought of. */
    bool mounted = false;
    struct registry_repo *r AUTO(repo) =
        registry_rig_repo(t, t->f->mock->port, "a/b", pushing, NULL);
    EXPECT(co_registry_blob_mount(r, digest, "late", &mounted, &t->err) == 0 && mounted);
    EXPECT(srv.gets == 4 && strstr(srv.query, "scope=repository%3Alate%3Apull"));
}

static void run_identity(struct task *t)
{
    forget("");
    EXPECT(co_ask(t, "a/b", mounting, identity) == 0 && srv.posts == 1 && srv.gets == 0);
    EXPECT(strcmp(srv.form, "grant_type=refresh_token&service=registry&client_id=sockerless&scope="
                            "repository%3Aa%2Fb%3Apull%2Cpush%20repository%3Abase%2Fa%3Apull&"
                            "refresh_token=id%2Ftoken") == 0);
    forget("get-only");
    EXPECT(co_ask(t, "c", pulling, identity) == 0 && srv.posts == 1 && srv.gets == 1);
    EXPECT(strcmp(srv.auth, "Basic PHRva2VuPjppZC90b2tlbg==") == 0); /* <token>:id/token */
}

static void run_refused(struct task *t)
{
    bool exists;
    forget("");
    struct registry_repo *r = registry_rig_repo(t, t->f->mock->port, "a/c", pushing, alice);
    EXPECT(co_registry_blob_exists(r, digest, &exists, &t->err) == 0 && srv.challenges == 1);
    forget(""); /* that token is no good any more */
    EXPECT(co_registry_blob_exists(r, digest, &exists, &t->err) == 0);
    EXPECT(srv.challenges == 1 && srv.gets == 1);
    forget("flaky");
    EXPECT(co_registry_blob_exists(r, digest, &exists, &t->err) == 0 && srv.gets == 2);
    forget("deaf"); /* never enough */
    EXPECT_ERROR(co_registry_blob_exists(r, digest, &exists, &t->err), ERROR_FORBIDDEN,
                 "denied: requested access to the resource is denied");
    EXPECT(srv.challenges == 2);
    registry_repo_close(r);
    forget("");
    EXPECT_ERROR(co_ask(t, "a/c", pushing, mallory), ERROR_UNAUTHORIZED,
                 "unauthorized: incorrect username or password");
    forget("basic");
    EXPECT_ERROR(co_ask(t, "a/d", pushing, NULL), ERROR_SYSTEM, "no basic auth credentials");
    EXPECT(strcmp(t->err.message, "no basic auth credentials") == 0);
    EXPECT(co_ask(t, "a/d", pushing, alice) == 0);
}

static int fixture_setup(void **state)
{
    *state = registry_rig_scripted(serve, serve_proxy);
    return 0;
}

static int fixture_teardown(void **state)
{
    registry_rig_close(*state);
    return 0;
}

TEST_USING(fixture, tokens)
{
    registry_rig_run(*state, run_scopes);
    registry_rig_run(*state, run_identity);
    registry_rig_run(*state, run_refused);
}

/* ---- many at once ---- */

static int co_slow_login(void *arg, const char *host, struct registry_login *out, struct error *err)
{
    int *asked = arg;
    ++*asked;
    (void)host;
    if (co_sleep(5, err))
        return -1;
    out->username = xstrdup("alice");
    out->password = xstrdup("s3cret");
    return 0;
}

static struct registry_repo *crowded;
static int logins_asked;

static void run_crowd_open(struct task *t)
{
    struct registry_repo_options options = {
        .push = true, .login = co_slow_login, .login_arg = &logins_asked};
    crowded = registry_rig_repo(t, t->f->mock->port, "crowd", options, NULL);
}

static void run_one_of_many(struct task *t)
{
    bool exists;
    EXPECT(co_registry_blob_exists(crowded, digest, &exists, &t->err) == 0);
}

TEST_USING(fixture, crowd)
{
    struct rig *f = *state;
    forget("");
    registry_rig_run(f, run_crowd_open);
    task_crowd(&f->loop, f, 20, run_one_of_many);
    registry_repo_close(crowded);
    assert_int_equal(srv.gets, 1);
    assert_int_equal(logins_asked, 1);
    assert_string_equal(srv.auth, "Basic YWxpY2U6czNjcmV0");
}

/* ---- docker login ---- */

static int co_login(struct task *t, const char *username, const char *password, const char *token,
                    char **identity_token)
{
    char host[64], user[64], pass[64], tok[64];
    snprintf(host, sizeof host, "127.0.0.1:%d", t->f->mock->port);
    snprintf(user, sizeof user, "%s", username);
    snprintf(pass, sizeof pass, "%s", password);
    snprintf(tok, sizeof tok, "%s", str_or_empty(token));
    struct registry_login login = {
        .username = user, .password = pass, .identity_token = token ? tok : NULL};
    return co_registry_check_login(t->f->registry, host, &login, identity_token, &t->err);
}

static void run_login(struct task *t)
{
    char *token = NULL, expected[256];
    forget("");
    EXPECT(co_login(t, "alice", "s3cret", NULL, &token) == 0);
    EXPECT(token && strcmp(token, "identity") == 0);
    EXPECT(strcmp(srv.query, "/token?service=registry&client_id=sockerless&offline_token=true&"
                             "account=alice") == 0);
    free(token);
    EXPECT(co_login(t, "alice", "s3cret", NULL, &token) == 0 && srv.gets == 2); /* never cached */
    free(token);
    EXPECT(co_login(t, "", "", "id/token", &token) == 0 && srv.posts == 1);
    EXPECT(strstr(srv.form, "access_type=offline") && !strstr(srv.form, "scope="));
    free(token);
    snprintf(expected, sizeof expected,
             "Get \"http://127.0.0.1:%d/v2/\": unauthorized: incorrect username or password",
             t->f->mock->port);
    EXPECT_ERROR(co_login(t, "mallory", "b", NULL, &token), ERROR_UNAUTHORIZED, expected);
    EXPECT(token == NULL);
    forget("basic");
    EXPECT(co_login(t, "alice", "s3cret", NULL, &token) == 0 && !token);
    snprintf(expected, sizeof expected,
             "login attempt to http://127.0.0.1:%d/v2/ failed with status: 401 Unauthorized",
             t->f->mock->port);
    EXPECT_ERROR(co_login(t, "alice", "no", NULL, &token), ERROR_UNAUTHORIZED, expected);
    snprintf(expected, sizeof expected,
             "Get \"http://127.0.0.1:%d/v2/\": no basic auth credentials", t->f->mock->port);
    EXPECT_ERROR(co_login(t, "", "", NULL, &token), ERROR_SYSTEM, expected);
}

TEST_USING(fixture, login)
{
    registry_rig_run(*state, run_login);
}

/* ---- proxies ---- */

static void run_proxied(struct task *t)
{
    struct registry_repo *r = NULL;
    struct image_ref ref;
    struct registry_manifest m;
    EXPECT(image_ref_parse("plain.registry.test/a:1", &ref, &t->err) == 0);
    struct registry_repo_options options = {.ref = &ref};
    EXPECT(registry_repo_open(t->f->registry, &options, &r, &t->err) == 0);
    EXPECT_ERROR(co_registry_manifest_get(r, "1", &t->f->arena, &m, &t->err), ERROR_NOT_FOUND,
                 "manifest for plain.registry.test/a:1 not found");
    EXPECT(strcmp(srv.proxied, "GET http://plain.registry.test/v2/a/manifests/1") == 0);
    registry_repo_close(r);
    EXPECT(image_ref_parse("secure.registry.test/a:1", &ref, &t->err) == 0);
    EXPECT(registry_repo_open(t->f->registry, &options, &r, &t->err) == 0);
    EXPECT_ERROR(co_registry_manifest_get(r, "1", &t->f->arena, &m, &t->err), ERROR_SYSTEM,
                 "Get \"https://secure.registry.test/v2/\"");
    EXPECT(strcmp(srv.proxied, "CONNECT secure.registry.test:443") == 0);
    registry_repo_close(r);
    srv.proxied[0] = '\0'; /* loopback is never asked of a proxy */
    forget("");
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv.proxied[0] == '\0');
}

TEST_USING(fixture, proxy)
{
    struct rig *f = *state;
    struct error err;
    char url[64];
    struct registry_options options = {.insecure = "plain.registry.test", .timeout_ms = 2000};
    snprintf(url, sizeof url, "http://127.0.0.1:%d", f->other->port);
    setenv("http_proxy", url, 1);
    setenv("HTTPS_PROXY", url, 1);
    registry_client_close(f->registry);
    assert_int_equal(registry_client_open(f->http, &options, &f->registry, &err), 0);
    registry_rig_run(f, run_proxied);
    unsetenv("http_proxy");
    unsetenv("HTTPS_PROXY");
}

/* ---- URLs ---- */

static void check_resolved(const char *base, const char *reference, const char *expected)
{
    char *url AUTO_FREE = http_url_resolve(base, reference);
    if (expected)
        assert_string_equal(url, expected);
    else
        assert_null(url);
}

TEST(urls)
{
    check_resolved("http://a:1/v2/x?y=1", "/v2/u?z=%2F", "http://a:1/v2/u?z=%2F");
    check_resolved("http://a:1/v2/x", "https://b/c?d=e", "https://b/c?d=e");
    check_resolved("http://a/v2/x/y", "z", "http://a/v2/x/z");
    check_resolved("http://a/", "file:///etc/passwd", NULL);
    check_resolved("http://a/", "ftp://b/", NULL);
    assert_true(http_url_same_origin("https://A.b/x", "https://a.b:443/y?z"));
    assert_true(http_url_same_origin("http://[::1]:5000/", "http://[::1]:5000"));
    assert_false(http_url_same_origin("https://a.b/x", "http://a.b/x"));
    assert_false(http_url_same_origin("https://a.b/x", "https://a.b:444/x"));
    assert_false(http_url_same_origin("https://a.b/x", "https://a.b@evil/x"));
    assert_false(http_url_same_origin("nonsense", ""));
}
