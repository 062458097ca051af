/* SPDX-License-Identifier: Apache-2.0
 *
 * Pulling from a registry: logins, redirects, and every wrong answer.
 */
#include "test/kit/free_port.h"
#include "test/kit/image_registry.h"

static struct image_registry *const srv = &image_registry;

TEST_RIG(fixture, *state = image_registry_open(), registry_rig_close(*state));

/* ---- fetching ---- */

static void check_good(const struct pull *p)
{
    if (p->rc)
        fail_msg("%s: %s", p->ref.path, p->err.message);
    assert_string_equal(p->image.image->id, srv->config_digest);
    assert_string_equal(p->image.image->config->cmd->items[0], "sh");
    assert_int_equal(p->image.raw_config_len, strlen(IMAGE_REGISTRY_CONFIG));
    assert_int_equal(p->image.layer_count, 1);
    assert_int_equal(p->image.size, 1234);
    assert_string_equal(p->image.platform_digest, srv->manifest_digest);
    assert_int_equal(p->image.raw_manifest_len, strlen(srv->manifest));
    assert_memory_equal(p->image.raw_manifest, srv->manifest, p->image.raw_manifest_len);
    assert_string_equal(p->image.manifest_type, "application/vnd.oci.image.manifest.v1+json");
}

/* ---- tests ---- */

/* The image is there; the name's manifest has that digest. */
static void check_pull(struct rig *f, const char *name, const char *auth)
{
    struct pull p = pull(f, f->mock->port, name, auth);
    check_good(&p);
    bool is_index = str_starts(name, "index");
    assert_string_equal(p.image.manifest_digest,
                        is_index ? srv->index_digest : srv->manifest_digest);
}

static void check_error(struct rig *f, const char *name, const char *auth, enum error_code code,
                        const char *words)
{
    struct pull p = pull(f, f->mock->port, name, auth);
    pull_check_error(&p, code, words);
}

TEST_WITH(fixture, struct rig *f, plain_and_index)
{
    char name[256];
    check_pull(f, "ok", NULL);
    check_pull(f, "index:v1", NULL);
    snprintf(name, sizeof name, "index@%s", srv->index_digest);
    check_pull(f, name, NULL);
    snprintf(name, sizeof name, "ok@%s", srv->index_digest); /* serves something else */
    check_error(f, name, NULL, ERROR_SYSTEM, "verification failed");
}

TEST_WITH(fixture, struct rig *f, platform)
{
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

TEST_WITH(fixture, struct rig *f, errors)
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
        check_error(f, cases[i].name, NULL, cases[i].code, cases[i].words);
}

TEST_WITH(fixture, struct rig *f, unreachable)
{
    int port = free_port();
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

TEST_WITH(fixture, struct rig *f, basic)
{
    check_pull(f, "basic", alice);
    check_pull(f, "basic2", alice_auth);
    check_error(
        f, "basic", NULL, ERROR_SYSTEM,
        "Head \"http://127.0.0.1:%d/v2/basic/manifests/latest\": no basic auth credentials");
    check_error(f, "basic", "not json", ERROR_SYSTEM, "no basic auth credentials");
    check_error(f, "basic", mallory, ERROR_UNAUTHORIZED, "unauthorized: authentication required");
    check_pull(f, "basic-redirect", alice);
    assert_string_equal(srv->auth_at_storage, "none");
    /* Another host asks for the password: it gets nothing. */
    check_error(f, "evil-redirect", alice, ERROR_UNAUTHORIZED, "unauthorized");
    assert_string_equal(srv->auth_at_storage, "none");
}

TEST_WITH(fixture, struct rig *f, token)
{
    srv->tokens_given = srv->refresh_used = srv->basic_token_logins = 0;
    check_pull(f, "token", NULL);
    assert_int_equal(srv->tokens_given, 1);
    assert_non_null(strstr(srv->token_query, "service=the%20registry"));
    assert_non_null(strstr(srv->token_query, "scope=repository%3Atoken%3Apull"));
    check_pull(f, "token", NULL); /* from the cache */
    assert_int_equal(srv->tokens_given, 1);
    check_pull(f, "token2", NULL); /* another repository, another token */
    assert_int_equal(srv->tokens_given, 2);
    check_error(f, "token-private", NULL, ERROR_NOT_FOUND, DENIED("token-private"));
    check_pull(f, "token-private", alice);
    assert_int_equal(srv->basic_token_logins, 1);
    /* What alice may see is not for the next one. */
    check_error(f, "token-private", NULL, ERROR_NOT_FOUND, "pull access denied");
    check_error(f, "token-private", mallory, ERROR_UNAUTHORIZED,
                "unauthorized: incorrect username or password");
    check_pull(f, "token-private", identity);
    assert_int_equal(srv->refresh_used, 1);
    check_error(f, "token-broken", NULL, ERROR_SYSTEM, "no token");
    check_pull(f, "token-any", "{\"registrytoken\":\"mine\"}");
    assert_string_equal(srv->auth_at_storage, "none");
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

TEST_WITH(fixture, struct rig *f, login_callback)
{
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

TEST_WITH(fixture, struct rig *f, cancel)
{
    struct pull p = pull_of(f, f->mock->port, "stall", NULL);
    struct error err;
    pull_start(&p);
    assert_int_equal(co_spawn(&f->loop, cancel_body, &p, &err), 0);
    loop_run(&f->loop);
    pull_check_error(&p, ERROR_CANCELLED, "");
}

TEST_WITH(fixture, struct rig *f, mirror)
{
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
