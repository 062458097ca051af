/* SPDX-License-Identifier: Apache-2.0
 * Credential source: the role of the EC2 instance, from its metadata service, version 2 only
 * (session token first). Last in the chain, so it also finds out that this is no instance. */
#include "base/alloc.h"
#include "base/str.h"
#include "credentials_source.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";
enum { IMDS_TIMEOUT_MS = 2000, IMDS_CONNECT_MS = 1000, IMDS_ATTEMPTS = 3 };

static void choose_endpoint(char out[512])
{
    const char *endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (str_empty(endpoint))
        endpoint = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                         : "http://169.254.169.254";
    size_t len = strlen(endpoint);
    while (len && endpoint[len - 1] == '/')
        len--;
    snprintf(out, 512, "%.*s", (int)len, endpoint);
}

static int co_imds(const struct aws_credentials_context *context, const char *method,
                   const char *url, const char *header, struct http_response *res,
                   struct error *err)
{
    const char *const headers[] = {header, NULL};
    const struct http_request req = {
        .method = method,
        .url = url,
        .headers = headers,
        .connect_timeout_ms = IMDS_CONNECT_MS,
        .timeout_ms = IMDS_TIMEOUT_MS,
        .max_body = 64 * 1024,
    };
    return co_http_do(context->http, &req, res, err);
}

/* The session token as a header line; *found stays false where no metadata service answers. */
static int co_session(const struct aws_credentials_context *context, const char *endpoint,
                      char **header, bool *found, struct error *err)
{
    AUTO_FREE char *url = xasprintf("%s/latest/api/token", endpoint);
    AUTO(http_response) struct http_response res = {0};
    struct error unreachable = {0};
    if (co_imds(context, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", &res,
                &unreachable)) {
        if (unreachable.code != ERROR_CANCELLED)
            return 0;
        *err = unreachable;
        return -1;
    }
    if (res.status != 200 || !res.body.len || strpbrk(res.body.data, "\r\n"))
        return 0; /* another service is at that address, or IMDS is switched off */
    *header = xasprintf("X-aws-ec2-metadata-token: %s", res.body.data);
    *found = true;
    return 0;
}

/* GET with a few tries: right after boot the service answers 5xx or 404 for a moment. */
static int co_get(const struct aws_credentials_context *context, const char *url,
                  const char *header, struct http_response *res, struct error *err)
{
    for (int attempt = 1;; attempt++) {
        int rc = co_imds(context, "GET", url, header, res, err);
        if (rc == 0 && res->status == 200)
            return 0;
        bool again = rc ? err->code != ERROR_CANCELLED : res->status >= 500;
        if (!again || attempt == IMDS_ATTEMPTS)
            return rc ? -1
                      : error_set(err, ERROR_FORBIDDEN, "%s answers HTTP %ld%s", url, res->status,
                                  res->status == 404 ? ": the instance has no role" : "");
        http_response_free(res);
        *res = (struct http_response){0};
    }
}

int co_credentials_instance(const struct aws_credentials_context *context,
                            struct aws_credentials *out, bool *found, struct error *err)
{
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    char endpoint[512];
    *found = false;
    if (disabled && strcasecmp(disabled, "true") == 0)
        return 0;
    choose_endpoint(endpoint);
    AUTO_FREE char *header = NULL;
    if (co_session(context, endpoint, &header, found, err))
        return -1;
    if (!*found)
        return 0;
    AUTO_FREE char *list_url = xasprintf("%s%s", endpoint, role_path);
    AUTO(http_response) struct http_response list = {0};
    if (co_get(context, list_url, header, &list, err))
        return -1;
    size_t name_len = list.body.len ? strcspn(list.body.data, "\r\n") : 0;
    if (!name_len)
        return error_set(err, ERROR_FORBIDDEN, "the instance has no role");
    AUTO_FREE char *url = xasprintf("%s%.*s", list_url, (int)name_len, list.body.data);
    AUTO(http_response) struct http_response res = {0};
    if (co_get(context, url, header, &res, err))
        return -1;
    return credentials_parse_json(res.body.data, res.body.len, url, out, err);
}
