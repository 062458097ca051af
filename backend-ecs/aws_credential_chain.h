/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain that finds AWS credentials: environment, web identity, profile, container endpoint,
 * instance metadata (one file each, credentials_*.c). The chain keeps what it found, renews it
 * before it expires, and does so once for however many callers wait.
 */
#ifndef SOCKERLESS_AWS_CREDENTIAL_CHAIN_H
#define SOCKERLESS_AWS_CREDENTIAL_CHAIN_H

#include "aws_credentials.h"

struct aws_credential_chain;
struct aws_credential_chain *aws_credential_chain_new(
    const struct aws_credentials_context *context);
void aws_credential_chain_free(struct aws_credential_chain *chain);

/* A copy of valid credentials; the receiver frees it. *generation names them for
 * aws_credential_chain_reject. ERROR_FORBIDDEN, naming what was tried, when there are none. */
int co_aws_credentials_get(struct aws_credential_chain *chain, struct aws_credentials *out,
                           unsigned *generation, struct error *err) MUST_CHECK;
/* The service refused these: the next get looks for new ones. Of many callers with the same
 * generation only the first has an effect. */
void aws_credential_chain_reject(struct aws_credential_chain *chain, unsigned generation);

#endif
