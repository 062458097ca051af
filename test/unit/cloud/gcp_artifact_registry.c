/* SPDX-License-Identifier: Apache-2.0
 *
 * Artifact Registry and gcr.io: which hosts, the login made of an access
 * token, one token for as long as it holds and for however many callers, and a pull with it through
 * the registry client.
 */
#include "cloud/gcp/artifact_registry.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "test/kit/cloud_login_rig.h"
#include "test/kit/test.h"

#define HOST "europe-west1-docker.pkg.dev"

/* The identity that the tests script. */
static struct {
    int64_t life_s;
    bool none, fails;
    int asked;
} identity;
static struct artifact_registry *registry;

static int co_artifact_registry(void *self, const char *host, struct registry_credentials *out,
                                struct error *err)
{
    return co_artifact_registry_credentials(self, host, out, err);
}

static int co_identity(void *arg, struct access_token *out, struct error *err)
{
    struct harness *h = arg;
    (void)h;
    int n = ++identity.asked;
    if (co_sleep(1, err)) /* as a request would: others come in between */
        return -1;
    if (identity.fails)
        return error_set(err, ERROR_FORBIDDEN, "the metadata server answers HTTP 404");
    if (identity.none)
        return 0;
    out->value = xasprintf("ya29.token-%d", n);
    out->expires_ns = time_now_ns() + identity.life_s * 1000000000;
    return 0;
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    memset(&identity, 0, sizeof identity);
    identity.life_s = 3600;
    login_service = registry = artifact_registry_new(co_identity, *state);
    co_credentials = co_artifact_registry;
    return 0;
}

static int fixture_teardown(void **state)
{
    login_forget(&got);
    artifact_registry_free(registry);
    return harness_teardown(state);
}

TEST(hosts)
{
    static const char *const yes[] = {
        HOST,          "us-docker.pkg.dev", "northamerica-northeast1-docker.pkg.dev",
        "gcr.io",      "us.gcr.io",         "eu.gcr.io",
        "asia.gcr.io", "EU.GCR.IO"};
    static const char *const no[] = {"",
                                     "docker.io",
                                     "docker.pkg.dev",
                                     "-docker.pkg.dev",
                                     ".gcr.io",
                                     "notgcr.io",
                                     "evil.org/x.gcr.io",
                                     "a.b.gcr.io",
                                     "us-docker.pkg.dev.evil.org",
                                     "x.evil-docker.pkg.dev",
                                     "gcr.io:443",
                                     "us-python.pkg.dev"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!artifact_registry_has_host(yes[i]))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (artifact_registry_has_host(no[i]))
            fail_msg("%s", no[i]);
}

TEST_USING(fixture, line20_login_is_oauth2accesstoken)
{
    get(*state, HOST);
    assert_int_equal(result, 0);
    assert_true(got.found);
    assert_string_equal(got.username, "oauth2accesstoken");
    assert_string_equal(got.password, "ya29.token-1");
    assert_null(got.identity_token);
    assert_true(got.expires_ns > time_now_ns());
}

TEST_USING(fixture, line20_token_is_kept_for_all_hosts)
{
    get(*state, HOST);
    get(*state, "gcr.io");
    get(*state, HOST);
    assert_string_equal(got.password, "ya29.token-1");
    assert_int_equal(identity.asked, 1);
}

TEST_USING(fixture, other_hosts_are_not_ours)
{
    get(*state, "docker.io");
    assert_int_equal(result, 0);
    assert_false(got.found);
    assert_int_equal(identity.asked, 0);
}

static bool asked_twice(struct harness *h)
{
    (void)h;
    return identity.asked >= 2;
}

TEST_USING(fixture, line20_token_is_renewed_before_its_end)
{
    struct harness *h = *state;
    identity.life_s = 4;
    int64_t began = time_mono_ms();
    get_until(h, HOST, asked_twice);
    assert_int_equal(result, 0);
    assert_string_equal(got.password, "ya29.token-2");
    assert_true(time_mono_ms() - began < 4000);
}

TEST_USING(fixture, without_an_identity_pulls_are_anonymous)
{
    identity.none = true;
    get(*state, HOST);
    assert_int_equal(result, 0);
    assert_false(got.found);
    get(*state, HOST); /* not asked for every pull */
    assert_int_equal(identity.asked, 1);
}

TEST_USING(fixture, failure_is_wrapped_with_context)
{
    identity.fails = true;
    get(*state, HOST);
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    assert_string_equal(
        problem.message,
        "registry login with a Google access token: the metadata server answers HTTP 404");
    identity.fails = false;
    get(*state, HOST);
    assert_int_equal(result, 0);
    assert_true(got.found);
}

/* ---- many at once ---- */

TEST_USING(fixture, line20_simultaneous_callers_fetch_one_token)
{
    get_many(*state, HOST, 50);
    assert_int_equal(failures, 0);
    assert_int_equal(identity.asked, 1);
}

TEST_USING(fixture, one_failure_is_told_to_all_who_waited)
{
    identity.fails = true;
    get_many(*state, HOST, 50);
    assert_int_equal(failures, 50);
    assert_int_equal(identity.asked, 1);
}

/* ---- through the registry client ---- */

static void pull(struct harness *h, const char *host, const char *wanted)
{
    pull_from(h,
              (struct cloud_registry){.host = host, .realm_path = "/v2/token", .wanted = wanted});
}

/* base64 of oauth2accesstoken:ya29.token-1 */
#define WANTED "Authorization: Basic b2F1dGgyYWNjZXNzdG9rZW46eWEyOS50b2tlbi0x"

TEST_USING(fixture, line14_pull_from_artifact_registry)
{
    pull(*state, HOST, WANTED);
    if (result)
        fail_msg("%s", problem.message);
    assert_int_equal(scripted.token_requests, 1);
    assert_true(str_starts(scripted.token_request, "GET /v2/token?service=" HOST));
    assert_non_null(strstr(scripted.token_request, "scope=repository%3Aapp%2Fweb%3Apull"));
    assert_true(scripted.let_in >= 2);
    assert_int_equal(login.asked, 1);
}

TEST_USING(fixture, line14_pull_from_gcr_io)
{
    pull(*state, "gcr.io", WANTED);
    if (result)
        fail_msg("%s", problem.message);
    assert_int_equal(scripted.token_requests, 1);
}

TEST_USING(fixture, line14_token_that_may_not_pull)
{
    pull(*state, HOST, "Basic somebody-else");
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(problem.message, "who are you"));
    assert_null(strstr(problem.message, "ya29"));
}
