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
#include "test/kit/login_rig.h"
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
    login_rig_close();
    acr_free(acr);
    login_rig_open(co_acr, acr = acr_new(&options));
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    memset(&identity, 0, sizeof identity);
    options = (struct acr_options){
        .http = h->http, .tenant = "tenant-1", .co_token = co_identity, .endpoint_url = h->url};
    reopen();
    return 0;
}

static int fixture_teardown(void **state)
{
    login_rig_close();
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

TEST_WITH(fixture, struct harness *h, line14_admin_user_and_password)
{
    options.login_server = "Contoso.azurecr.io";
    options.username = "contoso";
    options.password = "p:w";
    reopen();
    login_rig_get_found(h, HOST);
    assert_string_equal(login_rig.got.username, "contoso");
    assert_string_equal(login_rig.got.password, "p:w");
    assert_null(login_rig.got.identity_token);
    assert_int_equal(h->seen_count, 0);
    assert_int_equal(identity.asked, 0);
    options.co_token = NULL;
    reopen();
    login_rig_get_none(h, "fabrikam.azurecr.io"); /* they are for one registry */
}

TEST_WITH(fixture, struct harness *h, line14_exchange_on_the_wire)
{
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    login_rig_get_found(h, "Contoso.azurecr.io");
    assert_null(login_rig.got.username);
    assert_null(login_rig.got.password);
    assert_string_equal(login_rig.got.identity_token, token);
    assert_int_equal(login_rig.got.expires_ns, acr_jwt_expiry_ns(token));
    assert_int_equal(h->seen_count, 1);
    static const char form[] =
        "\ngrant_type=access_token&service=" HOST "&tenant=tenant-1&access_token=aad%2Btoken%2F%3D";
    assert_true(str_ends(h->seen[0], form));
    assert_non_null(strstr(h->seen[0], "Content-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strstr(h->seen[0], "Authorization:"));
    options.tenant = NULL;
    reopen();
    login_rig_get_found(h, HOST);
    assert_null(strstr(h->seen[1], "tenant"));
}

TEST_WITH(fixture, struct harness *h, line14_refresh_token_is_kept_per_registry)
{
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    login_rig_get(h, HOST);
    login_rig_get(h, HOST);
    assert_int_equal(h->seen_count, 1);
    login_rig_get(h, "fabrikam.azurecr.io");
    assert_int_equal(harness_seen(h, "service=fabrikam.azurecr.io"), 1);
    login_rig_get(h, HOST);
    assert_int_equal(h->seen_count, 2);
    for (int i = 0; i < 40; i++) { /* more than there is room for */
        AUTO_FREE char *host = xasprintf("r%d.azurecr.io", i);
        login_rig_get_found(h, host);
    }
    assert_int_equal(h->seen_count, 42);
}

static bool exchanged_twice(struct harness *h)
{
    return harness_seen(h, "exchange") >= 2;
}

TEST_WITH(fixture, struct harness *h, line14_expiry_of_the_jwt_is_honoured)
{
    AUTO_FREE char *one = jwt("one", 4), *two = jwt("two", 10800);
    AUTO_FREE char *first = answer(one), *second = answer(two);
    harness_rule(h, "POST /oauth2/exchange", 200, first, 1);
    harness_rule(h, "POST /oauth2/exchange", 200, second, 0);
    login_rig_get_until(h, HOST, exchanged_twice);
    assert_string_equal(login_rig.got.identity_token, two);
}

TEST_WITH(fixture, struct harness *h, line14_opaque_refresh_tokens_count_for_three_hours)
{
    harness_rule(h, "POST /oauth2/exchange", 200, "{\"refresh_token\":\"opaque\"}", 0);
    login_rig_get(h, HOST);
    assert_string_equal(login_rig.got.identity_token, "opaque");
    assert_in_range((login_rig.got.expires_ns - time_now_ns()) / 1000000000, 10790, 10800);
}

TEST_WITH(fixture, struct harness *h, without_an_identity_pulls_are_anonymous)
{
    identity.none = true;
    login_rig_get_none(h, HOST);
    login_rig_get_none(h, "docker.io");
    assert_int_equal(h->seen_count, 0);
    assert_int_equal(identity.asked, 1);
}

/* ---- failures ---- */

TEST_WITH(fixture, struct harness *h, line14_refusal_in_the_registrys_words)
{
    harness_rule(h, "POST /oauth2/exchange", 401,
                 "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required, "
                 "visit https://aka.ms/acr/authorization for more information.\"}]}",
                 0);
    login_rig_get(h, HOST);
    assert_int_equal(login_rig.result, -1);
    assert_int_equal(login_rig.err.code, ERROR_FORBIDDEN);
    assert_string_equal(login_rig.err.message,
                        "registry login at " HOST ": acr: token exchange: the registry answers "
                        "HTTP 401: authentication required, visit https://aka.ms/acr/authorization "
                        "for more information.");
    assert_int_equal(h->seen_count, 1); /* it would say so again */
}

TEST_WITH(fixture, struct harness *h, line14_failure_of_the_identity_is_wrapped)
{
    identity.fails = true;
    login_rig_get(h, HOST);
    assert_int_equal(login_rig.result, -1);
    assert_string_equal(login_rig.err.message,
                        "registry login at " HOST
                        ": acr: identity: AADSTS700016: no such application");
    assert_int_equal(h->seen_count, 0);
}

TEST_WITH(fixture, struct harness *h, line14_overloaded_registries_are_asked_again)
{
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 503, "busy", 1);
    harness_rule(h, "POST /oauth2/exchange", 0, "", 1); /* the connection breaks */
    harness_rule(h, "POST /oauth2/exchange", 429, "{}", 1);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    login_rig_get_found(h, HOST);
    assert_string_equal(login_rig.got.identity_token, token);
}

TEST_WITH(fixture, struct harness *h, line14_and_not_for_ever)
{
    harness_rule(h, "POST /oauth2/exchange", 500, "<html>", 0);
    login_rig_get_error(h, HOST, ERROR_UNAVAILABLE, "HTTP 500");
    assert_int_equal(h->seen_count, 4);
}

TEST_WITH(fixture, struct harness *h, unusable_answers)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"refresh_token\":\"\"}",
                                         "{\"refresh_token\":7}",
                                         "{\"refresh_token\":\"a\\r\\nHost: evil\"}",
                                         "{\"access_token\":\"other\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        harness_rule(h, "POST /oauth2/exchange", 200, bodies[i], 1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        login_rig_get_error(h, HOST, ERROR_NONE, "acr: token exchange: ");
    assert_int_equal(h->seen_count, ARRAY_LEN(bodies));
}

/* ---- many at once ---- */

TEST_WITH(fixture, struct harness *h, line14_simultaneous_callers_exchange_once)
{
    AUTO_FREE char *token = jwt("a", 10800), *body = answer(token);
    harness_rule(h, "POST /oauth2/exchange", 200, body, 0);
    assert_int_equal(login_rig_get_many(h, HOST, 50), 0);
    assert_int_equal(h->seen_count, 1);
}

/* ---- through the registry client ---- */

static struct cloud_registry registry(const char *wanted)
{
    return (struct cloud_registry){.host = HOST, .realm_path = "/oauth2/token", .wanted = wanted};
}

TEST_WITH(fixture, struct harness *h, line13_pull_with_an_identity)
{
    harness_rule(h, "POST /oauth2/exchange", 200, "{\"refresh_token\":\"re.fresh/me\"}", 0);
    login_rig_pull(h, registry("refresh_token=re.fresh%2Fme"));
    assert_int_equal(login_rig.registry.token_requests, 1);
    assert_true(str_starts(login_rig.registry.token_request, "POST /oauth2/token HTTP/1.1\r\n"));
    assert_non_null(strstr(login_rig.registry.token_request, "grant_type=refresh_token"));
    assert_non_null(strstr(login_rig.registry.token_request, "service=" HOST));
    assert_non_null(
        strstr(login_rig.registry.token_request, "scope=repository%3Aapp%2Fweb%3Apull"));
    assert_null(strstr(login_rig.registry.token_request, "Authorization:"));
    assert_true(login_rig.registry.let_in >= 2);
}

TEST_WITH(fixture, struct harness *h, line13_pull_with_the_admin_user)
{
    options.login_server = HOST;
    options.username = "contoso";
    options.password = "pw";
    reopen();
    login_rig_pull(h, registry("Authorization: Basic Y29udG9zbzpwdw=="));
    assert_int_equal(login_rig.registry.token_requests, 1);
    assert_int_equal(h->seen_count, 0);
}

TEST_WITH(fixture, struct harness *h, line13_pull_refused)
{
    harness_rule(h, "POST /oauth2/exchange", 200, "{\"refresh_token\":\"s3cret\"}", 0);
    login_rig_pull_refused(h, registry("refresh_token=another"), "s3cret");
}
