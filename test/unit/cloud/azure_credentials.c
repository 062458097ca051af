/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure's credentials: every source with its requests as they are on the wire, their order, one
 * token for each audience, renewal, one renewal for many, and what is said when something is wrong.
 */
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_credentials.h"
#include "test/kit/certificate.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/test.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define CLIENT "11111111-86f1-41af-91ab-2d7cd011db47"
#define LOGIN "POST /" TENANT "/oauth2/v2.0/token"
#define TOKEN(name) "{\"access_token\":\"" name "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
#define ARM_SCOPE "scope=https%3A%2F%2Fmanagement.azure.com%2F.default"

static struct {
    struct azure_credential_chain *chain;
    char directory[64];
    char *path; /* a file in it */
    enum azure_audience audience;
    struct access_token got;
    struct error err;
    unsigned generation;
    int result, failures;
} rig;

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static int fixture_setup(void **state)
{
    static const char *const unset[] = {
        "AZURE_TENANT_ID",           "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",       "IDENTITY_HEADER",
        "IDENTITY_ENDPOINT",         "AZURE_CONFIG_DIR",
        "AZURE_AUTHORITY_HOST",      "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE"};
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    for (size_t i = 0; i < ARRAY_LEN(unset); i++)
        unsetenv(unset[i]);
    memset(&rig, 0, sizeof rig);
    strcpy(rig.directory, "/tmp/sockerless-azure-XXXXXX");
    if (!mkdtemp(rig.directory))
        return -1;
    rig.path = xasprintf("%s/msal_token_cache.json", rig.directory);
    setenv("HOME", "/nonexistent", 1);
    rig.chain = azure_credential_chain_new(h->http, h->url);
    return 0;
}

static int fixture_teardown(void **state)
{
    access_token_free(&rig.got);
    azure_credential_chain_free(rig.chain);
    remove(rig.path);
    free(rig.path);
    rmdir(rig.directory);
    return harness_teardown(state);
}

static void co_get(struct harness *h)
{
    (void)h;
    access_token_free(&rig.got);
    rig.err = (struct error){0};
    rig.result =
        co_azure_credentials_get(rig.chain, rig.audience, &rig.got, &rig.generation, &rig.err);
}

static void get_token(struct harness *h, const char *token)
{
    harness_run(h, co_get);
    if (rig.result)
        fail_msg("%s", rig.err.message);
    assert_string_equal(rig.got.value, token);
}

static void get_error(struct harness *h, const char *text)
{
    harness_run(h, co_get);
    assert_int_equal(rig.result, -1);
    if (!strstr(rig.err.message, text))
        fail_msg("\"%s\" does not say \"%s\"", rig.err.message, text);
}

static void use_application(const char *variable, const char *value)
{
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv(variable, value, 1);
}

/* ---- sources ---- */

TEST_WITH(fixture, struct harness *h, a_client_secret)
{
    use_application("AZURE_CLIENT_SECRET", "s3&cret");
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.secret"), 0);
    get_token(h, "eyJ.secret");
    assert_in_range((rig.got.expires_ns - time_now_ns()) / 1000000000, 3590, 3600);
    assert_int_equal(harness_seen(h, "grant_type=client_credentials&client_id=" CLIENT
                                     "&client_secret=s3%26cret&" ARM_SCOPE),
                     1);
}

static json_t *jwt_part(const char *text)
{
    size_t len;
    AUTO_FREE char *plain = (char *)base64_decode(text, strcspn(text, ".&"), &len);
    assert_non_null(plain);
    json_t *doc = json_loadb(plain, len, 0, NULL);
    assert_non_null(doc);
    return doc;
}

static const char *member(const json_t *doc, const char *name)
{
    return str_or_empty(json_string_value(json_object_get(doc, name)));
}

/* RS256 with the certificate's key, and the certificate named by its thumbprint. */
static void check_assertion(const char *jwt, const char *certificate)
{
    size_t len, mark_len;
    BIO *bio = BIO_new_mem_buf(certificate, -1);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = X509_get_pubkey(x509);
    AUTO_FREE char *text = xstrndup(jwt, strcspn(jwt, "&\r\n"));
    char *last = strrchr(text, '.');
    AUTO_FREE unsigned char *signature = base64_decode(last + 1, strlen(last + 1), &len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, signature, len, (const unsigned char *)text, (size_t)(last - text)),
        1);
    json_t *header = jwt_part(text);
    const char *x5t = member(header, "x5t");
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;
    AUTO_FREE unsigned char *mark = base64_decode(x5t, strlen(x5t), &mark_len);
    assert_string_equal(member(header, "alg"), "RS256");
    assert_int_equal(X509_digest(x509, EVP_sha1(), digest, &digest_len), 1);
    assert_int_equal(mark_len, digest_len);
    assert_memory_equal(mark, digest, digest_len);
    json_decref(header);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    X509_free(x509);
    BIO_free(bio);
}

TEST_WITH(fixture, struct harness *h, a_client_certificate)
{
    AUTO_FREE char *certificate = NULL, *key = NULL;
    certificate_make(&certificate, &key);
    AUTO_FREE char *both = xasprintf("%s\n%s\n", key, certificate);
    write_file(rig.path, both);
    use_application("AZURE_CLIENT_CERTIFICATE_PATH", rig.path);
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.certificate"), 0);
    get_token(h, "eyJ.certificate");
    assert_int_equal(harness_seen(h, "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-"
                                     "assertion-type%3Ajwt-bearer&client_assertion="),
                     1);
    const char *jwt = strstr(h->seen[0], "&client_assertion=") + strlen("&client_assertion=");
    check_assertion(jwt, certificate);
    json_t *claims = jwt_part(strchr(jwt, '.') + 1);
    AUTO_FREE char *audience = xasprintf("%s/" TENANT "/oauth2/v2.0/token", h->url);
    assert_string_equal(member(claims, "aud"), audience);
    assert_string_equal(member(claims, "iss"), CLIENT);
    assert_string_equal(member(claims, "sub"), CLIENT);
    assert_int_equal(strlen(member(claims, "jti")), 64);
    int64_t issued = json_integer_value(json_object_get(claims, "nbf"));
    assert_in_range(time_now_ns() / 1000000000 - issued, 0, 30);
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), issued + 600);
    json_decref(claims);
}

TEST_WITH(fixture, struct harness *h, a_certificate_file_without_a_key)
{
    AUTO_FREE char *certificate = NULL, *key = NULL;
    certificate_make(&certificate, &key);
    use_application("AZURE_CLIENT_CERTIFICATE_PATH", rig.path);
    write_file(rig.path, certificate);
    get_error(h, "the key in the file is not an RSA private key in PEM format");
    write_file(rig.path, key);
    get_error(h, "the file holds no certificate in PEM format");
    remove(rig.path);
    get_error(h, rig.path);
    assert_int_equal(h->seen_count, 0);
}

/* The file is read for every token: the platform replaces its content. */
TEST_WITH(fixture, struct harness *h, a_federated_token_is_read_anew)
{
    use_application("AZURE_FEDERATED_TOKEN_FILE", rig.path);
    write_file(rig.path, "eyJ.first\n");
    h->rules[h->rule_count++] = (struct rule){LOGIN, .contains = "client_assertion=eyJ.first&",
                                              .status = 200, .body = TOKEN("eyJ.one")};
    h->rules[h->rule_count++] = (struct rule){LOGIN, .contains = "client_assertion=eyJ.second&",
                                              .status = 200, .body = TOKEN("eyJ.two")};
    get_token(h, "eyJ.one");
    write_file(rig.path, "eyJ.second");
    azure_credential_chain_reject(rig.chain, AZURE_ARM, rig.generation);
    get_token(h, "eyJ.two");
}

TEST_WITH(fixture, struct harness *h, a_managed_identity_of_a_machine)
{
    setenv("AZURE_CLIENT_ID", CLIENT, 1); /* chooses a user-assigned one */
    harness_rule(h,
                 "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%"
                 "2Fmanagement.azure.com&client_id=" CLIENT,
                 200, "{\"access_token\":\"eyJ.imds\",\"expires_in\":\"86399\"}", 0);
    get_token(h, "eyJ.imds");
    assert_in_range((rig.got.expires_ns - time_now_ns()) / 1000000000, 86390, 86400);
    assert_int_equal(harness_seen(h, "Metadata: true"), 1);
}

TEST_WITH(fixture, struct harness *h, a_managed_identity_of_app_service)
{
    AUTO_FREE char *endpoint = xasprintf("%s/msi/token", h->url);
    AUTO_FREE char *body = xasprintf("{\"access_token\":\"eyJ.app\",\"expires_on\":\"%lld\"}",
                                     (long long)(time_now_ns() / 1000000000 + 7200));
    setenv("IDENTITY_ENDPOINT", endpoint, 1);
    setenv("IDENTITY_HEADER", "h3ader", 1);
    harness_rule(h, "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement", 200,
                 body, 0);
    get_token(h, "eyJ.app");
    assert_in_range((rig.got.expires_ns - time_now_ns()) / 1000000000, 7100, 7200);
    assert_int_equal(harness_seen(h, "X-IDENTITY-HEADER: h3ader"), 1);
}

TEST_WITH(fixture, struct harness *h, a_machine_without_an_identity)
{
    harness_rule(h, "GET /metadata/", 400,
                 "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}", 0);
    get_error(h, "Azure credentials from managed identity: instance metadata service: "
                 "HTTP 400: invalid_request: Identity not found");
}

#define CACHE                                                                                      \
    "{\"RefreshToken\":{\"k\":{\"secret\":\"0.refresh\",\"client_id\":\"" CLIENT                   \
    "\",\"home_account_id\":\"oid." TENANT "\"}}}"

/* Nothing answers as a metadata service: then the person's login. */
TEST_WITH(fixture, struct harness *h, the_azure_cli_s_login)
{
    setenv("AZURE_CONFIG_DIR", rig.directory, 1);
    write_file(rig.path, CACHE);
    harness_rule(h, "GET /metadata/", 404, "not found", 0);
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.cli"), 0);
    get_token(h, "eyJ.cli");
    assert_int_equal(harness_seen(h, "grant_type=refresh_token&client_id=" CLIENT
                                     "&refresh_token=0.refresh&" ARM_SCOPE),
                     1);
}

TEST_WITH(fixture, struct harness *h, an_azure_cli_without_a_person)
{
    setenv("AZURE_CONFIG_DIR", rig.directory, 1);
    harness_rule(h, "GET /metadata/", 404, "not found", 0);
    write_file(rig.path, "{\"RefreshToken\":{}}");
    get_error(h, "the file holds no person's login; call `az login`");
    write_file(rig.path, "{\"RefreshToken\":");
    get_error(h, "malformed JSON");
    write_file(rig.path, "{\"RefreshToken\":{\"k\":{\"secret\":\"x\",\"client_id\":\"c\","
                         "\"home_account_id\":\"o.a/../b\"}}}");
    get_error(h, "\"a/../b\" is not a valid id");
}

/* ---- the chain ---- */

TEST_WITH(fixture, struct harness *h, the_environment_comes_first)
{
    use_application("AZURE_CLIENT_SECRET", "s");
    setenv("AZURE_CONFIG_DIR", rig.directory, 1);
    write_file(rig.path, CACHE);
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.env"), 0);
    get_token(h, "eyJ.env");
    assert_int_equal(h->seen_count, 1);
}

TEST_WITH(fixture, struct harness *h, nothing_at_all)
{
    harness_rule(h, "GET /metadata/", 404, "", 0);
    get_error(h, "no Azure credentials found; set AZURE_TENANT_ID");
    assert_int_equal(rig.err.code, ERROR_FORBIDDEN);
}

TEST_WITH(fixture, struct harness *h, half_an_application)
{
    setenv("AZURE_CLIENT_SECRET", "s", 1);
    get_error(h, "AZURE_CLIENT_SECRET: AZURE_TENANT_ID is not set");
    setenv("AZURE_TENANT_ID", TENANT, 1);
    get_error(h, "AZURE_CLIENT_SECRET: AZURE_CLIENT_ID is not set");
    setenv("AZURE_CLIENT_ID", "a/b", 1);
    get_error(h, "AZURE_CLIENT_ID: \"a/b\" is not a valid id");
}

TEST_WITH(fixture, struct harness *h, a_refusal_has_entra_s_words)
{
    use_application("AZURE_CLIENT_SECRET", "s");
    harness_rule(
        h, LOGIN, 401,
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client "
        "secret provided.\"}",
        0);
    get_error(h, "AZURE_CLIENT_SECRET: client secret: HTTP 401: invalid_client: AADSTS7000215");
    assert_null(strstr(rig.err.message, "client_secret="));
}

/* A throttled login is not reported as 429: the Docker client did not send too many requests. */
TEST_WITH(fixture, struct harness *h, a_login_that_is_throttled)
{
    use_application("AZURE_CLIENT_SECRET", "s");
    h->rules[h->rule_count++] =
        (struct rule){LOGIN, .status = 429, .headers = "Retry-After: 36000\r\n",
                      .body = "{\"error\":\"temporarily_unavailable\",\"error_description\":"
                              "\"AADSTS90055: try again\"}"};
    get_error(h, "HTTP 429: temporarily_unavailable: AADSTS90055");
    assert_int_equal(rig.err.code, ERROR_UNAVAILABLE);
    assert_int_equal(harness_seen(h, LOGIN), 1);
}

TEST_WITH(fixture, struct harness *h, answers_without_a_token)
{
    static const char *const bodies[] = {
        "<html>sign in</html>",
        "{}",
        "{\"access_token\":\"\",\"expires_in\":3599}",
        "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":3599}",
        "{\"access_token\":[\"a\"]}",
    };
    use_application("AZURE_CLIENT_SECRET", "s3cret");
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        harness_rule(h, LOGIN, 200, bodies[i], 1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        get_error(h, "Azure credentials from environment: AZURE_CLIENT_SECRET: client secret: ");
        assert_null(strstr(rig.err.message, "s3cret"));
    }
    assert_int_equal(harness_seen(h, LOGIN), ARRAY_LEN(bodies));
}

/* Each audience has its own token. */
TEST_WITH(fixture, struct harness *h, a_token_for_each_audience)
{
    static const char *const tokens[] = {"eyJ.arm", "eyJ.logs", "eyJ.registry"};
    use_application("AZURE_CLIENT_SECRET", "s");
    h->rules[h->rule_count++] =
        (struct rule){LOGIN, .contains = ARM_SCOPE, .status = 200, .body = TOKEN("eyJ.arm")};
    h->rules[h->rule_count++] =
        (struct rule){LOGIN, .contains = "scope=https%3A%2F%2Fapi.loganalytics.io%2F.default",
                      .status = 200, .body = TOKEN("eyJ.logs")};
    h->rules[h->rule_count++] = (struct rule){
        LOGIN, .contains = "scope=https%3A%2F%2Fcontainerregistry.azure.net%2F.default",
        .status = 200, .body = TOKEN("eyJ.registry")};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < AZURE_AUDIENCES; i++) {
            rig.audience = (enum azure_audience)i;
            get_token(h, tokens[i]);
        }
    assert_int_equal(harness_seen(h, LOGIN), 3);
}

static void co_get_mine(struct harness *h)
{
    struct access_token mine = {0};
    struct error err = {0};
    unsigned generation;
    (void)h;
    rig.failures += co_azure_credentials_get(rig.chain, AZURE_ARM, &mine, &generation, &err) != 0;
    access_token_free(&mine);
}

TEST_WITH(fixture, struct harness *h, one_renewal_for_many)
{
    use_application("AZURE_CLIENT_SECRET", "s");
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.one"), 0);
    harness_run_many(h, co_get_mine, 50);
    assert_int_equal(rig.failures, 0);
    assert_int_equal(harness_seen(h, LOGIN), 1);
}

static bool has_asked_twice(struct harness *h)
{
    return harness_seen(h, LOGIN) == 2;
}

/* A token of four seconds is renewed after three of them. */
TEST_WITH(fixture, struct harness *h, renewed_before_the_end)
{
    use_application("AZURE_CLIENT_SECRET", "s");
    harness_rule(h, LOGIN, 200, "{\"access_token\":\"eyJ.one\",\"expires_in\":4}", 1);
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.two"), 0);
    int64_t began_ms = time_mono_ms();
    harness_repeat(h, co_get, has_asked_twice, &rig.result);
    assert_int_equal(rig.result, 0);
    assert_in_range(time_mono_ms() - began_ms, 2000, 3900);
    get_token(h, "eyJ.two");
}

TEST_WITH(fixture, struct harness *h, a_refused_token_is_replaced_once)
{
    use_application("AZURE_CLIENT_SECRET", "s");
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.one"), 1);
    harness_rule(h, LOGIN, 200, TOKEN("eyJ.two"), 0);
    get_token(h, "eyJ.one");
    unsigned first = rig.generation;
    for (int i = 0; i < 3; i++) {
        azure_credential_chain_reject(rig.chain, AZURE_ARM, first);
        get_token(h, "eyJ.two");
    }
    assert_int_equal(harness_seen(h, LOGIN), 2);
}
