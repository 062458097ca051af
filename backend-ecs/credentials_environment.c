/* SPDX-License-Identifier: Apache-2.0
 * Credential source: the standard environment variables. First in the chain. */
#include "base/alloc.h"
#include "base/str.h"
#include "credentials_source.h"

int co_credentials_environment(const struct aws_credentials_context *context,
                               struct aws_credentials *out, bool *found, struct error *err)
{
    (void)context;
    const char *access = getenv("AWS_ACCESS_KEY_ID");
    const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
    const char *token = getenv("AWS_SESSION_TOKEN");
    *found = false;
    if (str_empty(access) && str_empty(secret))
        return 0;
    if (str_empty(access) || str_empty(secret))
        return error_set(err, ERROR_FORBIDDEN, "%s is set but %s is not",
                         str_empty(access) ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                         str_empty(access) ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    *out = (struct aws_credentials){
        .access_key = xstrdup(access),
        .secret_key = xstrdup(secret),
        .session_token = str_empty(token) ? NULL : xstrdup(token),
    };
    *found = true;
    return 0;
}
