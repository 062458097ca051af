/* SPDX-License-Identifier: Apache-2.0
 * STS; see aws_sts.h. Query protocol: form body, XML answer. */
#include "aws_sts.h"

#include "aws_error.h"
#include "aws_exchange.h"
#include "aws_xml.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "loop/http_url.h"
#include "base/timefmt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

int aws_sts_parse(const char *xml, size_t len, struct aws_credentials *out, struct error *err)
{
    AUTO_FREE char *access = aws_xml_text(xml, len, "AccessKeyId");
    AUTO_FREE char *secret = aws_xml_text(xml, len, "SecretAccessKey");
    AUTO_FREE char *token = aws_xml_text(xml, len, "SessionToken");
    AUTO_FREE char *end = aws_xml_text(xml, len, "Expiration");
    int64_t expires_ns = 0;
    if (!access || !secret || !token || !end || !timefmt_parse_rfc3339(end, &expires_ns))
        return error_set(err, ERROR_FORBIDDEN, "the answer holds no credentials");
    *out = (struct aws_credentials){
        .access_key = STEAL(access),
        .secret_key = STEAL(secret),
        .session_token = STEAL(token),
        .expires_ns = expires_ns,
    };
    return 0;
}

/* RoleSessionName: 2 to 64 of [\w+=,.@-]. */
static void session_name(const char *text, char out[65])
{
    size_t n = 0;
    for (; text && *text && n < 64; text++)
        out[n++] = isalnum((unsigned char)*text) || strchr("_+=,.@-", *text) ? *text : '-';
    out[n] = '\0';
    if (n < 2)
        strcpy(out, "sockerless");
}

static void form_begin(struct buf *form, const char *action, const struct aws_sts_role *role)
{
    char name[65];
    session_name(role->session_name, name);
    http_form_put(form, "Action", action);
    http_form_put(form, "Version", "2011-06-15");
    http_form_put(form, "RoleArn", role->arn);
    http_form_put(form, "RoleSessionName", name);
    if (role->duration_s) {
        char digits[24];
        snprintf(digits, sizeof digits, "%lld", (long long)role->duration_s);
        http_form_put(form, "DurationSeconds", digits);
    }
}

/* A call under way. */
struct job {
    struct aws_exchange exchange;
    struct aws_credentials *out;
};

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    const struct job *job = arg;
    (void)err;
    aws_exchange_build(&job->exchange, attempt);
    return 0;
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    (void)arg;
    aws_error_parse(res, why);
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    const struct job *job = arg;
    int rc = aws_sts_parse(str_or_empty(res->body.data), res->body.len, job->out, err);
    if (res->body.data)
        explicit_bzero(res->body.data, res->body.len);
    return rc;
}

static const struct cloud_vendor vendor = {
    .name = "AWS",
    .policy = CLOUD_POLICY_LOGIN,
    .co_authorise = co_authorise,
    .refusal = refusal,
    .co_take = co_take,
};

static int co_call(const struct aws_credentials_context *context,
                   const struct aws_credentials *base, const char *action, const struct buf *form,
                   struct aws_credentials *out, struct error *err)
{
    struct job job = {
        .exchange = {.endpoint_url = context->endpoint_url,
                     .host_prefix = "sts",
                     .signing_name = "sts",
                     .region = context->region,
                     .credentials = base,
                     .content_type = "application/x-www-form-urlencoded; charset=utf-8",
                     .body = form->data,
                     .body_len = form->len},
        .out = out,
    };
    const struct cloud_call call = {
        .vendor = &vendor,
        .arg = &job,
        .http = context->http,
        .service = "sts",
        .what = action,
        .repeatable = true,
    };
    struct cloud_error why;
    return co_cloud_call(&call, &why, err);
}

int co_aws_sts_assume_role(const struct aws_credentials_context *context,
                           const struct aws_credentials *base, const struct aws_sts_role *role,
                           struct aws_credentials *out, struct error *err)
{
    AUTO(buf) struct buf form = BUF_INIT;
    form_begin(&form, "AssumeRole", role);
    if (role->external_id)
        http_form_put(&form, "ExternalId", role->external_id);
    return co_call(context, base, "AssumeRole", &form, out, err);
}

int co_aws_sts_assume_role_with_token(const struct aws_credentials_context *context,
                                      const struct aws_sts_role *role, const char *token,
                                      struct aws_credentials *out, struct error *err)
{
    AUTO(buf) struct buf form = BUF_INIT;
    form_begin(&form, "AssumeRoleWithWebIdentity", role);
    http_form_put(&form, "WebIdentityToken", token);
    return co_call(context, NULL, "AssumeRoleWithWebIdentity", &form, out, err);
}
