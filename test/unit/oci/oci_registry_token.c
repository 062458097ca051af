/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging in at a registry with a token service: scopes, identity tokens, tokens that are refused
 * later, many at once, `docker login`, a proxy.
 */
#include "loop/http_url.h"
#include "test/kit/token_registry.h"

static struct token_registry *const srv = &token_registry;

static const char digest[] =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

TEST_RIG(fixture, *state = token_registry_open(), registry_rig_close(*state));

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
    return co_registry_blob_exists(r, digest, &exists, &t->err);
}

TASK_TEST(fixture, scopes)
{
    token_registry_forget("");
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv->gets == 1);
    EXPECT(strcmp(srv->query, "/token?service=registry&scope=repository%3Aa%2Fb%3Apull") == 0);
    EXPECT(strcmp(srv->auth, "none") == 0);
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv->gets == 1); /* kept */
    EXPECT(co_ask(t, "a/b", pushing, NULL) == 0 && srv->gets == 2); /* another scope */
    EXPECT(strstr(srv->query, "scope=repository%3Aa%2Fb%3Apull%2Cpush") != NULL);
    EXPECT(co_ask(t, "a/b", mounting, alice) == 0 && srv->gets == 3);
    EXPECT(strstr(srv->query, "pull%2Cpush&scope=repository%3Abase%2Fa%3Apull&account=alice"));
    EXPECT(strcmp(srv->auth, "Basic YWxpY2U6czNjcmV0") == 0);
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv->gets == 3);
    /* Mounting from where nobody had thought of. */
    bool mounted = false;
    struct registry_repo *r AUTO(repo) =
        registry_rig_repo(t, t->f->mock->port, "a/b", pushing, NULL);
    EXPECT(co_registry_blob_mount(r, digest, "late", &mounted, &t->err) == 0 && mounted);
    EXPECT(srv->gets == 4 && strstr(srv->query, "scope=repository%3Alate%3Apull"));
}

TASK_TEST(fixture, identity)
{
    token_registry_forget("");
    EXPECT(co_ask(t, "a/b", mounting, identity) == 0 && srv->posts == 1 && srv->gets == 0);
    EXPECT(strcmp(srv->form, "grant_type=refresh_token&service=registry&client_id=sockerless&scope="
                             "repository%3Aa%2Fb%3Apull%2Cpush%20repository%3Abase%2Fa%3Apull&"
                             "refresh_token=id%2Ftoken") == 0);
    token_registry_forget("get-only");
    EXPECT(co_ask(t, "c", pulling, identity) == 0 && srv->posts == 1 && srv->gets == 1);
    EXPECT(strcmp(srv->auth, "Basic PHRva2VuPjppZC90b2tlbg==") == 0); /* <token>:id/token */
}

TASK_TEST(fixture, refused)
{
    bool exists;
    token_registry_forget("");
    struct registry_repo *r = registry_rig_repo(t, t->f->mock->port, "a/c", pushing, alice);
    EXPECT(co_registry_blob_exists(r, digest, &exists, &t->err) == 0 && srv->challenges == 1);
    token_registry_forget(""); /* that token is not valid from now on */
    EXPECT(co_registry_blob_exists(r, digest, &exists, &t->err) == 0);
    EXPECT(srv->challenges == 1 && srv->gets == 1);
    token_registry_forget("flaky");
    EXPECT(co_registry_blob_exists(r, digest, &exists, &t->err) == 0 && srv->gets == 2);
    token_registry_forget("deaf"); /* never enough */
    EXPECT_ERROR(co_registry_blob_exists(r, digest, &exists, &t->err), ERROR_FORBIDDEN,
                 "denied: requested access to the resource is denied");
    EXPECT(srv->challenges == 2);
    registry_repo_close(r);
    token_registry_forget("");
    EXPECT_ERROR(co_ask(t, "a/c", pushing, mallory), ERROR_UNAUTHORIZED,
                 "unauthorized: incorrect username or password");
    token_registry_forget("basic");
    EXPECT_ERROR(co_ask(t, "a/d", pushing, NULL), ERROR_SYSTEM, "no basic auth credentials");
    EXPECT(strcmp(t->err.message, "no basic auth credentials") == 0);
    EXPECT(co_ask(t, "a/d", pushing, alice) == 0);
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

TEST_WITH(fixture, struct rig *f, crowd)
{
    token_registry_forget("");
    registry_rig_run(f, run_crowd_open);
    task_crowd(&f->loop, f, 20, run_one_of_many);
    registry_repo_close(crowded);
    assert_int_equal(srv->gets, 1);
    assert_int_equal(logins_asked, 1);
    assert_string_equal(srv->auth, "Basic YWxpY2U6czNjcmV0");
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

/* The message: before, the registry's address, after. */
static void expect_login_error(struct task *t, const char *username, const char *password,
                               enum error_code code, const char *before, const char *after)
{
    char *token, *words AUTO_FREE = xasprintf("%s127.0.0.1:%d%s", before, t->f->mock->port, after);
    EXPECT_ERROR(co_login(t, username, password, NULL, &token), code, words);
    EXPECT(token == NULL);
}

TASK_TEST(fixture, login)
{
    char *token = NULL;
    token_registry_forget("");
    EXPECT(co_login(t, "alice", "s3cret", NULL, &token) == 0);
    EXPECT(token && strcmp(token, "identity") == 0);
    EXPECT(strcmp(srv->query, "/token?service=registry&client_id=sockerless&offline_token=true&"
                              "account=alice") == 0);
    free(token);
    EXPECT(co_login(t, "alice", "s3cret", NULL, &token) == 0 && srv->gets == 2); /* never cached */
    free(token);
    EXPECT(co_login(t, "", "", "id/token", &token) == 0 && srv->posts == 1);
    EXPECT(strstr(srv->form, "access_type=offline") && !strstr(srv->form, "scope="));
    free(token);
    expect_login_error(t, "mallory", "b", ERROR_UNAUTHORIZED, "Get \"http://",
                       "/v2/\": unauthorized: incorrect username or password");
    token_registry_forget("basic");
    EXPECT(co_login(t, "alice", "s3cret", NULL, &token) == 0 && !token);
    expect_login_error(t, "alice", "no", ERROR_UNAUTHORIZED, "login attempt to http://",
                       "/v2/ failed with status: 401 Unauthorized");
    expect_login_error(t, "", "", ERROR_SYSTEM, "Get \"http://",
                       "/v2/\": no basic auth credentials");
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
    EXPECT(strcmp(srv->proxied, "GET http://plain.registry.test/v2/a/manifests/1") == 0);
    registry_repo_close(r);
    EXPECT(image_ref_parse("secure.registry.test/a:1", &ref, &t->err) == 0);
    EXPECT(registry_repo_open(t->f->registry, &options, &r, &t->err) == 0);
    EXPECT_ERROR(co_registry_manifest_get(r, "1", &t->f->arena, &m, &t->err), ERROR_SYSTEM,
                 "Get \"https://secure.registry.test/v2/\"");
    EXPECT(strcmp(srv->proxied, "CONNECT secure.registry.test:443") == 0);
    registry_repo_close(r);
    srv->proxied[0] = '\0'; /* loopback is never asked of a proxy */
    token_registry_forget("");
    EXPECT(co_ask(t, "a/b", pulling, NULL) == 0 && srv->proxied[0] == '\0');
}

TEST_WITH(fixture, struct rig *f, proxy)
{
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
