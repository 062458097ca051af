/* SPDX-License-Identifier: Apache-2.0
 *
 * The request of an HTTP exchange with an AWS service: host, headers, signature. Below aws_client.c
 * (which has the credential chain) and aws_sts.c (which the chain itself uses).
 */
#ifndef SOCKERLESS_AWS_EXCHANGE_H
#define SOCKERLESS_AWS_EXCHANGE_H

#include "aws_credentials.h"
#include "cloud/cloud_call.h"

#include <stddef.h>

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
};

/* The attempt's request; what x refers to is borrowed until the attempt is over. */
void aws_exchange_build(const struct aws_exchange *x, struct cloud_attempt *attempt);

/* "https://ecs.eu-west-1.amazonaws.com/", in the partition of the region. */
void aws_service_url(const char *endpoint_url, const char *host_prefix, const char *region,
                     char *out, size_t size);
/* "amazonaws.com", "amazonaws.com.cn" …: what the host names of the region's partition end with. */
const char *aws_region_domain(const char *region);

#endif
