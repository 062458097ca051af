/* SPDX-License-Identifier: Apache-2.0
 *
 * The AWS credential chain: every source, their order, renewal, one renewal for many waiters.
 */
#include "backend-ecs/aws_credential_chain.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/test.h"

#include <stdlib.h>

static struct aws_credential_chain *chain;
static struct aws_credentials got;
static struct error problem;
static unsigned generation;
static int result;

static void chain_open(struct harness *h)
{
    const struct aws_credentials_context context = {
        .http = h->http, .region = "us-east-1", .endpoint_url = h->url};
    chain = aws_credential_chain_new(&context);
}

static void co_get(struct harness *h)
{
    (void)h;
    problem = (struct error){0};
    aws_credentials_free(&got);
    result = co_aws_credentials_get(chain, &got, &generation, &problem);
}

static void get(struct harness *h)
{
    chain_open(h);
    harness_run(h, co_get);
    aws_credential_chain_free(chain);
}

static void expect(const char *access, const char *source)
{
    if (result)
        fail_msg("%s", problem.message);
    assert_string_equal(got.access_key, access);
    assert_string_equal(got.source, source);
    aws_credentials_free(&got);
}

static void write_file(char *path, const char *text)
{
    FILE *f = fdopen(mkstemp(path), "w");
    fputs(text, f);
    fclose(f);
}

/* {"AccessKeyId": …} that ends in some seconds. */
static char *json_credentials(const char *access, int seconds)
{
    char end[TIMEFMT_RFC3339_MAX];
    timefmt_rfc3339nano(time_now_ns() + (int64_t)seconds * 1000000000, end);
    return xasprintf("{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\","
                     "\"Token\":\"t\",\"Expiration\":\"%s\"}",
                     access, end);
}

static const char sts_answer[] =
    "<R><Credentials><AccessKeyId>ASIASTS</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>tok</SessionToken><Expiration>2090-01-01T00:00:00Z</Expiration></Credentials></"
    "R>";

TEST_WITH(harness, struct harness *h, from_environment)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
    get(h);
    assert_int_equal(result, -1);
    assert_non_null(strstr(problem.message, "AWS_SECRET_ACCESS_KEY is not"));
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", h->url, 1); /* comes later in the chain */
    get(h);
    expect("AKIAENV", "environment");
}

TEST_WITH(harness, struct harness *h, none_at_all)
{
    get(h);
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_FORBIDDEN);
    assert_non_null(strstr(problem.message, "AWS_ACCESS_KEY_ID"));
}

TEST_WITH(harness, struct harness *h, from_container_endpoint)
{
    AUTO_FREE char *answer = json_credentials("ASIACON", 3600);
    AUTO_FREE char *url = xasprintf("%s/creds?x=1", h->url);
    char path[] = "/tmp/sockerless-ecs-token-XXXXXX";
    write_file(path, "Bearer abc\n");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    harness_rule(h, "GET /creds?x=1", 200, answer, 0);
    get(h);
    remove(path);
    expect("ASIACON", "container endpoint");
    assert_int_equal(harness_seen(h, "Authorization: Bearer abc\r"), 1);
}

TEST_WITH(harness, struct harness *h, container_endpoints_elsewhere_are_refused)
{
    static const char *const urls[] = {"http://example.com/", "http://127.0.0.1.example.com/",
                                       "http://127.0.0.1:1@example.com/", "file:///etc/passwd"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[i], 1);
        get(h);
        assert_int_equal(result, -1);
        assert_non_null(strstr(problem.message, "must be https"));
    }
}

TEST_WITH(harness, struct harness *h, from_instance_metadata)
{
    AUTO_FREE char *answer = json_credentials("ASIAIMDS", 3600);
    AUTO_FREE char *url = xasprintf("%s/", h->url);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
    harness_rule(h, "PUT /latest/api/token", 200, "session-token", 0);
    harness_rule(h, "GET /latest/meta-data/iam/security-credentials/my-role", 503, "", 1);
    harness_rule(h, "GET /latest/meta-data/iam/security-credentials/my-role", 200, answer, 0);
    harness_rule(h, "GET /latest/meta-data/iam/security-credentials/", 200, "my-role\n", 0);
    get(h);
    expect("ASIAIMDS", "instance metadata");
    assert_int_equal(harness_seen(h, "X-aws-ec2-metadata-token: session-token"), 3);
    assert_int_equal(harness_seen(h, "X-aws-ec2-metadata-token-ttl-seconds: 21600"), 1);
}

TEST_WITH(harness, struct harness *h, an_instance_without_role)
{
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", h->url, 1);
    harness_rule(h, "PUT /latest/api/token", 200, "session-token", 0);
    harness_rule(h, "GET ", 404, "", 0);
    get(h);
    assert_int_equal(result, -1);
    assert_non_null(strstr(problem.message, "no role"));
}

TEST_WITH(harness, struct harness *h, from_web_identity)
{
    char path[] = "/tmp/sockerless-ecs-token-XXXXXX";
    write_file(path, "jwt.a/b\n");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
    setenv("AWS_ROLE_SESSION_NAME", "my session", 1);
    harness_rule(h, "Action=AssumeRoleWithWebIdentity", 503, "<a/>", 1);
    harness_rule(h, "Action=AssumeRoleWithWebIdentity", 200, sts_answer, 0);
    get(h);
    remove(path);
    expect("ASIASTS", "web identity");
    assert_int_equal(harness_seen(h, "RoleSessionName=my-session&WebIdentityToken=jwt.a%2Fb"), 2);
    assert_int_equal(harness_seen(h, "Authorization:"), 0);
}

TEST_WITH(harness, struct harness *h, from_profiles)
{
    char config[] = "/tmp/sockerless-ecs-config-XXXXXX", keys[] = "/tmp/sockerless-ecs-keys-XXXXXX";
    write_file(config, "[default]\nregion=x\n"
                       "[profile dev]\nrole_arn=arn:aws:iam::1:role/dev\nsource_profile=base\n"
                       "external_id=e1\nduration_seconds=900\n"
                       "[profile self]\nrole_arn=arn:aws:iam::1:role/s\nsource_profile=self\n"
                       "[profile loop]\nrole_arn=a\nsource_profile=pool\n"
                       "[profile pool]\nrole_arn=a\nsource_profile=loop\n"
                       "[profile env]\nrole_arn=a\ncredential_source=EcsContainer\n"
                       "[profile mfa]\nrole_arn=a\nsource_profile=base\nmfa_serial=x\n"
                       "[profile sso]\nsso_session=x\n");
    write_file(keys, "[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=s\n"
                     "[self]\naws_access_key_id=AKIASELF\naws_secret_access_key=s\n"
                     "[half]\naws_access_key_id=AKIAHALF\n");
    setenv("AWS_CONFIG_FILE", config, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", keys, 1);
    harness_rule(h, "Action=AssumeRole&", 200, sts_answer, 0);
    get(h); /* a default profile without credentials is passed over */
    assert_non_null(strstr(problem.message, "no AWS credentials"));

    setenv("AWS_PROFILE", "base", 1);
    get(h);
    expect("AKIABASE", "profile");

    setenv("AWS_PROFILE", "dev", 1);
    get(h);
    expect("ASIASTS", "profile");
    assert_int_equal(harness_seen(h, "DurationSeconds=900&ExternalId=e1"), 1);
    assert_int_equal(harness_seen(h, "Credential=AKIABASE/"), 1);

    setenv("AWS_PROFILE", "self", 1);
    get(h);
    expect("ASIASTS", "profile");
    assert_int_equal(harness_seen(h, "Credential=AKIASELF/"), 1);

    static const char *const wrong[][2] = {
        {"loop", "circle"}, {"env", "EcsContainer has no"},
        {"mfa", "MFA"},     {"sso", "not supported"},
        {"half", "lacks"},  {"absent", "there is no profile"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        setenv("AWS_PROFILE", wrong[i][0], 1);
        get(h);
        assert_int_equal(result, -1);
        if (!strstr(problem.message, wrong[i][1]))
            fail_msg("%s: \"%s\"", wrong[i][0], problem.message);
    }
    remove(config);
    remove(keys);
}

/* ---- renewal ---- */

static void co_get_mine(struct harness *h)
{
    struct aws_credentials mine = {0};
    struct error err = {0};
    unsigned g;
    if (co_aws_credentials_get(chain, &mine, &g, &err))
        snprintf(h->problem, sizeof h->problem, "%.400s", err.message);
    aws_credentials_free(&mine);
}

TEST_WITH(harness, struct harness *h, one_renewal_for_many)
{
    AUTO_FREE char *answer = json_credentials("ASIAMANY", 3600);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", h->url, 1);
    harness_rule(h, "GET /", 200, answer, 0);
    chain_open(h);
    harness_run_many(h, co_get_mine, 50);
    assert_int_equal(harness_seen(h, "GET /"), 1);
    harness_run(h, co_get); /* kept */
    assert_int_equal(harness_seen(h, "GET /"), 1);
    aws_credential_chain_reject(chain, generation);
    aws_credential_chain_reject(chain, generation);
    harness_run_many(h, co_get_mine, 50); /* refused: once more, once */
    assert_int_equal(harness_seen(h, "GET /"), 2);
    aws_credential_chain_reject(chain, generation); /* an old complaint has no effect */
    harness_run(h, co_get);
    assert_int_equal(harness_seen(h, "GET /"), 2);
    aws_credentials_free(&got);
    aws_credential_chain_free(chain);
}

static bool asked_twice(struct harness *h)
{
    return harness_seen(h, "GET /") >= 2;
}

TEST_WITH(harness, struct harness *h, renewed_before_the_end)
{
    AUTO_FREE char *first = json_credentials("ASIAONE", 6),
                   *second = json_credentials("ASIATWO", 60);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", h->url, 1);
    harness_rule(h, "GET /", 200, first, 1);
    harness_rule(h, "GET /", 500, "", 1);
    harness_rule(h, "GET /", 200, second, 0);
    chain_open(h);
    harness_repeat(h, co_get, asked_twice, &result);
    expect("ASIAONE", "container endpoint"); /* it failed, but the old ones still hold */
    aws_credential_chain_reject(chain, generation);
    harness_run(h, co_get);
    expect("ASIATWO", "container endpoint");
    aws_credential_chain_free(chain);
}
