/* SPDX-License-Identifier: Apache-2.0
 * Credential source: a role assumed with an OIDC token that is renewed in a file (EKS
 * service accounts, CI systems). The file is read again for every renewal. */
#include "aws_sts.h"
#include "base/alloc.h"
#include "base/str.h"
#include "credentials_source.h"

int co_credentials_from_token_file(const struct aws_credentials_context *context,
                                   const char *token_file, const char *role_arn,
                                   const char *session_name, struct aws_credentials *out,
                                   struct error *err)
{
    AUTO_FREE char *token = credentials_read_file(token_file, err);
    if (!token)
        return -1;
    const struct aws_sts_role role = {.arn = role_arn, .session_name = session_name};
    return co_aws_sts_assume_role_with_token(context, &role, token, out, err);
}

int co_credentials_web_identity(const struct aws_credentials_context *context,
                                struct aws_credentials *out, bool *found, struct error *err)
{
    const char *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = getenv("AWS_ROLE_ARN");
    *found = false;
    if (str_empty(file))
        return 0;
    if (str_empty(role))
        return error_set(err, ERROR_FORBIDDEN,
                         "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not");
    *found = true;
    return co_credentials_from_token_file(context, file, role, getenv("AWS_ROLE_SESSION_NAME"), out,
                                          err);
}
