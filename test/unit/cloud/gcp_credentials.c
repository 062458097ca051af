/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's Application Default Credentials: every kind of file with its requests as they are on the
 * wire, the metadata server, the order, renewal, one renewal for many, and what is said when
 * something is wrong.
 */
#include "base/str.h"
#include "base/timefmt.h"
#include "test/kit/google_rig.h"
#include "test/kit/test.h"

#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded\r\n"

static struct google_rig *const rig = &google_rig;

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static const char *member(const json_t *doc, const char *name)
{
    return str_or_empty(json_string_value(json_object_get(doc, name)));
}

TEST_WITH(google_rig, struct harness *h, service_account_signs_a_jwt)
{
    google_rig_use_service_account(h);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.sa"), 0);
    google_rig_get_token(h, "ya29.sa");
    assert_in_range((rig->got.expires_ns - time_now_ns()) / 1000000000, 3590, 3600);
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
    google_rig_check_signature(jwt);
    json_t *header = google_rig_jwt_part(jwt), *claims = google_rig_jwt_part(strchr(jwt, '.') + 1);
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

TEST_WITH(google_rig, struct harness *h, service_account_refused)
{
    google_rig_use_service_account(h);
    harness_rule(h, "POST /token", 400,
                 "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT\\nSignature.\"}",
                 0);
    google_rig_get(h);
    assert_int_equal(rig->err.code, ERROR_FORBIDDEN);
    google_rig_expect_error("Google credentials from GOOGLE_APPLICATION_CREDENTIALS: ");
    google_rig_expect_error(
        "service account's token: HTTP 400: invalid_grant: Invalid JWT Signature.");
    assert_int_equal(h->seen_count, 1);
}

/* ---- the other kinds of files ---- */

TEST_WITH(google_rig, struct harness *h, authorized_user_refreshes)
{
    google_rig_use_file(h, "{'type':'authorized_user','client_id':'id.apps','client_secret':'s/1',"
                           "'refresh_token':'1//r','token_uri':'@/token'}");
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.user"), 0);
    google_rig_get_token(h, "ya29.user");
    assert_true(str_ends(h->seen[0], "\ngrant_type=refresh_token&client_id=id.apps&client_secret="
                                     "s%2F1&refresh_token=1%2F%2Fr"));
}

TEST_WITH(google_rig, struct harness *h, authorized_user_must_log_in_again)
{
    google_rig_use_file(
        h, "{'type':'authorized_user','client_id':'i','client_secret':'s','refresh_token':'r',"
           "'token_uri':'@/token'}");
    harness_rule(h, "POST /token", 400,
                 "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been revoked.\"}",
                 0);
    google_rig_get_error(h, "gcloud auth application-default login");
    google_rig_expect_error("Token has been revoked.");
}

#define FEDERATION                                                                                 \
    "'type':'external_account','audience':'//iam.googleapis.com/projects/1/pool','token_url':"     \
    "'@/v1/token','subject_token_type':'urn:ietf:params:oauth:token-type:jwt'"

TEST_WITH(google_rig, struct harness *h, federation_with_a_token_file)
{
    AUTO_FREE char *path = xasprintf("%s/subject", rig->directory);
    AUTO_FREE char *file = xasprintf("{" FEDERATION ",'credential_source':{'file':'%s'}}", path);
    write_file(path, "jwt.a/b\n");
    google_rig_use_file(h, file);
    harness_rule(h, "POST /v1/token", 200, GOOGLE_TOKEN("ya29.fed"), 0);
    google_rig_get(h);
    remove(path);
    google_rig_expect("ya29.fed");
    assert_true(str_ends(
        h->seen[0], "\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
                    "&audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2Fpool"
                    "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
                    "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                    "&subject_token=jwt.a%2Fb"
                    "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"));
    assert_null(strstr(h->seen[0], "Authorization:")); /* STS refuses it */
}

TEST_WITH(google_rig, struct harness *h, federation_with_a_url_and_json)
{
    google_rig_use_file(
        h, "{" FEDERATION ",'credential_source':{'url':'@/identity?x=1','headers':"
           "{'Metadata':'True'},'format':{'type':'json','subject_token_field_name':'value'}}}");
    harness_rule(h, "GET /identity?x=1", 200, "{\n \"value\": \"oidc\"\n}\n", 0);
    harness_rule(h, "POST /v1/token", 200, GOOGLE_TOKEN("ya29.url"), 0);
    google_rig_get_token(h, "ya29.url");
    assert_int_equal(harness_seen(h, "Metadata: True\r\n"), 1);
    assert_int_equal(harness_seen(h, "&subject_token=oidc&"), 1);
}

TEST_WITH(google_rig, struct harness *h, federation_then_impersonation)
{
    AUTO_FREE char *path = xasprintf("%s/subject", rig->directory);
    AUTO_FREE char *file =
        xasprintf("{" FEDERATION ",'credential_source':{'file':'%s'},"
                  "'service_account_impersonation_url':'@/v1/sa:generateAccessToken',"
                  "'service_account_impersonation':{'token_lifetime_seconds':1800}}",
                  path);
    write_file(path, "jwt");
    google_rig_use_file(h, file);
    harness_rule(h, "POST /v1/token", 200, GOOGLE_TOKEN("ya29.step"), 0);
    harness_rule(h, "POST /v1/sa:generateAccessToken", 200,
                 "{\"accessToken\":\"ya29.as\",\"expireTime\":\"2090-01-01T00:00:00Z\"}", 0);
    google_rig_get(h);
    remove(path);
    google_rig_expect("ya29.as");
    assert_int_equal(h->seen_count, 2);
    assert_non_null(strstr(h->seen[1], "Authorization: Bearer ya29.step\r\n"));
    assert_non_null(strstr(h->seen[1], "Content-Type: application/json\r\n"));
    assert_true(str_ends(h->seen[1], "\n{\"scope\":[\"" GCP_SCOPE_CLOUD_PLATFORM
                                     "\"],\"lifetime\":\"1800s\"}"));
}

TEST_WITH(google_rig, struct harness *h, workforce_pools_name_the_project)
{
    AUTO_FREE char *path = xasprintf("%s/subject", rig->directory);
    AUTO_FREE char *file = xasprintf("{" FEDERATION ",'credential_source':{'file':'%s'},"
                                     "'workforce_pool_user_project':'p-1'}",
                                     path);
    write_file(path, "jwt");
    google_rig_use_file(h, file);
    harness_rule(h, "POST /v1/token", 200, GOOGLE_TOKEN("ya29.wf"), 0);
    google_rig_get(h);
    remove(path);
    google_rig_expect("ya29.wf");
    assert_true(str_ends(h->seen[0], "&options=%7B%22userProject%22%3A%22p-1%22%7D"));
}

TEST_WITH(google_rig, struct harness *h, impersonated_service_account)
{
    google_rig_use_file(
        h, "{'type':'impersonated_service_account','service_account_impersonation_url':"
           "'@/v1/sa:generateAccessToken','delegates':['projects/-/serviceAccounts/d'],"
           "'source_credentials':{'type':'authorized_user','client_id':'i','client_secret':"
           "'s','refresh_token':'r','token_uri':'@/token'}}");
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.own"), 0);
    harness_rule(h, ":generateAccessToken", 200,
                 "{\"accessToken\":\"ya29.as\",\"expireTime\":\"2090-01-01T00:00:00Z\"}", 0);
    google_rig_get_token(h, "ya29.as");
    assert_int_equal(harness_seen(h, "Authorization: Bearer ya29.own\r\n"), 1);
    assert_int_equal(harness_seen(h, "\n{\"delegates\":[\"projects/-/serviceAccounts/d\"],\"scope\""
                                     ":[\"" GCP_SCOPE_CLOUD_PLATFORM "\"],\"lifetime\":\"3600s\"}"),
                     1);
}

TEST_WITH(google_rig, struct harness *h, impersonation_refused)
{
    google_rig_use_file(
        h, "{'type':'impersonated_service_account','service_account_impersonation_url':"
           "'@/v1/sa:generateAccessToken','source_credentials':{'type':'authorized_user',"
           "'client_id':'i','client_secret':'s','refresh_token':'r','token_uri':'@/token'}}");
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.own"), 0);
    harness_rule(h, ":generateAccessToken", 403,
                 "{\"error\":{\"code\":403,\"message\":\"Permission "
                 "'iam.serviceAccounts.getAccessToken' denied\",\"status\":\"PERMISSION_DENIED\"}}",
                 0);
    google_rig_get(h);
    assert_int_equal(rig->err.code, ERROR_FORBIDDEN);
    google_rig_expect_error("impersonation: HTTP 403: PERMISSION_DENIED: Permission "
                            "'iam.serviceAccounts.getAccessToken' denied");
    assert_null(strstr(rig->err.message, "ya29"));
}

TEST_WITH(google_rig, struct harness *h, files_that_are_wrong)
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
        google_rig_use_file(h, cases[i].file);
        google_rig_get_error(h, cases[i].says);
    }
    assert_int_equal(h->seen_count, 0);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json", 1);
    google_rig_get_error(h, "/nonexistent/key.json: No such file");
}

TEST_WITH(google_rig, struct harness *h, answers_that_are_wrong)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"access_token\":\"\"}",
                                         "{\"access_token\":\"a b\",\"expires_in\":1}",
                                         "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":1}"};
    google_rig_use_service_account(h);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        harness_rule(h, "POST /token", 200, bodies[i], 1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        google_rig_get_error(h, "service account's token");
    }
    assert_int_equal(h->seen_count, ARRAY_LEN(bodies));
}

TEST_WITH(google_rig, struct harness *h, overloaded_services_are_asked_again)
{
    google_rig_use_service_account(h);
    harness_rule(h, "POST /token", 503, "busy", 1);
    harness_rule(h, "POST /token", 0, "", 1); /* the connection breaks */
    harness_rule(h, "POST /token", 429, "{}", 1);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.sa"), 0);
    google_rig_get_token(h, "ya29.sa");
}

TEST_WITH(google_rig, struct harness *h, and_not_for_ever)
{
    google_rig_use_service_account(h);
    harness_rule(h, "POST /token", 500, "<html>", 0);
    google_rig_get(h);
    assert_int_equal(rig->err.code, ERROR_UNAVAILABLE);
    google_rig_expect_error("HTTP 500");
    assert_int_equal(h->seen_count, 4);
}

/* ---- the order ---- */

TEST_WITH(google_rig, struct harness *h, the_usual_file_of_gcloud)
{
    AUTO_FREE char *moved = xasprintf("%s/application_default_credentials.json", rig->directory);
    setenv("CLOUDSDK_CONFIG", rig->directory, 1);
    google_rig_use_file(
        h, "{'type':'authorized_user','client_id':'i','client_secret':'s','refresh_token':"
           "'gcloud','token_uri':'@/token'}");
    assert_int_equal(rename(rig->file_path, moved), 0);
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.user"), 0);
    google_rig_get_token(h, "ya29.user");
    google_rig_use_file(
        h, "{'type':'authorized_user','client_id':'i','client_secret':'s','refresh_token':"
           "'named','token_uri':'@/token'}");
    gcp_credential_chain_reject(rig->chain, rig->generation);
    google_rig_get(h);
    remove(moved);
    google_rig_expect("ya29.user");
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

TEST_WITH(google_rig, struct harness *h, from_the_metadata_server)
{
    metadata_rule(h, 503, "", 1);
    metadata_rule(h, 200, GOOGLE_TOKEN("ya29.vm"), 0);
    google_rig_get_token(h, "ya29.vm");
    assert_int_equal(harness_seen(h, "Metadata-Flavor: Google\r\n"), 2);
    assert_int_equal(
        harness_seen(h, "/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform "),
        2);
}

TEST_WITH(google_rig, struct harness *h, a_machine_without_service_account)
{
    metadata_rule(h, 404, "", 0);
    google_rig_get(h);
    assert_int_equal(rig->err.code, ERROR_FORBIDDEN);
    google_rig_expect_error("this machine has no service account");
}

static void co_get_optional(struct harness *h)
{
    (void)h;
    access_token_free(&rig->got);
    rig->err = (struct error){0};
    rig->result = co_gcp_access_token(rig->chain, &rig->got, &rig->err);
}

TEST_WITH(google_rig, struct harness *h, none_at_all)
{
    google_rig_get(h);
    assert_int_equal(rig->err.code, ERROR_FORBIDDEN);
    google_rig_expect_error("GOOGLE_APPLICATION_CREDENTIALS");
    harness_run(h, co_get_optional); /* for a registry that may be public */
    assert_int_equal(rig->result, 0);
    assert_null(rig->got.value);
}

TEST_WITH(google_rig, struct harness *h, something_else_at_the_metadata_address)
{
    metadata_rule(h, 200, GOOGLE_TOKEN("ya29.evil"), 0);
    h->rules[0].headers = "Server: other\r\n";
    google_rig_get_error(h, "no Google credentials found");
    setenv("GCE_METADATA_HOST", "evil.org/x", 1);
    gcp_credential_chain_reject(rig->chain, rig->generation);
    google_rig_get_error(h, "GCE_METADATA_HOST must be a host name");
}

TEST_WITH(google_rig, struct harness *h, nobody_at_the_metadata_address)
{
    unsetenv("NO_GCE_CHECK");
    setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
    google_rig_get_error(h, "no Google credentials found");
}

/* It gave a token once, so it is away for a moment only: that is no reason to go on without. */
TEST_WITH(google_rig, struct harness *h, the_metadata_server_is_away)
{
    metadata_rule(h, 200, GOOGLE_TOKEN("ya29.vm"), 0);
    google_rig_get_token(h, "ya29.vm");
    setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
    gcp_credential_chain_reject(rig->chain, rig->generation);
    google_rig_get(h);
    assert_int_equal(rig->err.code, ERROR_UNAVAILABLE);
    google_rig_expect_error("does not answer any more");
    setenv("GCE_METADATA_HOST", h->url + strlen("http://"), 1);
    google_rig_get(h); /* at once, not after some time */
    google_rig_expect("ya29.vm");
}

/* ---- renewal ---- */

TEST_WITH(google_rig, struct harness *h, one_renewal_for_many)
{
    google_rig_use_service_account(h);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.many"), 0);
    assert_int_equal(google_rig_get_many(h, 50), 0);
    assert_int_equal(h->seen_count, 1);
    google_rig_get(h);
    assert_int_equal(h->seen_count, 1);
    gcp_credential_chain_reject(rig->chain, rig->generation);
    gcp_credential_chain_reject(rig->chain, rig->generation);
    google_rig_get_many(h, 50); /* refused by a service: once more, once */
    assert_int_equal(h->seen_count, 2);
    gcp_credential_chain_reject(rig->chain, rig->generation); /* an old complaint has no effect */
    google_rig_get(h);
    assert_int_equal(h->seen_count, 2);
}

static bool asked_twice(struct harness *h)
{
    return harness_seen(h, "POST /token") >= 2;
}

TEST_WITH(google_rig, struct harness *h, renewed_before_the_end)
{
    google_rig_use_service_account(h);
    harness_rule(h, "POST /token", 200, "{\"access_token\":\"one\",\"expires_in\":6}", 1);
    harness_rule(h, "POST /token", 400, "{\"error\":\"invalid_grant\"}", 1);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("two"), 0);
    google_rig_get_until(h, asked_twice);
    google_rig_expect("one"); /* it failed, but the old one still holds */
    gcp_credential_chain_reject(rig->chain, rig->generation);
    google_rig_get_token(h, "two");
}

TEST_GROUP(google_rig_key_setup, google_rig_key_teardown);
