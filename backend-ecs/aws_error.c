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
    enum cloud_verdict verdict;
    enum error_code error;
    const char *hint;
} known[] = {
    {"ThrottlingException", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"Throttling", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"ThrottledException", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"RequestThrottledException", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"RequestThrottled", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"RequestLimitExceeded", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"TooManyRequestsException", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"EC2ThrottledException", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"BandwidthLimitExceeded", CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {"LimitExceededException", CLOUD_REFUSED, ERROR_UNAVAILABLE,
     "a service quota of the account is reached"},
    {"ServerException", CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {"ServiceUnavailableException", CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {"InternalFailure", CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {"OperationAbortedException", CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {"ExpiredTokenException", CLOUD_EXPIRED, ERROR_FORBIDDEN,
     "renew the AWS credentials of the backend"},
    {"ExpiredToken", CLOUD_EXPIRED, ERROR_FORBIDDEN, "renew the AWS credentials of the backend"},
    {"UnrecognizedClientException", CLOUD_EXPIRED, ERROR_FORBIDDEN,
     "check the AWS credentials of the backend"},
    {"InvalidClientTokenId", CLOUD_EXPIRED, ERROR_FORBIDDEN,
     "check the AWS credentials of the backend"},
    {"InvalidSignatureException", CLOUD_REFUSED, ERROR_FORBIDDEN,
     "check the secret key and this machine's clock"},
    {"SignatureDoesNotMatch", CLOUD_REFUSED, ERROR_FORBIDDEN,
     "check the secret key and this machine's clock"},
    {"RequestExpired", CLOUD_REFUSED, ERROR_FORBIDDEN, "check this machine's clock"},
    {"IncompleteSignature", CLOUD_REFUSED, ERROR_FORBIDDEN, NULL},
    {"MissingAuthenticationTokenException", CLOUD_REFUSED, ERROR_FORBIDDEN, NULL},
    {"AccessDeniedException", CLOUD_REFUSED, ERROR_FORBIDDEN,
     "the permissions that are needed are listed in backend-ecs/README.md"},
    {"AccessDenied", CLOUD_REFUSED, ERROR_FORBIDDEN,
     "the permissions that are needed are listed in backend-ecs/README.md"},
    {"UnauthorizedOperation", CLOUD_REFUSED, ERROR_FORBIDDEN, NULL},
    {"BlockedException", CLOUD_REFUSED, ERROR_FORBIDDEN, "the AWS account is blocked"},
    {"ClusterNotFoundException", CLOUD_REFUSED, ERROR_SYSTEM,
     "create the cluster or set SOCKERLESS_ECS_CLUSTER"},
    {"ResourceNotFoundException", CLOUD_REFUSED, ERROR_NOT_FOUND, NULL},
    {"InvalidParameterException", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {"ClientException", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {"ValidationException", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {"SerializationException", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {"UnsupportedFeatureException", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {"PlatformUnknownException", CLOUD_REFUSED, ERROR_INVALID_PARAMETER,
     "check SOCKERLESS_ECS_PLATFORM_VERSION"},
};

/* Throttling that comes under the code of another refusal. */
static const char *const throttling_words[] = {
    "Too many concurrent attempts", /* RegisterTaskDefinition: not all at once */
    "RequestLimitExceeded",         /* EC2's, as RunTask passes it on */
};

static int find(const struct cloud_error *e)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].code, e->code) == 0)
            return (int)i;
    return -1;
}

/* "com.amazonaws…#ClientException:http://…" → "ClientException". */
static void set_code(struct cloud_error *out, const char *type)
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

static bool parse_json(const char *body, size_t len, struct cloud_error *out)
{
    struct error ignored;
    json_t *root = json_doc_load(body, len, &ignored);
    if (!root)
        return false;
    const char *type = json_text(root, "__type", "code");
    if (type && !*out->code)
        set_code(out, type);
    cloud_error_copy(out->message, sizeof out->message, json_text(root, "message", "Message"));
    json_decref(root);
    return true;
}

static bool parse_xml(const char *body, size_t len, struct cloud_error *out)
{
    AUTO_FREE char *code = aws_xml_text(body, len, "Code");
    AUTO_FREE char *message = aws_xml_text(body, len, "Message");
    AUTO_FREE char *id = aws_xml_text(body, len, "RequestId");
    if (!code)
        return false;
    set_code(out, code);
    cloud_error_copy(out->message, sizeof out->message, message);
    if (id)
        cloud_error_copy(out->request_id, sizeof out->request_id, id);
    return true;
}

void aws_error_parse_body(const char *type_header, const char *body, size_t len,
                          struct cloud_error *out)
{
    if (type_header)
        set_code(out, type_header);
    if (!len || parse_json(body, len, out) || parse_xml(body, len, out))
        return;
    cloud_error_copy(out->message, sizeof out->message, "the answer is neither JSON nor XML");
}

void aws_error_parse(const struct http_response *res, struct cloud_error *out)
{
    *out = (struct cloud_error){.http = res->status};
    cloud_error_copy(out->request_id, sizeof out->request_id,
                     http_response_header(res, "x-amzn-RequestId"));
    aws_error_parse_body(http_response_header(res, "x-amzn-ErrorType"), res->body.data,
                         res->body.len, out);
    aws_error_judge(out);
}

static enum error_code unknown_code(long http)
{
    if (http == 429 || http >= 500)
        return ERROR_UNAVAILABLE;
    return http == 401 || http == 403 ? ERROR_FORBIDDEN : ERROR_SYSTEM;
}

void aws_error_judge(struct cloud_error *e)
{
    int i = find(e);
    e->error = i >= 0 ? known[i].error : unknown_code(e->http);
    e->hint = i >= 0 ? known[i].hint : NULL;
    e->verdict = i >= 0           ? known[i].verdict
                 : e->http == 429 ? CLOUD_THROTTLED
                 : e->http >= 500 ? CLOUD_FAILED
                                  : CLOUD_REFUSED;
    for (size_t k = 0; k < ARRAY_LEN(throttling_words); k++)
        if (strstr(e->message, throttling_words[k])) {
            e->verdict = CLOUD_THROTTLED;
            e->error = ERROR_UNAVAILABLE;
            e->hint = NULL;
        }
}
