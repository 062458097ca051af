/* SPDX-License-Identifier: Apache-2.0
 * One signed HTTP exchange with an AWS service; see aws_exchange.h. */
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

int co_aws_exchange(struct http_client *http, const struct aws_exchange *x,
                    struct http_response *res, struct error *err)
{
    char url[2048], sigv4[256];
    aws_service_url(x->endpoint_url, x->host_prefix, x->region, url, sizeof url);
    snprintf(sigv4, sizeof sigv4, "aws:amz:%s:%s", x->region, x->signing_name);
    const struct aws_credentials *c = x->credentials;
    AUTO_FREE char *type = xasprintf("Content-Type: %s", x->content_type);
    AUTO_FREE char *target = x->target ? xasprintf("X-Amz-Target: %s", x->target) : NULL;
    AUTO_FREE char *token =
        c && c->session_token ? xasprintf("X-Amz-Security-Token: %s", c->session_token) : NULL;
    const char *headers[4] = {type};
    size_t n = 1;
    if (target)
        headers[n++] = target;
    if (token)
        headers[n++] = token;
    const struct http_request req = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = x->body,
        .body_len = x->body_len,
        .aws_sigv4 = c ? sigv4 : NULL,
        .aws_access_key = c ? c->access_key : NULL,
        .aws_secret_key = c ? c->secret_key : NULL,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = x->timeout_ms,
        .never_twice = x->never_twice,
    };
    return co_http_do(http, &req, res, err);
}
