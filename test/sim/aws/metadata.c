/* SPDX-License-Identifier: Apache-2.0
 * Credential endpoints; see metadata.h. */
#include "test/sim/aws/metadata.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"
#include "test/sim/aws/credentials.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROLE "sockerless-instance"
#define CREDENTIALS "/latest/meta-data/iam/security-credentials/"
/* The session token of IMDSv2; a constant, since only its presence is of interest. */
static const char SESSION[] = "AQAEASIMULATEDIMDSTOKEN==";

static void reply_credential(struct aws *aws, struct http_reply *reply, bool instance)
{
    struct credential c;
    char when[32], now[32];
    AUTO_FREE char *role = xasprintf("arn:aws:iam::%s:role/" ROLE, aws->account);
    credential_store_issue(aws->credentials, role, "i-0sockerless000000",
                           aws->tuning.credential_ttl_s, &c);
    time_t s = (time_t)(c.expires_ms / 1000), t = (time_t)(value_now_ms() / 1000);
    struct tm tm;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&s, &tm));
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "AccessKeyId", c.access_key, "SecretAccessKey",
                          c.secret_key, "Token", c.session_token, "Expiration", when);
    if (instance) {
        value_set_text(o, "Code", "Success");
        value_set_text(o, "Type", "AWS-HMAC");
        value_set_text(o, "LastUpdated", now);
    } else {
        value_set_text(o, "RoleArn", role);
    }
    AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);
    http_reply_text(reply, 200, "application/json", text);
    json_decref(o);
}

void metadata_instance(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct aws *aws = ctx;
    if (!strcmp(request->path, "/latest/api/token")) {
        const char *ttl = http_request_header(request, "X-aws-ec2-metadata-token-ttl-seconds");
        if (strcmp(request->method, "PUT") || !ttl) {
            http_reply_text(reply, strcmp(request->method, "PUT") ? 405 : 400, "text/plain", "");
            return;
        }
        http_reply_header(reply, "X-aws-ec2-metadata-token-ttl-seconds", ttl);
        http_reply_text(reply, 200, "text/plain", SESSION);
        return;
    }
    const char *token = http_request_header(request, "X-aws-ec2-metadata-token");
    if (strcmp(str_or_empty(token), SESSION))
        http_reply_text(reply, 401, "text/plain", "Unauthorized");
    else if (!strcmp(request->path, CREDENTIALS) ||
             !strcmp(request->path, "/latest/meta-data/iam/security-credentials"))
        http_reply_text(reply, 200, "text/plain", ROLE);
    else if (!strcmp(request->path, CREDENTIALS ROLE))
        reply_credential(aws, reply, true);
    else if (!strcmp(request->path, "/latest/meta-data/placement/region"))
        http_reply_text(reply, 200, "text/plain", aws->region);
    else
        http_reply_text(reply, 404, "text/plain", "");
}

void metadata_container(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    (void)request;
    reply_credential(ctx, reply, false);
}
