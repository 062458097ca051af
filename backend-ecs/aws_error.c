/* SPDX-License-Identifier: Apache-2.0
 * What an AWS service says when it refuses; see aws_error.h. */
#include "aws_error.h"

#include "aws_xml.h"
#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Codes that mean more than their HTTP status. Throttling arrives as 400, 429 or 503. */
static const struct {
    const char *code;
    enum aws_retry retry;
    enum error_code error;
    const char *hint;
} known[] = {
    {"ThrottlingException", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"Throttling", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"ThrottledException", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"RequestThrottledException", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"RequestThrottled", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"RequestLimitExceeded", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"TooManyRequestsException", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"EC2ThrottledException", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"BandwidthLimitExceeded", AWS_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"LimitExceededException", AWS_RETRY_NO, ERROR_UNAVAILABLE,
     "a service quota of the account is reached"},
    {"ServerException", AWS_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {"ServiceUnavailableException", AWS_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {"InternalFailure", AWS_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {"OperationAbortedException", AWS_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {"ExpiredTokenException", AWS_RETRY_CREDENTIALS, ERROR_FORBIDDEN,
     "renew the AWS credentials of the backend"},
    {"ExpiredToken", AWS_RETRY_CREDENTIALS, ERROR_FORBIDDEN,
     "renew the AWS credentials of the backend"},
    {"UnrecognizedClientException", AWS_RETRY_CREDENTIALS, ERROR_FORBIDDEN,
     "check the AWS credentials of the backend"},
    {"InvalidClientTokenId", AWS_RETRY_CREDENTIALS, ERROR_FORBIDDEN,
     "check the AWS credentials of the backend"},
    {"InvalidSignatureException", AWS_RETRY_NO, ERROR_FORBIDDEN,
     "check the secret key and this machine's clock"},
    {"SignatureDoesNotMatch", AWS_RETRY_NO, ERROR_FORBIDDEN,
     "check the secret key and this machine's clock"},
    {"RequestExpired", AWS_RETRY_NO, ERROR_FORBIDDEN, "check this machine's clock"},
    {"IncompleteSignature", AWS_RETRY_NO, ERROR_FORBIDDEN, NULL},
    {"MissingAuthenticationTokenException", AWS_RETRY_NO, ERROR_FORBIDDEN, NULL},
    {"AccessDeniedException", AWS_RETRY_NO, ERROR_FORBIDDEN,
     "the permissions that are needed are listed in backend-ecs/README.md"},
    {"AccessDenied", AWS_RETRY_NO, ERROR_FORBIDDEN,
     "the permissions that are needed are listed in backend-ecs/README.md"},
    {"UnauthorizedOperation", AWS_RETRY_NO, ERROR_FORBIDDEN, NULL},
    {"BlockedException", AWS_RETRY_NO, ERROR_FORBIDDEN, "the AWS account is blocked"},
    {"ClusterNotFoundException", AWS_RETRY_NO, ERROR_SYSTEM,
     "create the cluster or set SOCKERLESS_ECS_CLUSTER"},
    {"ResourceNotFoundException", AWS_RETRY_NO, ERROR_NOT_FOUND, NULL},
    {"InvalidParameterException", AWS_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {"ClientException", AWS_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {"ValidationException", AWS_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {"SerializationException", AWS_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {"UnsupportedFeatureException", AWS_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {"PlatformUnknownException", AWS_RETRY_NO, ERROR_INVALID_PARAMETER,
     "check SOCKERLESS_ECS_PLATFORM_VERSION"},
};

static int find(const struct aws_error *e)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].code, e->code) == 0)
            return (int)i;
    return -1;
}

static void copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

/* "com.amazonaws…#ClientException:http://…" → "ClientException". */
static void set_code(struct aws_error *out, const char *type)
{
    const char *hash = strrchr(type, '#');
    if (hash)
        type = hash + 1;
    snprintf(out->code, sizeof out->code, "%.*s", (int)strcspn(type, ":"), type);
}

static const char *json_text(const json_t *object, const char *a, const char *b)
{
    const char *text = json_string_value(json_object_get(object, a));
    return text ? text : json_string_value(json_object_get(object, b));
}

static bool parse_json(const char *body, size_t len, struct aws_error *out)
{
    struct error ignored;
    json_t *root = json_doc_load(body, len, &ignored);
    if (!root)
        return false;
    const char *type = json_text(root, "__type", "code");
    if (type && !*out->code)
        set_code(out, type);
    copy(out->message, sizeof out->message, json_text(root, "message", "Message"));
    json_decref(root);
    return true;
}

static bool parse_xml(const char *body, size_t len, struct aws_error *out)
{
    AUTO_FREE char *code = aws_xml_text(body, len, "Code");
    AUTO_FREE char *message = aws_xml_text(body, len, "Message");
    AUTO_FREE char *id = aws_xml_text(body, len, "RequestId");
    if (!code)
        return false;
    set_code(out, code);
    copy(out->message, sizeof out->message, message);
    if (id)
        copy(out->request_id, sizeof out->request_id, id);
    return true;
}

void aws_error_parse_body(const char *type_header, const char *body, size_t len,
                          struct aws_error *out)
{
    if (type_header)
        set_code(out, type_header);
    if (!len || parse_json(body, len, out) || parse_xml(body, len, out))
        return;
    copy(out->message, sizeof out->message, "the answer is neither JSON nor XML");
}

void aws_error_parse(const struct http_response *res, struct aws_error *out)
{
    *out = (struct aws_error){.status = res->status};
    copy(out->request_id, sizeof out->request_id, http_response_header(res, "x-amzn-RequestId"));
    aws_error_parse_body(http_response_header(res, "x-amzn-ErrorType"), res->body.data,
                         res->body.len, out);
    out->ambiguous = aws_error_retry(out) == AWS_RETRY_SERVER;
}

enum aws_retry aws_error_retry(const struct aws_error *e)
{
    /* RegisterTaskDefinition's way of saying "not all at once". */
    if (strstr(e->message, "Too many concurrent attempts"))
        return AWS_RETRY_THROTTLED;
    int i = find(e);
    if (i >= 0)
        return known[i].retry;
    if (e->status == 429)
        return AWS_RETRY_THROTTLED;
    return e->status >= 500 ? AWS_RETRY_SERVER : AWS_RETRY_NO;
}

bool aws_error_is(const struct aws_error *e, const char *code)
{
    return strcmp(e->code, code) == 0;
}

static enum error_code error_code_of(const struct aws_error *e, int i)
{
    if (i >= 0)
        return known[i].error;
    if (e->status == 429 || e->status >= 500)
        return ERROR_UNAVAILABLE;
    return e->status == 401 || e->status == 403 ? ERROR_FORBIDDEN : ERROR_SYSTEM;
}

int aws_error_fill(const struct aws_error *e, const char *service, const char *operation,
                   struct error *err)
{
    int i = find(e);
    const char *hint = i >= 0 ? known[i].hint : NULL;
    char http[32];
    snprintf(http, sizeof http, "HTTP %ld", e->status);
    return error_set(err, error_code_of(e, i), "%s: %s: %s%s%s%s%s%s%s%s", service, operation,
                     *e->code ? e->code : http, *e->message ? ": " : "", e->message,
                     hint ? "; " : "", hint ? hint : "", *e->request_id ? " (request id " : "",
                     e->request_id, *e->request_id ? ")" : "");
}
