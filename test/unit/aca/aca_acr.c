/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure Container Registry: which hosts, admin credentials, the exchange
 * of an Azure AD token for a refresh token on the wire, one exchange for as long as the token holds
 * and for however many callers, refusals in the registry's words, and pulls through the registry
 * client.
 */
#include "backend-aca/acr.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "test/kit/cloud_login_rig.h"
#include "test/kit/test.h"

#define HOST "contoso.azurecr.io"

static struct {
    bool none, fails;
    int asked;
} identity;
static struct acr *acr;
static struct acr_options options;

static int co_acr(void *self, const char *host, struct registry_credentials *out, struct error *err)
{
    return co_acr_credentials(self, host, out, err);
}

static int co_identity(void *arg, struct access_token *out, struct error *err)
{
    (void)arg;
    identity.asked++;
    if (identity.fails)
        return error_set(err, ERROR_FORBIDDEN, "AADSTS700016: no such application");
    if (identity.none)
        return 0;
    out->value = xstrdup("aad+token/=");
    out->expires_ns = time_now_ns() + 3600 * (int64_t)1000000000;
    return 0;
}

static void reopen(void)
{
    acr_free(acr);
    login_service = acr = acr_new(&options);
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    memset(&identity, 0, sizeof identity);
    options = (struct acr_options){
        .http = h->http, .tenant = "tenant-1", .co_token = co_identity, .endpoint_url = h->url};
    co_credentials = co_acr;
    reopen();
    return 0;
}

static int fixture_teardown(void **state)
{
    login_forget(&got);
    acr_free(acr);
    acr = NULL;
    return harness_teardown(state);
}

/* A JWT that says only when it ends; seconds from now. */
static char *jwt(const char *name, int64_t life_s)
{
    AUTO_FREE char *payload = xasprintf("{\"jti\":\"%s\",\"exp\":%lld}", name,
                                        (long long)(time_now_ns() / 1000000000 + life_s));
    AUTO_FREE char *encoded = base64_encode(payload, strlen(payload));
    encoded[strcspn(encoded, "=")] = '\0'; /* as JWTs are */
    return xasprintf("eyJhbGciOiJSUzI1NiJ9.%s.c2lnbmF0dXJl", encoded);
}

static char *answer(const char *token)
{
    return xasprintf("{\"refresh_token\":\"%s\"}", token);
}

TEST(hosts)
{
    static const char *const no[] = {"",
                                     "docker.io",
                                     "azurecr.io",
                                     ".azurecr.io",
                                     "contoso.azurecr.io.evil.org",
                                     "contoso.azurecr.de",
                                     "a.contoso.azurecr.io",
                                     "evil.org/x.azurecr.io",
                                     "contoso_1.azurecr.io",
                                     "-x.azurecr.io",
                                     "contoso.azurecr.io:443",
                                     "contosoazurecr.io"};
    char host[64];
    assert_true(acr_host(HOST, host, sizeof host));
    assert_true(acr_host("Contoso.AzureCR.io", host, sizeof host));
    assert_string_equal(host, HOST);
    assert_true(acr_host("contoso.azurecr.cn", host, sizeof host));
    assert_true(acr_host("contoso-d4fhg7.azurecr.us", host, sizeof host));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (acr_host(no[i], host, sizeof host))
            fail_msg("%s", no[i]);
    assert_false(acr_host(HOST, host, 8));
}

TEST(jwt_expiry)
{
    AUTO_FREE char *good = jwt("a", 100);
    int64_t left_s = (acr_jwt_expiry_ns(good) - time_now_ns()) / 1000000000;
    assert_in_range(left_s, 98, 100);
    static const char *const silent[] = {"",
                                         "opaque",
                                         "a.b",
                                         "a.!!!.c",
                                         "a.e30.c",
                                         "a.W10.c",
                                         "a..",
                                         "..",
                                         "a.eyJleHAiOi0xfQ.c",
                                         "a.eyJleHAiOiJ4In0.c"};
    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        assert_int_equal(acr_jwt_expiry_ns(silent[i]), 0);
}

TEST_USING(fixture, line14_admin_user_and_password)
{
    struct harness *h = *state;
    options.login_server = "Contoso.azurecr.io";
    options.username = "contoso";
    options.password = "p:w";
    reopen();
    get(h, HOST);
    assert_int_equal(result, 0);
    assert_true(got.found);
    assert_string_equal(got.username, "contoso");
    assert_string_equal(got.password, "p:w");
    assert_null(got.identity_token);
    assert_int_equal(h->seen_count, 0);
    assert_int_equal(identity.asked, 0);
    options.co_token = NULL;
    reopen();
    get(h, "fabrikam.azurecr.io"); /* they are for one registry */
    assert_int_equal(result, 0);
    assert_false(got.found);
}

TEST_USING(fixture, line14_exchange_on_the_wire)
{
    struct harness *h = *state;
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    get(h, "Contoso.azurecr.io");
    if (result)
        fail_msg("%s", problem.message);
    assert_true(got.found);
    assert_null(got.username);
    assert_null(got.password);
    assert_string_equal(got.identity_token, token);
    assert_int_equal(got.expires_ns, acr_jwt_expiry_ns(token));
    assert_int_equal(h->seen_count, 1);
    static const char form[] =
        "\ngrant_type=access_token&service=" HOST "&tenant=tenant-1&access_token=aad%2Btoken%2F%3D";
    assert_true(str_ends(h->seen[0], form));
    assert_non_null(strstr(h->seen[0], "Content-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strstr(h->seen[0], "Authorization:"));
    options.tenant = NULL;
    reopen();
    get(h, HOST);
    assert_int_equal(result, 0);
    assert_null(strstr(h->seen[1], "tenant"));
}

TEST_USING(fixture, line14_refresh_token_is_kept_per_registry)
{
    struct harness *h = *state;
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    get(h, HOST);
    get(h, HOST);
    assert_int_equal(h->seen_count, 1);
    get(h, "fabrikam.azurecr.io");
    assert_int_equal(harness_seen(h, "service=fabrikam.azurecr.io"), 1);
    get(h, HOST);
    assert_int_equal(h->seen_count, 2);
    for (int i = 0; i < 40; i++) { /* more than there is room for */
        AUTO_FREE char *host = xasprintf("r%d.azurecr.io", i);
        get(h, host);
        assert_int_equal(result, 0);
    }
    assert_int_equal(h->seen_count, 42);
}

static bool exchanged_twice(struct harness *h)
{
    return harness_seen(h, "exchange") >= 2;
}

TEST_USING(fixture, line14_expiry_of_the_jwt_is_honoured)
{
    struct harness *h = *state;
    AUTO_FREE char *one = jwt("one", 4), *two = jwt("two", 10800);
    AUTO_FREE char *first = answer(one), *second = answer(two);
    harness_rule(h, "POST /oauth2/exchange", 200, first, 1);
    harness_rule(h, "POST /oauth2/exchange", 200, second, 0);
    get_until(h, HOST, exchanged_twice);
    assert_int_equal(result, 0);
    assert_string_equal(got.identity_token, two);
}

TEST_USING(fixture, line14_opaque_refresh_tokens_count_for_three_hours)
{
    struct harness *h = *state;
    harness_rule(h, "POST /oauth2/exchange", 200, "{\"refresh_token\":\"opaque\"}", 0);
    get(h, HOST);
    assert_string_equal(got.identity_token, "opaque");
    assert_in_range((got.expires_ns - time_now_ns()) / 1000000000, 10790, 10800);
}

TEST_USING(fixture, without_an_identity_pulls_are_anonymous)
{
    struct harness *h = *state;
    identity.none = true;
    get(h, HOST);
    assert_int_equal(result, 0);
    assert_false(got.found);
    get(h, "docker.io");
    assert_false(got.found);
    assert_int_equal(h->seen_count, 0);
    assert_int_equal(identity.asked, 1);
}

/* ---- failures ---- */

TEST_USING(fixture, line14_refusal_in_the_registrys_words)
{
    struct harness *h = *state;
    harness_rule(h, "POST /oauth2/exchange", 401,
                 "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required, "
                 "visit https://aka.ms/acr/authorization for more information.\"}]}",
                 0);
    get(h, HOST);
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    assert_string_equal(problem.message,
                        "registry login at " HOST ": acr: token exchange: the registry answers "
                        "HTTP 401: authentication required, visit https://aka.ms/acr/authorization "
                        "for more information.");
    assert_int_equal(h->seen_count, 1); /* it would say so again */
}

TEST_USING(fixture, line14_failure_of_the_identity_is_wrapped)
{
    struct harness *h = *state;
    identity.fails = true;
    get(h, HOST);
    assert_int_equal(result, -1);
    assert_string_equal(problem.message, "registry login at " HOST
                                         ": acr: identity: AADSTS700016: no such application");
    assert_int_equal(h->seen_count, 0);
}

TEST_USING(fixture, line14_overloaded_registries_are_asked_again)
{
    struct harness *h = *state;
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 503, "busy", 1);
    harness_rule(h, "POST /oauth2/exchange", 0, "", 1); /* the connection breaks */
    harness_rule(h, "POST /oauth2/exchange", 429, "{}", 1);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    get(h, HOST);
    if (result)
        fail_msg("%s", problem.message);
    assert_string_equal(got.identity_token, token);
}

TEST_USING(fixture, line14_and_not_for_ever)
{
    struct harness *h = *state;
    harness_rule(h, "POST /oauth2/exchange", 500, "<html>", 0);
    get(h, HOST);
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(problem.message, "HTTP 500"));
    assert_int_equal(h->seen_count, 4);
}

TEST_USING(fixture, unusable_answers)
{
    struct harness *h = *state;
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"refresh_token\":\"\"}",
                                         "{\"refresh_token\":7}",
                                         "{\"refresh_token\":\"a\\r\\nHost: evil\"}",
                                         "{\"access_token\":\"other\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        harness_rule(h, "POST /oauth2/exchange", 200, bodies[i], 1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        get(h, HOST);
        assert_int_equal(result, -1);
        assert_false(got.found);
        assert_non_null(strstr(problem.message, "acr: token exchange: "));
    }
    assert_int_equal(h->seen_count, ARRAY_LEN(bodies));
}

/* ---- many at once ---- */

TEST_USING(fixture, line14_simultaneous_callers_exchange_once)
{
    struct harness *h = *state;
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    get_many(h, HOST, 50);
    assert_int_equal(failures, 0);
    assert_int_equal(h->seen_count, 1);
}

/* ---- through the registry client ---- */

static void pull(struct harness *h, const char *wanted)
{
    pull_from(
        h, (struct cloud_registry){.host = HOST, .realm_path = "/oauth2/token", .wanted = wanted});
}

TEST_USING(fixture, line13_pull_with_an_identity)
{
    struct harness *h = *state;
    harness_rule(h, "POST /oauth2/exchange", 200, "{\"refresh_token\":\"re.fresh/me\"}", 0);
    pull(h, "refresh_token=re.fresh%2Fme");
    if (result)
        fail_msg("%s", problem.message);
    assert_int_equal(scripted.token_requests, 1);
    assert_true(str_starts(scripted.token_request, "POST /oauth2/token HTTP/1.1\r\n"));
    assert_non_null(strstr(scripted.token_request, "grant_type=refresh_token"));
    assert_non_null(strstr(scripted.token_request, "service=" HOST));
    assert_non_null(strstr(scripted.token_request, "scope=repository%3Aapp%2Fweb%3Apull"));
    assert_null(strstr(scripted.token_request, "Authorization:"));
    assert_true(scripted.let_in >= 2);
}

TEST_USING(fixture, line13_pull_with_the_admin_user)
{
    struct harness *h = *state;
    options.login_server = HOST;
    options.username = "contoso";
    options.password = "pw";
    reopen();
    pull(h, "Authorization: Basic Y29udG9zbzpwdw==");
    if (result)
        fail_msg("%s", problem.message);
    assert_int_equal(scripted.token_requests, 1);
    assert_int_equal(h->seen_count, 0);
}

TEST_USING(fixture, line13_pull_refused)
{
    struct harness *h = *state;
    harness_rule(h, "POST /oauth2/exchange", 200, "{\"refresh_token\":\"s3cret\"}", 0);
    pull(h, "refresh_token=another");
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(problem.message, "who are you"));
    assert_null(strstr(problem.message, "s3cret"));
}
