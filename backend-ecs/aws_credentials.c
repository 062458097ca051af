/* SPDX-License-Identifier: Apache-2.0
 * AWS credentials; see aws_credentials.h. */
#include "aws_credentials.h"

#include "base/alloc.h"
#include "base/secret.h"

void aws_credentials_free(struct aws_credentials *c)
{
    secret_free(c->access_key);
    secret_free(c->secret_key);
    secret_free(c->session_token);
    *c = (struct aws_credentials){0};
}

void aws_credentials_copy(const struct aws_credentials *from, struct aws_credentials *to)
{
    *to = *from;
    to->access_key = xstrdup(from->access_key);
    to->secret_key = xstrdup(from->secret_key);
    to->session_token = from->session_token ? xstrdup(from->session_token) : NULL;
}
