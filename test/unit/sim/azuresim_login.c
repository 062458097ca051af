/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may call the simulated Azure: Entra ID, managed identity, the container registry. Needs root.
 */
#include "base/buf.h"
#include "base/timefmt.h"
#include "test/kit/azuresim_rig.h"
#include "test/sim/http/jwt.h"

#include <openssl/pem.h>
#include <stdio.h>

#define TOKEN_PATH "/" AZURESIM_TENANT "/oauth2/v2.0/token"
#define SCOPE "https://management.azure.com/.default"
#define CLIENT "grant_type=client_credentials&client_id=" AZURESIM_CLIENT
#define ASSERTION_TYPE                                                                             \
    "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define JOBS AZURESIM_APP "/jobs" AZURESIM_VERSION
#define SERVER "sockerlesssim.azurecr.io"

TEST_GROUP(azuresim_rig_setup, azuresim_rig_teardown);

static json_t *ask(int line, long status, const struct sim_call *call)
{
    struct sim_answer got;
    sim_call(call, &got);
    _assert_int_equal((LargestIntegralType)got.status, (LargestIntegralType)status, __FILE__, line);
    json_t *out = json_incref(got.json);
    sim_answer_fini(&got);
    return out;
}

#define post(status, path, body)                                                                   \
    ask(__LINE__, status, &(struct sim_call){NULL, "POST", path, body, {NULL}})
#define get_with(status, path, header)                                                             \
    ask(__LINE__, status, &(struct sim_call){NULL, "GET", path, NULL, {header}})
#define get_as(status, token, path)                                                                \
    ask(__LINE__, status, &(struct sim_call){token, "GET", path, NULL, {NULL}})

static long first_code(const json_t *refusal)
{
    return (long)json_integer_value(json_array_get(json_object_get(refusal, "error_codes"), 0));
}

/* The token works for the audience of its scope, and for no other. */
TEST(client_secret)
{
    AUTO_FREE char *secret = azuresim_rig_credential("clientSecret");
    AUTO_FREE char *body = xasprintf(CLIENT "&client_secret=%s&scope=" SCOPE, secret);
    json_auto_t *token = post(200, TOKEN_PATH, body);
    assert_string_equal(value_string(token, "token_type"), "Bearer");
    assert_int_equal(value_int(token, "expires_in", 0), 3600);
    json_decref(get_as(200, value_string(token, "access_token"), JOBS));
    AUTO_FREE char *logs_body =
        xasprintf(CLIENT "&client_secret=%s&scope=https://api.loganalytics.io/.default", secret);
    json_auto_t *logs = post(200, TOKEN_PATH, logs_body);
    json_auto_t *refused = get_as(401, value_string(logs, "access_token"), JOBS);
    assert_string_equal(value_string(json_object_get(refused, "error"), "code"),
                        "InvalidAuthenticationTokenAudience");
}

TEST(refused_logins)
{
    static const struct {
        const char *body;
        long status, code;
    } cases[] = {
        {CLIENT "&client_secret=wrong&scope=" SCOPE, 401, 7000215},
        {CLIENT "&scope=" SCOPE, 401, 7000218},
        {"grant_type=client_credentials&client_id=other&client_secret=x&scope=" SCOPE, 400, 700016},
        {"grant_type=password&client_id=" AZURESIM_CLIENT, 400, 70003},
        {CLIENT "&" ASSERTION_TYPE "&client_assertion=a.b.c&scope=" SCOPE, 401, 700027},
        {CLIENT "&client_assertion=a.b.c&scope=" SCOPE, 400, 50013}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *refusal = post(cases[i].status, TOKEN_PATH, cases[i].body);
        assert_int_equal(first_code(refusal), cases[i].code);
    }
    static const struct {
        const char *scope;
        long code;
    } scopes[] = {{"https://management.azure.com/", 1002012},
                  {"https://other.example/.default", 500011},
                  {"https://api.loganalytics.azure.com/.default", 500011}};
    AUTO_FREE char *secret = azuresim_rig_credential("clientSecret");
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        AUTO_FREE char *body =
            xasprintf(CLIENT "&client_secret=%s&scope=%s", secret, scopes[i].scope);
        json_auto_t *refusal = post(400, TOKEN_PATH, body);
        assert_int_equal(first_code(refusal), scopes[i].code);
    }
    json_auto_t *tenant = post(400, "/other/oauth2/v2.0/token", CLIENT);
    assert_int_equal(first_code(tenant), 90002);
}

/* ---- assertions ---- */

static EVP_PKEY *application_key(void)
{
    AUTO_FREE char *path = xasprintf("%s/client-certificate.pem", sim_rig.sim.state_dir);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    assert_non_null(key);
    return key;
}

static json_t *login_with(long status, const char *assertion)
{
    AUTO_FREE char *body =
        xasprintf(CLIENT "&" ASSERTION_TYPE "&client_assertion=%s&scope=" SCOPE, assertion);
    return post(status, TOKEN_PATH, body);
}

static json_t *claims_of(const char *audience, const char *issuer, int64_t expires_in_s)
{
    json_int_t now = value_now_ms() / 1000;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "aud", audience, "iss", issuer, "sub",
                     issuer, "jti", "1", "nbf", now, "exp", now + expires_in_s);
}

TEST(client_certificate)
{
    EVP_PKEY *key = application_key(), *other = EVP_RSA_gen(2048);
    AUTO_FREE char *endpoint = xasprintf("http://127.0.0.1:%d" TOKEN_PATH, sim_rig.sim.port);
    const struct {
        EVP_PKEY *key;
        const char *audience, *issuer;
        int64_t expires_in_s;
        long status, code;
    } cases[] = {
        {key, endpoint, AZURESIM_CLIENT, 600, 200, 0},
        {key, "https://login.microsoftonline.com" TOKEN_PATH, AZURESIM_CLIENT, 600, 200, 0},
        {key, "https://other.example/", AZURESIM_CLIENT, 600, 401, 700023},
        {key, endpoint, "other", 600, 401, 700021},
        {key, endpoint, AZURESIM_CLIENT, -10, 401, 700024},
        {other, endpoint, AZURESIM_CLIENT, 600, 401, 700027}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *claims = claims_of(cases[i].audience, cases[i].issuer, cases[i].expires_in_s);
        AUTO_FREE char *jwt = jwt_sign(cases[i].key, claims);
        json_auto_t *out = login_with(cases[i].status, jwt);
        assert_int_equal(first_code(out), cases[i].code);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

TEST(federated_token)
{
    AUTO_FREE char *path = xasprintf("%s/federated-token", sim_rig.sim.state_dir);
    char text[4096] = "";
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    json_auto_t *token = login_with(200, text);
    json_decref(get_as(200, value_string(token, "access_token"), JOBS));
    /* a token of the directory itself is no assertion */
    json_decref(login_with(401, azuresim_tokens.arm));
}

/* ---- managed identity ---- */

#define IMDS "/metadata/identity/oauth2/token?api-version=2018-02-01"
#define RESOURCE "&resource=https%3A%2F%2Fmanagement.azure.com%2F" /* encoded, as clients do */

TEST(metadata_service)
{
    json_decref(get_with(400, IMDS RESOURCE, NULL));
    json_decref(get_with(400, IMDS, "Metadata: true"));
    json_decref(get_with(400, IMDS RESOURCE "&client_id=other", "Metadata: true"));
    json_decref(get_with(400, "/metadata/identity/oauth2/token?x=1" RESOURCE, "Metadata: true"));
    json_auto_t *token =
        get_with(200, IMDS RESOURCE "&client_id=" AZURESIM_IDENTITY, "Metadata: true");
    assert_string_equal(value_string(token, "expires_in"), "3600");
    assert_true(atoll(value_string(token, "expires_on")) > value_now_ms() / 1000);
    json_decref(get_as(200, value_string(token, "access_token"), JOBS));
}

TEST(app_service)
{
    AUTO_FREE char *secret = azuresim_rig_credential("identityHeader");
    AUTO_FREE char *header = xasprintf("X-IDENTITY-HEADER: %s", secret);
    json_decref(get_with(401, "/msi/token?api-version=2019-08-01" RESOURCE, NULL));
    json_decref(get_with(400, "/msi/token?api-version=2017-09-01" RESOURCE, header));
    json_auto_t *token = get_with(200, "/msi/token?api-version=2019-08-01" RESOURCE, header);
    json_decref(get_as(200, value_string(token, "access_token"), JOBS));
}

TEST(tokens_expire)
{
    json_decref(get_as(200, azuresim_tokens.arm, JOBS));
    json_decref(azuresim_rig_open(__LINE__, 200, "DELETE", "/_sim/tokens", NULL));
    json_auto_t *refused = get_as(401, azuresim_tokens.arm, JOBS);
    assert_string_equal(value_string(json_object_get(refused, "error"), "code"),
                        "ExpiredAuthenticationToken");
    azuresim_rig_configure("{\"token_ttl_s\":0}");
    azuresim_rig_take_tokens();
    json_decref(get_as(401, azuresim_tokens.arm, JOBS));
    azuresim_rig_configure("{\"token_ttl_s\":3600}");
    azuresim_rig_take_tokens();
    json_decref(get_as(401, "none", JOBS));
    json_decref(get_as(401, NULL, JOBS));
}

/* ---- the registry ---- */

static char *refresh_token(void)
{
    AUTO_FREE char *body = xasprintf("grant_type=access_token&service=" SERVER
                                     "&tenant=" AZURESIM_TENANT "&access_token=%s",
                                     azuresim_tokens.arm);
    json_auto_t *exchanged = post(200, "/oauth2/exchange", body);
    return xstrdup(value_string(exchanged, "refresh_token"));
}

static long manifest_status(const char *token)
{
    const struct sim_call call = {token, "GET", "/v2/library/tool/manifests/1", NULL, {NULL}};
    struct sim_answer got;
    sim_call(&call, &got);
    long status = got.status;
    sim_answer_fini(&got);
    return status;
}

TEST(registry_tokens)
{
    struct sim_answer base;
    const struct sim_call call = {NULL, "GET", "/v2/", NULL, {NULL}};
    sim_call(&call, &base);
    AUTO_FREE char *challenge = sim_answer_header(&base, "Www-Authenticate");
    assert_int_equal(base.status, 401);
    assert_non_null(strstr(challenge, "service=\"" SERVER "\""));
    assert_non_null(strstr(challenge, "/oauth2/token\""));
    sim_answer_fini(&base);

    AUTO_FREE char *refresh = refresh_token();
    AUTO_FREE char *pull = xasprintf("grant_type=refresh_token&service=" SERVER
                                     "&scope=repository:library/tool:pull&refresh_token=%s",
                                     refresh);
    AUTO_FREE char *other = xasprintf("grant_type=refresh_token&service=" SERVER
                                      "&scope=repository:other:pull,push&refresh_token=%s",
                                      refresh);
    json_auto_t *good = post(200, "/oauth2/token", pull), *bad = post(200, "/oauth2/token", other);
    assert_int_equal(manifest_status(value_string(bad, "access_token")), 401);
    assert_int_equal(manifest_status(refresh), 401);
    assert_int_equal(manifest_status(azuresim_tokens.arm), 401);
    /* this simulator has no registry behind it */
    assert_int_equal(manifest_status(value_string(good, "access_token")), 500);
}

TEST(refused_registry_logins)
{
    AUTO_FREE char *logs = xasprintf("grant_type=access_token&service=" SERVER "&access_token=%s",
                                     azuresim_tokens.logs);
    AUTO_FREE char *service = xasprintf(
        "grant_type=access_token&service=other.azurecr.io&access_token=%s", azuresim_tokens.arm);
    AUTO_FREE char *tenant =
        xasprintf("grant_type=access_token&service=" SERVER "&tenant=other&access_token=%s",
                  azuresim_tokens.arm);
    json_decref(post(401, "/oauth2/exchange", logs));
    json_decref(post(400, "/oauth2/exchange", service));
    json_decref(post(401, "/oauth2/exchange", tenant));
    json_decref(
        post(401, "/oauth2/token", "grant_type=refresh_token&service=" SERVER "&refresh_token=x"));
    json_decref(post(400, "/oauth2/token", "service=" SERVER "&scope=nonsense"));
    json_decref(get_with(401, "/oauth2/token?service=" SERVER, "Authorization: Basic eDp5"));
    json_auto_t *counts = azuresim_rig_open(__LINE__, 200, "GET", "/_sim/registry", NULL);
    assert_true(value_int(counts, "refused", 0) >= 5);
}
