/* SPDX-License-Identifier: Apache-2.0
 * The request of an exchange with an AWS service; see aws_exchange.h. */
#include "aws_exchange.h"

#include "base/alloc.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 5000 };

const char *aws_region_domain(const char *region)
{
    static const struct {
        const char *prefix, *domain;
    } partitions[] = {
        {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
        {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
        {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"},
    };
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
        if (str_starts(region, partitions[i].prefix))
            return partitions[i].domain;
    return "amazonaws.com";
}

void aws_service_url(const char *endpoint_url, const char *host_prefix, const char *region,
                     char *out, size_t size)
{
    if (!str_empty(endpoint_url)) {
        size_t len = strlen(endpoint_url);
        bool slash = endpoint_url[len - 1] == '/';
        snprintf(out, size, "%s%s", endpoint_url, slash ? "" : "/");
        return;
    }
    snprintf(out, size, "https://%s.%s.%s/", host_prefix, region, aws_region_domain(region));
}

void aws_exchange_build(const struct aws_exchange *x, struct cloud_attempt *attempt)
{
    char url[2048];
    aws_service_url(x->endpoint_url, x->host_prefix, x->region, url, sizeof url);
    const struct aws_credentials *c = x->credentials;
    struct http_request *req = &attempt->request;
    req->method = "POST";
    req->url = cloud_attempt_keep(attempt, xstrdup(url));
    req->body = x->body;
    req->body_len = x->body_len;
    req->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    cloud_attempt_header(attempt, xasprintf("Content-Type: %s", x->content_type));
    if (x->target)
        cloud_attempt_header(attempt, xasprintf("X-Amz-Target: %s", x->target));
    if (!c)
        return;
    req->aws_sigv4 =
        cloud_attempt_keep(attempt, xasprintf("aws:amz:%s:%s", x->region, x->signing_name));
    req->aws_access_key = c->access_key;
    req->aws_secret_key = c->secret_key;
    if (c->session_token)
        cloud_attempt_header(attempt, xasprintf("X-Amz-Security-Token: %s", c->session_token));
}
