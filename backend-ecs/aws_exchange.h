/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP exchange with an AWS service: host, headers, signature. No retry, no interpretation of
 * the answer. Below aws_client.c (which has the credential chain) and aws_sts.c (which the chain
 * itself uses).
 */
#ifndef SOCKERLESS_AWS_EXCHANGE_H
#define SOCKERLESS_AWS_EXCHANGE_H

#include "aws_credentials.h"
#include "base/error.h"
#include "loop/http_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aws_exchange {
    const char *endpoint_url; /* NULL: the real host */
    const char *host_prefix;  /* "ecs", "api.ecr" … */
    const char *signing_name;
    const char *region;
    const struct aws_credentials *credentials; /* NULL: unsigned */
    const char *content_type;
    const char *target; /* X-Amz-Target; NULL: none */
    const void *body;
    size_t body_len;
    int64_t timeout_ms;
    bool never_twice; /* see http_client.h */
};

/* As co_http_do: 0 when a response of any status arrived; *res is freed by the caller. */
int co_aws_exchange(struct http_client *http, const struct aws_exchange *x,
                    struct http_response *res, struct error *err) MUST_CHECK;

/* "https://ecs.eu-west-1.amazonaws.com/", in the partition of the region. */
void aws_service_url(const char *endpoint_url, const char *host_prefix, const char *region,
                     char *out, size_t size);
/* "amazonaws.com", "amazonaws.com.cn" …: what the host names of the region's partition end with. */
const char *aws_region_domain(const char *region);

#endif
