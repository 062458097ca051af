/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS credentials: an access key, its secret and, for temporary ones, a session token.
 */
#ifndef SOCKERLESS_AWS_CREDENTIALS_H
#define SOCKERLESS_AWS_CREDENTIALS_H

#include "base/error.h"
#include "loop/http_client.h"

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

/* What the sources need. Strings are borrowed for the chain's lifetime. */
struct aws_credentials_context {
    struct http_client *http;
    const char *region;
    const char *endpoint_url; /* NULL: the real STS */
};

#endif
