/* SPDX-License-Identifier: Apache-2.0
 * ECR: the authorization token. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"

#include <string.h>

static const int64_t TOKEN_LIFE_MS = 12 * 3600 * 1000LL;

static void get_authorization_token(struct aws *aws, const struct aws_call *call,
                                    struct aws_reply *reply)
{
    char password[65];
    (void)call;
    aws_random_hex(password, 64);
    AUTO_FREE char *pair = xasprintf("AWS:%s", password);
    AUTO_FREE char *token = base64_encode(pair, strlen(pair));
    AUTO_FREE char *endpoint =
        xasprintf("https://%s.dkr.ecr.%s.amazonaws.com", aws->account, aws->region);
    json_t *data = json_pack("{s:s, s:s}", "authorizationToken", token, "proxyEndpoint", endpoint);
    aws_set_time(data, "expiresAt", aws_now_ms() + TOKEN_LIFE_MS);
    aws_reply_json(reply, json_pack("{s:[o]}", "authorizationData", data));
}

const struct aws_operation ecr_operations[] = {
    {"ecr", "GetAuthorizationToken", get_authorization_token, false}, {0}};
