/* SPDX-License-Identifier: Apache-2.0
 *
 * Elastic Container Registry: login for `ACCOUNT.dkr.ecr.REGION.amazonaws.com` hosts (and those of
 * AWS's other partitions, FIPS and dual-stack names) with the backend's own AWS credentials. Tokens
 * live for twelve hours and are kept until shortly before; what they are is a user and a password
 * for Basic.
 */
#ifndef SOCKERLESS_ECR_H
#define SOCKERLESS_ECR_H

#include "aws_client.h"
#include "cloud/driver.h"

#include <stdbool.h>
#include <stddef.h>

struct ecr;
struct ecr *ecr_new(struct aws_client *client);
void ecr_free(struct ecr *e);

/* See driver.h: registry_ops. */
int co_ecr_credentials(struct ecr *e, const char *registry_host, struct registry_credentials *out,
                       struct error *err) MUST_CHECK;

/* The region of an ECR host name into out; false when it is no such name. */
bool ecr_host_region(const char *host, char *out, size_t size);
/* "base64(USER:PASSWORD)" → two heap strings. */
bool ecr_decode_token(const char *token, char **username, char **password);

#endif
