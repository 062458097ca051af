/* SPDX-License-Identifier: Apache-2.0
 * Credential source: the endpoint that ECS, EKS pod identity and others give to a container. */
#include "base/alloc.h"
#include "base/str.h"
#include "credentials_source.h"

#include <stdio.h>
#include <string.h>

static const char ecs_host[] = "http://169.254.170.2";

/* Plain http only to this machine and to the link-local addresses of ECS and EKS: the answer holds
 * secrets. (SDK reference guide, "Container credential provider".) */
static bool is_allowed(const char *url)
{
    static const char *const plain[] = {
        "http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]",
        "http://localhost",     "http://127.0.0.1",      "http://[::1]",
    };
    if (str_starts(url, "https://"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        size_t n = strlen(plain[i]);
        if (strncmp(url, plain[i], n) == 0 && (url[n] == '/' || url[n] == ':' || !url[n]))
            return !strchr(url, '@');
    }
    return false;
}

/* "Authorization: …", or NULL with err->code ERROR_NONE when no token is set. */
static char *authorization_header(struct error *err)
{
    const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    AUTO_FREE char *from_file = NULL;
    if (!str_empty(file)) {
        from_file = credentials_read_file(file, err);
        if (!from_file)
            return NULL;
        token = from_file;
    }
    if (str_empty(token))
        return NULL;
    if (strpbrk(token, "\r\n")) {
        error_set(err, ERROR_FORBIDDEN, "the container authorization token contains a line break");
        return NULL;
    }
    return xasprintf("Authorization: %s", token);
}

static int co_fetch(const struct aws_credentials_context *context, const char *url,
                    const char *authorization, struct aws_credentials *out, struct error *err)
{
    const char *const headers[] = {"Accept: application/json", authorization, NULL};
    const struct http_request req = {
        .url = url, .headers = headers, .connect_timeout_ms = 2000, .timeout_ms = 5000};
    AUTO(http_response) struct http_response res = {0};
    if (co_http_do(context->http, &req, &res, err))
        return -1;
    if (res.status != 200)
        return error_set(err, ERROR_FORBIDDEN, "%s answers HTTP %ld", url, res.status);
    return credentials_parse_json(res.body.data, res.body.len, url, out, err);
}

int co_credentials_container(const struct aws_credentials_context *context,
                             struct aws_credentials *out, bool *found, struct error *err)
{
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char url[2048];
    *found = false;
    if (!str_empty(relative))
        snprintf(url, sizeof url, "%s%s", ecs_host, relative);
    else if (!str_empty(full))
        snprintf(url, sizeof url, "%s", full);
    else
        return 0;
    *found = true;
    if (!is_allowed(url))
        return error_set(err, ERROR_FORBIDDEN,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to loopback or "
                         "a link-local credential address");
    err->code = ERROR_NONE;
    AUTO_FREE char *authorization = authorization_header(err);
    if (!authorization && err->code != ERROR_NONE)
        return -1;
    return co_fetch(context, url, authorization, out, err);
}
