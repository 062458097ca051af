/* SPDX-License-Identifier: Apache-2.0
 *
 * Artifact Registry and gcr.io: which hosts, the login made of an access
 * token, one token for as long as it holds and for however many callers, and a pull with it through
 * the registry client.
 */
#include "cloud/gcp/artifact_registry.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "test/kit/login_rig.h"
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
    registry = artifact_registry_new(co_identity, *state);
    login_rig_open(co_artifact_registry, registry);
    return 0;
}

static int fixture_teardown(void **state)
{
    login_rig_close();
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

TEST_WITH(fixture, struct harness *h, line20_login_is_oauth2accesstoken)
{
    login_rig_get_found(h, HOST);
    assert_string_equal(login_rig.got.username, "oauth2accesstoken");
    assert_string_equal(login_rig.got.password, "ya29.token-1");
    assert_null(login_rig.got.identity_token);
    assert_true(login_rig.got.expires_ns > time_now_ns());
}

TEST_WITH(fixture, struct harness *h, line20_token_is_kept_for_all_hosts)
{
    login_rig_get(h, HOST);
    login_rig_get(h, "gcr.io");
    login_rig_get(h, HOST);
    assert_string_equal(login_rig.got.password, "ya29.token-1");
    assert_int_equal(identity.asked, 1);
}

TEST_WITH(fixture, struct harness *h, other_hosts_are_not_ours)
{
    login_rig_get_none(h, "docker.io");
    assert_int_equal(identity.asked, 0);
}

static bool asked_twice(struct harness *h)
{
    (void)h;
    return identity.asked >= 2;
}

TEST_WITH(fixture, struct harness *h, line20_token_is_renewed_before_its_end)
{
    identity.life_s = 4;
    int64_t began = time_mono_ms();
    login_rig_get_until(h, HOST, asked_twice);
    assert_string_equal(login_rig.got.password, "ya29.token-2");
    assert_true(time_mono_ms() - began < 4000);
}

TEST_WITH(fixture, struct harness *h, without_an_identity_pulls_are_anonymous)
{
    identity.none = true;
    login_rig_get_none(h, HOST);
    login_rig_get(h, HOST); /* not asked for every pull */
    assert_int_equal(identity.asked, 1);
}

TEST_WITH(fixture, struct harness *h, failure_is_wrapped_with_context)
{
    identity.fails = true;
    login_rig_get(h, HOST);
    assert_int_equal(login_rig.result, -1);
    assert_int_equal(login_rig.err.code, ERROR_FORBIDDEN);
    assert_string_equal(
        login_rig.err.message,
        "registry login with a Google access token: the metadata server answers HTTP 404");
    identity.fails = false;
    login_rig_get_found(h, HOST);
}

/* ---- many at once ---- */

TEST_WITH(fixture, struct harness *h, line20_simultaneous_callers_fetch_one_token)
{
    assert_int_equal(login_rig_get_many(h, HOST, 50), 0);
    assert_int_equal(identity.asked, 1);
}

TEST_WITH(fixture, struct harness *h, one_failure_is_told_to_all_who_waited)
{
    identity.fails = true;
    assert_int_equal(login_rig_get_many(h, HOST, 50), 50);
    assert_int_equal(identity.asked, 1);
}

/* ---- through the registry client ---- */

static struct cloud_registry scripted(const char *host, const char *wanted)
{
    return (struct cloud_registry){.host = host, .realm_path = "/v2/token", .wanted = wanted};
}

/* base64 of oauth2accesstoken:ya29.token-1 */
#define WANTED "Authorization: Basic b2F1dGgyYWNjZXNzdG9rZW46eWEyOS50b2tlbi0x"

TEST_WITH(fixture, struct harness *h, line14_pull_from_artifact_registry)
{
    login_rig_pull(h, scripted(HOST, WANTED));
    assert_int_equal(login_rig.registry.token_requests, 1);
    assert_true(str_starts(login_rig.registry.token_request, "GET /v2/token?service=" HOST));
    assert_non_null(
        strstr(login_rig.registry.token_request, "scope=repository%3Aapp%2Fweb%3Apull"));
    assert_true(login_rig.registry.let_in >= 2);
    assert_int_equal(login_rig.login.asked, 1);
}

TEST_WITH(fixture, struct harness *h, line14_pull_from_gcr_io)
{
    login_rig_pull(h, scripted("gcr.io", WANTED));
    assert_int_equal(login_rig.registry.token_requests, 1);
}

TEST_WITH(fixture, struct harness *h, line14_token_that_may_not_pull)
{
    login_rig_pull_refused(h, scripted(HOST, "Basic somebody-else"), "ya29");
}
