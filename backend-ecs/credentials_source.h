/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of the credential chain, one file each. A source that is not set up leaves *found
 * false and returns 0; one that is set up and fails returns -1, which ends the search: falling
 * through to another identity would be a surprise.
 */
#ifndef SOCKERLESS_CREDENTIALS_SOURCE_H
#define SOCKERLESS_CREDENTIALS_SOURCE_H

#include "aws_credentials.h"

#include <stdbool.h>

typedef int (*co_credentials_source)(const struct aws_credentials_context *context,
                                     struct aws_credentials *out, bool *found, struct error *err);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Does not suspend. */
int co_credentials_environment(const struct aws_credentials_context *context,
                               struct aws_credentials *out, bool *found, struct error *err);
/* AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME. */
int co_credentials_web_identity(const struct aws_credentials_context *context,
                                struct aws_credentials *out, bool *found, struct error *err);
/* The shared config and credentials files: AWS_PROFILE, AWS_CONFIG_FILE,
 * AWS_SHARED_CREDENTIALS_FILE; assumes roles. */
int co_credentials_profile(const struct aws_credentials_context *context,
                           struct aws_credentials *out, bool *found, struct error *err);
/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI. */
int co_credentials_container(const struct aws_credentials_context *context,
                             struct aws_credentials *out, bool *found, struct error *err);
/* IMDSv2, unless AWS_EC2_METADATA_DISABLED. */
int co_credentials_instance(const struct aws_credentials_context *context,
                            struct aws_credentials *out, bool *found, struct error *err);

/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}: what the container endpoint and the
 * instance metadata answer. */
int credentials_parse_json(const char *body, size_t len, const char *source,
                           struct aws_credentials *out, struct error *err) MUST_CHECK;
/* AssumeRoleWithWebIdentity with the token in a file. */
int co_credentials_from_token_file(const struct aws_credentials_context *context,
                                   const char *token_file, const char *role_arn,
                                   const char *session_name, struct aws_credentials *out,
                                   struct error *err) MUST_CHECK;
/* A small file's text without trailing white space; NULL and *err when it cannot be read. */
char *credentials_read_file(const char *path, struct error *err);

#endif
