/* SPDX-License-Identifier: Apache-2.0
 * ECR's API: authorization tokens and repositories. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/aws.h"
#include "test/sim/aws/ecr_registry.h"

#include <ctype.h>
#include <string.h>

static void get_authorization_token(struct aws *aws, const struct aws_call *call,
                                    struct aws_reply *reply)
{
    int64_t expires_ms = value_now_ms() + aws->tuning.ecr_token_ttl_s * 1000LL;
    (void)call;
    AUTO_FREE char *pair = ecr_registry_issue(aws->ecr, expires_ms);
    AUTO_FREE char *token = base64_encode(pair, strlen(pair));
    AUTO_FREE char *endpoint =
        xasprintf("https://%s.dkr.ecr.%s.amazonaws.com", aws->account, aws->region);
    json_t *data = json_pack("{s:s, s:s}", "authorizationToken", token, "proxyEndpoint", endpoint);
    aws_set_time(data, "expiresAt", expires_ms);
    aws_reply_json(reply, json_pack("{s:[o]}", "authorizationData", data));
}

/* repositoryName's pattern in the API reference: 2 to 256 small letters and digits with single
 * separators between them. */
static bool name_ok(const char *name)
{
    bool separated = true;
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        bool separator = strchr("._/-", name[i]) != NULL;
        if (separator ? separated
                      : !islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]))
            return false;
        separated = separator;
    }
    return len >= 2 && len <= 256 && !separated;
}

static void create_repository(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    const char *name = value_string(call->input, "repositoryName");
    if (!name_ok(name)) {
        aws_reply_error(reply, 400, "InvalidParameterException",
                        "Invalid parameter at 'repositoryName' failed to satisfy constraint");
        return;
    }
    if (!ecr_registry_create(aws->ecr, name)) {
        aws_reply_error(reply, 400, "RepositoryAlreadyExistsException",
                        "The repository with name '%s' already exists in the registry with id '%s'",
                        name, aws->account);
        return;
    }
    AUTO_FREE char *arn =
        xasprintf("arn:aws:ecr:%s:%s:repository/%s", aws->region, aws->account, name);
    AUTO_FREE char *uri =
        xasprintf("%s.dkr.ecr.%s.amazonaws.com/%s", aws->account, aws->region, name);
    json_t *repository = json_pack("{s:s, s:s, s:s, s:s}", "repositoryArn", arn, "registryId",
                                   aws->account, "repositoryName", name, "repositoryUri", uri);
    aws_set_time(repository, "createdAt", value_now_ms());
    aws_reply_json(reply, json_pack("{s:o}", "repository", repository));
}

const struct aws_operation ecr_operations[] = {
    {"ecr", "GetAuthorizationToken", get_authorization_token, false},
    {"ecr", "CreateRepository", create_repository, false},
    {0}};
