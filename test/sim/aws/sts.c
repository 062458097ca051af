/* SPDX-License-Identifier: Apache-2.0
 * STS: AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"
#include "test/sim/aws/credentials.h"

#include <string.h>

static json_t *credential_json(const struct credential *c)
{
    json_t *out = json_pack("{s:s, s:s, s:s}", "AccessKeyId", c->access_key, "SecretAccessKey",
                            c->secret_key, "SessionToken", c->session_token);
    aws_set_time(out, "Expiration", c->expires_ms);
    return out;
}

/* Query parameters are text. */
static int64_t number(const json_t *input, const char *key, int64_t fallback)
{
    int64_t n;
    return str_to_i64(value_string(input, key), &n) ? n : fallback;
}

static bool check(const json_t *input, struct aws_reply *reply)
{
    const char *role = value_string(input, "RoleArn"),
               *session = value_string(input, "RoleSessionName");
    int64_t seconds = number(input, "DurationSeconds", 3600);
    if (!str_starts(role, "arn:") || !strstr(role, ":role/"))
        aws_reply_error(reply, 400, "ValidationError", "%s is invalid", role);
    else if (strlen(session) < 2 || strlen(session) > 64 || !value_only(session, "_+=,.@-"))
        aws_reply_error(reply, 400, "ValidationError",
                        "1 validation error detected: Value '%s' at 'roleSessionName' failed to "
                        "satisfy constraint",
                        session);
    else if (seconds < 900 || seconds > 43200)
        aws_reply_error(reply, 400, "ValidationError", "DurationSeconds must be 900 to 43200");
    else
        return true;
    return false;
}

static json_t *issue(struct aws *aws, const json_t *input)
{
    struct credential c;
    credential_store_issue(aws->credentials, value_string(input, "RoleArn"),
                           value_string(input, "RoleSessionName"),
                           number(input, "DurationSeconds", 3600), &c);
    return json_pack("{s:o, s:{s:s, s:s}, s:i}", "Credentials", credential_json(&c),
                     "AssumedRoleUser", "AssumedRoleId", c.user_id, "Arn", c.arn,
                     "PackedPolicySize", 6);
}

static void assume_role(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    if (check(call->input, reply))
        aws_reply_json(reply, issue(aws, call->input));
}

static void assume_role_web(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    const char *token = value_string(call->input, "WebIdentityToken");
    if (!check(call->input, reply))
        return;
    if (strlen(token) < 4) {
        aws_reply_error(reply, 400, "InvalidIdentityToken",
                        "The web identity token that was passed could not be validated.");
        return;
    }
    json_t *out = issue(aws, call->input);
    value_set_text(out, "SubjectFromWebIdentityToken", "system:serviceaccount:default:sockerless");
    value_set_text(out, "Audience", "sts.amazonaws.com");
    value_set_text(out, "Provider", "arn:aws:iam::oidc-provider/sim");
    aws_reply_json(reply, out);
}

static void get_caller_identity(struct aws *aws, const struct aws_call *call,
                                struct aws_reply *reply)
{
    struct credential c;
    if (!credential_store_find(aws->credentials, call->access_key, &c)) {
        aws_reply_error(reply, 403, "InvalidClientTokenId", "The security token is invalid.");
        return;
    }
    aws_reply_json(reply, json_pack("{s:s, s:s, s:s}", "UserId", c.user_id, "Account", aws->account,
                                    "Arn", c.arn));
}

const struct aws_operation sts_operations[] = {
    {"sts", "AssumeRole", assume_role, false},
    {"sts", "AssumeRoleWithWebIdentity", assume_role_web, true},
    {"sts", "GetCallerIdentity", get_caller_identity, false},
    {0}};
