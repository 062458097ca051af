/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's config and credentials files: profiles, quoting, comments, precedence.
 */
#include "backend-ecs/aws_profile.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

static void parse(struct aws_profiles *p, enum aws_profile_file file, const char *text)
{
    AUTO_FREE char *copy = xstrdup(text);
    aws_profiles_parse(p, file, copy, strlen(copy));
}

TEST(credentials_file)
{
    AUTO(aws_profiles) struct aws_profiles p = {0};
    parse(&p, AWS_PROFILE_CREDENTIALS,
          "# a comment\n; another\naws_access_key_id = outside\n"
          "[default]\r\naws_access_key_id=AKIADEFAULT\r\naws_secret_access_key = a/b+c=#x\r\n"
          "[ with spaces ]  ; trailing\nAWS_Access_Key_Id\t=\tAKIATWO  # comment\n"
          "aws_secret_access_key=\"quoted secret\"\nempty =\n"
          "[broken\naws_access_key_id = nowhere\nno equals sign\n= no key\n"
          "[\"quoted\"]\nregion='eu-west-1'");
    assert_string_equal(aws_profiles_get(&p, "default", "aws_access_key_id"), "AKIADEFAULT");
    assert_string_equal(aws_profiles_get(&p, "default", "aws_secret_access_key"), "a/b+c=#x");
    assert_string_equal(aws_profiles_get(&p, "with spaces", "aws_access_key_id"), "AKIATWO");
    assert_string_equal(aws_profiles_get(&p, "with spaces", "aws_secret_access_key"),
                        "quoted secret");
    assert_null(aws_profiles_get(&p, "with spaces", "empty"));
    assert_string_equal(aws_profiles_get(&p, "quoted", "region"), "eu-west-1");
    assert_null(aws_profiles_get(&p, "absent", "region"));
    assert_false(aws_profiles_has(&p, "absent"));
}

TEST(config_file)
{
    AUTO(aws_profiles) struct aws_profiles p = {0};
    parse(&p, AWS_PROFILE_CONFIG,
          "[default]\nregion = us-east-1\ns3 =\n  region = nested\n"
          "[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/dev\nsource_profile=base\n"
          "[profile \"two words\"]\nregion = eu-central-1\n"
          "[profilex]\nregion = no\n[dev]\nregion = no\n[sso-session dev]\nregion = no\n"
          "[profile empty]\n");
    assert_string_equal(aws_profiles_get(&p, "default", "region"), "us-east-1");
    assert_string_equal(aws_profiles_get(&p, "dev", "source_profile"), "base");
    assert_null(aws_profiles_get(&p, "dev", "region"));
    assert_string_equal(aws_profiles_get(&p, "two words", "region"), "eu-central-1");
    assert_false(aws_profiles_has(&p, "x"));
    assert_true(aws_profiles_has(&p, "empty"));
}

TEST(the_credentials_file_wins)
{
    AUTO(aws_profiles) struct aws_profiles p = {0};
    parse(&p, AWS_PROFILE_CREDENTIALS, "[dev]\nregion = a\nregion = b\n");
    parse(&p, AWS_PROFILE_CONFIG, "[profile dev]\nregion = c\noutput = json\n");
    assert_string_equal(aws_profiles_get(&p, "dev", "region"), "b");
    assert_string_equal(aws_profiles_get(&p, "dev", "output"), "json");
}

TEST(a_huge_file_is_bounded)
{
    AUTO(aws_profiles) struct aws_profiles p = {0};
    parse(&p, AWS_PROFILE_CREDENTIALS, "[a]\n");
    for (int i = 0; i < 5000; i++)
        parse(&p, AWS_PROFILE_CREDENTIALS, "[a]\nk = v\n");
    assert_true(p.count <= 4096);
}
