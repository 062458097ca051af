/* SPDX-License-Identifier: Apache-2.0
 *
 * ECR logins: whose hosts, one GetAuthorizationToken for twelve hours and for
 * however many callers, its expiresAt, and what is said when it fails.
 */
#include "backend-ecs/ecr.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "test/kit/login_rig.h"
#include "test/kit/test.h"

#include <string.h>

#define HOST "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
#define TOKEN_AWS_PASS "QVdTOnBhc3M6d29yZA==" /* AWS:pass:word */
#define TOKEN_AWS_NEXT "QVdTOm5leHQ="         /* AWS:next */

static struct aws_client *client;
static struct ecr *ecr;

static int co_ecr(void *self, const char *host, struct registry_credentials *out, struct error *err)
{
    return co_ecr_credentials(self, host, out, err);
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    setenv("AWS_ACCESS_KEY_ID", "AKIATEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    const struct aws_client_options options = {.loop = &h->loop,
                                               .http = h->http,
                                               .region = "us-east-1",
                                               .endpoint_url = h->url,
                                               .rate_percent = 100000};
    client = aws_client_new(&options);
    login_rig_open(co_ecr, ecr = ecr_new(client));
    return 0;
}

static int fixture_teardown(void **state)
{
    login_rig_close();
    ecr_free(ecr);
    aws_client_free(client);
    return harness_teardown(state);
}

static int64_t now_s(void)
{
    return time_now_ns() / 1000000000;
}

static char *answer(const char *token, int64_t life_s)
{
    return xasprintf("{\"authorizationData\":[{\"authorizationToken\":\"%s\",\"expiresAt\":%lld.5,"
                     "\"proxyEndpoint\":\"https://" HOST "\"}]}",
                     token, (long long)(now_s() + life_s));
}

static void expect_password(const char *password)
{
    assert_true(login_rig.got.found);
    assert_string_equal(login_rig.got.username, "AWS");
    assert_string_equal(login_rig.got.password, password);
    assert_null(login_rig.got.identity_token);
}

TEST_WITH(fixture, struct harness *h, line3_login_is_user_and_password_for_basic)
{
    AUTO_FREE char *text = answer(TOKEN_AWS_PASS, 43200);
    harness_rule(h, ".GetAuthorizationToken", 200, text, 0);
    login_rig_get(h, HOST);
    expect_password("pass:word");
    assert_int_equal(harness_seen(h, "AmazonEC2ContainerRegistry_V20150921."), 1);
    assert_int_equal(harness_seen(h, "/eu-west-1/ecr/aws4_request"), 1); /* the host's region */
    int64_t left_s = login_rig.got.expires_ns / 1000000000 - now_s();
    assert_in_range(left_s, 43190, 43200);
}

TEST_WITH(fixture, struct harness *h, line3_login_is_kept_per_region)
{
    AUTO_FREE char *text = answer(TOKEN_AWS_PASS, 43200);
    harness_rule(h, ".GetAuthorizationToken", 200, text, 0);
    login_rig_get(h, HOST);
    login_rig_get(h, HOST);
    login_rig_get(
        h, "999999999999.dkr.ecr.eu-west-1.amazonaws.com"); /* one token for the whole region */
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 1);
    login_rig_get(h, "123456789012.dkr.ecr.ap-south-1.amazonaws.com");
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 2);
    assert_int_equal(harness_seen(h, "/ap-south-1/ecr/aws4_request"), 1);
    login_rig_get(h, HOST);
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 2);
}

TEST_WITH(fixture, struct harness *h, more_regions_than_slots)
{
    AUTO_FREE char *text = answer(TOKEN_AWS_PASS, 43200);
    harness_rule(h, ".GetAuthorizationToken", 200, text, 0);
    for (int i = 0; i < 40; i++) {
        AUTO_FREE char *host = xasprintf("123456789012.dkr.ecr.r%d.amazonaws.com", i);
        login_rig_get(h, host);
        expect_password("pass:word");
    }
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 40);
}

TEST_WITH(fixture, struct harness *h, line3_other_hosts_are_not_ours)
{
    login_rig_get_none(h, "docker.io");
    login_rig_get_none(h, "public.ecr.aws");
    assert_int_equal(h->seen_count, 0);
}

static bool asked_twice(struct harness *h)
{
    return harness_seen(h, ".GetAuthorizationToken") >= 2;
}

TEST_WITH(fixture, struct harness *h, line3_expires_at_is_honoured)
{
    AUTO_FREE char *first = answer(TOKEN_AWS_PASS, 4), *second = answer(TOKEN_AWS_NEXT, 43200);
    harness_rule(h, ".GetAuthorizationToken", 200, first, 1);
    harness_rule(h, ".GetAuthorizationToken", 200, second, 0);
    login_rig_get_until(h, HOST, asked_twice);
    expect_password("next");
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 2);
}

TEST_WITH(fixture, struct harness *h, line3_failed_renewal_leaves_the_old_login)
{
    AUTO_FREE char *first = answer(TOKEN_AWS_PASS, 6);
    harness_rule(h, ".GetAuthorizationToken", 200, first, 1);
    harness_rule(h, ".GetAuthorizationToken", 400,
                 "{\"__type\":\"AccessDeniedException\",\"message\":\"gone\"}", 0);
    login_rig_get_until(h, HOST, asked_twice);
    expect_password("pass:word");
}

TEST_WITH(fixture, struct harness *h, line3_expired_answer)
{
    AUTO_FREE char *text = answer(TOKEN_AWS_PASS, -5);
    harness_rule(h, ".GetAuthorizationToken", 200, text, 0);
    login_rig_get(h, HOST);
    assert_int_equal(login_rig.result, -1);
    assert_non_null(strstr(login_rig.err.message, "expired already"));
}

/* ---- many at once ---- */

TEST_WITH(fixture, struct harness *h, line3_simultaneous_callers_log_in_once)
{
    AUTO_FREE char *text = answer(TOKEN_AWS_PASS, 43200);
    harness_rule(h, ".GetAuthorizationToken", 200, text, 0);
    assert_int_equal(login_rig_get_many(h, HOST, 50), 0);
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 1);
}

TEST_WITH(fixture, struct harness *h, line3_one_failure_is_told_to_all_who_waited)
{
    harness_rule(h, ".GetAuthorizationToken", 400,
                 "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}", 0);
    assert_int_equal(login_rig_get_many(h, HOST, 50), 50);
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 1);
    login_rig_get_many(h, HOST, 1); /* a later caller tries again */
    assert_int_equal(harness_seen(h, ".GetAuthorizationToken"), 2);
}

/* ---- failures ---- */

TEST_WITH(fixture, struct harness *h, line3_failure_is_wrapped_with_context)
{
    harness_rule(h, ".GetAuthorizationToken", 400,
                 "{\"__type\":\"AccessDeniedException\",\"message\":\"User: x is not authorized to "
                 "perform: ecr:GetAuthorizationToken\"}",
                 0);
    login_rig_get(h, HOST);
    assert_int_equal(login_rig.result, -1);
    assert_int_equal(login_rig.err.code, ERROR_FORBIDDEN);
    static const char *const parts[] = {"eu-west-1", "ecr: GetAuthorizationToken",
                                        "AccessDeniedException", "not authorized", "req-1"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!strstr(login_rig.err.message, parts[i]))
            fail_msg("\"%s\" lacks \"%s\"", login_rig.err.message, parts[i]);
}

TEST_WITH(fixture, struct harness *h, unusable_answers)
{
    static const char *const bodies[] = {
        "{}", "{\"authorizationData\":[]}", "{\"authorizationData\":[{}]}",
        "{\"authorizationData\":[{\"authorizationToken\":\"!!!\"}]}",
        "{\"authorizationData\":[{\"authorizationToken\":\"bm8gY29sb24=\"}]}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        harness_rule(h, ".GetAuthorizationToken", 200, bodies[i], 1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        login_rig_get_error(h, HOST, ERROR_NONE, "no usable token");
    char *username, *password;
    assert_false(ecr_decode_token("OnBhc3M=", &username, &password)); /* no user */
}

TEST_WITH(fixture, struct harness *h, an_answer_without_expiry_counts_for_twelve_hours)
{
    harness_rule(h, ".GetAuthorizationToken", 200,
                 "{\"authorizationData\":[{\"authorizationToken\":\"" TOKEN_AWS_PASS "\"}]}", 0);
    login_rig_get(h, HOST);
    expect_password("pass:word");
    assert_in_range(login_rig.got.expires_ns / 1000000000 - now_s(), 43190, 43200);
}

TEST(hosts_of_every_partition)
{
    static const struct {
        const char *host, *region; /* NULL: not ECR */
    } cases[] = {
        {HOST, "eu-west-1"},
        {"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
        {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"},
        {"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
        {"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
        {"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
        {"123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"},
        {"123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"},
        {"123456789012.dkr-ecr.us-east-2.on.aws", "us-east-2"},
        {"123456789012.dkr-ecr-fips.us-east-2.on.aws", "us-east-2"},
        {"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"},
        {"docker.io", NULL},
        {"", NULL},
        {"public.ecr.aws", NULL},
        {"12345678901.dkr.ecr.eu-west-1.amazonaws.com", NULL},
        {"1234567890123.dkr.ecr.eu-west-1.amazonaws.com", NULL},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.org", NULL},
        {"123456789012.dkr.ecr.eu-west-1.evil.org", NULL},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com:443", NULL},
        {"123456789012.dkr.ecr..amazonaws.com", NULL},
        {"123456789012.dkr.ecr.a_b.amazonaws.com", NULL},
        {"123456789012.dkr.ecr.evil.org/x.amazonaws.com", NULL},
    };
    char region[32];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (ecr_host_region(cases[i].host, region, sizeof region) != (cases[i].region != NULL))
            fail_msg("%s", cases[i].host);
        if (cases[i].region)
            assert_string_equal(region, cases[i].region);
    }
    char small[4];
    assert_false(ecr_host_region(HOST, small, sizeof small));
}
