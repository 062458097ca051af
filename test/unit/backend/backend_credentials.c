/* SPDX-License-Identifier: Apache-2.0
 *
 * Logins: sealed on disk, whose come first, and `docker login` with a scripted registry.
 */
#include "backend/image/credential_store.h"
#include "test/kit/ask.h"
#include "base/str.h"
#include "oci/registry/registry_repo.h"
#include "test/kit/http_mock.h"
#include "test/kit/test.h"

#include <dirent.h>
#include <fcntl.h>

#define HOST "registry.example:5000"
#define PASSWORD "correct horse battery staple"
#define TOKEN "an-identity-token-of-the-registry"

static struct credential_store *opened;

static char *key_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/credentials.key", rig.directory);
    return path;
}

static void reopen(void)
{
    struct error err;
    credential_store_close(opened);
    rig.backend.credentials = opened = NULL;
    if (credential_store_open(rig.backend.store, rig.directory, &opened, &err))
        fail_msg("%s", err.message);
    rig.backend.credentials = opened;
}

static void open_store(void)
{
    backend_rig_open(RIG_STORE | RIG_CREDENTIALS);
    opened = rig.backend.credentials;
}

TEST_RIG(fixture, open_store(), backend_rig_close());

static void put(const char *host, const char *user, const char *password, const char *token)
{
    struct error err;
    struct registry_login login = {
        .username = (char *)user, .password = (char *)password, .identity_token = (char *)token};
    assert_int_equal(credential_store_put(opened, host, &login, &err), 0);
}

static void expect(const char *host, const char *user, const char *password, const char *token)
{
    struct error err;
    struct registry_login login AUTO(registry_login);
    if (credential_store_get(opened, host, &login, &err))
        fail_msg("%s", err.message);
    assert_string_equal(str_or_empty(login.username), user);
    assert_string_equal(str_or_empty(login.password), password);
    assert_string_equal(str_or_empty(login.identity_token), token);
}

static void expect_broken(const char *host)
{
    struct error err;
    struct registry_login login AUTO(registry_login);
    assert_int_equal(credential_store_get(opened, host, &login, &err), -1);
    assert_int_equal(err.code, ERROR_SYSTEM);
    assert_non_null(strstr(err.message, "log in again"));
    assert_true(registry_login_empty(&login));
}

TEST_USING(fixture, logins_are_kept_by_host_over_restarts)
{
    expect(HOST, "", "", "");
    put(HOST, "alice", PASSWORD, NULL);
    put("docker.io", "bob", "b", NULL);
    for (int i = 0; i < 2; i++) {
        expect(HOST, "alice", PASSWORD, "");
        expect("docker.io", "bob", "b", "");
        expect("registry.example", "", "", "");
        reopen();
    }
    put(HOST, "alice", NULL, TOKEN); /* replaced */
    expect(HOST, "alice", "", TOKEN);
}

/* ---- the key file ---- */

static void expect_refused(const char *words)
{
    struct error err;
    struct credential_store *other = NULL;
    assert_int_equal(credential_store_open(rig.backend.store, rig.directory, &other, &err), -1);
    assert_int_equal(err.code, ERROR_SYSTEM);
    assert_non_null(strstr(err.message, key_path()));
    assert_non_null(strstr(err.message, words));
    assert_null(other);
}

TEST_USING(fixture, key_file_is_for_its_owner_alone)
{
    struct stat st;
    assert_int_equal(stat(key_path(), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(chmod(key_path(), 0640), 0);
    expect_refused("no other user can read");
    assert_int_equal(chmod(key_path(), 0600), 0);
    assert_int_equal(truncate(key_path(), 31), 0);
    expect_refused("31 bytes");
    unlink(key_path());
    assert_int_equal(symlink("/dev/zero", key_path()), 0);
    expect_refused("");
    unlink(key_path());
}

TEST_USING(fixture, another_key_opens_nothing)
{
    put(HOST, "alice", PASSWORD, NULL);
    unlink(key_path());
    reopen();
    expect_broken(HOST);
    put(HOST, "alice", PASSWORD, NULL);
    expect(HOST, "alice", PASSWORD, "");
}

/* What an end in the middle of making a key left behind. */
TEST_USING(fixture, half_made_key_is_no_key)
{
    AUTO_FREE char *half = xasprintf("%s.new", key_path());
    unlink(key_path());
    int fd = open(half, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    reopen();
    assert_int_equal(access(half, F_OK), -1);
    put(HOST, "alice", PASSWORD, NULL);
    expect(HOST, "alice", PASSWORD, "");
}

/* ---- seals ---- */

TEST_USING(fixture, every_changed_byte_of_a_seal_is_noticed)
{
    struct error err;
    void *bytes;
    size_t len;
    put(HOST, "alice", PASSWORD, NULL);
    assert_int_equal(store_credential_get(rig.backend.store, HOST, &bytes, &len, &err), 0);
    unsigned char *sealed = bytes;
    for (size_t i = 0; i < len; i++) {
        sealed[i] ^= 1;
        assert_int_equal(store_credential_put(rig.backend.store, HOST, sealed, len, &err), 0);
        expect_broken(HOST);
        sealed[i] ^= 1;
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(store_credential_put(rig.backend.store, HOST, sealed, cut, &err), 0);
        expect_broken(HOST);
    }
    assert_int_equal(store_credential_put(rig.backend.store, HOST, sealed, len, &err), 0);
    expect(HOST, "alice", PASSWORD, "");
    free(bytes);
}

TEST_USING(fixture, seal_of_another_host_is_refused)
{
    struct error err;
    void *bytes;
    size_t len;
    put(HOST, "alice", PASSWORD, NULL);
    assert_int_equal(store_credential_get(rig.backend.store, HOST, &bytes, &len, &err), 0);
    assert_int_equal(store_credential_put(rig.backend.store, "evil.example", bytes, len, &err), 0);
    expect_broken("evil.example");
    free(bytes);
}

TEST_USING(fixture, same_login_is_never_sealed_alike)
{
    struct error err;
    void *bytes[2];
    size_t len[2];
    for (int i = 0; i < 2; i++) {
        put(HOST, "alice", PASSWORD, NULL);
        assert_int_equal(store_credential_get(rig.backend.store, HOST, &bytes[i], &len[i], &err),
                         0);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_not_equal((unsigned char *)bytes[0] + 1, (unsigned char *)bytes[1] + 1, 12);
    free(bytes[0]);
    free(bytes[1]);
}

TEST_USING(fixture, login_that_is_too_long_is_refused)
{
    struct error err;
    static char huge[100000];
    memset(huge, 'x', sizeof huge - 1);
    struct registry_login login = {.username = (char *)"alice", .password = huge};
    assert_int_equal(credential_store_put(opened, HOST, &login, &err), -1);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    expect(HOST, "", "", "");
}

static void expect_absent(const char *file, const char *const *secrets)
{
    char *path = xasprintf("%s/%s", rig.directory, file);
    FILE *f = fopen(path, "rb");
    static char bytes[1 << 20];
    size_t len = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    for (; *secrets; secrets++)
        if (memmem(bytes, len, *secrets, strlen(*secrets)))
            fail_msg("%s holds \"%s\"", file, *secrets);
    if (f)
        fclose(f);
    free(path);
}

TEST_USING(fixture, no_file_holds_a_secret_in_clear)
{
    static const char *const secrets[] = {"alice", PASSWORD, "horse", TOKEN, NULL};
    put(HOST, "alice", PASSWORD, NULL);
    put("other.example", "alice", PASSWORD, TOKEN);
    unsigned files = 0;
    DIR *d = opendir(rig.directory);
    for (struct dirent *e = readdir(d); e; e = readdir(d), files++)
        if (e->d_type == DT_REG)
            expect_absent(e->d_name, secrets);
    closedir(d);
    assert_true(files >= 4); /* database, WAL, key, lock */
}

/* ---- hosts ---- */

TEST_USING(fixture, hosts)
{
    static const char *const good[][2] = {
        {"", "docker.io"},
        {"https://index.docker.io/v1/", "docker.io"},
        {"registry-1.docker.io", "docker.io"},
        {"docker.io", "docker.io"},
        {"https://host:5000/v2/", "host:5000"},
        {"http://127.0.0.1:5001/", "127.0.0.1:5001"},
        {"HTTPS://Registry.Example", "registry.example"},
        {"[::1]:5000", "[::1]:5000"},
        {"123456789012.dkr.ecr.us-east-1.amazonaws.com",
         "123456789012.dkr.ecr.us-east-1.amazonaws.com"},
    };
    static const char *const bad[] = {
        "user@host", "a b", "host:",      "host:port",    "host:123456", "[::1",
        "[]:1",      "-x",  "ftp://host", "host\r\nX: y", "http://",     "\xc3\xa4.example",
    };
    char out[256];
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (credential_host(good[i][0], out, sizeof out, &err))
            fail_msg("%s", err.message);
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (credential_host(bad[i], out, sizeof out, &err) == 0)
            fail_msg("%s: %s", bad[i], out);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    }
    assert_int_equal(credential_host(NULL, out, sizeof out, &err), 0);
    assert_string_equal(out, "docker.io");
    assert_int_equal(credential_host("host", out, 4, &err), -1);
}

/* ---- whose come first ---- */

static int co_cloud(const char *host, struct registry_credentials *out, struct error *err)
{
    if (strcmp(host, "broken.example") == 0)
        return error_set(err, ERROR_UNAVAILABLE, "no token today");
    out->found = strcmp(host, HOST) == 0 || strcmp(host, "cloud.example") == 0;
    if (out->found) {
        out->username = xstrdup("cloud");
        out->password = xstrdup("secret");
    }
    return 0;
}

static const char *login_user(const char *host)
{
    static char user[64];
    struct error err;
    struct registry_login login AUTO(registry_login) = {0};
    if (co_backend_login(&rig.backend, host, &login, &err))
        return strcpy(user, error_code_name(err.code));
    return strcpy(user, str_or_empty(login.username));
}

TEST_USING(fixture, stored_login_comes_before_the_clouds)
{
    assert_string_equal(login_user(HOST), "");
    fake_driver.co_credentials = co_cloud;
    assert_string_equal(login_user(HOST), "cloud");
    put(HOST, "alice", PASSWORD, NULL);
    put("docker.io", "bob", "b", NULL);
    assert_string_equal(login_user(HOST), "alice");
    assert_string_equal(login_user("cloud.example"), "cloud");
    assert_string_equal(login_user("registry-1.docker.io"), "bob");
    assert_string_equal(login_user("other.example"), "");
    assert_string_equal(login_user("broken.example"), "ERROR_UNAVAILABLE");
}

/* ---- docker login ---- */

/* Basic, alice:s3cret. */
static struct mock *mock;
static _Atomic int attempts;

static bool serve(void *arg, struct mock_request *r)
{
    char text[256];
    (void)arg;
    if (mock_header(r, "Authorization", text, sizeof text)) {
        attempts++;
        if (strcmp(text, "Basic YWxpY2U6czNjcmV0") == 0)
            return mock_text(r, 200, "", "{}");
    }
    return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n",
                     "{\"errors\":[{\"code\":\"UNAUTHORIZED\","
                     "\"message\":\"authentication required\"}]}");
}

static void open_login(void)
{
    open_store();
    attempts = 0;
    mock = mock_start(serve, NULL);
    backend_rig_add(RIG_REGISTRY);
}

static void close_login(void)
{
    backend_rig_close();
    mock_stop(mock);
}

TEST_RIG(login, open_login(), close_login());

static const Sockerless__Reply *ask_login(const char *json)
{
    Sockerless__AuthRequest auth = SOCKERLESS__AUTH_REQUEST__INIT;
    auth.auth.data = (uint8_t *)json;
    auth.auth.len = strlen(json);
    return ask_with(SOCKERLESS__REQUEST__OP_AUTH, &auth);
}

static char *login_json(const char *user, const char *password)
{
    static char json[512];
    snprintf(json, sizeof json,
             "{\"username\":\"%s\",\"password\":\"%s\",\"serveraddress\":\"127.0.0.1:%d\"}", user,
             password, mock->port);
    return json;
}

static char *mock_host(void)
{
    static char host[64];
    snprintf(host, sizeof host, "127.0.0.1:%d", mock->port);
    return host;
}

TEST_USING(login, auth_check_stores_what_the_registry_accepted)
{
    const Sockerless__Reply *reply = ask_login(login_json("alice", "s3cret"));
    if (!reply)
        fail_msg("%s", rig.err.message);
    assert_string_equal(reply->auth->status, "Login Succeeded");
    assert_string_equal(reply->auth->identity_token, "");
    expect(mock_host(), "alice", "s3cret", "");
}

TEST_USING(login, wrong_password_is_401_and_is_sent_once)
{
    char expected[128];
    put(mock_host(), "alice", "s3cret", NULL);
    assert_null(ask_login(login_json("alice", "wrong")));
    snprintf(expected, sizeof expected,
             "login attempt to http://%s/v2/ failed with status: 401 Unauthorized", mock_host());
    ask_expect_error(ERROR_UNAUTHORIZED, expected);
    assert_int_equal(attempts, 1);
    expect(mock_host(), "alice", "s3cret", ""); /* the good one stays */
}

TEST_USING(login, login_without_credentials_is_dockers_500)
{
    char expected[128];
    assert_null(ask_login(login_json("", "")));
    snprintf(expected, sizeof expected, "Get \"http://%s/v2/\": no basic auth credentials",
             mock_host());
    ask_expect_error(ERROR_SYSTEM, expected);
}

TEST_USING(login, login_at_an_unreachable_registry_is_dockers_500)
{
    assert_null(
        ask_login("{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"127.0.0.1:1\"}"));
    assert_int_equal(rig.err.code, ERROR_SYSTEM);
    assert_true(str_starts(rig.err.message, "Get \"http://127.0.0.1:1/v2/\": "));
    assert_non_null(strstr(rig.err.message, "refused"));
    expect("127.0.0.1:1", "", "", "");
}

TEST_USING(login, login_that_is_no_json_or_no_host_is_refused)
{
    assert_null(ask_login("not json"));
    assert_int_equal(rig.err.code, ERROR_INVALID_PARAMETER);
    assert_null(ask_login("{\"username\":\"a\",\"serveraddress\":\"a b\"}"));
    assert_int_equal(rig.err.code, ERROR_INVALID_PARAMETER);
}

/* ---- a token service that gives identity tokens ---- */

static bool serve_tokens(void *arg, struct mock_request *r)
{
    char text[4096], challenge[256];
    (void)arg;
    snprintf(challenge, sizeof challenge,
             "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d/token\",service=\"s\"\r\n",
             r->mock->port);
    if (str_starts(r->path, "/token"))
        return mock_text(
            r, 200, "",
            "{\"token\":\"short\",\"access_token\":\"short\",\"refresh_token\":\"" TOKEN
            "\",\"expires_in\":300}");
    if (mock_header(r, "Authorization", text, sizeof text) && strcmp(text, "Bearer short") == 0)
        return mock_text(r, 200, "", "{}");
    return mock_text(r, 401, challenge, "{}");
}

TEST_USING(login, identity_token_takes_the_passwords_place)
{
    mock->handler = serve_tokens; /* before its first connection */
    const Sockerless__Reply *reply = ask_login(login_json("alice", "s3cret"));
    if (!reply)
        fail_msg("%s", rig.err.message);
    assert_string_equal(reply->auth->identity_token, TOKEN);
    expect(mock_host(), "alice", "", TOKEN);
}
