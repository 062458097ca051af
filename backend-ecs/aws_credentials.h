/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS credentials and the chain that finds them: environment, web identity, profile, container
 * endpoint, instance metadata (one file each, credentials_*.c). The chain keeps what it found,
 * renews it before it expires, and does so once for however many callers wait.
 */
#ifndef SOCKERLESS_AWS_CREDENTIALS_H
#define SOCKERLESS_AWS_CREDENTIALS_H

#include "base/error.h"
#include "loop/http_client.h"

#include <stdbool.h>
#include <stdint.h>

struct aws_credentials {
    char *access_key, *secret_key;
    char *session_token; /* NULL: long-lived keys */
    int64_t expires_ns;  /* wall clock; 0: never */
    const char *source;  /* static text, for logs */
};
void aws_credentials_free(struct aws_credentials *c); /* overwrites the secrets first */
void aws_credentials_copy(const struct aws_credentials *from, struct aws_credentials *to);
static inline void auto_release_aws_credentials(struct aws_credentials *c)
{
    aws_credentials_free(c);
}

/* What the sources need to know. Strings are borrowed for the life of the chain. */
struct aws_credentials_context {
    struct http_client *http;
    const char *region;
    const char *endpoint_url; /* NULL: the real STS */
};

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
