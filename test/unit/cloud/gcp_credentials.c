/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's Application Default Credentials: every kind of file with its requests as they are on the
 * wire, the metadata server, the order, renewal, one renewal for many, and what is said when
 * something is wrong.
 */
#include "cloud/gcp/gcp_credentials.h"

#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/test.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define TOKEN(name) "{\"access_token\":\"" name "\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded\r\n"

static struct gcp_credential_chain *chain;
static struct access_token got;
static struct error problem;
static unsigned generation;
static int result;
static char directory[64];
static char *file_path; /* the credential file */
static EVP_PKEY *rsa;
static char *rsa_pem;

static int make_key(void **state)
{
    (void)state;
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    rsa = EVP_RSA_gen(2048);
    if (!rsa || PEM_write_bio_PKCS8PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL) != 1)
        return -1;
    long len = BIO_get_mem_data(bio, &text);
    rsa_pem = xstrndup(text, (size_t)len);
    BIO_free(bio);
    return 0;
}

static int drop_key(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    free(rsa_pem);
    return 0;
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    strcpy(directory, "/tmp/sockerless-gcp-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    file_path = xasprintf("%s/key.json", directory);
    setenv("HOME", directory, 1);
    setenv("NO_GCE_CHECK", "true", 1);
    chain = gcp_credential_chain_new(h->http, NULL);
    return 0;
}

static int fixture_teardown(void **state)
{
    access_token_free(&got);
    gcp_credential_chain_free(chain);
    remove(file_path);
    free(file_path);
    remove(directory);
    return harness_teardown(state);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

/* The file that GOOGLE_APPLICATION_CREDENTIALS names. `'` stands for `"`, `@` for the mock's URL.
 */
static void use_file(struct harness *h, const char *text)
{
    FILE *f = fopen(file_path, "w");
    for (; *text; text++) {
        if (*text == '@')
            fputs(h->url, f);
        else
            fputc(*text == '\'' ? '"' : *text, f);
    }
    fclose(f);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", file_path, 1);
}

static void co_get(struct harness *h)
{
    (void)h;
    access_token_free(&got);
    problem = (struct error){0};
    result = co_gcp_credentials_get(chain, &got, &generation, &problem);
}

static void get(struct harness *h)
{
    harness_run(h, co_get);
}

static void expect(const char *token)
{
    if (result)
        fail_msg("%s", problem.message);
    assert_string_equal(got.value, token);
}

static void expect_failure(const char *says)
{
    assert_int_equal(result, -1);
    if (!strstr(problem.message, says))
        fail_msg("\"%s\" does not say \"%s\"", problem.message, says);
}

/* ---- service account ---- */

static void use_service_account(struct harness *h)
{
    json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:s+}", "type", "service_account", "client_email",
                            "runner@p.iam.gserviceaccount.com", "private_key_id", "key-1",
                            "private_key", rsa_pem, "token_uri", h->url, "/token");
    json_dump_file(doc, file_path, 0);
    json_decref(doc);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", file_path, 1);
}

static json_t *jwt_part(const char *text)
{
    size_t len;
    AUTO_FREE char *plain = (char *)base64_decode(text, strcspn(text, "."), &len);
    assert_non_null(plain);
    json_t *doc = json_loadb(plain, len, 0, NULL);
    assert_non_null(doc);
    return doc;
}

static const char *member(const json_t *doc, const char *name)
{
    return str_or_empty(json_string_value(json_object_get(doc, name)));
}

/* RS256 over the first two parts, with the public key. */
static void check_signature(const char *jwt)
{
    size_t len;
    const char *last = strrchr(jwt, '.');
    AUTO_FREE unsigned char *signature = base64_decode(last + 1, strlen(last + 1), &len);
    assert_non_null(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, signature, len, (const unsigned char *)jwt, (size_t)(last - jwt)), 1);
    EVP_MD_CTX_free(ctx);
}

TEST_WITH(fixture, struct harness *h, service_account_signs_a_jwt)
{
    use_service_account(h);
    harness_rule(h, "POST /token", 200, TOKEN("ya29.sa"), 0);
    get(h);
    expect("ya29.sa");
    assert_in_range((got.expires_ns - time_now_ns()) / 1000000000, 3590, 3600);
    const char *form =
        strstr(h->seen[0],
               "\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
    assert_non_null(form);
    assert_non_null(strstr(h->seen[0], FORM_TYPE));
    assert_null(strstr(h->seen[0], "Authorization:"));
    const char *jwt = strstr(form, "assertion=") + strlen("assertion=");
    assert_int_equal(
        strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
        strlen(jwt));
    check_signature(jwt);
    json_t *header = jwt_part(jwt), *claims = jwt_part(strchr(jwt, '.') + 1);
    assert_string_equal(member(header, "alg"), "RS256");
    assert_string_equal(member(header, "kid"), "key-1");
    AUTO_FREE char *audience = xasprintf("%s/token", h->url);
    assert_string_equal(member(claims, "iss"), "runner@p.iam.gserviceaccount.com");
    assert_string_equal(member(claims, "aud"), audience);
    assert_string_equal(member(claims, "scope"), GCP_SCOPE_CLOUD_PLATFORM);
    int64_t issued = json_integer_value(json_object_get(claims, "iat"));
    assert_in_range(time_now_ns() / 1000000000 - issued, 0, 30);
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), issued + 3600);
    json_decref(header);
    json_decref(claims);
}

TEST_WITH(fixture, struct harness *h, service_account_refused)
{
    use_service_account(h);
    harness_rule(h, "POST /token", 400,
                 "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT\\nSignature.\"}",
                 0);
    get(h);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    expect_failure("Google credentials from GOOGLE_APPLICATION_CREDENTIALS: ");
    expect_failure("service account's token: HTTP 400: invalid_grant: Invalid JWT Signature.");
    assert_int_equal(h->seen_count, 1);
}

/* ---- the other kinds of files ---- */

TEST_WITH(fixture, struct harness *h, authorized_user_refreshes)
{
    use_file(h, "{'type':'authorized_user','client_id':'id.apps','client_secret':'s/1',"
                "'refresh_token':'1//r','token_uri':'@/token'}");
    harness_rule(h, "POST /token", 200, TOKEN("ya29.user"), 0);
    get(h);
    expect("ya29.user");
    assert_true(str_ends(h->seen[0], "\ngrant_type=refresh_token&client_id=id.apps&client_secret="
                                     "s%2F1&refresh_token=1%2F%2Fr"));
}

TEST_WITH(fixture, struct harness *h, authorized_user_must_log_in_again)
{
    use_file(h, "{'type':'authorized_user','client_id':'i','client_secret':'s','refresh_token':'r',"
                "'token_uri':'@/token'}");
    harness_rule(h, "POST /token", 400,
                 "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been revoked.\"}",
                 0);
    get(h);
    expect_failure("gcloud auth application-default login");
    expect_failure("Token has been revoked.");
}

#define FEDERATION                                                                                 \
    "'type':'external_account','audience':'//iam.googleapis.com/projects/1/pool','token_url':"     \
    "'@/v1/token','subject_token_type':'urn:ietf:params:oauth:token-type:jwt'"

TEST_WITH(fixture, struct harness *h, federation_with_a_token_file)
{
    AUTO_FREE char *path = xasprintf("%s/subject", directory);
    AUTO_FREE char *file = xasprintf("{" FEDERATION ",'credential_source':{'file':'%s'}}", path);
    write_file(path, "jwt.a/b\n");
    use_file(h, file);
    harness_rule(h, "POST /v1/token", 200, TOKEN("ya29.fed"), 0);
    get(h);
    remove(path);
    expect("ya29.fed");
    assert_true(str_ends(
        h->seen[0], "\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
                    "&audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2Fpool"
                    "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
                    "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                    "&subject_token=jwt.a%2Fb"
                    "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"));
    assert_null(strstr(h->seen[0], "Authorization:")); /* STS refuses it */
}

TEST_WITH(fixture, struct harness *h, federation_with_a_url_and_json)
{
    use_file(h,
             "{" FEDERATION ",'credential_source':{'url':'@/identity?x=1','headers':"
             "{'Metadata':'True'},'format':{'type':'json','subject_token_field_name':'value'}}}");
    harness_rule(h, "GET /identity?x=1", 200, "{\n \"value\": \"oidc\"\n}\n", 0);
    harness_rule(h, "POST /v1/token", 200, TOKEN("ya29.url"), 0);
    get(h);
    expect("ya29.url");
    assert_int_equal(harness_seen(h, "Metadata: True\r\n"), 1);
    assert_int_equal(harness_seen(h, "&subject_token=oidc&"), 1);
}

TEST_WITH(fixture, struct harness *h, federation_then_impersonation)
{
    AUTO_FREE char *path = xasprintf("%s/subject", directory);
    AUTO_FREE char *file =
        xasprintf("{" FEDERATION ",'credential_source':{'file':'%s'},"
                  "'service_account_impersonation_url':'@/v1/sa:generateAccessToken',"
                  "'service_account_impersonation':{'token_lifetime_seconds':1800}}",
                  path);
    write_file(path, "jwt");
    use_file(h, file);
    harness_rule(h, "POST /v1/token", 200, TOKEN("ya29.step"), 0);
    harness_rule(h, "POST /v1/sa:generateAccessToken", 200,
                 "{\"accessToken\":\"ya29.as\",\"expireTime\":\"2090-01-01T00:00:00Z\"}", 0);
    get(h);
    remove(path);
    expect("ya29.as");
    assert_int_equal(h->seen_count, 2);
    assert_non_null(strstr(h->seen[1], "Authorization: Bearer ya29.step\r\n"));
    assert_non_null(strstr(h->seen[1], "Content-Type: application/json\r\n"));
    assert_true(str_ends(h->seen[1], "\n{\"scope\":[\"" GCP_SCOPE_CLOUD_PLATFORM
                                     "\"],\"lifetime\":\"1800s\"}"));
}

TEST_WITH(fixture, struct harness *h, workforce_pools_name_the_project)
{
    AUTO_FREE char *path = xasprintf("%s/subject", directory);
    AUTO_FREE char *file = xasprintf("{" FEDERATION ",'credential_source':{'file':'%s'},"
                                     "'workforce_pool_user_project':'p-1'}",
                                     path);
    write_file(path, "jwt");
    use_file(h, file);
    harness_rule(h, "POST /v1/token", 200, TOKEN("ya29.wf"), 0);
    get(h);
    remove(path);
    expect("ya29.wf");
    assert_true(str_ends(h->seen[0], "&options=%7B%22userProject%22%3A%22p-1%22%7D"));
}

TEST_WITH(fixture, struct harness *h, impersonated_service_account)
{
    use_file(h, "{'type':'impersonated_service_account','service_account_impersonation_url':"
                "'@/v1/sa:generateAccessToken','delegates':['projects/-/serviceAccounts/d'],"
                "'source_credentials':{'type':'authorized_user','client_id':'i','client_secret':"
                "'s','refresh_token':'r','token_uri':'@/token'}}");
    harness_rule(h, "POST /token", 200, TOKEN("ya29.own"), 0);
    harness_rule(h, ":generateAccessToken", 200,
                 "{\"accessToken\":\"ya29.as\",\"expireTime\":\"2090-01-01T00:00:00Z\"}", 0);
    get(h);
    expect("ya29.as");
    assert_int_equal(harness_seen(h, "Authorization: Bearer ya29.own\r\n"), 1);
    assert_int_equal(harness_seen(h, "\n{\"delegates\":[\"projects/-/serviceAccounts/d\"],\"scope\""
                                     ":[\"" GCP_SCOPE_CLOUD_PLATFORM "\"],\"lifetime\":\"3600s\"}"),
                     1);
}

TEST_WITH(fixture, struct harness *h, impersonation_refused)
{
    use_file(h, "{'type':'impersonated_service_account','service_account_impersonation_url':"
                "'@/v1/sa:generateAccessToken','source_credentials':{'type':'authorized_user',"
                "'client_id':'i','client_secret':'s','refresh_token':'r','token_uri':'@/token'}}");
    harness_rule(h, "POST /token", 200, TOKEN("ya29.own"), 0);
    harness_rule(h, ":generateAccessToken", 403,
                 "{\"error\":{\"code\":403,\"message\":\"Permission "
                 "'iam.serviceAccounts.getAccessToken' denied\",\"status\":\"PERMISSION_DENIED\"}}",
                 0);
    get(h);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    expect_failure("impersonation: HTTP 403: PERMISSION_DENIED: Permission "
                   "'iam.serviceAccounts.getAccessToken' denied");
    assert_null(strstr(problem.message, "ya29"));
}

TEST_WITH(fixture, struct harness *h, files_that_are_wrong)
{
    static const struct {
        const char *file, *says;
    } cases[] = {
        {"hello", "key.json"},
        {"[]", "key.json"},
        {"{}", "\"type\" is missing"},
        {"{'type':'gdch_service_account'}", "not supported"},
        {"{'type':'service_account'}", "\"client_email\" is missing"},
        {"{'type':'service_account','client_email':'e'}", "\"private_key\" is missing"},
        {"{'type':'service_account','client_email':'e','private_key':'x'}",
         "not an RSA private key"},
        {"{'type':'service_account','client_email':'e','private_key':'x','token_uri':"
         "'http://oauth2.googleapis.com/'}",
         "\"token_uri\" must be an https URL"},
        {"{'type':'service_account','client_email':'e','private_key':'x','token_uri':"
         "'http://127.0.0.1.evil.org/'}",
         "\"token_uri\" must be"},
        {"{'type':'authorized_user','client_id':'i'}", "\"client_secret\" is missing"},
        {"{'type':'external_account'}", "\"audience\" is missing"},
        {"{" FEDERATION "}", "neither \"file\" nor \"url\""},
        {"{" FEDERATION ",'credential_source':{'executable':{'command':'/bin/sh'}}}",
         "\"executable\" is not supported"},
        {"{" FEDERATION ",'credential_source':{'environment_id':'aws1'}}",
         "\"environment_id\" is not supported"},
        {"{" FEDERATION ",'credential_source':{'file':'/nonexistent/token'}}",
         "/nonexistent/token: No such file"},
        {"{" FEDERATION ",'credential_source':{'url':'file:///etc/passwd'}}",
         "not an http or https"},
        {"{" FEDERATION ",'credential_source':{'url':'@/','headers':{'a':'b\\r\\nc: d'}}}",
         "is not a valid header"},
        {"{" FEDERATION ",'credential_source':{'file':'/etc/hostname','format':{'type':'xml'}}}",
         "neither text nor json"},
        {"{'type':'impersonated_service_account','service_account_impersonation_url':'@/x'}",
         "\"source_credentials\" must be"},
        {"{'type':'impersonated_service_account','service_account_impersonation_url':'@/x',"
         "'source_credentials':{'type':'impersonated_service_account'}}",
         "\"source_credentials\" must be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        use_file(h, cases[i].file);
        get(h);
        expect_failure(cases[i].says);
    }
    assert_int_equal(h->seen_count, 0);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json", 1);
    get(h);
    expect_failure("/nonexistent/key.json: No such file");
}

TEST_WITH(fixture, struct harness *h, answers_that_are_wrong)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"access_token\":\"\"}",
                                         "{\"access_token\":\"a b\",\"expires_in\":1}",
                                         "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":1}"};
    use_service_account(h);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        harness_rule(h, "POST /token", 200, bodies[i], 1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        get(h);
        expect_failure("service account's token");
    }
    assert_int_equal(h->seen_count, ARRAY_LEN(bodies));
}

TEST_WITH(fixture, struct harness *h, overloaded_services_are_asked_again)
{
    use_service_account(h);
    harness_rule(h, "POST /token", 503, "busy", 1);
    harness_rule(h, "POST /token", 0, "", 1); /* the connection breaks */
    harness_rule(h, "POST /token", 429, "{}", 1);
    harness_rule(h, "POST /token", 200, TOKEN("ya29.sa"), 0);
    get(h);
    expect("ya29.sa");
}

TEST_WITH(fixture, struct harness *h, and_not_for_ever)
{
    use_service_account(h);
    harness_rule(h, "POST /token", 500, "<html>", 0);
    get(h);
    assert_int_equal(problem.code, ERROR_UNAVAILABLE);
    expect_failure("HTTP 500");
    assert_int_equal(h->seen_count, 4);
}

/* ---- the order ---- */

TEST_WITH(fixture, struct harness *h, the_usual_file_of_gcloud)
{
    AUTO_FREE char *moved = xasprintf("%s/application_default_credentials.json", directory);
    setenv("CLOUDSDK_CONFIG", directory, 1);
    use_file(h, "{'type':'authorized_user','client_id':'i','client_secret':'s','refresh_token':"
                "'gcloud','token_uri':'@/token'}");
    assert_int_equal(rename(file_path, moved), 0);
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    harness_rule(h, "POST /token", 200, TOKEN("ya29.user"), 0);
    get(h);
    expect("ya29.user");
    use_file(h, "{'type':'authorized_user','client_id':'i','client_secret':'s','refresh_token':"
                "'named','token_uri':'@/token'}");
    gcp_credential_chain_reject(chain, generation);
    get(h);
    remove(moved);
    expect("ya29.user");
    assert_int_equal(harness_seen(h, "refresh_token=gcloud"), 1);
    assert_int_equal(harness_seen(h, "refresh_token=named"), 1);
}

static void metadata_rule(struct harness *h, int status, const char *body, int times)
{
    unsetenv("NO_GCE_CHECK");
    setenv("GCE_METADATA_HOST", h->url + strlen("http://"), 1);
    harness_rule(h, "GET /computeMetadata/v1/instance/service-accounts/default/token", status, body,
                 times);
    h->rules[h->rule_count - 1].headers = "Metadata-Flavor: Google\r\n";
}

TEST_WITH(fixture, struct harness *h, from_the_metadata_server)
{
    metadata_rule(h, 503, "", 1);
    metadata_rule(h, 200, TOKEN("ya29.vm"), 0);
    get(h);
    expect("ya29.vm");
    assert_int_equal(harness_seen(h, "Metadata-Flavor: Google\r\n"), 2);
    assert_int_equal(
        harness_seen(h, "/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform "),
        2);
}

TEST_WITH(fixture, struct harness *h, a_machine_without_service_account)
{
    metadata_rule(h, 404, "", 0);
    get(h);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    expect_failure("this machine has no service account");
}

static void co_get_optional(struct harness *h)
{
    (void)h;
    access_token_free(&got);
    problem = (struct error){0};
    result = co_gcp_access_token(chain, &got, &problem);
}

TEST_WITH(fixture, struct harness *h, none_at_all)
{
    get(h);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    expect_failure("GOOGLE_APPLICATION_CREDENTIALS");
    harness_run(h, co_get_optional); /* for a registry that may be public */
    assert_int_equal(result, 0);
    assert_null(got.value);
}

TEST_WITH(fixture, struct harness *h, something_else_at_the_metadata_address)
{
    metadata_rule(h, 200, TOKEN("ya29.evil"), 0);
    h->rules[0].headers = "Server: other\r\n";
    get(h);
    expect_failure("no Google credentials found");
    setenv("GCE_METADATA_HOST", "evil.org/x", 1);
    gcp_credential_chain_reject(chain, generation);
    get(h);
    expect_failure("GCE_METADATA_HOST must be a host name");
}

TEST_WITH(fixture, struct harness *h, nobody_at_the_metadata_address)
{
    unsetenv("NO_GCE_CHECK");
    setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
    get(h);
    expect_failure("no Google credentials found");
}

/* It gave a token once, so it is away for a moment only: that is no reason to go on without. */
TEST_WITH(fixture, struct harness *h, the_metadata_server_is_away)
{
    metadata_rule(h, 200, TOKEN("ya29.vm"), 0);
    get(h);
    expect("ya29.vm");
    setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
    gcp_credential_chain_reject(chain, generation);
    get(h);
    assert_int_equal(problem.code, ERROR_UNAVAILABLE);
    expect_failure("does not answer any more");
    setenv("GCE_METADATA_HOST", h->url + strlen("http://"), 1);
    get(h); /* at once, not after some time */
    expect("ya29.vm");
}

/* ---- renewal ---- */

static int failures;

static void co_get_mine(struct harness *h)
{
    struct access_token mine = {0};
    struct error err = {0};
    unsigned g;
    (void)h;
    failures += co_gcp_credentials_get(chain, &mine, &g, &err) != 0;
    access_token_free(&mine);
}

TEST_WITH(fixture, struct harness *h, one_renewal_for_many)
{
    use_service_account(h);
    failures = 0;
    harness_rule(h, "POST /token", 200, TOKEN("ya29.many"), 0);
    harness_run_many(h, co_get_mine, 50);
    assert_int_equal(failures, 0);
    assert_int_equal(h->seen_count, 1);
    get(h);
    assert_int_equal(h->seen_count, 1);
    gcp_credential_chain_reject(chain, generation);
    gcp_credential_chain_reject(chain, generation);
    harness_run_many(h, co_get_mine, 50); /* refused by a service: once more, once */
    assert_int_equal(h->seen_count, 2);
    gcp_credential_chain_reject(chain, generation); /* an old complaint has no effect */
    get(h);
    assert_int_equal(h->seen_count, 2);
}

static bool asked_twice(struct harness *h)
{
    return harness_seen(h, "POST /token") >= 2;
}

TEST_WITH(fixture, struct harness *h, renewed_before_the_end)
{
    use_service_account(h);
    harness_rule(h, "POST /token", 200, "{\"access_token\":\"one\",\"expires_in\":6}", 1);
    harness_rule(h, "POST /token", 400, "{\"error\":\"invalid_grant\"}", 1);
    harness_rule(h, "POST /token", 200, TOKEN("two"), 0);
    harness_repeat(h, co_get, asked_twice, &result);
    expect("one"); /* it failed, but the old one still holds */
    gcp_credential_chain_reject(chain, generation);
    get(h);
    expect("two");
}

TEST_GROUP(make_key, drop_key);
