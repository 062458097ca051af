/* SPDX-License-Identifier: Apache-2.0
 *
 * STS: temporary credentials of a role. Used by the credential sources, so it takes the credentials
 * to sign with as a parameter.
 */
#ifndef SOCKERLESS_AWS_STS_H
#define SOCKERLESS_AWS_STS_H

#include "aws_credentials.h"

struct aws_sts_role {
    const char *arn;
    const char *session_name; /* NULL: "sockerless"; characters STS refuses become '-' */
    const char *external_id;  /* NULL: none */
    int64_t duration_s;       /* 0: STS's default */
};

int co_aws_sts_assume_role(const struct aws_credentials_context *context,
                           const struct aws_credentials *base, const struct aws_sts_role *role,
                           struct aws_credentials *out, struct error *err) MUST_CHECK;
/* AssumeRoleWithWebIdentity: unsigned, the token is the proof. */
int co_aws_sts_assume_role_with_token(const struct aws_credentials_context *context,
                                      const struct aws_sts_role *role, const char *token,
                                      struct aws_credentials *out, struct error *err) MUST_CHECK;

/* The Credentials element of an answer. */
int aws_sts_parse(const char *xml, size_t len, struct aws_credentials *out,
                  struct error *err) MUST_CHECK;

#endif
